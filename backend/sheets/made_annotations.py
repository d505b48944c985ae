"""Marks the annotations of pages that twinread makes, and tells whether anybody touched them since; pure.

The first region of such an annotation has, beside its readings (`backend.label_studio.region_notes`),

    "made": {"from": "sheets", "seconds": 31.4, "sum": "5f1d0c7be2a94d11"}

`from` says why it was made, `seconds` is the `lead_time` that it was given, and `sum` a digest of the whole
result. Label Studio stores and exports what it was sent; when somebody submits the page in its editor, the
editor adds its own time, and changes each result (`origin`, sizes). So an annotation in which both are right
is as twinread made it: nobody opened that page and submitted it. Any other is a person's, like each page that
was reviewed, and twinread leaves it alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from backend.label_studio.annotations import Json
from backend.label_studio.region_notes import KEY, decided_in, with_note
from backend.label_studio.regions import Region

MADE = "made"

SAME_TIME_S = 0.001
"""Seconds by which a time may be rounded on its way through a database."""


class Made(Enum):
    """Why twinread made an annotation of a page."""

    SHEETS = "sheets"
    """All its doubtful lines were decided on sheets."""
    ACCEPTED = "accepted"
    """It has no doubtful line, and the lead accepted all such pages."""


class Looked(Enum):
    """Where a person looked at a line before its text counted."""

    PAGE = "page"
    """In page review: somebody submitted the page."""
    SHEET = "sheet"
    """On a sheet of doubtful lines."""
    NOBODY = "nobody"
    """Nowhere: its readings agree, and its page was approved without being opened."""


def marked(
    result: Sequence[Mapping[str, Any]], why: Made, seconds: float | None = None
) -> list[dict[str, Any]]:
    """A result that says of itself that twinread made it.

    Args:
        result: of an annotation; its first item has the id of a region.
        why: why it is made.
        seconds: the `lead_time` that the annotation is given.
    """
    first, *others = result
    made = {"from": why.value, "seconds": seconds}
    whole = with_note(str(first.get("id")), [first], {MADE: made}) + [dict(part) for part in others]
    made["sum"] = _sum(whole)
    return whole


def unmarked(result: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A result without the mark of `marked`.

    Args:
        result: of an annotation that twinread made.
    """
    first, *others = map(dict, result)
    meta = dict(first["meta"])
    meta[KEY] = {name: value for name, value in meta[KEY].items() if name != MADE}
    return [{**first, "meta": meta}, *others]


def made_in(annotation: Json) -> Made | None:
    """Why twinread made an annotation; None where a person made it, or changed or submitted it since."""
    result = annotation.get("result")
    if not isinstance(result, list) or not result or not isinstance(result[0], dict):
        return None
    meta = result[0].get("meta")
    own = meta.get(KEY) if isinstance(meta, dict) else None
    made = own.get(MADE) if isinstance(own, dict) else None
    if not isinstance(made, dict) or not isinstance(meta, dict) or not isinstance(own, dict):
        return None
    why, unsigned = made.get("from"), {name: value for name, value in made.items() if name != "sum"}
    if not isinstance(why, str) or not _same_time(made.get("seconds"), annotation.get("lead_time")):
        return None
    first = {**result[0], "meta": {**meta, KEY: {**own, MADE: unsigned}}}
    try:
        is_right = made.get("sum") == _sum([first, *result[1:]])
    except RecursionError:  # nested deeper than anything of ours
        return None
    return _WHY.get(why) if is_right else None


def looked_at(region: Region, made: Made | None) -> Looked:
    """Where a person looked at a line.

    Args:
        region: of an annotation that counts.
        made: why twinread made that annotation; None for a person's.
    """
    if made is None:
        return Looked.PAGE
    return Looked.NOBODY if decided_in(region) is None else Looked.SHEET


def _same_time(made: object, now: object) -> bool:
    if made is None or now is None:
        return made is now
    return isinstance(made, (int, float)) and isinstance(now, (int, float)) and abs(made - now) < SAME_TIME_S


def _sum(result: Sequence[object]) -> str:
    """A digest of what JSON says, whatever the order of keys and the spelling of numbers."""
    plain = json.dumps(_plain(result), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    """A database may give 5 back for 5.0, and 0 for -0.0."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) or (type(value) is int and abs(value) < 2**53):
        return repr(float(value) + 0.0)
    return value


_WHY = {why.value: why for why in Made}
