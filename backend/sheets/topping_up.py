"""Which lines go onto new sheets, and which sheets nobody needs any more; pure.

A line stands on a sheet once. It is put on another one only where its reading or its place has changed since,
because an answer about the old one would not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from backend.sheets.doubtful_lines import DoubtfulLine, PageLines, PageWork, is_same_line
from backend.sheets.sheet_tasks import LineKey, SheetLine


@dataclass(frozen=True, slots=True)
class StoredSheet:
    """A sheet of the line project.

    task: its id.
    lines: those that can be read.
    touched: somebody answered it, passed it over or has a draft of it; or it holds what cannot be read.
    """

    task: int
    lines: tuple[SheetLine, ...]
    touched: bool

    @property
    def is_audit(self) -> bool:
        """Whether it was made for an audit: it holds audit lines, and no others."""
        return bool(self.lines) and all(line.audit for line in self.lines)


@dataclass(frozen=True, slots=True)
class TopUp:
    """What is to be done.

    new: lines that go onto new sheets, the most doubtful page first.
    anew: those of them that stood on a sheet before, and changed since.
    on_sheets: doubtful lines that stand on a sheet as they are.
    sampled: doubtful lines that stay off sheets, because their page is in the sample.
    surplus: sheets that nobody has touched and nobody needs: no answer on them would count.
    """

    new: tuple[DoubtfulLine, ...]
    anew: frozenset[LineKey]
    on_sheets: int
    sampled: int
    surplus: tuple[int, ...]


def top_up(pages: Iterable[PageLines], sheets: Iterable[StoredSheet], sample: Collection[int]) -> TopUp:
    """Compare what is doubtful with what stands on sheets.

    Args:
        pages: of the page project, all of them.
        sheets: of the line project, all of them; those of an audit are left alone.
        sample: the tasks that go to page review.
    """
    known = {page.task: page for page in pages}
    standing = sorted((sheet for sheet in sheets if not sheet.is_audit), key=lambda sheet: sheet.task)
    stored: dict[LineKey, list[SheetLine]] = defaultdict(list)
    for sheet in standing:
        for line in sheet.lines:
            stored[line.key].append(line)
    new: list[DoubtfulLine] = []
    on_sheets = sampled = 0
    waiting = (page for page in known.values() if page.work is PageWork.NONE)
    for page in sorted(waiting, key=lambda page: page.urgency):
        for each in page.doubtful:
            before = stored.get(each.line.key, [])
            if any(is_same_line(line, each.line) for line in before):
                on_sheets += 1
            elif page.task in sample:
                sampled += 1
            else:
                new.append(each)
    anew = frozenset(each.line.key for each in new if each.line.key in stored)
    return TopUp(tuple(new), anew, on_sheets, sampled, tuple(_surplus(known, standing)))


def _surplus(pages: Mapping[int, PageLines], sheets: Iterable[StoredSheet]) -> list[int]:
    """Untouched sheets, all of whose lines are decided elsewhere, changed, gone, or on an older sheet."""
    current = {
        each.line.key: each.line
        for page in pages.values()
        if page.work is not PageWork.SUBMITTED
        for each in page.doubtful
    }
    asked: set[LineKey] = set()
    surplus = []
    for sheet in sheets:
        wanted = {
            line.key
            for line in sheet.lines
            if (now := current.get(line.key)) is not None and is_same_line(line, now)
        }
        if sheet.touched or wanted - asked:
            asked |= wanted
        else:
            surplus.append(sheet.task)
    return surplus
