"""Examines image references of tasks, and words the errors about them; no network access."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import parse_qs, unquote, unquote_to_bytes

from backend.errors import BadImage, ImageRefused, ImageUnreachable

CLOUD_SCHEMES = ("s3", "gs", "azure-blob")
"""Schemes that Label Studio resolves for its tasks."""

UPLOADS = "/data/upload/"
LOCAL_FILES = "/data/local-files/"
LABEL_STUDIO_FILES = re.compile(
    rf"{UPLOADS}|{LOCAL_FILES}|/storage-data/uploaded/|/(tasks|projects)/\d+/(resolve|presign)/"
)
"""Beginnings of the paths under which Label Studio serves files."""

_BELOW_A_PATH = re.compile(rf"(?:/[\w.~-]+){{0,2}}?(?=({UPLOADS}|{LOCAL_FILES}|/storage-data/uploaded/))")
"""Label Studio may be served below a path, such as `/label-studio`, that its own address here lacks."""

BLANKS = " \t\r\n\u00a0\ufeff"
"""What spreadsheets leave around an address."""

MIB = 1024**2
MAX_LENGTH_SHOWN = 120
NO_LOGIN = "it wants a login. If it is Label Studio itself, LABEL_STUDIO_URL must begin the same way"


def cleaned(reference: str) -> str:
    """A reference without the blanks around it."""
    return reference.strip(BLANKS)


def path_in_label_studio(path: str) -> str:
    """The path under which Label Studio serves a file, without what may stand before it; empty for no such.

    Read as well are the double slash that an address with a slash at its end leaves (`//data/upload/...`),
    a path without its first slash, and one below the path that Label Studio is served at.

    Args:
        path: a reference without scheme and host.
    """
    place, mark, query = path.partition("?")
    path = re.sub("/{2,}", "/", f"/{place}") + mark + query
    if LABEL_STUDIO_FILES.match(path):
        return path
    below = _BELOW_A_PATH.match(path)
    return path[below.end() :] if below else ""


def inline_image(reference: str, max_bytes: int) -> bytes | None:
    """The image that a `data:` reference holds itself; None for any other reference.

    Args:
        reference: such as `data:image/png;base64,iVBORw...`.
        max_bytes: largest image file.

    Raises:
        ImageRefused: what it holds is no base64.
        BadImage: the image is too large, or empty.
    """
    reference = cleaned(reference)
    if scheme_of(reference) != "data":
        return None
    about, _, written = reference.partition(",")
    if len(written) > 4 * max_bytes:
        content = b""
        too_large = True
    else:
        try:
            content = unquote_to_bytes(written)
            if about.lower().endswith(";base64"):
                content = base64.b64decode(re.sub(rb"\s", b"", content), validate=True)
        # half a character (a lone surrogate) cannot be encoded
        except (binascii.Error, UnicodeError) as error:
            raise ImageRefused(
                f"The image {redacted(reference)} is written into the task, and its base64 is damaged or cut "
                "off. Import the task again, or upload the image.",
                reference=redacted(reference),
            ) from error
        too_large = len(content) > max_bytes
    if too_large:
        raise too_large_error(redacted(reference), max_bytes)
    if not content:
        raise BadImage(f"The image {redacted(reference)} that is written into the task is empty.")
    return content


def too_large_error(name: str, max_bytes: int) -> BadImage:
    """The error for an image file that breaks the limit.

    Args:
        name: the image's name in messages.
        max_bytes: the limit.
    """
    return BadImage(
        f"The image file {name} is larger than {max_bytes / MIB:.4g} MiB, the limit of MAX_IMAGE_BYTES.",
        reference=name,
        max_bytes=max_bytes,
    )


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
    if scheme is None and name.startswith("//"):
        return (
            f"The image reference {name} begins with two slashes, which leaves open how it is served. Write "
            "the whole address, with https: before it."
        )
    if scheme is not None and (len(scheme) == 1 or scheme == "file"):
        return (
            f"The image reference {name} is a path on somebody's machine, which no other machine can open. "
            "Upload the image to Label Studio, or serve its folder through a local file storage or an "
            "http(s) address."
        )
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
