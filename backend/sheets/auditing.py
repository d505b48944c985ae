"""Makes the audit sheets of a project, and tops them up; twice is once.

Each lot is audited up to the smallest look that can still show the target, seen what was wrong so far. So
sheets come in portions: the next run makes those of the next look, where it is needed.

New sheets are imported first, then audit sheets that nobody needs any more are removed: whoever ends this in
between, the next run goes on from what Label Studio has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.label_studio.annotations import Json
from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.message_language import MessageLanguage
from backend.sheets.agreed_lines import AgreedPage, agreed_pages
from backend.sheets.audit_plan import AuditPlan, audit_plan
from backend.sheets.audits import AuditedLot, audit_answers, audited_lots, current_lots
from backend.sheets.drawn_sheets import LineToShow, drawn_sheet
from backend.sheets.keys import Keyboard
from backend.sheets.line_project import LineProject, LineProjectSpec, find_line_project, prepare_line_project
from backend.sheets.listing import still_untouched, stored_sheets
from backend.sheets.lot_claims import LotClaim, lot_claims
from backend.sheets.making import Watcher
from backend.sheets.offered_texts import TextRules
from backend.sheets.sheet_import import SheetImport, parts


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What somebody wants of `twinread audit`.

    project: the id of the page project.
    target: share of wrong lines that the team accepts, over 0 and under 1.
    per_sheet: lines of a sheet.
    rules: how readings become texts.
    messages: the language that annotators are spoken to in.
    first_sample: the share of pages that go to page review, where a line project has to be made.
    notes: a folder that outlives the run.
    line_project: its id, where a person named it.
    limit: no more lines than this are put on new sheets; None for all.
    """

    project: int
    target: float
    per_sheet: int
    rules: TextRules
    messages: MessageLanguage
    first_sample: float
    notes: Path
    line_project: int | None = None
    limit: int | None = None


@dataclass
class AuditMade:
    """What became of a request.

    line_project: the sheets' project; None where nothing had to be asked and there is none.
    said: sentences about what was changed in it, or kept.
    claims: about the lots that the chosen version made.
    before: lots of other versions, of pages that were not read again; nothing is asked about them.
    pages: that were read.
    sheets, lines: new ones.
    repeats: those of the lines that stand on another sheet, too.
    on_sheets: lines that wait for an answer on a sheet of before.
    left: lines that are left for the next run, by the limit or because this one was stopped.
    unshown: lines that no sheet can show, by task; they count as wrong.
    removed: audit sheets that nobody had touched, and on which no answer would have counted.
    stopped: Ctrl-C ended it early; what is told was done.
    """

    line_project: LineProject | None = None
    said: list[str] = field(default_factory=list)
    claims: list[LotClaim] = field(default_factory=list)
    before: list[AuditedLot] = field(default_factory=list)
    pages: int = 0
    sheets: int = 0
    lines: int = 0
    repeats: int = 0
    on_sheets: int = 0
    left: int = 0
    unshown: dict[int, int] = field(default_factory=dict)
    removed: int = 0
    stopped: bool = False


