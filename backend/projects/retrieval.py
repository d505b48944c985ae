"""Lets the backend read a project's pages, and fills pages from what is stored then."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from backend.errors import LabelStudioFailed, OperatorError
from backend.label_studio.client import LabelStudio
from backend.pipeline.version import REREAD, is_model_version

BATCH_SIZE = 8
"""Tasks in one request for predictions; Label Studio ends a request after 100 s."""

PATIENT_ROUNDS = 6
"""Rounds in a row that may bring nothing while the backend is at work on pages; each takes up to 80 s."""

ROUND_S = 30.0
"""The least time that such a round takes, seconds: a backend for which too much waits refuses at once."""

SHOWN_REASONS = 20
"""Reasons of refused pages that are shown, and tasks of each."""


def retrieve(
    api: LabelStudio,
    project: int,
    at_work: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[int]:
    """Let Label Studio ask the backend for every page that lacks a prediction of the current version.

    It asks in batches of tasks, and repeats the pages that got no prediction until a round brings none.

    Args:
        api: Label Studio.
        project: the id of the project.
        at_work: whether the backend is still at work on pages that a deadline cut off, so that a round
            that brings nothing is not the last one.
        sleep: waits for so many seconds.

    Yields:
        How many pages are left, before the first batch and after each.

    Raises:
        LabelStudioFailed: Label Studio cannot be reached, or refused.
    """
    version = _backend_version(api, project)
    left = tasks_without_version(api, project, version)
    yield len(left)
    fruitless = 0
    while left:
        begun, before = time.monotonic(), len(left)
        for start in range(0, before, BATCH_SIZE):
            api.retrieve_predictions(project, left[start : start + BATCH_SIZE])
            yield max(before - start - BATCH_SIZE, 0)
        left = tasks_without_version(api, project, version)
        fruitless = 0 if len(left) < before else fruitless + 1
        if fruitless > PATIENT_ROUNDS or (fruitless and not at_work()):
            return
        if fruitless:
            sleep(max(0.0, begun + ROUND_S - time.monotonic()))


def tasks_without_version(api: LabelStudio, project: int, version: str) -> list[int]:
    """The ids of a project's tasks that have no prediction with this model version, growing.

    Label Studio looks for them: no result of any prediction is sent here.
    """
    left = {int(task["id"]) for task in api.tasks(project, fields="task_only", without_version=version)}
    # Label Studio compares parts of versions, so "reread v1" passes for "v1": those tasks are looked at
    wanted = version.casefold()
    longer = [
        stored for stored in api.model_versions(project) if stored != version and wanted in stored.casefold()
    ]
    if longer and version:
        for task in api.tasks(project, fields="task_only", with_versions=longer):
            made = api.task(int(task["id"]))["predictions"]
            if version not in {prediction["model_version"] for prediction in made}:
                left.add(int(task["id"]))
    return sorted(left)


def choose_predictions(api: LabelStudio, project: int, *, replace: bool = False) -> list[str]:
    """Let Label Studio fill pages from stored predictions, so that it can when the backend is down, too.

    A project whose `model_version` names the backend asks it for each page that somebody opens, shows an
    empty page when it is down, and serves pages at random. A project whose `model_version` names stored
    predictions serves the most doubtful page first. The backend's current version is chosen as soon as it
    has as many predictions as the version that is chosen now. Predictions that are not twinread's, and that
    somebody chose, stay chosen.

    Args:
        api: Label Studio.
        project: the id of the project.
        replace: also where somebody chose predictions that are not twinread's.

    Returns:
        What was changed, as a sentence; empty where the right version is already chosen.

    Raises:
        LabelStudioFailed: Label Studio cannot be reached, or refused.
    """
    chosen, best, is_theirs = _choice(api, project)
    if best is None or best == chosen or (is_theirs and not replace):
        return []
    try:
        api.update_project(project, model_version=best)
    except LabelStudioFailed as error:
        # somebody deleted the predictions between the two requests: then there is nothing to choose
        if error.facts.get("status") == 400:
            return []
        raise
    return [
        f"Chose the stored predictions '{best}' to fill pages: filled when the backend is down, too, "
        "and the most doubtful page comes first."
    ]


def kept_predictions(api: LabelStudio, project: int) -> list[str]:
    """What is said where somebody chose predictions that are not twinread's; empty elsewhere."""
    chosen, best, is_theirs = _choice(api, project)
    if not is_theirs or best is None or best == chosen:
        return []
    return [
        f"Kept '{chosen}' to fill pages; twinread would fill them from '{best}'. To have that, run this "
        "again with --update predictions."
    ]


