"""`twinread export`: options and settings to an export, and its summary to the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from rich.console import Console

from backend import settings
from backend.errors import BadRequest
from backend.label_studio_api import LabelStudioApi
from backend.settings import Settings
from converters import export_terminal, inputs, task_sources
from converters.accounts import EXPORTED, Account
from converters.export import ExportOptions, NothingToExport, export
from converters.files import Staging
from converters.in_place import Origin, newest_change
from converters.judging import Rules
from converters.outputs import write_summary
from converters.page_maker import PageSource
from converters.pages import PageOptions
from converters.ratio import parse_ratio
from converters.reasons import AnnotationWhy
from converters.reviewed import Approval, moment_of
from converters.task_sources import TaskSource

LAST = "last"
OVERLAP = timedelta(seconds=10)
"""Label Studio notes a change some tenths of a second after it."""


def run(**given: Any) -> int:
    """Export, and tell what was exported.

    Args:
        **given: the command's options, by the names of its parameters.

    Returns:
        The exit code: 1 where an image could not be had, or nothing was approved.

    Raises:
        BadRequest: options that do not go together, or a file that is no export.
        TwinreadError: why the export cannot go on.
    """
    console = Console(highlight=False, soft_wrap=True)
    _check(given)
    values = settings.load()
    out = Path(given["out"])
    options = _options(given, values)
    with ExitStack() as opened:
        since = _since(given["since"], out)
        source, images, options = _sources(given, values, options, since, opened)
        written = True
        try:
            with Staging(out) as staging, export_terminal.bar(console, source.total) as bar:
                account = export(source.tasks, images, staging, options, bar)
        except NothingToExport as nothing:
            account, written = nothing.account, False
            console.print(str(nothing), markup=False, style="red")
        except KeyboardInterrupt:
            console.print("Stopped. The dataset is as it was; run the same command again to go on from here.")
            return 1
    export_terminal.tell(account, options.pages, out, console, written=written)
    for sentence in _notes(given, account):
        console.print(sentence, markup=False, style="yellow")
    if given["summary_json"]:
        difference = {"written": written, "difference": dict(account.difference)}
        write_summary(Path(given["summary_json"]), {**account.summary(options.pages), **difference})
    return 1 if account.pages_without_image or not written else 0


def _check(given: dict[str, Any]) -> None:
    if (given["project"] is None) == (given["json_file"] is None):
        raise BadRequest("Say what to export: --project NUMBER for a project, or --json FILE for an export.")
    for option in ("images", "config"):
        if given["project"] is not None and given[option]:
            raise BadRequest(f"--{option} goes with --json; a project's own are read from Label Studio.")
    if given["since"] and given["project"] is None:
        raise BadRequest("--since goes with --project; an export file holds all its tasks anyway.")
    if given["quality"] is not None and given["crop_format"] != "jpg":
        raise BadRequest("--quality goes with --crop-format jpg; PNG crops lose nothing.")


def _options(given: dict[str, Any], values: Settings) -> ExportOptions:
    names = values.label_names
    return ExportOptions(
        rules=Rules(
            Approval.parse(given["approved"]), names, _labels(given["labels"]), None, given["replace_breaks"]
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


def _labels(written: str | None) -> frozenset[str] | None:
    """The labels of --labels, in lower case; None takes every label."""
    if written is None:
        return None
    labels = frozenset(name.strip().casefold() for name in written.split(",") if name.strip())
    if not labels:
        raise BadRequest(
            f"--labels {written!r} names no label. Name some, such as Text,Title, or leave it out."
        )
    return labels


def _notes(given: dict[str, Any], account: Account) -> Iterator[str]:
    """What an option did not do, though nothing failed."""
    if given["split_by"] is not None and account.pages_without_group:
        yield (
            f"{account.pages_without_group} of {account.pages} pages are of tasks without the field "
            f"{given['split_by']} (--split-by); each of them was split by itself."
        )
    if given["since"] is not None and account.rows and not account.compared:
        yield (
            f"There was no dataset in {given['out']} that unchanged tasks could be kept from: it holds those "
            "alone that changed. Export once without --since for all."
        )
    nobody = not account.annotations[EXPORTED] and account.annotations[AnnotationWhy.NOT_BY_USER.value]
    if nobody and given["json_file"] is not None and "@" in given["approved"]:
        yield (
            "Export files mostly name annotators by number alone: pass --approved 'by NUMBER', or export "
            "with --project."
        )


def _since(written: str | None, out: Path) -> datetime | None:
    """The moment after which changed tasks are read."""
    if written is None:
        return None
    told = written
    if written == LAST:
        told = _last(out)
    moment = moment_of(told)
    # at the edges of the calendar a moment has no neighbours to count to
    if not 1970 <= moment.year < 9999:
        raise BadRequest(
            f"--since {told!r} is no moment: write it like 2026-11-22T10:00:00Z, or {LAST}.", since=told
        )
    # a moment without a zone is the clock on the wall here
    if written != LAST and datetime.fromisoformat(told.replace("Z", "+00:00")).tzinfo is None:
        moment = moment.replace(tzinfo=None).astimezone()
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


def _sources(
    given: dict[str, Any],
    values: Settings,
    options: ExportOptions,
    since: datetime | None,
    opened: ExitStack,
) -> tuple[TaskSource, PageSource, ExportOptions]:
    """Where tasks and images come from, and the options with what Label Studio knows."""
    rules = options.rules
    api = None
    if given["project"] is not None or (not given["images"] and values.label_studio_api_key is not None):
        api = opened.enter_context(LabelStudioApi.of(values))
    if given["project"] is not None:
        assert api is not None  # noqa: S101  (opened above)
        rules = replace(rules, approval=task_sources.with_user_id(api, rules.approval))
        source = task_sources.from_project(api, given["project"], rules.names, since)
        options = replace(options, origin=Origin(str(values.label_studio_url), given["project"]))
    else:
        config = inputs.labeling_config(_path(given["config"]), rules.names)
        path = Path(given["json_file"])
        # read twice: a file that is broken at its end is refused before anything is made
        total = sum(1 for _ in task_sources.from_file(path))
        source = TaskSource(task_sources.from_file(path), config, total)
    images = inputs.page_source(_path(given["images"]), api, values)
    return source, images, replace(options, rules=replace(rules, config=source.config))


def _path(given: str | None) -> Path | None:
    return None if given is None else Path(given)
