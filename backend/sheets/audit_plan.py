"""Which audit lines go onto new sheets, and which audit sheets nobody needs any more; pure.

A line of the sample stands on one sheet, one of eight on a second one, too, so that two people may answer it
and show what people themselves get wrong. The sheets of a smaller look come before those of a larger one, so
that a claim can be made early; on a sheet the lines of one page stand together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backend.guarantee.looks import looks
from backend.guarantee.lots import Lot, drawn
from backend.sheets.agreed_lines import AgreedLine, AgreedPage
from backend.sheets.doubtful_lines import is_same_line
from backend.sheets.sheet_tasks import LineKey, SheetLine
from backend.sheets.topping_up import StoredSheet

REPEATED = 8
"""One of so many audit lines stands on a second sheet."""


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """What is to be done.

    sheets: the lines of each new sheet.
    repeats: for each new sheet how many of its lines stand on another sheet, too: all or none.
    left: lines that are left for the next run, by the limit.
    on_sheets: lines of the samples that wait for an answer on a sheet that there is.
    unshown: lines of the samples that no sheet can show; they wait, and count as wrong.
    surplus: audit sheets that nobody has touched and nobody needs: no answer on them would count.
    """

    sheets: tuple[tuple[AgreedLine, ...], ...]
    repeats: tuple[int, ...]
    left: int
    on_sheets: int
    unshown: tuple[LineKey, ...]
    surplus: tuple[int, ...]


def is_repeated(draw: int) -> bool:
    """Whether an audit line stands on a second sheet: by the end of its number, which draws nothing."""
    return draw % REPEATED == 0


def audit_plan(
    samples: Sequence[tuple[Lot, int]],
    pages: Iterable[AgreedPage],
    sheets: Iterable[StoredSheet],
    *,
    per_sheet: int,
    limit: int | None = None,
    repeats: bool = True,
) -> AuditPlan:
    """Compare what should be asked with what stands on sheets.

    Args:
        samples: the lots that are audited, each with the size of the sample that is wanted; 0 for none.
        pages: of the project, also those of other lots, about which nobody is asked any more.
        sheets: of the line project, all of them; those with doubtful lines are passed over.
        per_sheet: lines of a sheet.
        limit: no more lines than this go onto new sheets; None for all.
        repeats: one of eight lines is put onto a second sheet, for another person.
    """
    lots = {(lot.key.language, lot.key.version) for lot, _ in samples}
    known = {
        line.line.key: line
        for page in sorted(pages, key=_task)
        if (page.language, page.version) in lots
        for line in page.lines
    }
    own = sorted((sheet for sheet in sheets if sheet.is_audit), key=_task)
    standing = Counter(line.key for sheet in own for line in _wanted(sheet, known))
    groups: list[tuple[int, bool, list[AgreedLine]]] = []
    on_sheets = 0
    unshown: list[LineKey] = []
    for lot, size in samples:
        begin = 0
        for end in [step for step in looks(len(lot.lines)) if step <= size]:
            firsts: list[AgreedLine] = []
            seconds: list[AgreedLine] = []
            for lot_line in drawn(lot, end)[begin:]:
                line = known[LineKey(lot.key.project, lot_line.page, lot_line.region)]
                waits, stands = lot_line.right is None, standing[line.line.key]
                if line.size is None:
                    unshown += [line.line.key] if waits else []
                    continue
                on_sheets += waits and stands > 0
                if waits and not stands:
                    firsts.append(line)
                if repeats and is_repeated(lot_line.draw) and stands < 2:
                    seconds.append(line)
            groups += [(end, False, firsts), (end, True, seconds)]
            begin = end
    place = {key: number for number, key in enumerate(known)}
    new: list[tuple[AgreedLine, ...]] = []
    repeated: list[int] = []
    left = taken = 0
    for _, is_second, group in sorted(groups, key=lambda group: group[:2]):
        # the lines of a page together, in its order
        group.sort(key=lambda line: place[line.line.key])
        most = len(group) if limit is None else min(len(group), limit - taken)
        own_sheets = [tuple(group[at : min(at + per_sheet, most)]) for at in range(0, most, per_sheet)]
        new += own_sheets
        repeated += [len(lines) if is_second else 0 for lines in own_sheets]
        taken += most
        left += len(group) - most
    return AuditPlan(
        tuple(new),
        tuple(repeated),
        left,
        on_sheets,
        tuple(unshown),
        tuple(_surplus(known, own, repeats=repeats)),
    )


def _task(each: AgreedPage | StoredSheet) -> int:
    return each.task


def _wanted(sheet: StoredSheet, known: Mapping[LineKey, AgreedLine]) -> list[SheetLine]:
    """The lines of a sheet of which an answer would count: as they are now, of the version that is now."""
    return [
        line
        for line in sheet.lines
        if (now := known.get(line.key)) is not None
        and line.model_version == now.line.model_version
        and is_same_line(line, now.line)
    ]


def _surplus(
    known: Mapping[LineKey, AgreedLine], sheets: Iterable[StoredSheet], *, repeats: bool
) -> list[int]:
    """Untouched sheets whose lines are gone, of another version, or on enough older sheets."""
    asked: Counter[LineKey] = Counter()
    surplus = []
    for sheet in sheets:
        wanted = {line.key for line in _wanted(sheet, known)}
        if sheet.touched or any(
            asked[key] < 1 + (repeats and is_repeated(known[key].draw)) for key in wanted
        ):
            asked.update(wanted)
        else:
            surplus.append(sheet.task)
    return surplus