def audit(api: LabelStudio, request: AuditRequest, config: LabelingConfig, watcher: Watcher) -> AuditMade:
    """Put audit lines onto sheets, as many as the target needs, and say how far it is.

    Args:
        api: Label Studio.
        request: what is wanted.
        config: the page project's.
        watcher: hears how far it is.

    Raises:
        BadRequest: the named line project is none, or that of other pages.
        ProjectError: its labeling config was changed so that sheets cannot be answered.
        LabelStudioFailed: Label Studio is out of reach, or refused; what was made stays.
        OperatorError: no note of an import can be kept.
    """
    made = AuditMade()
    version = str(api.project(request.project).get("model_version") or "")
    before = find_line_project(api, request.project, request.line_project)
    made.line_project = before
    if before is not None:
        _importer(api, before, request, watcher).settle()
    known = api.count_tasks(before.project) if before is not None else 0
    standing = list(stored_sheets(api, before.project)) if before is not None else []
    # sheets first: a line that somebody answers meanwhile is asked for no second time
    answered = api.tasks(before.project, annotated=True, resolve_uri=False) if before is not None else ()
    answers = audit_answers(answered, request.project)
    tasks = _counted(api, request.project, watcher)
    pages = list(agreed_pages(tasks, request.project, config, version, request.rules))
    lots = audited_lots(pages, answers, request.project, request.rules)
    current = current_lots(lots, version)
    made.pages = len(pages)
    made.before = [each for each in lots if each not in current]
    made.claims = lot_claims(current, request.target, version)
    samples = [(each.audited.lot, each.claim.next_look or 0) for each in made.claims]
    # who is alone is no other person
    repeats = len(api.users()) > 1
    plan = audit_plan(
        samples, pages, standing, per_sheet=request.per_sheet, limit=request.limit, repeats=repeats
    )
    made.on_sheets, made.left = plan.on_sheets, plan.left + sum(map(len, plan.sheets))
    for key in plan.unshown:
        made.unshown[key.task] = made.unshown.get(key.task, 0) + 1
    if plan.sheets:
        made.line_project, made.said = prepare_line_project(api, _spec(request, pages))
    if made.line_project is None:
        return made
    try:
        _import(api, request, made, made.line_project, plan, pages, watcher)
        if api.count_tasks(made.line_project.project) > known + made.sheets:
            # somebody on another machine made sheets of the same lines: of each the older ones stay
            stored = stored_sheets(api, made.line_project.project)
            plan = audit_plan(samples, pages, stored, per_sheet=request.per_sheet, repeats=repeats)
        for task in still_untouched(api, made.line_project.project, plan.surplus):
            api.delete_task(task)
            made.removed += 1
    except KeyboardInterrupt:
        made.stopped = True
    return made


def _counted(api: LabelStudio, project: int, watcher: Watcher) -> Iterator[Json]:
    total = api.count_tasks(project)
    for number, task in enumerate(api.tasks(project), start=1):
        yield task
        watcher.pages(number, max(total, number))


def _spec(request: AuditRequest, pages: Sequence[AgreedPage]) -> LineProjectSpec:
    return LineProjectSpec(
        pages=request.project,
        messages=request.messages,
        first_sample=request.first_sample,
        project=request.line_project,
        # as `twinread lines` gives them, so that the labeling config is the same
        languages=sorted({page.language for page in pages}),
    )


def _importer(
    api: LabelStudio, line_project: LineProject, request: AuditRequest, watcher: Watcher
) -> SheetImport:
    return SheetImport(api, line_project.project, request.notes, waits=watcher.waits)


def _import(
    api: LabelStudio,
    request: AuditRequest,
    made: AuditMade,
    line_project: LineProject,
    plan: AuditPlan,
    pages: Sequence[AgreedPage],
    watcher: Watcher,
) -> None:
    """Import the new sheets."""
    images = {page.task: page.images for page in pages}
    importer = _importer(api, line_project, request, watcher)
    for part in parts(_sheets(plan, request, line_project.keyboard, images)):
        importer.store(part)
        made.repeats += sum(plan.repeats[made.sheets : made.sheets + len(part)])
        made.sheets += len(part)
        count = sum(int(sheet["count"]) for sheet in part)
        made.lines += count
        made.left -= count
        watcher.sheets(made.sheets, len(plan.sheets))


def _sheets(
    plan: AuditPlan, request: AuditRequest, keyboard: Keyboard, images: Mapping[int, Sequence[str]]
) -> Iterator[dict[str, Any]]:
    """The data of sheets, each written when it is asked for."""
    for lines in plan.sheets:
        # a line without a size is on no sheet of the plan
        to_show = [LineToShow(each.line, each.size or (0, 0), read_as=(each.text,)) for each in lines]
        yield drawn_sheet(to_show, images, request.messages, keyboard)
