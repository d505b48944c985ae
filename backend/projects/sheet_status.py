"""What `twinread status` says of sheets, and of pages that count as approved and that nobody looked at.

Pure but for `collect_sheets`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from backend.label_studio.client import LabelStudio
from backend.outputs import printable
from backend.projects.status import PageStage, Status
from backend.sheets.line_project import find_line_project
from backend.sheets.page_sample import Sampled, sampled
from backend.sheets.sheet_work import SheetWork, sheet_work
from backend.sheets.work_words import figures, person, sentences


@dataclass(frozen=True, slots=True)
class SheetStatus:
    """The state of a project's sheets.

    project: the id of the line project.
    work: on its sheets.
    sample: the pages that go to page review whole.
    waiting: lines that were decided and are on no approved page yet.
    """

    project: int
    work: SheetWork
    sample: Sampled
    waiting: int


def collect_sheets(api: LabelStudio, pages: int, status: Status) -> SheetStatus | None:
    """Look at every sheet of a project.

    Args:
        api: Label Studio.
        pages: the id of the page project.
        status: of the page project.

    Returns:
        None where it has no line project.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    lines = find_line_project(api, pages)
    if lines is None:
        return None
    work = sheet_work(api.tasks(lines.project), pages, lines.annotators)
    return sheet_status(lines.project, pages, work, status, lines.sample)


def sheet_status(project: int, pages: int, work: SheetWork, status: Status, share: float) -> SheetStatus:
    """Put the work on sheets beside the state of their pages.

    Args:
        project: the id of the line project.
        pages: the id of the page project.
        work: on the sheets.
        status: of the page project.
        share: of the pages that go to page review, 0 to 1.
    """
    doubtful = (task for task, stage in status.stages.items() if stage is PageStage.DOUBTFUL)
    read = {task: stage for task, stage in status.stages.items() if stage is not PageStage.UNREAD}
    reviewed = {task: stage is PageStage.REVIEWED for task, stage in read.items()}
    return SheetStatus(
        project=project,
        work=work,
        sample=sampled(pages, reviewed, share),
        waiting=sum(work.decided_of_task[task] for task in doubtful),
    )


def sheet_table(work: SheetWork, names: Mapping[int, str]) -> Table | None:
    """The people by what they decided on sheets; None where nobody has decided anything.

    Args:
        work: on the sheets.
        names: of people, by user id.
    """
    if not work.people:
        return None
    known = {str(user): name for user, name in names.items()}
    table = Table("person on sheets", "sheets", "lines", "s per line")
    for user, who in sorted(work.people.items(), key=lambda item: -item[1].lines):
        pace = f"{who.seconds / who.timed:.1f}" if who.timed else ""
        # never a string, which a table takes for markup
        table.add_row(Text(printable(person(user, known))), str(who.sheets), str(who.lines), pace)
    return table


def sheet_notes(sheets: SheetStatus | None, status: Status, pages: int) -> Iterator[str]:
    """What is to be known of sheets and of what nobody looked at, a sentence each.

    Args:
        sheets: their state; None where there is no line project.
        status: of the page project.
        pages: its id.
    """
    if sheets is not None:
        yield from sentences(sheets.work)
        if sheets.waiting:
            yield (
                f"{sheets.waiting:,} decided lines are on no approved page yet: their pages have undecided "
                f"lines, or wait for `twinread lines --project {pages} --collect`."
            )
    if status.unopened:
        ways = [
            f"{count:,} {words}"
            for stage, words in (
                (PageStage.FROM_SHEETS, "were completed from sheets alone"),
                (PageStage.ACCEPTED, "were accepted because their readings agree"),
            )
            if (count := status.pages[stage])
        ]
        yield (
            f"Nobody looked at {status.unseen:,} lines of {status.unopened:,} approved pages: "
            f"{' and '.join(ways)}."
        )
    if sheets is not None:
        yield _sample_note(sheets.sample)


def sheet_figures(sheets: SheetStatus | None) -> dict[str, Any] | None:
    """The same as plain values; None where there is no line project."""
    if sheets is None:
        return None
    sample = sheets.sample
    return {
        "line_project": sheets.project,
        **figures(sheets.work),
        "decided_lines_on_no_approved_page": sheets.waiting,
        "sample": {
            "share": sample.share,
            "pages": sorted(sample.pages),
            "reviewed": sorted(sample.reviewed),
        },
    }


def _sample_note(sample: Sampled) -> str:
    if not sample.share:
        return (
            "No pages are sampled for page review (twinread lines --sample-pages): lines that were missed, "
            "and agreed lines that are wrong, are not seen on sheets."
        )
    return (
        f"Pages sampled for page review ({100 * sample.share:g} %): {len(sample.pages):,}, of which "
        f"{len(sample.reviewed):,} reviewed."
    )
