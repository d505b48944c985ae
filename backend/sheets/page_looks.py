"""Whether somebody looked at a page that counts as approved, or at some of its lines alone; pure.

A page whose doubtful lines were all decided on sheets becomes an annotation, and so does a page that the
lead accepts because its readings agree. Nobody saw the other lines of such a page, nor what is missing on
it. As soon as a person opens that annotation in the editor and updates it, it is a reviewed page like any
other. Whether that happened is told by its time: Label Studio's editor adds what it measured, and twinread
stores exactly the sum of the decisions. Where nothing tells that somebody looked, nobody did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from backend.label_studio.annotations import Json
from backend.label_studio.region_notes import KEY
from backend.label_studio.regions import Region, regions

ROUNDING_S = 0.1
"""By how much the seconds of one decision may be rounded."""


class PageLook(Enum):
    """How an annotation of a page came about."""

    REVIEWED = "in page review"
    """Somebody submitted the page."""
    SHEETS = "on sheets alone"
    """Its doubtful lines were decided on sheets; nobody opened the page."""
    ACCEPTED = "accepted unseen"
    """Its readings agree, and the lead accepted it."""


def look_of(annotation: Json, found: Sequence[Region] | None = None) -> PageLook:
    """How an annotation came about.

    Args:
        annotation: of a page, submitted.
        found: its regions, where they are known already.
    """
    found = regions(annotation.get("result")) if found is None else found
    decided = [note for region in found if (note := _note(region, "decided")) is not None]
    accepted = any(_note(region, "accepted") is not None for region in found)
    if not decided and not accepted:
        return PageLook.REVIEWED
    # a copy of it is made by a person, in the editor
    if annotation.get("parent_annotation") is not None:
        return PageLook.REVIEWED
    spent = annotation.get("lead_time")
    on_sheets = sum(note.get("seconds") or 0.0 for note in decided)
    if isinstance(spent, (int, float)) and spent > on_sheets + ROUNDING_S * max(len(decided), 1):
        return PageLook.REVIEWED
    return PageLook.SHEETS if decided else PageLook.ACCEPTED


def unseen(found: Sequence[Region], look: PageLook) -> list[Region]:
    """The regions of an annotation that nobody looked at.

    Args:
        found: all of its regions.
        look: how it came about.
    """
    return [] if look is PageLook.REVIEWED else [region for region in found if not was_decided(region)]


def was_decided(region: Region) -> bool:
    """A person decided this line on a sheet."""
    return _note(region, "decided") is not None


def _note(region: Region, name: str) -> Mapping[str, Any] | None:
    stored = region.meta.get(KEY)
    note = stored.get(name) if isinstance(stored, Mapping) else None
    return note if isinstance(note, Mapping) else None
