"""Makes the sheets of a project, and tops them up; twice is once.

The pages are listed with their predictions, the sheets with what people did on them; `topping_up` compares
both. New sheets are imported first, then sheets that nobody needs any more are removed: whoever ends this in
between, the next run goes on from what Label Studio has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.message_language import MessageLanguage
from backend.sheets.doubtful_lines import DoubtfulLine, PageLines, PageWork
from backend.sheets.drawn_sheets import LineToShow, drawn_sheet
from backend.sheets.keys import Keyboard
from backend.sheets.line_project import LineProject, LineProjectSpec, find_line_project, prepare_line_project
from backend.sheets.listing import ListedPages, list_pages, still_untouched, stored_sheets
from backend.sheets.offered_texts import TextRules
from backend.sheets.page_sample import sampled_pages
from backend.sheets.sample_view import show_sample
from backend.sheets.sheet_import import SheetImport, parts
from backend.sheets.topping_up import TopUp, top_up

FOLDER = "lines"
"""In CACHE_DIR; holds the locks of runs, and the notes of imports whose end is not known."""

COMMAND = "twinread lines` or `twinread audit"
"""The commands that make sheets, one at a time, as the refusal of a second run names them."""


@dataclass(frozen=True, slots=True)
class LinesRequest:
    """What somebody wants of `twinread lines`.

    project: the id of the page project.
    per_sheet: lines of a sheet.
    rules: how readings become texts.
    messages: the language that annotators are spoken to in.
    first_sample: the share of pages that go to page review, where the line project says nothing yet.
    notes: a folder that outlives the run.
    line_project, annotators, keyboard, sample: as in `LineProjectSpec`.
    limit: no more lines than this are put on new sheets; None for all.
    """

    project: int
    per_sheet: int
    rules: TextRules
    messages: MessageLanguage
    first_sample: float
    notes: Path
    line_project: int | None = None
    annotators: int | None = None
    keyboard: Keyboard | None = None
    sample: float | None = None
    limit: int | None = None


class Watcher(Protocol):
    """Hears how far the work is."""

    def pages(self, done: int, total: int) -> None:
        """So many pages of all are looked at."""
        ...

    def sheets(self, done: int, total: int) -> None:
        """So many sheets of all are imported."""
        ...

    def waits(self, seconds: float) -> None:
        """An import of before is waited for, so long at most."""
        ...


@dataclass
class Made:
    """What became of a request.

    line_project: the sheets' project; None where no page was read and there is none.
    said: sentences about what was changed in it, or kept.
    work: the pages by what people did with them.
    unread: pages of `PageWork.NONE` that were not read.
    sheets, lines: new ones.
    anew: those of the lines that stood on a sheet before, and changed since.
    on_sheets: doubtful lines that stood on a sheet already, as they are.
    left: doubtful lines that are left for the next run, by the limit or because this one was stopped.
    sample: the pages in the sample.
    sample_waiting: those of them that nobody has done.
    sampled_lines: their doubtful lines, which stay off sheets.
    unshown: doubtful lines that no sheet can show, by task.
    removed: sheets that nobody had touched, and on which no answer would have counted.
    stopped: Ctrl-C ended it early; what is told was done.
    """

    line_project: LineProject | None = None
    said: list[str] = field(default_factory=list)
    work: Counter[PageWork] = field(default_factory=Counter)
    unread: int = 0
    sheets: int = 0
    lines: int = 0
    anew: int = 0
    on_sheets: int = 0
    left: int = 0
    sample: frozenset[int] = frozenset()
    sample_waiting: int = 0
    sampled_lines: int = 0
    unshown: dict[int, int] = field(default_factory=dict)
    removed: int = 0
    stopped: bool = False


def make(api: LabelStudio, request: LinesRequest, config: LabelingConfig, watcher: Watcher) -> Made:
    """Put doubtful lines onto sheets that stand on none.

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
    made = Made()
    version = str(api.project(request.project).get("model_version") or "")
    before = find_line_project(api, request.project, request.line_project)
    if before is not None:
        _importer(api, before.project, request, watcher).settle()
    known = api.count_tasks(before.project) if before is not None else 0
    # sheets first: a page that somebody submits meanwhile is then known to be done
    standing = list(stored_sheets(api, before.project)) if before is not None else []
    pages = list_pages(api, request.project, config, version, request.rules, watcher.pages)
    _count_pages(made, pages.lines)
    share = _share(request, before)
    read = [page.task for page in pages.lines if page.prediction is not None]
    made.sample = sampled_pages(request.project, read, share)
    plan = top_up(pages.lines, standing, made.sample)
    made.on_sheets, made.sampled_lines, made.left = plan.on_sheets, plan.sampled, len(plan.new)
    if before is None and not read:
        return made
    made.line_project, made.said = prepare_line_project(api, _spec(request, pages.languages))
    done = {page.task for page in pages.lines if page.work in (PageWork.SUBMITTED, PageWork.SKIPPED)}
    made.sample_waiting = len(made.sample - done)
    show_sample(api, request.project, made.sample - done, request.messages)
    try:
        _import(api, request, made, plan, pages, watcher)
        if api.count_tasks(made.line_project.project) > known + made.sheets:
            # somebody on another machine made sheets of the same lines: of each the older one stays
            plan = top_up(pages.lines, stored_sheets(api, made.line_project.project), made.sample)
        for task in still_untouched(api, made.line_project.project, plan.surplus):
            api.delete_task(task)
            made.removed += 1
    except KeyboardInterrupt:
        made.stopped = True
    return made


