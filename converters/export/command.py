"""`twinread export`: options and settings to an export, and its summary to the terminal."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from backend.errors import BadRequest
from backend.label_studio.client import LabelStudio
from backend.outputs import printable_lines, write_summary
from backend.seams import PageSource
from backend.settings import connect, settings
from backend.settings.settings import Settings
from backend.sheets.line_project import find_line_project
from backend.sheets.lot_claims import LotClaim
from backend.sheets.offered_texts import TextRules
from backend.sheets.project_claims import project_claims
from converters.export import options, terminal
from converters.export.guarantee import Guarantee
from converters.export.options import ExportRequest
from converters.export.page_records import STATE
from converters.export.previous_dataset import Origin
from converters.export.run import ExportOptions, NotWritten, export
from converters.export.staging import Staging
from converters.export.totals import EXPORTED, ExportTotals
from converters.reviewed import inputs, task_sources
from converters.reviewed.image_folder import notes_of
from converters.reviewed.line_rules import Rules
from converters.reviewed.reasons import AnnotationReason
from converters.reviewed.task_sources import TaskSource


def run(request: ExportRequest) -> int:
    """Export, and print what was exported and what was not.

    Returns:
        The exit code: 1 where an image could not be had, or nothing was approved.

    Raises:
        BadRequest: options that do not go together, or a file that is no export.
        TwinreadError: why the export cannot go on.
    """
    console = Console(highlight=False, soft_wrap=True)
    options.check(request)
    staging = Staging(request.out)
    options.check_places(request, staging.out)
    try:
        return _run(request, staging, console)
    except KeyboardInterrupt:
        console.print(terminal.stop_note(staging), markup=False)
        return 1


def _run(request: ExportRequest, staging: Staging, console: Console) -> int:
    values = settings.load()
    chosen = options.options_of(request, values)
    with ExitStack() as opened:
        since = options.since_of(request.since, staging.out)
        source, images, chosen = _sources(request, values, chosen, since, opened)
        labels: set[str] = set()
        tasks = inputs.noting_labels(source.tasks, labels) if request.labels else source.tasks
        written = True
        try:
            with staging, terminal.bar(console, source.total) as bar:
                _check_whole(staging, chosen)
                totals = export(tasks, images, staging, chosen, bar)
        except NotWritten as nothing:
            totals, written = nothing.totals, False
            console.print(printable_lines(str(nothing)), markup=False, style="red")
    terminal.print_totals(totals, chosen.pages, staging.out, console, written=written)
    for sentence in [*_notes(request, totals, staging.out, labels), *notes_of(images)]:
        console.print(printable_lines(sentence), markup=False, style="yellow")
    if request.summary_json is not None:
        difference = {"written": written, "difference": dict(totals.difference)}
        write_summary(request.summary_json, {**totals.summary(chosen.pages), **difference})
    refused = chosen.guarantee is not None and chosen.guarantee.refuses
    return 1 if totals.pages_without_image or not written or refused else 0


def _check_whole(staging: Staging, chosen: ExportOptions) -> None:
    """Pages that are kept unread must all be known; what is not in the state would silently be gone."""
    damaged = staging.dataset.damaged
    if chosen.partial and damaged:
        raise BadRequest(
            f"{damaged} lines of {STATE} in {staging.out.name} are damaged, so the pages they stood for "
            "cannot be kept unread. Export once without --since."
        )


def _notes(request: ExportRequest, totals: ExportTotals, out: Path, labels: Container[str]) -> Iterator[str]:
    """What an option did not do, though nothing failed; `labels`: those that regions have, in lower case."""
    missing = options.labels_missing(request.labels, labels)
    # of tasks that were not read nobody knows
    if missing and request.since is None:
        yield f"No region has the label {missing} (--labels): see that it is spelled as in Label Studio."
    if request.split_by is not None and totals.pages_without_group:
        yield (
            f"{totals.pages_without_group} of {totals.pages} pages are of tasks without the field "
            f"{request.split_by} (--split-by); each of them was split by itself."
        )
    if request.since is not None and totals.made.total():
        yield (
            "What the lines that nobody looked at are worth was not asked for: --since reads changed tasks "
            "alone, and a claim is about all of them."
        )
    if request.since is not None and totals.rows and not totals.compared:
        yield (
            f"There was no dataset in {out.name} that unchanged tasks could be kept from: it holds those "
            "alone that changed. Export once without --since for all."
        )
    nobody = not totals.annotations[EXPORTED] and totals.annotations[AnnotationReason.NOT_BY_USER.value]
    if nobody and request.json_file is not None and "@" in request.approved:
        yield (
            "Export files mostly name annotators by number alone: pass --approved 'by NUMBER', or export "
            "with --project."
        )


def _guarantee(request: ExportRequest, values: Settings, rules: Rules, api: LabelStudio) -> Guarantee | None:
    """What the audits of the project say; None where it has none, and no guarantee was asked for."""
    project = request.project
    # changed tasks alone say nothing of a claim, which is about all of them
    if project is None or request.since is not None:
        return None
    if request.guarantee is None and (rules.config is None or find_line_project(api, project) is None):
        return None
    claims: list[LotClaim] = []
    if rules.config is not None:
        target = request.guarantee or values.audit_target
        text_rules = TextRules(values.ocr_language, values.text_style)
        claims = project_claims(api, project, rules.config, text_rules, target)
    version = str(api.project(project).get("model_version") or "")
    made = Guarantee(claims, project, request.guarantee, version)
    if request.guarantee is not None:
        made.plan(api.tasks(project), rules)
    return made


def _sources(
    request: ExportRequest,
    values: Settings,
    chosen: ExportOptions,
    since: datetime | None,
    opened: ExitStack,
) -> tuple[TaskSource, PageSource, ExportOptions]:
    """Where tasks and images come from, and the options with what Label Studio knows."""
    rules = chosen.rules
    api = None
    if request.project is not None or (request.images is None and values.label_studio_api_key is not None):
        api = opened.enter_context(connect.label_studio(values))
    if request.project is not None:
        assert api is not None  # noqa: S101  (opened above)
        rules = replace(rules, approval=task_sources.with_user_id(api, rules.approval))
        source = task_sources.from_project(api, request.project, rules.names, since)
        chosen = replace(chosen, origin=Origin(str(values.label_studio_url), request.project))
    else:
        assert request.json_file is not None  # noqa: S101  (checked: the one or the other)
        config = inputs.labeling_config(request.config, rules.names)
        # read twice: a file that is broken at its end is refused before anything is made
        every = task_sources.from_file(request.json_file)
        total = sum(1 for _ in (every if config is not None else inputs.check_text_areas(every, rules.names)))
        tasks = task_sources.from_file(request.json_file)
        source = TaskSource(tasks, config, total, inputs.labels_offered(request.config))
    options.check_labels(request.labels, source.labels)
    images = inputs.page_source(request.images, api, values)
    rules = replace(rules, config=source.config)
    guarantee = _guarantee(request, values, rules, api) if api is not None else None
    return source, images, replace(chosen, rules=rules, guarantee=guarantee)
