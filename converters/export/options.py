"""Options of `twinread export`: what does not go together, and what an export makes of the rest."""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from backend.errors import BadRequest
from backend.label_studio.annotations import moment_of
from backend.outputs import check_place
from backend.settings.settings import Settings
from converters.export.previous_dataset import newest_change
from converters.export.ratio import parse_ratio
from converters.export.run import ExportOptions
from converters.export.write_page import PageOptions
from converters.paddleocr.row_faults import image_fault
from converters.reviewed.approval import Approval
from converters.reviewed.line_rules import Rules

LAST = "last"
OVERLAP = timedelta(seconds=10)
"""Label Studio notes a change some tenths of a second after it."""


def check(given: dict[str, Any]) -> None:
    """Refuse options that do not go together.

    Args:
        given: the command's options, by the names of its parameters.

    Raises:
        BadRequest: which ones, and why.
    """
    if (given["project"] is None) == (given["json_file"] is None):
        raise BadRequest("Say what to export: --project NUMBER for a project, or --json FILE for an export.")
    for option in ("images", "config"):
        if given["project"] is not None and given[option]:
            raise BadRequest(f"--{option} goes with --json; a project's own are read from Label Studio.")
    if given["since"] and given["project"] is None:
        raise BadRequest("--since goes with --project; an export file holds all its tasks anyway.")
    if given["quality"] is not None and given["crop_format"] != "jpg":
        raise BadRequest("--quality goes with --crop-format jpg; PNG crops lose nothing.")
    if given["layout"] == "ppocrlabel" and given["kind"] == "recognition":
        raise BadRequest(
            "--layout ppocrlabel goes with --format detection or both: PPOCRLabel opens pages, and "
            "--format recognition writes none."
        )


def check_places(given: dict[str, Any], out: Path) -> None:
    """Refuse, before any work, a place that what is written could not have.

    Args:
        given: the command's options, by the names of its parameters.
        out: the dataset's folder, by its own name.

    Raises:
        BadRequest: which option names it, and why not.
        OperatorError: the file system refuses a place.
    """
    fault = image_fault(out.name)
    if given["layout"] == "ppocrlabel" and fault is not None:
        raise BadRequest(
            f"The folder's name {out.name!r} (--out) {fault.what}, and PPOCRLabel's layout writes it before "
            f"the name of every page. {fault.why} Choose another name with --out."
        )
    if given["summary_json"] is None:
        return
    path = Path(given["summary_json"])
    if path.resolve().is_relative_to(out):
        raise BadRequest(
            f"--summary-json {path} lies in the dataset's folder, which is replaced as a whole and holds a "
            "summary.json of its own. Name a file beside it."
        )
    check_place(path)


def options_of(given: dict[str, Any], values: Settings) -> ExportOptions:
    """What to export, and how, as far as options and settings tell.

    Raises:
        BadRequest: an option that says nothing.
    """
    names = values.label_names
    return ExportOptions(
        rules=Rules(
            Approval.parse(given["approved"]),
            names,
            labels_of(given["labels"]),
            None,
            given["replace_breaks"],
        ),
        pages=PageOptions(
            format=given["kind"],
            layout=given["layout"],
            crop_format=given["crop_format"],
            quality=given["quality"] or PageOptions().quality,
            tall_lines=given["tall_lines"] or values.tall_lines,
            max_pixels=values.max_page_pixels,
        ),
        ratio=parse_ratio(given["ratio"]),
        split_by=given["split_by"],
        new_split=given["new_split"],
        incremental=given["incremental"],
        partial=given["since"] is not None,
        image_field=given["image_field"],
        jobs=given["jobs"] or os.cpu_count() or 1,
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


def labels_missing(written: str | None, there: Container[str]) -> str:
    """Those labels of --labels that are not there, as they were written; empty where all are.

    Args:
        written: the option.
        there: labels in lower case.
    """
    return ", ".join(name for name in _names(written or "") if name.casefold() not in there)


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
    told = written
    if written == LAST:
        told = _last(out)
    moment = moment_of(told)
    # at the edges of the calendar a moment has no neighbours to count to
    if moment is None or not 1970 <= moment.year < 9999:
        raise BadRequest(
            f"--since {told!r} is no moment: write it like 2026-11-22T10:00:00Z, or {LAST}.", since=told
        )
    # a moment without a zone is the clock on the wall here
    if written != LAST and datetime.fromisoformat(told.replace("Z", "+00:00")).tzinfo is None:
        moment = moment.replace(tzinfo=None).astimezone()
    # the clock of Label Studio, which tells the last one, may be ahead
    if written != LAST and moment > datetime.now(timezone.utc):
        raise BadRequest(
            f"--since {told} is still to come, so no task can have changed after it.", since=told
        )
    return moment.astimezone(timezone.utc) - OVERLAP


def _last(out: Path) -> str:
    """The newest change that the dataset in place knows of."""
    told = newest_change(out)
    if not told:
        raise BadRequest(
            f"There is no earlier export in {out.name} whose time --since {LAST} could mean. Leave "
            "--since out once."
        )
    return told
