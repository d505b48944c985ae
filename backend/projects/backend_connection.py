"""Connects a backend to a Label Studio project, and asks the backend itself how it is.

Connecting again makes no second connection.
"""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import SecretStr

from backend.errors import LabelStudioFailed, OperatorError
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
        **sign_in_fields(basic_auth),
    }
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


def sign_in_fields(basic_auth: tuple[str, SecretStr] | None) -> dict[str, str]:
    """How Label Studio signs in to a backend, as fields of the connection."""
    if basic_auth is None:
        return {"auth_method": "NONE"}
    user, password = basic_auth
    return {
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": user,
        "basic_auth_pass": password.get_secret_value(),
    }


def backend_status(url: str, basic_auth: tuple[str, SecretStr] | None = None) -> dict[str, Any]:
    """What `GET /status` of a backend tells.

    Args:
        url: the backend's address, as this machine reaches it.
        basic_auth: user and password that it wants.

    Raises:
        OperatorError: it does not answer so; never to be taken for "nothing failed".
    """
    sign_in = (basic_auth[0], basic_auth[1].get_secret_value()) if basic_auth else None
    try:
        answer = httpx.get(f"{url.rstrip('/')}/status", auth=sign_in, timeout=10, trust_env=False)
        told = answer.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        # the text of a protocol's error quotes what was sent
        said = "" if isinstance(error, httpx.ProtocolError) else str(error).partition("\n")[0]
        why = said or type(error).__name__
        raise OperatorError(
            f"The backend's {url.rstrip('/')}/status cannot be read from here ({why}), and "
            "only there stands why it refused pages. Open it on a machine that reaches the backend."
        ) from error
    if not isinstance(told, dict):
        raise OperatorError(f"{url.rstrip('/')}/status is no answer of twinread; look at --backend-url.")
    return told


def _at(api: LabelStudio, project: int, url: str) -> list[dict[str, Any]]:
    """The connections of a project to an address."""
    return [row for row in api.backends(project) if row["url"].rstrip("/") == url.rstrip("/")]
