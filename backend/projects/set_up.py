"""Makes a Label Studio project ready for twinread; changes nothing where it already is.

`twinread setup-project` and `make run` use it: create or update the project, and connect the backend. What
people set themselves is kept (`project_fields`); `twinread preannotate` then reads the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.errors import BadRequest, ProjectError
from backend.label_studio.client import LabelStudio
from backend.label_studio.config_versions import language_written
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.projects.backend_connection import connect_backend
from backend.projects.page_filling import choose_predictions, kept_predictions
from backend.projects.project_fields import ALL, CONFIG, PREDICTIONS, language_of, plan, project_fields
from backend.settings.settings import Settings

BACKEND_TITLE = "twinread"


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """The project that should exist.

    project: the id of an existing one; None finds it by title, or creates it.
    backend_url: the backend's address for Label Studio; may differ from its address for this machine.
    update: the parts of an existing project that are replaced by twinread's, of `project_fields.PARTS`.
    """

    title: str
    backend_url: str
    project: int | None = None
    update: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SetUpResult:
    """What `set_up` did, and what it left to a person.

    project: the id of the project.
    created: whether it is new.
    changes: sentences, in order; empty when nothing had to change.
    kept: sentences about what a person set otherwise than twinread would, and how to have it replaced.
    """

    project: int
    created: bool
    changes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def set_up(api: LabelStudio, spec: ProjectSpec, settings: Settings) -> SetUpResult:
    """Create or update a project and connect the backend to it; a second run changes nothing.

    Nothing that a person wrote or chose is replaced unless `spec.update` names it.

    Args:
        api: Label Studio.
        spec: which project, and where the backend is.
        settings: names of labels, language of explanations, sign-in of the backend, webhook secret. A
            language that nobody set is that of the project.

    Raises:
        ConfigIncomplete: the project's own labeling config lacks a tag that twinread needs.
        BadRequest: the project is connected to another backend.
        ProjectError: the title is not unique.
        LabelStudioFailed: Label Studio refused, for example because it blocks private addresses.
    """
    existing = _find(api, spec)
    changes: list[str] = []
    kept: list[str] = []
    if existing is None:
        project = _create(api, spec, settings)
        changes.append(
            f"Created project {project['id']}, '{spec.title}', with twinread's labeling config and "
            "instructions, no empty submissions, and the most doubtful page first."
        )
    else:
        project = existing
        changes, kept = _update(api, project, spec, settings)
    number = int(project["id"])
    replace = bool({ALL, PREDICTIONS} & spec.update)
    connection, as_it_was = _connect(api, number, spec.backend_url.rstrip("/"), settings, replace=replace)
    changes += connection
    kept += as_it_was
    changes += _set_webhook_secret(api, number, spec.backend_url.rstrip("/"), settings)
    changes += choose_predictions(api, number, replace=replace)
    kept += kept_predictions(api, number)
    return SetUpResult(number, existing is None, tuple(changes), tuple(kept))


def _create(api: LabelStudio, spec: ProjectSpec, settings: Settings) -> dict[str, Any]:
    language = settings.message_language
    return api.create_project(
        title=spec.title,
        label_config=default_config(settings.label_names, language).strip(),
        **{field.name: field.value for field in project_fields(language)},
    )


def _update(
    api: LabelStudio, project: dict[str, Any], spec: ProjectSpec, settings: Settings
) -> tuple[list[str], list[str]]:
    """Write what nobody decided, and what was asked for; gives what changed and what was kept."""
    names, language = settings.label_names, settings.message_language
    if "message_language" not in settings.model_fields_set:
        language = language_of(project, names) or language
    number = int(project["id"])
    planned = plan(
        project, project_fields(language), untouched=_is_untouched(api, project), update=spec.update
    )
    writes, changes = dict(planned.writes), list(planned.changes)
    config = str(project.get("label_config") or "").strip()
    our_config = default_config(names, language).strip()  # as Label Studio keeps it
    # our own config of before, or in another language, may be replaced, too
    is_ours = language_written(config, names) is not None
    if {ALL, CONFIG} & spec.update or is_ours or config.replace(" ", "") in ("", "<View></View>"):
        if config != our_config:
            writes["label_config"] = our_config
            # in full, so that it can be put back
            was = f" It was:\n{config}" if config and not is_ours else ""
            changes.append(f"Set twinread's labeling config.{was}")
    else:
        LabelingConfig.parse(config, names)
    if writes:
        api.update_project(number, **writes)
    return changes, list(planned.kept)


def _is_untouched(api: LabelStudio, project: dict[str, Any]) -> bool:
    """Nobody has annotated anything and no backend was ever connected."""
    counted = ("total_annotations_number", "skipped_annotations_number", "num_tasks_with_annotations")
    return not any(project.get(name) for name in counted) and not api.backends(int(project["id"]))


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


def _connect(
    api: LabelStudio, project: int, url: str, settings: Settings, *, replace: bool
) -> tuple[list[str], list[str]]:
    """Connect the backend; Label Studio asks the first backend of a project and no other.

    Args:
        api: Label Studio.
        project: the id of the project.
        url: the backend's address for Label Studio.
        settings: sign-in of the backend.
        replace: also switch on interactive preannotations that somebody switched off.

    Returns:
        What changed, and what was kept, in sentences.
    """
    connected = api.backends(project)
    if connected and str(connected[0]["url"]).rstrip("/") != url:
        raise BadRequest(
            f"Project {project} is connected to {connected[0]['url']}, and Label Studio asks only the first "
            "backend of a project. Delete that one in Settings > Model, then run this again."
        )
    title = str(connected[0]["title"]) if connected else BACKEND_TITLE
    was_interactive = bool(connected[0]["is_interactive"]) if connected else True
    # also when it is already connected: the password may have changed, and Label Studio checks it
    connect_backend(
        api, project, url, title, basic_auth=settings.basic_auth, interactive=was_interactive or replace
    )
    if not connected:
        return [f"Connected the backend at {url}, with interactive preannotations."], []
    if was_interactive:
        return [], []
    if replace:
        return ["Switched on 'Interactive preannotations': a drawn box gets its text."], []
    return [], [
        "Kept 'Interactive preannotations' off; twinread would switch it on: a drawn box gets its text. To "
        f"have twinread's, run this again with --update {PREDICTIONS}."
    ]


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
