"""Makes a Label Studio project ready for twinread, and changes nothing when it already is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from backend.errors import BadRequest, LabelStudioFailed, ProjectError
from backend.label_studio.api import LabelStudioApi
from backend.label_studio.labeling_config import LabelingConfig, default_config
from backend.label_studio.message_language import MESSAGE_LANGUAGES
from backend.settings.settings import Settings

BACKEND_TITLE = "twinread"

REREAD = "reread "
"""How the versions of predictions begin that a re-read stored."""

LOT = 8
"""Tasks of one request for predictions: Label Studio gives each request 100 s."""


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """What a project should be.

    project: the id of an existing one; None finds it by title, or makes it.
    backend_url: where Label Studio reaches the backend; may differ from where this machine does.
    replace_config: put our labeling config in place of an existing one.
    """

    title: str
    backend_url: str
    project: int | None = None
    replace_config: bool = False


@dataclass(frozen=True, slots=True)
class SetUp:
    """What was done, and what is left to a person.

    changes: sentences, in order; empty when nothing had to change.
    notes: what still has to be done, and where.
    """

    project: int
    created: bool
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def project_fields(settings: Settings) -> dict[str, Any]:
    """The project settings under which no page passes by reflex and none is empty by accident."""
    page = files("backend.projects").joinpath("instructions").joinpath(f"{settings.message_language}.html")
    return {
        "enable_empty_annotation": False,
        "show_collab_predictions": True,
        "show_instruction": True,
        "expert_instruction": page.read_text("utf-8"),
        "sampling": "Uncertainty sampling",
    }


def set_up(api: LabelStudioApi, wanted: ProjectSpec, settings: Settings) -> SetUp:
    """Create or update a project and connect the backend to it; a second run changes nothing.

    Args:
        api: Label Studio.
        wanted: which project, and where the backend is.
        settings: names of labels, language of messages, sign-in of the backend, webhook secret.

    Raises:
        ConfigLacking: the project's own labeling config lacks a tag that twinread needs.
        ProjectError: the title is not unique.
        LabelStudioFailed: Label Studio refused, also because it blocks private addresses.
    """
    existing = _find(api, wanted)
    names = settings.label_names
    ours = default_config(names, settings.message_language).strip()  # as Label Studio keeps it
    fields = project_fields(settings)
    changes = []
    if existing is None:
        project = api.create_project(title=wanted.title, label_config=ours, **fields)
        changes.append(f"Created project {project['id']}, '{wanted.title}', with twinread's labeling config.")
    else:
        project = existing
        config = str(project.get("label_config") or "")
        # ours in another language is ours to change
        own = {default_config(names, language) for language in MESSAGE_LANGUAGES}
        if wanted.replace_config or config in own or config.replace(" ", "") in ("", "<View></View>"):
            fields["label_config"] = ours
        else:
            LabelingConfig.parse(config, names)
        different = {name: value for name, value in fields.items() if project.get(name) != value}
        if different:
            api.update_project(project["id"], **different)
            changes += [f"Set {name.replace('_', ' ')}." for name in different]
    number = int(project["id"])
    changes += _connect(api, number, wanted.backend_url.rstrip("/"), settings)
    changes += _guard_webhooks(api, number, wanted.backend_url.rstrip("/"), settings)
    changes += choose_predictions(api, number)
    return SetUp(number, existing is None, tuple(changes), notes(api, number))


def retrieve(api: LabelStudioApi, project: int) -> Iterator[int]:
    """Let Label Studio ask the backend for every page that lacks a prediction of its present version.

    A lot at a time, and again what was not reached, until a round brings nothing.

    Yields:
        How many pages are left, before the first lot and after each.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    version = _backend_version(api, project)
    left = lacking(api, project, version)
    yield len(left)
    before = len(left) + 1
    while left and len(left) < before:
        before = len(left)
        for start in range(0, before, LOT):
            api.retrieve_predictions(project, left[start : start + LOT])
            yield max(before - start - LOT, 0)
        left = lacking(api, project, version)


