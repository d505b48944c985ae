"""How far people agree who decided the same lines on sheets, and about which they do not; pure.

An answer is what a person said of a line and the text that this makes: two people who typed two texts did
not agree. Lines are compared on one sheet: a line that was asked anew on a later sheet is another question.

Equal answers also come about by chance, the more so where one answer is by far the most frequent. The
coefficients take that off: 1 is agreement in every line, 0 what chance gives, below 0 is worse than chance.
They are reckoned by the kind of answer (A, B, illegible, not text, typed), because the same text on another
line is no evidence of anything; so two people who typed different texts count as agreed there, and as
disagreeing everywhere else. Of few lines a coefficient says next to nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from backend.sheets.decisions import Decision
from backend.sheets.sheet_tasks import LineKey

Coefficient = Literal["Cohen's kappa", "Krippendorff's alpha"]


@dataclass(frozen=True, slots=True)
class PairOnSheets:
    """Two people on the lines that both decided.

    people: their ids.
    lines: that both decided.
    same: of these, with one answer.
    kappa: Cohen's; None where it is not defined.
    """

    people: tuple[str, str]
    lines: int
    same: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A line about which people say different things; `answers` has one of each person, by time."""

    answers: tuple[Decision, ...]

    @property
    def line(self) -> LineKey:
        """Which line it is."""
        return self.answers[0].line.key


@dataclass(frozen=True, slots=True)
class LineAgreement:
    """How far people agree, line by line.

    lines: that at least two people decided.
    same: of these, where all gave one answer.
    coefficient: which one `value` is: of two people Cohen's kappa, of more Krippendorff's alpha; None where
        no line has two answers.
    value: None where it is not defined, because only one kind of answer was ever given.
    pairs: by people.
    disagreements: by page, and on it in the order of the sheets.
    """

    lines: int
    same: int
    coefficient: Coefficient | None
    value: float | None
    pairs: tuple[PairOnSheets, ...]
    disagreements: tuple[Disagreement, ...]


def line_agreement(decisions: Iterable[Decision]) -> LineAgreement:
    """Compare what people said of the same lines.

    Args:
        decisions: of any number of sheets; of each person one about a line of a sheet. Those that do not say
            whose they are are each somebody's own.
    """
    asked: dict[tuple[int, int], list[Decision]] = {}
    for decision in decisions:
        asked.setdefault((decision.sheet, decision.line.place), []).append(decision)
    shared = [asked[question] for question in sorted(asked) if len(asked[question]) > 1]
    differing = [answers for answers in shared if len({_answer(each) for each in answers}) > 1]
    people = sorted({_person(each) for answers in shared for each in answers})
    pairs = _pairs(shared)
    coefficient: Coefficient | None = None
    value = None
    if len(people) == 2:
        coefficient, value = "Cohen's kappa", pairs[0].kappa
    elif people:
        coefficient = "Krippendorff's alpha"
        value = krippendorffs_alpha([[each.verdict for each in answers] for answers in shared])
    return LineAgreement(
        lines=len(shared),
        same=len(shared) - len(differing),
        coefficient=coefficient,
        value=value,
        pairs=pairs,
        disagreements=tuple(
            sorted(
                map(Disagreement, map(tuple, differing)), key=lambda each: (each.line.project, each.line.task)
            )
        ),
    )


def cohens_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """How far two people agree beyond chance.

    (po - pe) / (1 - pe): po the share of lines with equal answers, pe the share that chance would give, the
    sum over all answers of how often the first person gives it times how often the second does. From
    J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
    (1960), 37-46.

    Args:
        pairs: for each line, the first person's answer and the second's.

    Returns:
        At most 1; None where nothing was compared, and where both only ever gave one and the same answer,
        so that chance alone gives all of the agreement.
    """
    first, second = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    # in whole numbers, so that full agreement is 1 and not almost 1
    by_chance = sum(first[answer] * second[answer] for answer in first)
    most = len(pairs) ** 2
    if by_chance == most:
        return None
    equal = sum(one == other for one, other in pairs) * len(pairs)
    return (equal - by_chance) / (most - by_chance)


def krippendorffs_alpha(lines: Iterable[Sequence[Hashable]]) -> float | None:
    """How far any number of people agree beyond chance, where not everybody answered everything.

    1 - Do / De for nominal data: Do is the disagreement that was observed, De the one expected of the same
    answers dealt out by chance; an answer of a line with m answers weighs 1 / (m - 1) in each pair. From
    K. Krippendorff, "Computing Krippendorff's alpha-reliability" (University of Pennsylvania, 2011), part D
    (any number of observers, missing data), and Content Analysis, 4th edition (2018), chapter 12.

    Args:
        lines: for each line the answers of all who gave one; those with fewer than two are passed over.

    Returns:
        At most 1; None where nothing was compared, and where only one answer was ever given.
    """
    total: Counter[Hashable] = Counter()
    equal = 0.0
    for answers in lines:
        if len(answers) < 2:
            continue
        counts = Counter(answers)
        total += counts
        equal += sum(count * (count - 1) for count in counts.values()) / (len(answers) - 1)
    every = total.total()
    by_chance = sum(count * (count - 1) for count in total.values())
    most = every * (every - 1)
    if by_chance == most:
        return None
    return 1 - (every - equal) * (every - 1) / (most - by_chance)


def _pairs(shared: Iterable[Sequence[Decision]]) -> tuple[PairOnSheets, ...]:
    found: dict[tuple[str, str], list[tuple[Decision, Decision]]] = {}
    for answers in shared:
        for one, other in combinations(sorted(answers, key=_person), 2):
            found.setdefault((_person(one), _person(other)), []).append((one, other))
    return tuple(
        PairOnSheets(
            people=people,
            lines=len(both),
            same=sum(_answer(one) == _answer(other) for one, other in both),
            kappa=cohens_kappa([(one.verdict, other.verdict) for one, other in both]),
        )
        for people, both in sorted(found.items())
    )


def _answer(decision: Decision) -> Hashable:
    return decision.verdict, decision.text


def _person(decision: Decision) -> str:
    # two annotations of nobody on one sheet may be two people's
    return decision.user or f"annotation {decision.annotation}"
