"""Reviewed tasks to a dataset that PaddleOCR trains on, with every region accounted for.

One pass over the tasks makes crops and pages, on all cores; then, when all pages are known, they are
split, and label files, manifest and dictionary are written in the order of the tasks' ids. The folder
takes its place when it is whole.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace

from backend.cores import cores
from backend.errors import BadRequest, ProjectError
from backend.page.limits import MAX_DECODING_PIXELS
from backend.page.pixel_budget import OPEN_PAGES
from backend.seams import PageSource
from converters.export import layouts, previous_dataset
from converters.export.dataset_files import DatasetFiles
from converters.export.file_system import writing
from converters.export.guarantee import Guarantee
from converters.export.page_jobs import PageJob, page_jobs
from converters.export.page_maker import PageMaker, PageResult
from converters.export.page_records import SPILL, PageRecord, record_line, record_of
from converters.export.previous_dataset import Origin
from converters.export.processes import workers
from converters.export.split import Part, Split, split
from converters.export.split_input import SplitInput
from converters.export.staging import Staging
from converters.export.totals import EXPORTED, ExportTotals
from converters.export.write_page import PageOptions
from converters.reviewed import approval, tasks
from converters.reviewed.line_rules import Rules
from converters.reviewed.reasons import TaskReason

_Key = tuple[int, str, int]
"""By which pages are put in order: the task's number, its id where that is none, the page's number."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to export, and how.

    ratio: shares of train, val and test.
    split_by: the field of a task's data whose pages stay in one part.
    new_split: forget where earlier exports put pages.
    incremental: pages that have not changed are taken over from the dataset in place.
    partial: the tasks are those that changed; pages of all others are taken over unread.
    image_field: the field of a task's data that names its image.
    guarantee: what the audits of the project say; None where that is not known.
    origin: where the tasks come from.
    jobs: processes that make pages; 1 makes them in this one.
    pixels: of the pages that they make at once.
    """

    rules: Rules = field(default_factory=Rules)
    pages: PageOptions = field(default_factory=PageOptions)
    ratio: tuple[float, float, float] = (0.8, 0.1, 0.1)
    split_by: str | None = None
    new_split: bool = False
    incremental: bool = False
    partial: bool = False
    image_field: str | None = None
    guarantee: Guarantee | None = None
    origin: Origin = field(default_factory=Origin)
    jobs: int = field(default_factory=cores)
    pixels: int = OPEN_PAGES * MAX_DECODING_PIXELS


class NotWritten(ProjectError):
    """The dataset in place stays.

    Attributes:
        totals: what was read, and why it was left out.
    """

    exit_code = 1

    def __init__(self, message: str, totals: ExportTotals) -> None:
        super().__init__(message)
        self.totals = totals


class NothingToExport(NotWritten):
    """No page has a row; an empty dataset would make PaddleOCR stop, or worse, run on nothing."""


class GuaranteeNotKept(NotWritten):
    """So few lines that nobody looked at could be exported that the target does not hold for them."""


def export(
    items: Iterable[object],
    source: PageSource,
    staging: Staging,
    options: ExportOptions,
    on_page: Callable[[int, int], None] = lambda tasks, pages: None,
) -> ExportTotals:
    """Write a dataset.

    Args:
        items: tasks as they stand in an export or an answer of the API; what is no task is counted.
        source: gives the images.
        staging: the dataset's folder, entered; it takes its place here.
        options: what to export, and how.
        on_page: called after each page with how many tasks were read and how many pages made.

    Returns:
        The totals.

    Raises:
        BadRequest: the dataset in place holds another project, or pages that cannot be kept unread.
        NothingToExport: the old dataset stays.
        GuaranteeNotKept: the same.
        CannotWrite: the same.
        TwinreadError: the tasks or Label Studio failed; the next export goes on from here.
    """
    totals = ExportTotals(guarantee=options.guarantee)
    earlier = [*staging.stopped, *([staging.dataset] if options.incremental or options.partial else [])]
    pages = _Pages(staging, totals)
    seen: set[str] = set()
    with (
        workers(options.jobs, options.pixels) as work,
        # twice as many threads, since some of them wait for images
        ThreadPoolExecutor(2 * options.jobs, thread_name_prefix="page") as pool,
    ):
        maker = PageMaker(source, staging, options.rules, options.pages, earlier, work)
        if len(staging.dataset):
            known = (maker.settings, maker.settings_before)
            previous_dataset.check_mixture(staging.out, options.origin, known, partial=options.partial)
        try:
            jobs = _jobs(items, options, totals, seen)
            for made in _in_order(pool, maker.make, jobs, 4 * options.jobs):
                pages.add(made)
                on_page(totals.tasks.total(), totals.pages)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if options.partial:
        totals.tasks_not_read = _carry_over(staging, maker, pages, seen)
        totals.newest_change = max(totals.newest_change, previous_dataset.newest_change(staging.out))
    for key in staging.dataset:
        if key not in pages.keys:
            totals.compare(staging.dataset.page(key), None)
    _finish(pages, staging, options, maker.settings, totals)
    return totals


class _Pages:
    """The pages made so far: their records on disk, and what the split needs of them."""

    def __init__(self, staging: Staging, totals: ExportTotals) -> None:
        self._staging = staging
        self._totals = totals
        self._path = staging.folder / SPILL
        self._places: list[tuple[_Key, int]] = []
        self.keys: set[str] = set()
        self.split_input = SplitInput()
        self._size = 0
        with writing(staging.out):
            self._path.touch()

    def add(self, made: PageResult) -> None:
        record = made.record
        if len(self._staging.dataset):
            self._totals.compare(self._staging.dataset.page(record.key), record)
        self._totals.page(record, taken_over=made.taken_over, unreachable=made.unreachable)
        self.split_input.add(record)
        self.keys.add(record.key)
        line = record_line(record)
        number = int(record.task) if record.task.isdecimal() else -1
        self._places.append(((number, record.task, record.number), self._size))
        with writing(self._staging.out), self._path.open("ab") as file:
            file.write(line)
        self._size += len(line)

    def __iter__(self) -> Iterator[PageRecord]:
        """All pages, by the ids of their tasks."""
        with self._path.open("rb") as file:
            for _, place in sorted(self._places):
                file.seek(place)
                yield record_of(file.readline())


def _jobs(
    items: Iterable[object], options: ExportOptions, totals: ExportTotals, seen: set[str]
) -> Iterator[PageJob]:
    """The pages of every task whose annotation counts; the others are entered with their reason."""
    for item in items:
        task = tasks.as_task(item)
        if task is None:
            totals.task(TaskReason.NOT_A_TASK, (), counts=False)
            continue
        name = tasks.task_name(task)
        if name in seen:
            totals.task(TaskReason.TWICE, (), counts=False)
            continue
        seen.add(name)
        totals.newest_change = max(totals.newest_change, str(task.get("updated_at") or ""))
        choice = approval.choose(task, options.rules.approval)
        totals.task(choice.why, choice.others, counts=choice.annotation is not None)
        if choice.annotation is not None:
            yield from page_jobs(
                task,
                choice.annotation,
                choice.witnesses,
                options.rules.config,
                image_field=options.image_field,
                split_by=options.split_by,
                held_back=options.guarantee.held_back(task, choice.annotation) if options.guarantee else None,
            )


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[PageJob], PageResult], jobs: Iterator[PageJob], ahead: int
) -> Iterator[PageResult]:
    """Results in the order of the jobs, with few of them waiting, since each holds a page in memory."""
    waiting: deque[Future[PageResult]] = deque()
    for job in jobs:
        waiting.append(pool.submit(work, job))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _carry_over(staging: Staging, maker: PageMaker, pages: _Pages, seen: set[str]) -> int:
    """Take over the pages of tasks that have not changed, and so were not read; gives how many tasks."""
    carried = set()
    dataset = staging.dataset
    for key in dataset:
        record = dataset.page(key)
        if record is None:
            raise BadRequest(
                f"{staging.out.name} was written by another version of twinread, so its pages cannot be kept "
                "unread. Export once without --since."
            )
        if record.task in seen:
            continue
        if not maker.take(dataset, record):
            raise BadRequest(
                f"Files of task {record.task} are gone from the dataset. Export once without --since."
            )
        carried.add(record.task)
        pages.add(PageResult(record, taken_over=True))
    return len(carried)


def _finish(
    pages: _Pages, staging: Staging, options: ExportOptions, settings: str, totals: ExportTotals
) -> None:
    """Split, write all files but the images, and let the dataset take its place."""
    kept = {} if options.new_split else previous_dataset.assigned(staging.dataset)
    parts = split(
        pages.split_input.pages(), options.ratio, kept={page: part for page, (part, _) in kept.items()}
    )
    totals.largest_group = parts.largest_group
    rule = str(options.rules.approval)
    with writing(staging.out), DatasetFiles(staging, options.pages, rule, totals) as files:
        for record in pages:
            files.add(_placed(record, parts, kept))
        files.finish()
        # regions to be ignored teach nothing by themselves
        if not (totals.recognition if options.pages.recognition else totals.detection)[EXPORTED]:
            raise NothingToExport(
                f"Nothing is there to export, so {staging.out.name} was not written. The table says why each "
                "task and region was left out.",
                totals,
            )
        if options.guarantee is not None and options.guarantee.not_kept:
            raise GuaranteeNotKept(options.guarantee.not_kept, totals)
        totals.missing_files = [name for name in _needed_files(options) if not totals.rows[name]]
        ever = {**kept, **{page: _part(page, parts, kept) for page in parts.parts}}
        staging.write(previous_dataset.SPLIT, previous_dataset.split_file(ever))
        summary = {
            "settings": settings,
            "origin": asdict(options.origin),
            **totals.summary(options.pages),
        }
        staging.write(
            previous_dataset.SUMMARY, (json.dumps(summary, ensure_ascii=False, indent=1) + "\n").encode()
        )
    staging.finish()


def _needed_files(options: ExportOptions) -> list[str]:
    """The label files that a training needs of the parts that have a share."""
    pages = options.pages
    parts = [part for part, share in zip(Part, options.ratio, strict=True) if share]
    return layouts.layout_of(pages.layout).needed_files(
        parts, recognition=pages.recognition, detection=pages.detection
    )


def _placed(record: PageRecord, parts: Split, kept: Mapping[str, tuple[Part, str]]) -> PageRecord:
    """The page with its part; a part that was kept keeps its reason, so that the same export is the same."""
    page = record.page_sha256
    if page is None or page not in parts.parts:
        return replace(record, part=None, part_why=None)
    part, why = _part(page, parts, kept)
    return replace(record, part=part.value, part_why=why)


def _part(page: str, parts: Split, kept: Mapping[str, tuple[Part, str]]) -> tuple[Part, str]:
    return parts.parts[page], kept[page][1] if page in kept else parts.reasons[page].value
