"""Makes a Label Studio project ready for twinread, and changes nothing when it already is."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from backend.errors import BadRequest, ProjectError
from backend.label_studio_api import LabelStudioApi
from backend.labeling_config import LabelingConfig, LabelNames, default_config
from backend.settings import Settings

BACKEND_TITLE = "twinread"


@dataclass(frozen=True, slots=True)
class Wanted:
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
    """What was done: sentences, in order; empty when nothing had to change."""

    project: int
    created: bool
    changes: tuple[str, ...] = field(default=())


def project_fields(settings: Settings) -> dict[str, Any]:
    """The project settings under which no page passes by reflex and none is empty by accident."""
    page = files("backend").joinpath("instructions").joinpath(f"{settings.message_language}.html")
    return {
        "enable_empty_annotation": False,
        "show_collab_predictions": True,
        "show_instruction": True,
        "expert_instruction": page.read_text("utf-8"),
        "sampling": "Uncertainty sampling",
    }


def set_up(api: LabelStudioApi, wanted: Wanted, settings: Settings) -> SetUp:
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
    names = LabelNames(
        settings.label_text, settings.label_check, settings.label_illegible, settings.label_not_text
    )
    ours = default_config(names, settings.message_language)
    fields = project_fields(settings)
    changes = []
    if existing is None:
        project = api.create_project(title=wanted.title, label_config=ours, **fields)
        changes.append(f"Created project {project['id']}, '{wanted.title}', with twinread's labeling config.")
    else:
        project = existing
        config = str(project.get("label_config") or "")
        if wanted.replace_config or config.replace(" ", "") in ("", "<View></View>"):
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
    return SetUp(number, existing is None, tuple(changes))


def _find(api: LabelStudioApi, wanted: Wanted) -> dict[str, Any] | None:
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
