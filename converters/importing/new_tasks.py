"""PaddleOCR label files → tasks of Label Studio whose lines are to be reviewed; pure.

A detection row (also of PPOCRLabel's `Label.txt`) is one page with a box per region. A recognition row
is one line image: a task with one box over the whole image. The lines come as a prediction, each
waiting for a decision, because published sets are often wrong and one source alone is confirmed by
nothing. Where the set is trusted they come as a submitted annotation instead.

- A region that PaddleOCR ignores (`###`, `*`) arrives as illegible, without a text.
- A region without a text arrives without one, to be typed.
- A shape of more or fewer than four corners keeps its points where the labeling config draws polygons,
  and becomes its smallest rectangle where it draws rectangles; that is counted.
- The texts are letter for letter those of the file.

What a task does not carry: keys beyond `transcription` and `points` (`difficult`, `key_cls`, ...), and
which pages PPOCRLabel's `fileState.txt` says were looked at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.label_studio import line_results, predictions, region_notes
from backend.label_studio.labeling_config import LabelingConfig
from backend.page import geometry
from backend.page.lines import Judgement, Line, Quad, Reading, ReadLine, ReadPage, Reason, ReasonKind, Verdict
from converters.importing.options import ImportOptions
from converters.paddleocr import label_rows
from converters.paddleocr.label_files import Labelled, RegionReason
from converters.reviewed.line_rules import ON_PAGE

KEY = "imported_key"
"""The field of a task's data by which a second import knows the task."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task as Label Studio imports it, and what became of the row's regions.

    regions: how many lines it has.
    reshaped: how many of them are now the smallest rectangle around what the file says.
    left_out: one reason per region that is not on it.
    """

    task: dict[str, Any]
    regions: int
    reshaped: int = 0
    left_out: tuple[RegionReason, ...] = ()


def key_of(row: Labelled, content: bytes) -> tuple[str, str]:
    """What names a row in every import: its image, and what the row says of it.

    Args:
        row: names the image.
        content: the image file's bytes.

    Returns:
        A digest of the image's name and bytes, and a digest of the regions.
    """
    image = hashlib.sha256(row.image.encode("utf-8", "surrogatepass") + b"\0" + content).hexdigest()[:20]
    regions = json.dumps([(region.text, region.points, region.ignored) for region in row.regions])
    return image, hashlib.sha256(regions.encode()).hexdigest()[:8]


def task_of(
    row: Labelled,
    page_size: tuple[int, int],
    address: str,
    config: LabelingConfig,
    options: ImportOptions,
    *,
    file: str,
    key: tuple[str, str],
    notes: tuple[Reason, ...] = (),
) -> NewTask:
    """The task that Label Studio imports for a row.

    Args:
        row: what the file says.
        page_size: width and height of the upright image, pixels.
        address: of the image, as a task's data holds it.
        config: the project's labeling config.
        options: how tasks are made.
        file: the label file's name.
        key: as `key_of` gives it.
        notes: of the image, for whoever reviews its lines.

    Returns:
        A task with one prediction, or one annotation that is submitted and not marked as ground truth.
    """
    width, height = page_size
    keeps_points = config.control.shape == "polygon"
    placed: list[tuple[label_rows.RowRegion, Quad]] = []
    left_out = [RegionReason.UNREADABLE] * len(row.unreadable)
    reshaped = 0
    for region in row.regions:
        quad = _quad(region, width, height)
        why = _unusable(quad, width, height)
        if why is not None:
            left_out.append(why)
            continue
        many = len(region.points) not in (0, 4)
        if many and keeps_points:
            quad = np.array(region.points, dtype=np.float32)
        reshaped += many and not keeps_points
        placed.append((region, quad))
    judged = [(Line(quad), *_judged(region, options.approved)) for region, quad in placed]
    lines = [ReadLine(line, readings, judgement.noted(notes)) for line, readings, judgement in judged]
    made = predictions.prediction(
        ReadPage(width, height, lines, notes=notes),
        config,
        model_version=f"imported:{file}",
        message_language=options.message_language,
    )
    ignored = [region.ignored for region, _ in placed]
    made["result"] = _with_illegible(made["result"], lines, ignored, config)
    data = {
        config.data_field: address,
        "imported_from": file,
        "imported_image": line_results.storable(row.image),
        KEY: "-".join(key),
        **({"language": options.language} if options.language else {}),
    }
    task: dict[str, Any] = {"data": data}
    if options.approved:
        # nobody read these lines: as readings they would be the best that any reader ever gave
        made["result"] = [_without_readings(part) for part in made["result"]]
        # Label Studio marks imported annotations as ground truth unless told otherwise
        task["annotations"] = [
            {"result": made["result"], "ground_truth": False, "was_cancelled": False},
        ]
    else:
        task["predictions"] = [made]
    return NewTask(task, len(placed), reshaped, tuple(left_out))


def with_address(task: Mapping[str, Any], config: LabelingConfig, address: str) -> dict[str, Any]:
    """The task with another address of its image."""
    return {**task, "data": {**task["data"], config.data_field: address}}


def _without_readings(part: dict[str, Any]) -> dict[str, Any]:
    meta = {name: kept for name, kept in part.get("meta", {}).items() if name != region_notes.KEY}
    bare = {name: kept for name, kept in part.items() if name != "meta"}
    return {**bare, "meta": meta} if meta else bare


def _quad(region: label_rows.RowRegion, width: int, height: int) -> Quad:
    """Four corners clockwise, beginning where the file's begin."""
    if not region.points:
        return geometry.page_corners(width, height)
    # beyond what float32 holds a corner is as far off the page as it can be
    with np.errstate(over="ignore"):
        points = np.array(region.points, dtype=np.float64).astype(np.float32)
    if len(points) != 4:
        return geometry.minimum_area_quad(points)
    return np.ascontiguousarray(points[[0, 3, 2, 1]]) if geometry.runs_counter_clockwise(points) else points


