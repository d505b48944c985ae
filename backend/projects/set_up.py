"""Makes a Label Studio project ready for twinread; changes nothing where it already is.

`twinread setup-project` and `make run` use it: create or update the project, connect the backend, let it
read the pages, and fill pages from the stored predictions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from backend.errors import BadRequest, LabelStudioFailed, ProjectError
from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig, default_config
from backend.label_studio.message_language import MESSAGE_LANGUAGES
from backend.projects.backend_connection import connect_backend
from backend.settings.settings import Settings

BACKEND_TITLE = "twinread"

REREAD = "reread "
"""The model versions of predictions that a re-read stored begin with this."""

BATCH_SIZE = 8
"""Tasks in one request for predictions; Label Studio ends a request after 100 s."""


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """The project that should exist.

    project: the id of an existing one; None finds it by title, or creates it.
    backend_url: the backend's address for Label Studio; may differ from its address for this machine.
    replace_config: replace an existing labeling config by ours.
    """

    title: str
    backend_url: str
    project: int | None = None
    replace_config: bool = False


@dataclass(frozen=True, slots=True)
class SetUpResult:
    """What `set_up` did, and what a person still has to do.

    project: the id of the project.
    created: whether it is new.
    changes: sentences, in order; empty when nothing had to change.
    remaining_steps: sentences that say what to do, and where.
    """

    project: int
    created: bool
    changes: tuple[str, ...] = ()
    remaining_steps: tuple[str, ...] = ()


def project_fields(settings: Settings) -> dict[str, Any]:
    """Project settings: no empty submissions, the instructions shown, doubtful pages first."""
    page = files("backend.projects").joinpath("instructions").joinpath(f"{settings.message_language}.html")
    return {
        "enable_empty_annotation": False,
        "show_collab_predictions": True,
        "show_instruction": True,
        "expert_instruction": page.read_text("utf-8"),
        "sampling": "Uncertainty sampling",
    }


def set_up(api: LabelStudio, spec: ProjectSpec, settings: Settings) -> SetUpResult:
    """Create or update a project and connect the backend to it; a second run changes nothing.

    Args:
        api: Label Studio.
        spec: which project, and where the backend is.
        settings: names of labels, language of explanations, sign-in of the backend, webhook secret.

    Raises:
        ConfigIncomplete: the project's own labeling config lacks a tag that twinread needs.
        BadRequest: the project is connected to another backend.
        ProjectError: the title is not unique.
        LabelStudioFailed: Label Studio refused, for example because it blocks private addresses.
    """
    existing = _find(api, spec)
    names = settings.label_names
    our_config = default_config(names, settings.message_language).strip()  # as Label Studio keeps it
    fields = project_fields(settings)
    changes = []
    if existing is None:
        project = api.create_project(title=spec.title, label_config=our_config, **fields)
        changes.append(f"Created project {project['id']}, '{spec.title}', with twinread's labeling config.")
    else:
        project = existing
        config = str(project.get("label_config") or "")
        # our own config in another language may be replaced, too
        our_configs = {default_config(names, language) for language in MESSAGE_LANGUAGES}
        if spec.replace_config or config in our_configs or config.replace(" ", "") in ("", "<View></View>"):
            fields["label_config"] = our_config
        else:
            LabelingConfig.parse(config, names)
        different = {name: value for name, value in fields.items() if project.get(name) != value}
        if different:
            api.update_project(project["id"], **different)
            changes += [f"Set {name.replace('_', ' ')}." for name in different]
    number = int(project["id"])
    changes += _connect(api, number, spec.backend_url.rstrip("/"), settings)
    changes += _set_webhook_secret(api, number, spec.backend_url.rstrip("/"), settings)
    changes += choose_predictions(api, number)
    return SetUpResult(number, existing is None, tuple(changes), remaining_steps(api, number))


def retrieve(api: LabelStudio, project: int) -> Iterator[int]:
    """Let Label Studio ask the backend for every page that lacks a prediction of the current version.

    It asks in batches of tasks, and repeats the pages that got no prediction until a round brings none.

    Args:
        api: Label Studio.
        project: the id of the project.

    Yields:
        How many pages are left, before the first batch and after each.

    Raises:
        LabelStudioFailed: Label Studio cannot be reached, or refused.
    """
    version = _backend_version(api, project)
    left = tasks_without_version(api, project, version)
    yield len(left)
    before = len(left) + 1
    while left and len(left) < before:
        before = len(left)
        for start in range(0, before, BATCH_SIZE):
            api.retrieve_predictions(project, left[start : start + BATCH_SIZE])
            yield max(before - start - BATCH_SIZE, 0)
        left = tasks_without_version(api, project, version)


def tasks_without_version(api: LabelStudio, project: int, version: str) -> list[int]:
    """The ids of a project's tasks that have no prediction with this model version."""
    return [
        int(task["id"])
        for task in api.tasks(project)
        if version not in {prediction["model_version"] for prediction in task["predictions"]}
    ]


