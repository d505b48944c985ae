"""`twinread export`: options and settings to an export, and its summary to the terminal."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from backend.errors import BadRequest
from backend.outputs import write_summary
from backend.seams import PageSource
from backend.settings import connect, settings
from backend.settings.settings import Settings
from converters.export import options, terminal
from converters.export.page_records import STATE
from converters.export.previous_dataset import Origin
from converters.export.run import ExportOptions, NothingToExport, export
from converters.export.staging import Staging
from converters.export.totals import EXPORTED, ExportTotals
from converters.reviewed import inputs, task_sources
from converters.reviewed.reasons import AnnotationReason
from converters.reviewed.task_sources import TaskSource


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
    options.check(given)
    staging = Staging(Path(given["out"]))
    options.check_places(given, staging.out)
    try:
        return _run(given, staging, console)
    except KeyboardInterrupt:
        console.print(terminal.stopped(staging), markup=False)
        return 1


def _run(given: dict[str, Any], staging: Staging, console: Console) -> int:
    values = settings.load()
    chosen = options.options_of(given, values)
    with ExitStack() as opened:
        since = options.since_of(given["since"], staging.out)
        source, images, chosen = _sources(given, values, chosen, since, opened)
        labels: set[str] = set()
        tasks = inputs.noting_labels(source.tasks, labels) if given["labels"] else source.tasks
        written = True
        try:
            with staging, terminal.bar(console, source.total) as bar:
                _check_whole(staging, chosen)
                account = export(tasks, images, staging, chosen, bar)
        except NothingToExport as nothing:
            account, written = nothing.account, False
            console.print(str(nothing), markup=False, style="red")
    terminal.tell(account, chosen.pages, staging.out, console, written=written)
    for sentence in _notes(given, account, staging.out, labels):
        console.print(sentence, markup=False, style="yellow")
    if given["summary_json"]:
        difference = {"written": written, "difference": dict(account.difference)}
        write_summary(Path(given["summary_json"]), {**account.summary(chosen.pages), **difference})
    return 1 if account.pages_without_image or not written else 0


def _check_whole(staging: Staging, chosen: ExportOptions) -> None:
    """Pages that are kept unread must all be known; what is not in the state would silently be gone."""
    damaged = staging.dataset.damaged
    if chosen.partial and damaged:
        raise BadRequest(
            f"{damaged} lines of {STATE} in {staging.out.name} are damaged, so the pages they stood for "
            "cannot be kept unread. Export once without --since."
        )


def _notes(given: dict[str, Any], account: ExportTotals, out: Path, labels: Container[str]) -> Iterator[str]:
    """What an option did not do, though nothing failed; `labels`: those that regions have, in lower case."""
    missing = options.labels_missing(given["labels"], labels)
    # of tasks that were not read nobody knows
    if missing and given["since"] is None:
        yield f"No region has the label {missing} (--labels): see that it is spelled as in Label Studio."
    if given["split_by"] is not None and account.pages_without_group:
        yield (
            f"{account.pages_without_group} of {account.pages} pages are of tasks without the field "
            f"{given['split_by']} (--split-by); each of them was split by itself."
        )
    if given["since"] is not None and account.rows and not account.compared:
        yield (
            f"There was no dataset in {out.name} that unchanged tasks could be kept from: it holds those "
            "alone that changed. Export once without --since for all."
        )
    nobody = not account.annotations[EXPORTED] and account.annotations[AnnotationReason.NOT_BY_USER.value]
    if nobody and given["json_file"] is not None and "@" in given["approved"]:
        yield (
            "Export files mostly name annotators by number alone: pass --approved 'by NUMBER', or export "
            "with --project."
        )


def _sources(
    given: dict[str, Any],
    values: Settings,
    chosen: ExportOptions,
    since: datetime | None,
    opened: ExitStack,
) -> tuple[TaskSource, PageSource, ExportOptions]:
    """Where tasks and images come from, and the options with what Label Studio knows."""
    rules = chosen.rules
    api = None
    if given["project"] is not None or (not given["images"] and values.label_studio_api_key is not None):
        api = opened.enter_context(connect.label_studio(values))
    if given["project"] is not None:
        assert api is not None  # noqa: S101  (opened above)
        rules = replace(rules, approval=task_sources.with_user_id(api, rules.approval))
        source = task_sources.from_project(api, given["project"], rules.names, since)
        chosen = replace(chosen, origin=Origin(str(values.label_studio_url), given["project"]))
    else:
        file = _path(given["config"])
        config = inputs.labeling_config(file, rules.names)
        path = Path(given["json_file"])
        # read twice: a file that is broken at its end is refused before anything is made
        total = sum(1 for _ in task_sources.from_file(path))
        source = TaskSource(task_sources.from_file(path), config, total, inputs.labels_offered(file))
    options.check_labels(given["labels"], source.labels)
    images = inputs.page_source(_path(given["images"]), api, values)
    return source, images, replace(chosen, rules=replace(rules, config=source.config))


def _path(given: str | None) -> Path | None:
    return None if given is None else Path(given)