def _unusable(quad: Quad, width: int, height: int) -> RegionReason | None:
    if geometry.is_degenerate(quad):
        return RegionReason.TOO_SMALL
    return RegionReason.OFF_PAGE if geometry.share_on_page(quad, width, height) < ON_PAGE else None


def _judged(region: label_rows.RowRegion, approved: bool) -> tuple[tuple[Reading, ...], Judgement]:
    reading = (Reading("imported", region.text),)
    if region.ignored or not line_results.storable(region.text).strip():
        return reading, Judgement(Verdict.NO_TEXT, "", 0.0, (Reason(ReasonKind.ONE_READER),))
    if approved:
        return reading, Judgement(Verdict.AGREED, region.text, 1.0)
    return reading, Judgement(Verdict.DISPUTED, region.text, 0.5, (Reason(ReasonKind.ONE_READER),))


def _with_illegible(
    result: Sequence[Mapping[str, Any]],
    lines: Sequence[ReadLine],
    ignored: Sequence[bool],
    config: LabelingConfig,
) -> list[dict[str, Any]]:
    """Label the ignored lines as illegible, in configs that can say so."""
    # the results have those in doubt first, each group in the order of the lines
    order = sorted(range(len(lines)), key=lambda place: lines[place].judgement.verdict is Verdict.AGREED)
    ids = dict.fromkeys(part["id"] for part in result)
    illegible = config.control.labels.illegible
    out = {identity for identity, place in zip(ids, order, strict=True) if ignored[place]}
    if illegible is None:
        return [dict(part) for part in result]
    made = []
    for part in result:
        if part["id"] in out:
            value = {
                name: [illegible] if name.endswith("labels") else kept for name, kept in part["value"].items()
            }
            meta = {name: kept for name, kept in part.get("meta", {}).items() if name != "text"}
            part = {**part, "value": value, **({"meta": meta} if "meta" in part else {})}
        made.append(dict(part))
    return made
