"""What becomes of a page's agreed lines that people typed blind, by the answers to its audit lines; pure.

An audit asks whether the readers are right, and never holds a page up. Where a person typed something else,
the page gets that; where they typed the same, the line keeps its text, and says that somebody looked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.label_studio.annotations import Json
from backend.label_studio.region_notes import decided_in
from backend.label_studio.regions import regions
from backend.sheets.agreed_lines import AgreedPage, agreed_lines
from backend.sheets.audit_answers import answers_of, is_same_text
from backend.sheets.decisions import Decision
from backend.sheets.made_annotations import unmarked
from backend.sheets.page_outcomes import LineOutcome, LineState, PageContext
from backend.sheets.sheet_tasks import LineKey, SheetLine


@dataclass(frozen=True, slots=True)
class PageAudit:
    """The audit lines of a page that were answered.

    chosen: the answer that counts for each, with the text that the page gets.
    stale: lines of which no answer holds: they lie elsewhere by now, or their readings differ.
    """

    chosen: tuple[tuple[SheetLine, Decision], ...] = ()
    stale: tuple[LineOutcome, ...] = ()


def page_audit(task: Json, answers: Iterable[Decision], context: PageContext) -> PageAudit:
    """Find the answers that count for a page.

    Args:
        task: of the page project, with the prediction that counts.
        answers: to audit lines of the page, on any sheets.
        context: of its project.
    """
    by_line: dict[LineKey, list[Decision]] = defaultdict(list)
    for answer in answers:
        by_line[answer.line.key].append(answer)
    page = agreed_lines(task, context.project, context.config, context.version, context.rules)
    chosen = tuple(_chosen(page, by_line, context)) if page is not None and by_line else ()
    found = {line.key for line, _ in chosen}
    return PageAudit(
        chosen=chosen,
        stale=tuple(
            LineOutcome(key, LineState.STALE, tuple(given))
            for key, given in by_line.items()
            if key not in found
        ),
    )


def kept_audits(
    existing: Json, audit: PageAudit, asked: Iterable[str], sheets: frozenset[int]
) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Audited lines of an annotation that stay as they are, because their sheet was deleted.

    Args:
        existing: an annotation that twinread made and nobody touched.
        audit: the answers that there are.
        asked: ids of the regions of doubtful lines, which are none of an audit.
        sheets: the sheets that there are, of those that annotations name.

    Returns:
        For each region what stands in the annotation.
    """
    others = {line.key.region for line, _ in audit.chosen} | set(asked)
    noted = ((region, decided_in(region)) for region in regions(unmarked(existing["result"])))
    return {
        region.id: region.results
        for region, note in noted
        if note is not None and note.sheet not in sheets and region.id not in others
    }


def _chosen(
    page: AgreedPage, by_line: Mapping[LineKey, Sequence[Decision]], context: PageContext
) -> Iterable[tuple[SheetLine, Decision]]:
    for line in page.lines:
        given = answers_of(line, by_line.get(line.line.key, ()))
        if not given:
            continue
        first = given[0]
        same = is_same_text(line.text, first.text, page.language, context.rules.style)
        # a dash that the person typed in another way is no other text: the rule of the project stands
        yield line.line, replace(first, text=line.text) if same else first
