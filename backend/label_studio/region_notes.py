r"""What the readers said of a line, kept in its region's `meta` in Label Studio and found there again; pure.

Label Studio shows `meta.text` to people, and carries every other key unseen from the prediction to the
submitted annotation. For people stands there what `messages.explain` says; for machines, once per region:

    "meta": {
        "text": "A: Счёт\nB: (failed: no answer in 60 s)",
        "twinread": {
            "region": "l003-5d41aa",
            "verdict": "disputed",
            "readings": [
                {"reader": "tesseract-5.5(rus@3fa94c,line)", "text": "Счёт"},
                {"reader": "ERNIE-4.5-VL:plain@0c1f52", "error": "no answer in 60 s"}
            ]
        }
    }

- `region`: the region that was read. A box that a person copies takes its meta along to another place,
  under an id of its own; what was read elsewhere is not taken for a reading of it.
- `verdict`: the value of a `Verdict`.
- `readings`: in the order of the readers, each whole. An empty text is "no text"; an error is the
  sentence that annotators may see. Nothing invisible is kept, nor the readers' own scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.label_studio.regions import Region
from backend.page.lines import Reading, ReadLine, Verdict
from backend.text.cleaning import visible_text

KEY = "twinread"
"""The key of a region's meta under which everything here stands."""

_VERDICTS = {verdict.value: verdict for verdict in Verdict}


@dataclass(frozen=True, slots=True)
class StoredReadings:
    """What was said of one line; no readings where no reader was asked."""

    verdict: Verdict
    readings: tuple[Reading, ...]


def note(read: ReadLine, region: str) -> dict[str, Any]:
    """What goes into the meta of a region that was read.

    Args:
        read: what the readers said.
        region: Label Studio's id of the region.
    """
    verdict = read.judgement.verdict.value
    return {KEY: {"region": region, "verdict": verdict, "readings": _told(read.readings)}}


def kept_in(*regions: Region | None) -> StoredReadings | None:
    """What readers said of a line, by the first of its regions that holds it.

    Args:
        regions: the same line as it was predicted and as a person left it; None where it is missing.

    Returns:
        None where none of them was read by twinread, or what stands there is not as it writes it.
    """
    found = (_kept(region) for region in regions if region is not None)
    return next((kept for kept in found if kept is not None), None)


def _told(readings: Sequence[Reading]) -> list[dict[str, str]]:
    return [
        {"reader": visible_text(reading.reader), "text": visible_text(reading.text)}
        if reading.error is None
        else {"reader": visible_text(reading.reader), "error": visible_text(reading.error)}
        for reading in readings
    ]


def _kept(region: Region) -> StoredReadings | None:
    told = region.meta.get(KEY)
    if not isinstance(told, dict) or not region.id or told.get("region") != region.id:
        return None
    named, listed = told.get("verdict"), told.get("readings")
    verdict = _VERDICTS.get(named) if isinstance(named, str) else None
    readings = [_reading(entry) for entry in listed] if isinstance(listed, list) else [None]
    whole = tuple(reading for reading in readings if reading is not None)
    # half of what was said would pass for all of it
    return StoredReadings(verdict, whole) if verdict is not None and len(whole) == len(readings) else None


def _reading(entry: object) -> Reading | None:
    if not isinstance(entry, dict):
        return None
    reader, text, error = (_string(entry.get(name)) for name in ("reader", "text", "error"))
    if not reader or (text is None) == (error is None):
        return None
    return Reading(reader, text or "", error=error)


def _string(value: object) -> str | None:
    return visible_text(value) if isinstance(value, str) else None