def choose_predictions(api: LabelStudio, project: int) -> list[str]:
    """Let Label Studio fill pages from stored predictions, so that it can when the backend is down, too.

    A project whose `model_version` names the backend asks it for each page that somebody opens, shows an
    empty page when it is down, and serves pages at random. A project whose `model_version` names stored
    predictions serves the most doubtful page first. The backend's current version is chosen as soon as it
    has as many predictions as the version that is chosen now.

    Args:
        api: Label Studio.
        project: the id of the project.

    Returns:
        What was changed, as a sentence; empty where the right version is already chosen.

    Raises:
        LabelStudioFailed: Label Studio cannot be reached, or refused.
    """
    stored = api.model_versions(project)
    chosen = api.project(project)["model_version"] or ""
    best = _best_version(stored, _backend_version(api, project), chosen)
    if best is None or best == chosen:
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


def _best_version(stored: dict[str, int], backend_version: str, chosen: str) -> str | None:
    """The version to fill pages from; None where no usable one is stored."""
    # predictions of a re-read are for people to compare with, not to start from
    usable = {version: count for version, count in stored.items() if not version.startswith(REREAD)}
    if backend_version in usable and usable[backend_version] >= usable.get(chosen, 0):
        return backend_version
    return chosen if chosen in usable else next(iter(usable), None)


def _backend_version(api: LabelStudio, project: int) -> str:
    backends = api.backends(project)
    return str(backends[0].get("model_version") or "") if backends else ""


def remaining_steps(api: LabelStudio, project: int) -> tuple[str, ...]:
    """Sentences that say what a person still has to do for a project; empty when its pages are ready."""
    current = api.project(project)
    tasks = int(current.get("task_number") or 0)
    if not tasks:
        return (
            f"Import images at {api.base_url}/projects/{project}/data, then run this again with --retrieve.",
        )
    empty = len(tasks_without_version(api, project, current["model_version"] or ""))
    if not empty:
        return ()
    return (
        f"{empty} of {tasks} pages have no prediction of the version that fills pages: run this with "
        "--retrieve. The backend's GET /status names pages that cannot be read, and why.",
    )


def _find(api: LabelStudio, spec: ProjectSpec) -> dict[str, Any] | None:
    if spec.project is not None:
        return api.project(spec.project)
    titled = [project for project in api.projects() if project.get("title") == spec.title]
    if len(titled) > 1:
        numbers = ", ".join(str(project["id"]) for project in titled)
        raise ProjectError(
            f"Several projects are called '{spec.title}' ({numbers}); say which one with --project NUMBER."
        )
    # the list of projects leaves fields out
    return api.project(titled[0]["id"]) if titled else None


def _connect(api: LabelStudio, project: int, url: str, settings: Settings) -> list[str]:
    """Connect the backend; Label Studio asks the first backend of a project and no other."""
    addresses = [str(backend["url"]).rstrip("/") for backend in api.backends(project)]
    if addresses and addresses[0] != url:
        raise BadRequest(
            f"Project {project} is connected to {addresses[0]}, and Label Studio asks only the first backend "
            "of a project. Delete that one in Settings > Model, then run this again."
        )
    # also when it is already connected: the password may have changed, and Label Studio checks it
    connect_backend(api, project, url, BACKEND_TITLE, basic_auth=settings.basic_auth)
    return [] if addresses else [f"Connected the backend at {url}, with interactive preannotations."]


def _set_webhook_secret(api: LabelStudio, project: int, url: str, settings: Settings) -> list[str]:
    """Add the secret to the webhook that Label Studio made for the backend; by itself it sends none."""
    secret = settings.webhook_secret
    if secret is None:
        return []
    headers = {"X-Twinread-Secret": secret.get_secret_value()}
    changed = []
    for webhook in api.webhooks(project):
        if webhook["url"] == f"{url}/webhook" and webhook["headers"] != headers:
            api.update_webhook(webhook["id"], headers=headers)
            changed.append("Gave the webhook its secret.")
    return changed