def _choice(api: LabelStudio, project: int) -> tuple[str, str | None, bool]:
    """What fills pages now, what twinread would take, and whether a person chose what is now."""
    stored = api.model_versions(project)
    chosen = str(api.project(project)["model_version"] or "")
    # predictions of a re-read are for people to compare with, not to start from
    usable = {version: count for version, count in stored.items() if not version.startswith(REREAD)}
    is_theirs = chosen in usable and not is_model_version(chosen)
    backend_version = _backend_version(api, project)
    reached = usable.get(backend_version, 0)
    if reached and (is_theirs or reached >= usable.get(chosen, 0)):
        return chosen, backend_version, is_theirs
    return chosen, chosen if chosen in usable else next(iter(usable), None), is_theirs


def _backend_version(api: LabelStudio, project: int) -> str:
    backends = api.backends(project)
    return str(backends[0].get("model_version") or "") if backends else ""


def remaining_steps(
    api: LabelStudio, project: int, reasons: Callable[[], Mapping[int, str]], *, asked: bool
) -> tuple[str, ...]:
    """Sentences that say what a person still has to do for a project; empty when its pages are ready.

    Args:
        api: Label Studio.
        project: the id of the project.
        reasons: asks the backend why pages have no prediction, by task; an `OperatorError` where it cannot.
        asked: the backend was just asked for every page, so that asking again is no advice.
    """
    current = api.project(project)
    tasks = int(current.get("task_number") or 0)
    if not tasks:
        return (
            f"Import images at {api.base_url}/projects/{project}/data, then run this again with --retrieve.",
        )
    empty = tasks_without_version(api, project, current["model_version"] or "")
    if not empty:
        return ()
    try:
        refused = reasons()
    except OperatorError as error:
        if asked:
            return (f"{len(empty)} of {tasks} pages got no prediction ({_named(empty)}). {error}",)
        refused = {}
    unknown = [task for task in empty if task not in refused]
    steps = list(_refusals({task: refused[task] for task in empty if task in refused}, tasks))
    if unknown and asked:
        steps.append(
            f"{len(unknown)} of {tasks} pages got no prediction, and the backend names no reason "
            f"({_named(unknown)}). Look into the logs of the backend and of Label Studio, then run this with "
            "--retrieve."
        )
    elif unknown:
        steps.append(
            f"{len(unknown)} of {tasks} pages have no prediction of the version that fills pages: run this "
            "with --retrieve."
        )
    return tuple(steps)


def _refusals(refused: Mapping[int, str], tasks: int) -> Iterator[str]:
    """What is said about pages that the backend refused, the same reason once."""
    by_reason: dict[str, list[int]] = defaultdict(list)
    for task, why in refused.items():
        by_reason[why].append(task)
    if by_reason:
        yield (
            f"{len(refused)} of {tasks} pages have no prediction. Asking again gives the same until the "
            "cause is mended, which the backend names:"
        )
        yield from [f"    {_named(found)}: {why}" for why, found in by_reason.items()][:SHOWN_REASONS]
    if len(by_reason) > SHOWN_REASONS:
        yield f"    ... {len(by_reason) - SHOWN_REASONS} more reasons; the backend's log has them all."


def _named(tasks: list[int]) -> str:
    """Such as "task 4" or "tasks 4, 7 and 12 more"."""
    shown = ", ".join(map(str, tasks[:SHOWN_REASONS]))
    more = f" and {len(tasks) - SHOWN_REASONS} more" if len(tasks) > SHOWN_REASONS else ""
    return f"{'task' if len(tasks) == 1 else 'tasks'} {shown}{more}"