def _count_pages(made: Made, pages: Sequence[PageLines]) -> None:
    for page in pages:
        made.work[page.work] += 1
        if page.work is PageWork.NONE:
            made.unread += page.prediction is None
            if page.unshown:
                made.unshown[page.task] = len(page.unshown)


def _share(request: LinesRequest, before: LineProject | None) -> float:
    if request.sample is not None:
        return request.sample
    return request.first_sample if before is None else before.sample


def _spec(request: LinesRequest, languages: frozenset[str]) -> LineProjectSpec:
    return LineProjectSpec(
        pages=request.project,
        messages=request.messages,
        first_sample=request.first_sample,
        project=request.line_project,
        annotators=request.annotators,
        keyboard=request.keyboard,
        sample=request.sample,
        # in one order: the same pages give the same labeling config
        languages=sorted(languages or {request.rules.language}),
    )


def _importer(api: LabelStudio, line_project: int, request: LinesRequest, watcher: Watcher) -> SheetImport:
    return SheetImport(api, line_project, request.notes, waits=watcher.waits)


def _import(
    api: LabelStudio,
    request: LinesRequest,
    made: Made,
    plan: TopUp,
    pages: ListedPages,
    watcher: Watcher,
) -> None:
    """Import the new sheets."""
    if made.line_project is None or not plan.new:
        return
    lines = list(islice(plan.new, request.limit))
    total = -(-len(lines) // request.per_sheet)
    importer = _importer(api, made.line_project.project, request, watcher)
    for part in parts(_sheets(lines, request, made.line_project.keyboard, pages.images)):
        importer.store(part)
        made.sheets += len(part)
        count = sum(int(sheet["count"]) for sheet in part)
        made.anew += sum(each.line.key in plan.anew for each in lines[made.lines : made.lines + count])
        made.lines += count
        made.left -= count
        watcher.sheets(made.sheets, total)


def _sheets(
    lines: Sequence[DoubtfulLine],
    request: LinesRequest,
    keyboard: Keyboard,
    images: Mapping[int, tuple[str, ...]],
) -> Iterator[dict[str, Any]]:
    """The data of sheets, each written when it is asked for."""
    for start in range(0, len(lines), request.per_sheet):
        own = lines[start : start + request.per_sheet]
        to_show = [LineToShow(each.line, each.size, each.explanation) for each in own]
        yield drawn_sheet(to_show, images, request.messages, keyboard)
