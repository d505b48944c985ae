"""Examines image references of tasks, and words the errors about them; no network access."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote

from backend.errors import ImageUnreachable

CLOUD_SCHEMES = ("s3", "gs", "azure-blob")
"""Schemes that Label Studio resolves for its tasks."""

UPLOADS = "/data/upload/"
LOCAL_FILES = "/data/local-files/"
LABEL_STUDIO_FILES = re.compile(
    rf"{UPLOADS}|{LOCAL_FILES}|/storage-data/uploaded/|/(tasks|projects)/\d+/(resolve|presign)/"
)
"""Beginnings of the paths under which Label Studio serves files."""

MAX_LENGTH_SHOWN = 120
NO_LOGIN = "it wants a login. If it is Label Studio itself, LABEL_STUDIO_URL must begin the same way"


def scheme_of(reference: str) -> str | None:
    """The scheme that a reference begins with, in lower case; None for a path."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+._-]*):", reference)
    return found[1].lower() if found else None


def leaves_folder(reference: str) -> bool:
    """Whether a part of the path, or of a local file's path in the query, is '..'; percent codes included."""
    return ".." in re.split(r"[/\\?&=]", unquote(unquote(reference)))


def redacted(reference: str) -> str:
    """A reference as messages may show it: short, on one line, without user, password or query."""
    text = reference.partition("#")[0]
    address, _, query = text.partition("?")
    if scheme_of(text) == "data":
        address = address.partition(",")[0]
    address = unquote(re.sub(r"(?<=//)[^/]*@", "", address))
    if LOCAL_FILES in address:
        address += "?d=" + parse_qs(query).get("d", [""])[0]
    address = "".join(character if character.isprintable() else "�" for character in address)
    return (
        address
        if len(address) <= MAX_LENGTH_SHOWN
        else f"{address[: MAX_LENGTH_SHOWN // 3]}…{address[-MAX_LENGTH_SHOWN * 2 // 3 :]}"
    )


def refusal(scheme: str | None, name: str) -> str:
    """The sentence that says why a reference is not followed.

    Args:
        scheme: the reference's scheme; None for a path.
        name: the image's name in messages.
    """
    if scheme is None:
        return (
            f"The image reference {name} is a path, and twinread opens no files by path. Upload the image to "
            "Label Studio, or serve it through a local file storage or an http(s) address."
        )
    return (
        f"The image reference {name} has the scheme {scheme}:, which is not followed. Use an upload, a local "
        f"file storage, http(s) or one of {', '.join(CLOUD_SCHEMES)}."
    )


def no_image_error(status: int, name: str, *, ours: bool) -> ImageUnreachable:
    """The error for an HTTP answer without an image.

    Args:
        status: the HTTP status.
        name: the image's name in messages.
        ours: Label Studio was asked, with our key.
    """
    if status in (404, 410):
        reason = (
            f"There is no image at {name} (HTTP {status}); it was removed, or its storage does not hold it."
        )
    elif status in (401, 403):
        wants = "the key in LABEL_STUDIO_API_KEY may not see it" if ours else NO_LOGIN
        reason = f"The server refused the image {name} (HTTP {status}): {wants}."
    elif status >= 500:
        reason = f"The server of the image {name} failed (HTTP {status}); later it may work."
    else:
        reason = f"The server of the image {name} gave no image (HTTP {status})."
    return ImageUnreachable(reason, reference=name, status=status)