def lacking(api: LabelStudioApi, project: int, version: str) -> list[int]:
    """Tasks that have no prediction of a version."""
    return [
        int(task["id"])
        for task in api.tasks(project)
        if version not in {made["model_version"] for made in task["predictions"]}
    ]


def choose_predictions(api: LabelStudioApi, project: int) -> list[str]:
    """Let pages be filled from stored predictions, so that they are filled when the backend is down, too.

    Named after the backend, a project asks it for each page that somebody opens, shows an empty page
    when it is down, and serves pages at random; named after stored predictions, it serves the most
    doubtful page first. The backend's present version is chosen once as many pages have it as have the
    version that is chosen now.

    Returns:
        What was changed, as a sentence; nothing where the right version is chosen already.
    """
    stored = stored_versions(api, project)
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


def stored_versions(api: LabelStudioApi, project: int) -> dict[str, int]:
    """Versions of the predictions that are stored, newest first, and how many predictions each has."""
    answer = api.call(
        "GET",
        f"/api/projects/{project}/model-versions/",
        f"list the prediction versions of project {project}",
        params={"extended": "true"},
    )
    rows = sorted(answer["static"], key=lambda row: str(row["latest"]), reverse=True)
    return {str(row["model_version"]): int(row["count"]) for row in rows if row["model_version"]}


def _best_version(stored: dict[str, int], present: str, chosen: str) -> str | None:
    """The version to fill pages from; None where nothing fit is stored."""
    # predictions of a re-read are made for people to compare, not to start from
    fit = {version: count for version, count in stored.items() if not version.startswith(REREAD)}
    if present in fit and fit[present] >= fit.get(chosen, 0):
        return present
    return chosen if chosen in fit else next(iter(fit), None)


def _backend_version(api: LabelStudioApi, project: int) -> str:
    backends = api.backends(project)
    return str(backends[0].get("model_version") or "") if backends else ""


def notes(api: LabelStudioApi, project: int) -> tuple[str, ...]:
    """What a person still has to do for a project, and where; empty when its pages are ready."""
    now = api.project(project)
    tasks = int(now.get("task_number") or 0)
    if not tasks:
        return (
            f"Import images at {api.base_url}/projects/{project}/data, then run this again with --retrieve.",
        )
    empty = len(lacking(api, project, now["model_version"] or ""))
    if not empty:
        return ()
    return (
        f"{empty} of {tasks} pages have no prediction of the version that fills pages: run this with "
        "--retrieve. The backend's GET /status names pages that cannot be read, and why.",
    )


def _find(api: LabelStudioApi, wanted: ProjectSpec) -> dict[str, Any] | None:
    if wanted.project is not None:
        return api.project(wanted.project)
    same = [project for project in api.projects() if project.get("title") == wanted.title]
    if len(same) > 1:
        numbers = ", ".join(str(project["id"]) for project in same)
        raise ProjectError(
            f"Several projects are called '{wanted.title}' ({numbers}); say which one with --project NUMBER."
        )
    # the list leaves fields out
    return api.project(same[0]["id"]) if same else None


def _connect(api: LabelStudioApi, project: int, url: str, settings: Settings) -> list[str]:
    """Connect the backend; Label Studio asks the first backend of a project and no other."""
    addresses = [str(backend["url"]).rstrip("/") for backend in api.backends(project)]
    if addresses and addresses[0] != url:
        raise BadRequest(
            f"Project {project} is connected to {addresses[0]}, and Label Studio asks only the first backend "
            "of a project. Delete that one in Settings > Model, then run this again."
        )
    # also when it is connected: the password may have changed, and Label Studio checks the connection
    api.connect_backend(project, url, BACKEND_TITLE, basic_auth=settings.basic_auth)
    return [] if addresses else [f"Connected the backend at {url}, with interactive preannotations."]


def _guard_webhooks(api: LabelStudioApi, project: int, url: str, settings: Settings) -> list[str]:
    """Give the webhook that Label Studio made for the backend its secret; it sends no credentials itself."""
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
