"""PaddleOCR's own rules, before PaddleOCR applies them: what becomes of each row of a label file; pure.

PaddleOCR never stops at a bad row. It puts another row in its place, in evaluation too, and often says
nothing. Each function here takes a row's bytes and says what PaddleOCR 3.7's loader does with it, in the
loader's own order: decode, split at tabs, open the image, decode the image, encode the label.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import regex

from converters.paddleocr.dictionaries import Dictionary
from converters.paddleocr.findings import (
    LOST,
    Finding,
    OpenPicture,
    Outcome,
    Picture,
    PictureState,
    RowCheck,
    worse,
)
from converters.paddleocr.label_rows import IGNORE_MARKS
from converters.paddleocr.row_faults import LINE_BREAKS, Fault, several_rows
from converters.paddleocr.training_config import DetectionRules, RecognitionRules, steps_needed


@dataclass(frozen=True, slots=True)
class _Opened:
    """A row up to its image: what both kinds of label files share."""

    image: str
    label: str
    more: str | None
    findings: tuple[Finding, ...]
    outcome: Outcome
    picture: Picture | None
    infects: bool


_MIXED = regex.compile(r"\p{Latin}\p{M}*\p{Cyrillic}|\p{Cyrillic}\p{M}*\p{Latin}")
_BREAK = regex.compile(f"[{LINE_BREAKS}]")


def images_of(row: bytes) -> list[str]:
    """The images that PaddleOCR may open for a row: one, several where its name is a list, or none."""
    try:
        fields = row.decode("utf-8").strip("\n").split("\t")
    except UnicodeDecodeError:
        return []
    if len(fields) < 2:
        return []
    listed = _listed(fields[0])
    return [name for name in listed if isinstance(name, str)] if listed else [fields[0]]


def check_recognition_row(
    row: bytes,
    line: int,
    rules: RecognitionRules,
    dictionary: Dictionary | None,
    look: OpenPicture,
    *,
    training: bool = True,
) -> RowCheck:
    """What becomes of a recognition row.

    Args:
        row: the line's bytes, with or without its line end.
        line: its number in the file, from 1.
        rules: what the training config says.
        dictionary: None when it is not known; then every character counts as inside.
        look: opens the row's image.
        training: the row is in a training list, not in one for evaluation.

    Returns:
        What becomes of the row by itself. Where training joins rows (`RecConAug`), a joined pair counts as
        one text: it is dropped when both together pass the limit by a hair, and a row without text goes
        through under its neighbour's.
    """
    opened = _open(row, look)
    neighbours = training and rules.draws_neighbours
    text = (opened.label if opened.more is None else f"{opened.label}\t{opened.more}").rstrip("\r")
    if opened.outcome in LOST:
        infects = opened.infects and neighbours
        return RowCheck(
            line, opened.image, opened.outcome, opened.findings, text, picture=opened.picture, infects=infects
        )
    label = opened.label
    cut = opened.more is not None
    meant = label if cut else label.rstrip("\r")
    kept = dictionary.kept(label) if dictionary else meant
    outside = tuple(dictionary.outside(meant)) if dictionary else ()
    lost = _why_dropped(label, meant, kept, rules)
    several = _several(row)
    findings = [*opened.findings, *([several] if several else []), *([lost] if lost else [])]
    outcome = Outcome.DROPPED if lost else opened.outcome
    if training and not lost and not rules.learns(kept):
        findings.append(Finding.UNLEARNABLE)
        outcome = worse(outcome, Outcome.UNLEARNED)
    if outside and lost is not Finding.ALL_OUTSIDE:
        findings.append(Finding.SOME_OUTSIDE)
    if cut and not several:
        findings.append(Finding.CUT_AT_TAB)
    if outside or cut or kept != (meant.lower() if dictionary and dictionary.lower else meant):
        outcome = worse(outcome, Outcome.ALTERED)
    findings += _doubts_about_text(meant) if not several else []
    picture = opened.picture
    infects = False
    if picture and picture.width:
        findings += [] if several else _doubts_about_shape(picture, kept or meant, rules)
        if neighbours and round(picture.width / picture.height * rules.height) == 0:
            findings.append(Finding.SLIVER)
            outcome = worse(outcome, Outcome.AT_RISK)
            infects = True
    trained = None if outcome in LOST else kept
    return RowCheck(
        line, opened.image, outcome, tuple(findings), text, trained, (), outside, picture, infects=infects
    )


def check_detection_row(
    row: bytes, line: int, rules: DetectionRules, look: OpenPicture, *, training: bool = True
) -> RowCheck:
    """What becomes of a detection row.

    Args:
        row: the line's bytes, with or without its line end.
        line: its number in the file, from 1.
        rules: what the training config says.
        look: opens the row's image.
        training: the row is in a training list, not in one for evaluation.
    """
    opened = _open(row, look)
    pasted = training and rules.draws_neighbours

    def judged(outcome: Outcome, *findings: Finding, infects: bool = False, **more: Any) -> RowCheck:
        worst = worse(opened.outcome, outcome)
        every = (*opened.findings, *findings)
        return RowCheck(
            line,
            opened.image,
            worst,
            every,
            opened.label,
            picture=opened.picture,
            infects=infects and pasted,
            **more,
        )

    if opened.outcome in LOST:
        return judged(opened.outcome, infects=opened.infects)
    try:
        regions = json.loads(opened.label)
        count = len(regions)
    except (ValueError, TypeError, RecursionError):
        return judged(Outcome.REPLACED, _several(row) or Finding.BAD_JSON, infects=True)
    if not count:
        return judged(Outcome.DROPPED, Finding.NO_REGIONS)
    try:
        corners = [regions[index]["points"] for index in range(count)]
        texts = [regions[index]["transcription"] for index in range(count)]
    except (KeyError, TypeError, IndexError):
        finding = Finding.BAD_REGION if isinstance(regions, list) else Finding.BAD_JSON
        return judged(Outcome.REPLACED, finding, infects=True)
    points = _as_array(corners)
    if points is None:
        return judged(Outcome.REPLACED, Finding.BAD_POINTS, infects=True)
    missing = np.isnan(points).any(axis=(1, 2))
    ignored = [text in IGNORE_MARKS or bool(gone) for text, gone in zip(texts, missing, strict=True)]
    kept = tuple(("" if text is None else str(text), mark) for text, mark in zip(texts, ignored, strict=True))
    more = {"regions": kept, "four_points": points.shape[1] == 4}
    if points.shape[2] != 2:
        # evaluation loads it and fails later, in its score
        outcome = Outcome.REPLACED if training else Outcome.AT_RISK
        return judged(
            outcome, Finding.BAD_POINTS, infects=points.shape[1] == 4, **(more if not training else {})
        )
    findings = _doubts_about_regions(points, texts, opened.picture)
    outcome = Outcome.ALTERED if missing.any() else Outcome.KEPT
    infects = False
    if missing.any():
        findings.insert(0, Finding.NOT_A_NUMBER)
    if training and np.isinf(points).any():
        findings.insert(0, Finding.INFINITE)
        outcome, infects = Outcome.AT_RISK, points.shape[1] == 4
    if pasted and points.shape[1] < 4:
        findings.insert(0, Finding.FEW_POINTS)
        outcome = Outcome.AT_RISK
    return judged(outcome, *findings, infects=infects, **more)


def _open(row: bytes, look: OpenPicture) -> _Opened:
    """Decode, split, and open the image, as PaddleOCR does for every kind of row."""
    lost = Outcome.REPLACED
    try:
        fields = row.decode("utf-8").strip("\n").split("\t")
    except UnicodeDecodeError:
        escaped = row.decode("utf-8", "backslashreplace").strip("\r\n")
        return _Opened("", escaped, None, (Finding.NOT_UTF8,), lost, None, infects=True)
    if len(fields) < 2:
        finding = Finding.NO_LABEL if fields[0].strip() else Finding.BLANK_LINE
        return _Opened(fields[0].rstrip("\r"), "", None, (finding,), lost, None, infects=True)
    name, label, more = fields[0], fields[1], "\t".join(fields[2:]) if len(fields) > 2 else None
    findings = [Finding.LISTED_IMAGE] if name.startswith("[") else []
    listed = _listed(name)
    if listed:
        names = [image for image in listed if isinstance(image, str)]
        if len(names) < len(listed):
            return _Opened(name, label, more, (*findings, Finding.NOT_A_FILE), lost, None, infects=True)
        pictures = [look(image) for image in names]
    else:
        pictures = [look(name)]
    # of a list one is drawn at random; the worst is what can happen
    picture = max(pictures, key=lambda one: one.state.outcome.rank)
    if picture.state is PictureState.MISSING and name.startswith("\ufeff"):
        findings.append(Finding.BYTE_ORDER_MARK)
    elif picture.state.finding:
        findings.append(picture.state.finding)
    elif picture.outside:
        findings.append(Finding.OUTSIDE_IMAGE)
    outcome = picture.state.outcome
    if len({one.state.outcome for one in pictures}) > 1:
        outcome = Outcome.AT_RISK
    infects = picture.state in {PictureState.EMPTY, PictureState.REFUSED}
    return _Opened(name, label, more, tuple(findings), outcome, picture, infects)


def _several(row: bytes) -> Finding | None:
    """What runs several rows into this one; None where it is one."""
    fault = several_rows(row.decode("utf-8", "replace").strip("\n"))
    return (
        {Fault.RUN_TOGETHER: Finding.RUN_TOGETHER, Fault.LINE_ENDS: Finding.LINE_ENDS}.get(fault)
        if fault
        else None
    )


def _listed(name: str) -> list[Any]:
    """The images of a name that is a JSON list; PaddleOCR takes any other name as it stands."""
    if not name.startswith("["):
        return []
    try:
        listed = json.loads(name)
    except (ValueError, RecursionError):
        return []
    return listed if isinstance(listed, list) else []


def _as_array(corners: list[Any]) -> np.ndarray[Any, np.dtype[np.float32]] | None:
    """Polygons as PaddleOCR pads them: (regions, points, coordinates) float32; None where it would fail."""
    try:
        longest = max(len(points) for points in corners)
        padded = [points + [points[-1]] * (longest - len(points)) for points in corners]
        with np.errstate(over="ignore"):
            array = np.array(padded, dtype=np.float32)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError):
        return None
    return array if array.ndim == 3 else None


def _doubts_about_text(text: str) -> list[Finding]:
    doubts = []
    if unicodedata.normalize("NFC", text) != text:
        doubts.append(Finding.DECOMPOSED)
    if _BREAK.search(text):
        doubts.append(Finding.LINE_BREAK)
    if text != text.strip(" "):
        doubts.append(Finding.EDGE_BLANKS)
    if text == "###":
        doubts.append(Finding.HASHES)
    if _MIXED.search(text):
        doubts.append(Finding.MIXED_SCRIPTS)
    return doubts


def _why_dropped(label: str, meant: str, kept: str, rules: RecognitionRules) -> Finding | None:
    if not meant:
        return Finding.EMPTY_TEXT
    # no limit in the config helps where the network has too few steps
    too_long = Finding.TOO_LONG if rules.learns(meant) else Finding.UNLEARNABLE
    # the raw label counts here, with the CR of a Windows line end
    if len(label) > rules.max_text_length:
        return too_long
    if not kept:
        return Finding.ALL_OUTSIDE
    return too_long if len(kept) > rules.longest_label else None


def _doubts_about_shape(picture: Picture, label: str, rules: RecognitionRules) -> list[Finding]:
    doubts = []
    if rules.natural_width(picture.width, picture.height) > 2 * rules.widest:
        doubts.append(Finding.SQUEEZED)
    if picture.height >= 1.5 * picture.width and len(label) > 1:
        doubts.append(Finding.TALL)
    elif rules.learns(label) and steps_needed(label) > rules.steps(picture.width, picture.height):
        doubts.append(Finding.FEW_STEPS)
    return doubts


def _doubts_about_regions(
    points: np.ndarray[Any, np.dtype[np.float32]], texts: list[Any], picture: Picture | None
) -> list[Finding]:
    doubts = []
    if "*" in texts:
        doubts.append(Finding.STAR)
    finite = points[np.isfinite(points).all(axis=(1, 2))].astype(np.float64)
    x, y = finite[..., 0], finite[..., 1]
    area = np.abs((x * np.roll(y, 1, axis=1) - y * np.roll(x, 1, axis=1)).sum(axis=1)) / 2
    if (area < 1).any():
        doubts.append(Finding.NO_AREA)
    if picture and picture.width:
        beyond = (x < 0) | (y < 0) | (x > picture.width) | (y > picture.height)
        if beyond.any():
            doubts.append(Finding.OUTSIDE_PAGE)
    return doubts
