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

In an annotation that twinread made there is beside them, once per region, who stands for its text:

    "decided": {"verdict": "A", "by": "2", "sheet": 71, "annotation": 12, "seconds": 3.4}
    "accepted": {"by": "1"}

- `decided`: people decided the line on a sheet. `verdict` is their answer, `by` the user, `with` others who
  answered the same, `sheet` and `annotation` where, `seconds` how long it took.
- `accepted`: nobody looked at the line; the user of that id accepted all agreed pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided on a sheet about the line of a region.

    verdict: their answer, as the sheet stores it.
    by: the id of who decided; empty where the sheet does not say.
    sheet, annotation: where, ids of Label Studio.
    seconds: how long it took; None where that was not measured.
    others: the ids of those who answered the same.
    """

    verdict: str
    by: str
    sheet: int
    annotation: int
    seconds: float | None = None
    others: tuple[str, ...] = ()


def decided_meta(decided: Decided) -> dict[str, Any]:
    """What is added under `KEY` for a line that was decided on a sheet."""
    return {
        "decided": {
            "verdict": decided.verdict,
            "by": decided.by,
            "sheet": decided.sheet,
            "annotation": decided.annotation,
            **({"with": list(decided.others)} if decided.others else {}),
            **({} if decided.seconds is None else {"seconds": decided.seconds}),
        }
    }


def accepted_meta(user: str) -> dict[str, Any]:
    """What is added under `KEY` for a line that nobody looked at, and that a user accepted with its page."""
    return {"accepted": {"by": user}}


def with_note(
    region_id: str, parts: Sequence[Mapping[str, Any]], note: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """A region's results, with more under `KEY` in the first one's meta; what stands there stays.

    Args:
        region_id: Label Studio's id of the region.
        parts: its results, in order.
        note: such as `decided_meta`.
    """
    first, *others = (dict(part) for part in parts)
    meta = first.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    stored = meta.get(KEY)
    # the readings of a region that was copied stay behind
    own = stored if isinstance(stored, dict) and stored.get("region") == region_id else {"region": region_id}
    return [{**first, "meta": {**meta, KEY: {**own, **note}}}, *others]


def decided_in(region: Region) -> Decided | None:
    """What people decided on a sheet about this region's line; None for every other region."""
    note = _note(region, "decided")
    if note is None:
        return None
    verdict, by, seconds, others = (note.get(name) for name in ("verdict", "by", "seconds", "with"))
    sheet, annotation = note.get("sheet"), note.get("annotation")
    if not isinstance(verdict, str) or type(sheet) is not int or type(annotation) is not int:
        return None
    return Decided(
        verdict=verdict,
        by=by if isinstance(by, str) else "",
        sheet=sheet,
        annotation=annotation,
        seconds=float(seconds) if isinstance(seconds, (int, float)) else None,
        others=tuple(filter(_is_text, others)) if isinstance(others, list) else (),
    )


def accepted_in(region: Region) -> str | None:
    """The id of who accepted this line without anybody having looked at it; None for every other region."""
    note = _note(region, "accepted")
    by = None if note is None else note.get("by")
    return by if isinstance(by, str) else None


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


def _own(region: Region) -> Mapping[str, Any] | None:
    """What stands under `KEY` of a region, where it was written for this very region."""
    stored = region.meta.get(KEY)
    return stored if isinstance(stored, dict) and region.id and stored.get("region") == region.id else None


def _note(region: Region, name: str) -> Mapping[str, Any] | None:
    stored = _own(region)
    note = None if stored is None else stored.get(name)
    return note if isinstance(note, dict) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _stored(region: Region) -> StoredReadings | None:
    stored = _own(region)
    if stored is None:
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
