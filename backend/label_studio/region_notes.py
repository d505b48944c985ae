r"""Writes a line's readings into its region's `meta` in Label Studio, and reads them back; no IO.

Label Studio shows `meta.text` to people. It copies every other key, without showing it, from the prediction
to the submitted annotation. `meta.text` holds the explanation (`explanations.explain`); for programs there
is, once per region:

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

- `region`: the id of the region that was read. A box that a person copies has the same meta and a new id:
  so its readings are known to belong to another place, and are not used.
- `verdict`: the value of a `Verdict`.
- `readings`: whole, in the order of the readers. An empty text is "no text"; an error is the sentence that
  annotators may see. Invisible characters and the readers' own scores are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.label_studio.regions import Region
from backend.page.lines import Reading, ReadLine, Verdict
from backend.text.cleaning import visible_text

KEY = "twinread"
"""The key in a region's meta that holds all of this."""

_VERDICTS = {verdict.value: verdict for verdict in Verdict}


@dataclass(frozen=True, slots=True)
class StoredReadings:
    """The readings of one line, from its region's meta; none where no reader was asked."""

    verdict: Verdict
    readings: tuple[Reading, ...]


def readings_meta(read: ReadLine, region_id: str) -> dict[str, Any]:
    """The meta of a region, with the readings of its line.

    Args:
        read: the line and its readings.
        region_id: Label Studio's id of the region.
    """
    verdict = read.judgement.verdict.value
    return {KEY: {"region": region_id, "verdict": verdict, "readings": _entries(read.readings)}}


def readings_in(*regions: Region | None) -> StoredReadings | None:
    """The readings of a line, from the first of its regions that holds them.

    Args:
        regions: the same line, as predicted and as a person submitted it; None where it is missing.

    Returns:
        None where no region has readings by twinread, or they are not in the form described above.
    """
    per_region = (_stored(region) for region in regions if region is not None)
    return next((readings for readings in per_region if readings is not None), None)


def _entries(readings: Sequence[Reading]) -> list[dict[str, str]]:
    return [
        {"reader": visible_text(reading.reader), "text": visible_text(reading.text)}
        if reading.error is None
        else {"reader": visible_text(reading.reader), "error": visible_text(reading.error)}
        for reading in readings
    ]


def _stored(region: Region) -> StoredReadings | None:
    stored = region.meta.get(KEY)
    if not isinstance(stored, dict) or not region.id or stored.get("region") != region.id:
        return None
    verdict_name, entries = stored.get("verdict"), stored.get("readings")
    verdict = _VERDICTS.get(verdict_name) if isinstance(verdict_name, str) else None
    readings = [_reading(entry) for entry in entries] if isinstance(entries, list) else [None]
    whole = tuple(reading for reading in readings if reading is not None)
    # a part of the readings would look like all of them
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
