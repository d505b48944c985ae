"""Options of `twinread export`: what does not go together, and what an export makes of the rest."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from backend.cores import cores
from backend.errors import BadRequest
from backend.label_studio.annotations import moment_of
from backend.outputs import check_writable
from backend.page.crops import TallLines
from backend.page.pixel_budget import OPEN_PAGES
from backend.settings.settings import Settings
from converters.export.layouts import FORMATS, Format, layout_of
from converters.export.previous_dataset import newest_change
from converters.export.run import ExportOptions
from converters.export.split_ratio import parse_ratio
from converters.export.write_page import CropFormat, PageOptions
from converters.paddleocr.row_faults import image_fault
from converters.reviewed import inputs
from converters.reviewed.approval import Approval
from converters.reviewed.line_rules import Rules

LAST = "last"
OVERLAP = timedelta(seconds=10)
"""Label Studio notes a change some tenths of a second after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What a person asked for: the options of `twinread export`, one field each, as they were written.

    project: number of the project in Label Studio; None where `json_file` holds the tasks.
    json_file: an export of Label Studio.
    images: folder that holds the images; None where they are fetched.
    out: the dataset's folder.
    layout: the name of one of `layouts.LAYOUTS`.
    quality: of JPEG crops, 1 to 100; None takes the usual one.
    tall_lines: None takes the setting.
    approved: the rule by which an annotation counts.
    labels: names separated by commas; None takes every label.
    replace_breaks: tabs and line breaks in texts become spaces.
    ratio: of train, val and test, in any notation.
    split_by: the field of a task's data whose pages stay in one part.
    new_split: forget where earlier exports put pages.
    incremental: write only what changed since the dataset was exported.
    since: a moment in ISO 8601, or `LAST`; None reads all tasks.
    guarantee: the share of wrong lines that is accepted among those that nobody looked at, 0 to 1; None
        exports all of them.
    image_field: the field of a task's data that names its image.
    text_field: names of the TextAreas that hold transcriptions, separated by commas; None takes the setting.
    config: the labeling config of `json_file`.
    jobs: processes that make pages; None takes as many as there are cores.
    summary_json: a file that gets the summary, too.
    """

    project: int | None
    json_file: Path | None
    images: Path | None
    out: Path
    format: Format
    layout: str
    crop_format: CropFormat
    quality: int | None
    tall_lines: TallLines | None
    approved: str
    labels: str | None
    replace_breaks: bool
    ratio: str
    split_by: str | None
    new_split: bool
    incremental: bool
    since: str | None
    guarantee: float | None
    image_field: str | None
    text_field: str | None
    config: Path | None
    jobs: int | None
    summary_json: Path | None


def check(request: ExportRequest) -> None:
    """Refuse options that do not go together.

    Raises:
        BadRequest: which ones, and why.
    """
    if (request.project is None) == (request.json_file is None):
        raise BadRequest("Say what to export: --project NUMBER for a project, or --json FILE for an export.")
    for option, value in (("images", request.images), ("config", request.config)):
        if request.project is not None and value is not None:
            raise BadRequest(f"--{option} goes with --json; a project's own are read from Label Studio.")
    if request.since and request.project is None:
        raise BadRequest("--since goes with --project; an export file holds all its tasks anyway.")
    if request.guarantee is not None and request.project is None:
        raise BadRequest(
            "--guarantee goes with --project: an export file holds no audits, so it does not say what lines "
            "are worth that nobody looked at."
        )
    if request.guarantee is not None and request.since:
        raise BadRequest(
            "--guarantee looks at all tasks, because a claim is about all of them: leave --since out. With "
            "--incremental pages that have not changed are kept all the same."
        )
    if request.quality is not None and request.crop_format != "jpg":
        raise BadRequest("--quality goes with --crop-format jpg; PNG crops lose nothing.")
    refused = layout_of(request.layout).refused_formats
    if request.format in refused:
        others = " or ".join(name for name in FORMATS if name not in refused)
        raise BadRequest(f"--layout {request.layout} goes with --format {others}: {refused[request.format]}")


def check_places(request: ExportRequest, out: Path) -> None:
    """Refuse, before any work, a place that what is written could not have.

    Args:
        request: the command's options.
        out: the dataset's folder, by its own name.

    Raises:
        BadRequest: which option names it, and why not.
        OperatorError: the file system refuses a place.
    """
    layout = layout_of(request.layout)
    fault = image_fault(out.name)
    if layout.folder_in_rows and fault is not None:
        raise BadRequest(
            f"The folder's name {out.name!r} (--out) {fault.what}, and {layout.title}'s layout writes it "
            f"before the name of every page. {fault.why} Choose another name with --out."
        )
    path = request.summary_json
    if path is None:
        return
    if path.resolve().is_relative_to(out):
        raise BadRequest(
            f"--summary-json {path} lies in the dataset's folder, which is replaced as a whole and holds a "
            "summary.json of its own. Name a file beside it."
        )
    check_writable(path)


def options_of(request: ExportRequest, values: Settings) -> ExportOptions:
    """What to export, and how, as far as options and settings say.

    Args:
        request: the command's options.
        values: fill in what the options leave open.

    Raises:
        BadRequest: an option that says nothing.
    """
    return ExportOptions(
        rules=Rules(
            Approval.parse(request.approved),
            inputs.names_with(values.label_names, request.text_field),
            labels_of(request.labels),
            None,
            request.replace_breaks,
            values.ocr_language,
            values.text_style,
        ),
        pages=PageOptions(
            format=request.format,
            layout=request.layout,
            crop_format=request.crop_format,
            quality=request.quality or PageOptions().quality,
            tall_lines=request.tall_lines or values.tall_lines,
            max_pixels=values.max_page_pixels,
            max_scans=values.max_jpeg_scans,
        ),
        ratio=parse_ratio(request.ratio),
        split_by=request.split_by,
        new_split=request.new_split,
        incremental=request.incremental,
        partial=request.since is not None,
        image_field=request.image_field,
        jobs=request.jobs or cores(),
        pixels=OPEN_PAGES * values.max_decoding_pixels,
    )


def labels_of(written: str | None) -> frozenset[str] | None:
    """The labels of --labels, in lower case; None takes every label.

    Raises:
        BadRequest: it names none.
    """
    if written is None:
        return None
    labels = frozenset(name.casefold() for name in _names(written))
    if not labels:
        raise BadRequest(
            f"--labels {written!r} names no label. Name some, such as Text,Title, or leave it out."
        )
    return labels


def labels_missing(written: str | None, known: Container[str]) -> str:
    """Those labels of --labels that are not known, as they were written; empty where all are.

    Args:
        written: the option.
        known: labels in lower case.
    """
    return ", ".join(name for name in _names(written or "") if name.casefold() not in known)


def check_labels(written: str | None, offered: Sequence[str] | None) -> None:
    """Refuse a label that nobody could have given.

    Args:
        written: the labels of --labels.
        offered: those of the labeling config, where they are known.

    Raises:
        BadRequest: the config offers others.
    """
    if written is None or offered is None:
        return
    missing = labels_missing(written, {name.casefold() for name in offered})
    if missing:
        raise BadRequest(
            f"The labeling config offers no label {missing} (--labels); it offers {', '.join(offered)}."
        )


def _names(written: str) -> list[str]:
    return [name.strip() for name in written.split(",") if name.strip()]


def since_of(written: str | None, out: Path) -> datetime | None:
    """The moment after which changed tasks are read; None reads all.

    Args:
        written: the option --since.
        out: the dataset's folder, by its own name.

    Raises:
        BadRequest: it is no moment, or one that is still to come.
    """
    if written is None:
        return None
    text = _last(out) if written == LAST else written
    moment = moment_of(text)
    # at the edges of the calendar a moment has no neighbours to count to
    if moment is None or not 1970 <= moment.year < 9999:
        raise BadRequest(
            f"--since {text!r} is no moment: write it like 2026-11-22T10:00:00Z, or {LAST}.", since=text
        )
    # a moment without a zone is the clock on the wall here
    if written != LAST and datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is None:
        moment = moment.replace(tzinfo=None).astimezone()
    # the clock of Label Studio, which the last one is from, may be ahead
    if written != LAST and moment > datetime.now(timezone.utc):
        raise BadRequest(
            f"--since {text} is still to come, so no task can have changed after it.", since=text
        )
    return moment.astimezone(timezone.utc) - OVERLAP


def _last(out: Path) -> str:
    """The newest change that the dataset in place knows of."""
    moment = newest_change(out)
    if not moment:
        raise BadRequest(
            f"There is no earlier export in {out.name} whose time --since {LAST} could mean. Leave "
            "--since out once."
        )
    return moment
