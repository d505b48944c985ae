"""`twinread export`: options and settings to an export, and its summary to the terminal."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from rich.console import Console

from backend import settings
from backend.config_tags import LabelNames
from backend.errors import BadRequest, SettingsWrong
from backend.label_studio_api import LabelStudioApi
from backend.settings import Settings
from backend.sources import SourceLimits, Sources
from converters import export_terminal, tasks
from converters.accounts import Account
from converters.export import ExportOptions, NothingToExport, export
from converters.files import Staging, writing
from converters.judging import Rules
from converters.pages import PageOptions, PageSource
from converters.reviewed import Approval, moment_of
from converters.rows import SUMMARY
from converters.split import parse_ratio
from converters.tasks import ImageFolder, TaskSource

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
    if given["summary_json"]:
        _write_summary(Path(given["summary_json"]), account, options.pages, written)
    return 1 if account.pages_without_image or not written else 0


def _check(given: dict[str, Any]) -> None:
    if (given["project"] is None) == (given["json_file"] is None):
        raise BadRequest("Say what to export: --project NUMBER for a project, or --json FILE for an export.")
    for option in ("images", "config"):
        if given["project"] is not None and given[option]:
            raise BadRequest(f"--{option} goes with --json; a project's own are read from Label Studio.")
    if given["since"] and given["project"] is None:
        raise BadRequest("--since goes with --project; an export file holds all its tasks anyway.")


def _options(given: dict[str, Any], values: Settings) -> ExportOptions:
    names = LabelNames(values.label_text, values.label_check, values.label_illegible, values.label_not_text)
    labels = None
    if given["labels"]:
        labels = frozenset(name.strip().casefold() for name in given["labels"].split(",") if name.strip())
    return ExportOptions(
        rules=Rules(Approval.parse(given["approved"]), names, labels, None, given["replace_breaks"]),
        pages=PageOptions(
            format=given["kind"],
            layout=given["layout"],
            crop_format=given["crop_format"],
            quality=given["quality"],
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


def _since(written: str | None, out: Path) -> datetime | None:
    """The moment after which changed tasks are read."""
    if written is None:
        return None
    told = written
    if written == LAST:
        try:
            told = json.loads((out / SUMMARY).read_text("utf-8"))["newest_change"]
        except (OSError, ValueError, KeyError) as error:
            raise BadRequest(
                f"There is no earlier export in {out.name} whose time --since {LAST} could mean. Leave "
                "--since out once."
            ) from error
    moment = moment_of(told)
    if moment.year == 1:
        raise BadRequest(
            f"--since {told!r} is no moment: write it like 2026-11-22T10:00:00Z, or {LAST}.", since=told
        )
    # a moment without a zone is the clock on the wall here
    if written != LAST and datetime.fromisoformat(told.replace("Z", "+00:00")).tzinfo is None:
        moment = moment.replace(tzinfo=None).astimezone()
    return moment.astimezone(timezone.utc) - OVERLAP


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
    if given["project"] is not None or not given["images"]:
        api = _label_studio(values, required=given["project"] is not None)
        if api is not None:
            opened.enter_context(api)
    if given["project"] is not None:
        assert api is not None  # noqa: S101  (required above)
        rules = replace(rules, approval=tasks.with_user_id(api, rules.approval))
        source = tasks.from_project(api, given["project"], rules.names, since)
    else:
        xml = Path(given["config"]).read_text("utf-8") if given["config"] else None
        config = tasks.config_of(xml, rules.names) if xml is not None else None
        path = Path(given["json_file"])
        # read twice: a file that is broken at its end is refused before anything is made
        total = sum(1 for _ in tasks.from_file(path))
        source = TaskSource(tasks.from_file(path), config, total)
    images: PageSource = (
        ImageFolder(Path(given["images"]), values.max_image_bytes)
        if given["images"]
        else Sources(api, _limits(values), cache_dir=values.cache_dir / "images")
    )
    return source, images, replace(options, rules=replace(rules, config=source.config))


def _label_studio(values: Settings, *, required: bool) -> LabelStudioApi | None:
    if values.label_studio_api_key is not None:
        return LabelStudioApi(str(values.label_studio_url), values.label_studio_api_key)
    if required:
        raise SettingsWrong(
            "LABEL_STUDIO_API_KEY is not set. Copy a key from Label Studio, Account & Settings > Personal "
            "Access Token, into the environment or .env."
        )
    return None


def _limits(values: Settings) -> SourceLimits:
    return SourceLimits(
        max_bytes=values.max_image_bytes,
        total_s=values.image_timeout_s,
        allowed_hosts=values.allowed_image_hosts,
        cache_bytes=values.image_cache_bytes,
    )


def _write_summary(path: Path, account: Account, options: PageOptions, written: bool) -> None:
    summary = {**account.summary(options), "written": written, "difference": dict(account.difference)}
    with writing(path):
        path.write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", "utf-8")
