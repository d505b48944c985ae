"""The images of a page's task as a sheet names them: addresses for the annotator's browser, and names; pure.

Label Studio's listing of tasks gives a file of a cloud storage as an address of its own
(`/tasks/17/resolve/?fileuri=...`), which any browser opens that is signed in; the address of an upload or a
local file is good in every project. So a sheet shows what the page project shows.
"""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote, urlsplit

import regex

from backend.errors import BadRequest
from backend.fetching.references import CLOUD_SCHEMES, UPLOADS, cleaned, scheme_of
from backend.label_studio.labeling_config import LabelingConfig

LONGEST_INLINE = 4096
"""Characters of an image that is written into the task itself: a sheet has it once for each line."""

_UPLOAD_PREFIX = regex.compile(r"^[0-9a-f]{8}-")


def browser_addresses(config: LabelingConfig, data: object) -> tuple[str, ...]:
    """The address of each image of a task; empty for one that no sheet can show.

    Args:
        config: the page project's.
        data: of the task, with files of storages as addresses that open.
    """
    try:
        found = config.images_there(data if isinstance(data, Mapping) else {})
    except BadRequest:
        return ()
    return tuple(_shown(cleaned(reference)) if reference else "" for reference in found)


def page_name(address: str) -> str:
    """What people call an image: the name of its file, without what Label Studio puts before it.

    Args:
        address: as `browser_addresses` gives it.
    """
    parts = urlsplit(address)
    query = parse_qs(parts.query)
    path = (query.get("d") or [parts.path])[0]
    if "fileuri" in query:
        path = _decoded(query["fileuri"][0])
    elif scheme_of(address) == "data":
        path = ""
    name = posixpath.basename(unquote(path))
    return _UPLOAD_PREFIX.sub("", name) if UPLOADS in parts.path else name


def _shown(address: str) -> str:
    scheme = scheme_of(address)
    unopened = scheme in CLOUD_SCHEMES or (scheme == "data" and len(address) > LONGEST_INLINE)
    return "" if unopened else address


def _decoded(file: str) -> str:
    try:
        return base64.urlsafe_b64decode(file).decode()
    except ValueError:
        return ""
