"""The audits of a project: its lots of agreed lines, with what people typed of those that they saw blind.

The one place from which commands, reports, exports and metrics learn of audits; `backend.guarantee` says
what may be claimed of a lot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backend.guarantee.lots import Lot, LotKey, LotLine
from backend.label_studio.annotations import Json
from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.sheets.agreed_lines import AgreedPage, agreed_pages
from backend.sheets.audit_answers import Audited, audited
from backend.sheets.decisions import Decision, decisions
from backend.sheets.line_project import find_line_project
from backend.sheets.offered_texts import TextRules
from backend.sheets.sheet_tasks import LineKey


@dataclass(frozen=True, slots=True)
class Repeats:
    """Audit lines that two people answered, neither knowing of the other: what people themselves get wrong.

    seen: lines with answers of two people.
    same: of these, where both said the same.
    """

    seen: int
    same: int


@dataclass(frozen=True, slots=True)
class AuditedLot:
    """A lot, and what its audit found.

    lot: all agreed lines of one language and version; of those that people answered whether they are right.
    repeats: what people say of each other.
    wrong: the answered lines of which the agreed text is wrong, with both texts, by page; also those
        whose page was mended since.
    """

    lot: Lot
    repeats: Repeats
    wrong: tuple[Audited, ...]


def read_lots(
    api: LabelStudio,
    project: int,
    config: LabelingConfig,
    version: str,
    rules: TextRules,
    *,
    sheets: int | None = None,
    seen: Callable[[int, int], object] = lambda done, total: None,
) -> list[AuditedLot]:
    """The lots of a project with the answers to their audit lines.

    Args:
        api: Label Studio.
        project: the id of the page project.
        config: its labeling config.
        version: the model version that it chose.
        rules: how readings become texts.
        sheets: the id of its line project; None finds it by its mark.
        seen: is told how many pages of how many are looked at.

    Returns:
        A lot for each language and version of the predictions that the pages are filled with, in the
        order of their names; none where no page is read. Without a line project nobody has answered.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
        BadRequest: the named line project is none, or belongs to other pages.
    """
    found = find_line_project(api, project, sheets)
    given = (
        audit_answers(api.tasks(found.project, annotated=True, resolve_uri=False), project) if found else {}
    )
    total = api.count_tasks(project)

    def counted() -> Iterator[Json]:
        for number, task in enumerate(api.tasks(project), start=1):
            yield task
            seen(number, max(total, number))

    return audited_lots(agreed_pages(counted(), project, config, version, rules), given, project, rules)


def current_lots(lots: Sequence[AuditedLot], version: str) -> list[AuditedLot]:
    """Those of some lots that a team can still work on: of the version that the project chose.

    Args:
        lots: of one project.
        version: the model version that the project chose. Where no page has a prediction of it, such as
            of a project that asks a backend for each page, every lot is one.
    """
    return [each for each in lots if each.lot.key.version == version] or list(lots)


def audit_answers(sheets: Iterable[Json], project: int) -> dict[LineKey, list[Decision]]:
    """What people said of audit lines, by line.

    Args:
        sheets: tasks of the line project, with annotations.
        project: the id of the page project.
    """
    given: dict[LineKey, list[Decision]] = defaultdict(list)
    for sheet in sheets:
        for answer in decisions(sheet):
            if answer.line.audit and answer.line.key.project == project:
                given[answer.line.key].append(answer)
    return dict(given)


def audited_lots(
    pages: Iterable[AgreedPage],
    answers: Mapping[LineKey, Sequence[Decision]],
    project: int,
    rules: TextRules,
) -> list[AuditedLot]:
    """Put pages and answers together; pure, and in one order whatever theirs is.

    Args:
        pages: of a project, those that were read.
        answers: as `audit_answers` gives them.
        project: the id of the page project.
        rules: how readings become texts.
    """
    of_lot: dict[tuple[str, str], list[AgreedPage]] = defaultdict(list)
    for page in pages:
        of_lot[page.version, page.language].append(page)
    return [
        _lot(LotKey(project, language, version), own, answers, rules)
        for (version, language), own in sorted(of_lot.items())
    ]


def _lot(
    key: LotKey,
    pages: Iterable[AgreedPage],
    answers: Mapping[LineKey, Sequence[Decision]],
    rules: TextRules,
) -> AuditedLot:
    lines: list[LotLine] = []
    seen: list[Audited] = []
    read = 0
    for page in sorted(pages, key=lambda page: page.task):
        read += page.read
        for line in page.lines:
            found = audited(line, answers.get(line.line.key, ()), key.language, rules.style)
            seen += [found] if found is not None else []
            right = None if found is None else found.is_right
            lines.append(LotLine(page.task, line.line.key.region, line.draw, line.score, right))
    repeated = [each for each in seen if each.is_repeated_alike is not None]
    return AuditedLot(
        lot=Lot(key, tuple(lines), read),
        repeats=Repeats(len(repeated), sum(bool(each.is_repeated_alike) for each in repeated)),
        wrong=tuple(each for each in seen if not each.is_right),
    )
