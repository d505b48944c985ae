"""Connects a backend to a Label Studio project; doing it again makes no second connection."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from backend.errors import LabelStudioFailed
from backend.label_studio.client import LabelStudio


def connect_backend(
    api: LabelStudio,
    project: int,
    url: str,
    title: str,
    *,
    basic_auth: tuple[str, SecretStr] | None = None,
    interactive: bool = True,
) -> dict[str, Any]:
    """Connect a backend to a project.

    A connection with the same address is changed in place. One without its webhook (see `failures.UNBLOCK`)
    is removed and made anew. Afterwards the project shows the backend's predictions, unless it was set to
    show others.

    Args:
        api: Label Studio.
        project: which project.
        url: the backend's address as Label Studio reaches it.
        title: what people see.
        basic_auth: user and password that the backend wants.
        interactive: also call it while somebody draws.

    Returns:
        The connection, as Label Studio's JSON has it.

    Raises:
        LabelStudioFailed: Label Studio does not reach the backend, blocks its address, or refuses.
    """
    same = _at(api, project, url)
    hooked = any(hook["url"] == f"{url.rstrip('/')}/webhook" for hook in api.webhooks(project))
    keep = same[0] if same and hooked else None
    for row in same:
        if row is not keep:
            api.delete_backend(row["id"])
    fields: dict[str, Any] = {
        "project": project,
        "url": url,
        "title": title,
        "is_interactive": interactive,
        "auth_method": "BASIC_AUTH" if basic_auth else "NONE",
    }
    if basic_auth:
        fields["basic_auth_user"] = basic_auth[0]
        fields["basic_auth_pass"] = basic_auth[1].get_secret_value()
    if keep is not None:
        connected = api.update_backend(keep["id"], **fields)
    else:
        try:
            connected = api.add_backend(**fields)
        except LabelStudioFailed:
            # the row may have been saved before its webhook was refused
            for row in _at(api, project, url):
                api.delete_backend(row["id"])
            raise
    shown = api.project(project)["model_version"]
    if shown != title and shown in ("", None, keep["title"] if keep else None):
        api.update_project(project, model_version=title)
    return connected


def _at(api: LabelStudio, project: int, url: str) -> list[dict[str, Any]]:
    """The connections of a project to an address."""
    return [row for row in api.backends(project) if row["url"].rstrip("/") == url.rstrip("/")]
