"""Projects whose truth is known, and what the audit would have claimed about them, again and again.

Errors gather on pages (beta-binomial), later pages are worse or better, pages come in batches, reviewers make
mistakes of their own, and a score knows more or less about who is wrong. The claims are those of
`backend.guarantee.decisions`, made at every step that a team could look at them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backend.guarantee.decisions import ClaimState, Outcome, decide
from backend.guarantee.evidence import looks_at
from backend.guarantee.looks import looks

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a project is like.

    batches: lines of the lot after each batch of pages.
    page_lines: agreed lines of a page, on average.
    first_rate: share of wrong lines on the first pages.
    last_rate: on the last ones; it changes evenly in between.
    likeness: how much errors gather on pages, 0 (not at all) to 1 (pages are right or wrong whole).
    informed: how much lower the score of a wrong line is, in standard deviations of the scores.
    typos: share of right lines that a reviewer types otherwise.
    waved: share of wrong lines that a reviewer types as wrongly.
    audited: share of the lot that the team is ready to audit.
    target: share of wrong lines that it accepts.
    """

    batches: tuple[int, ...]
    page_lines: float
    first_rate: float
    last_rate: float
    likeness: float
    informed: float
    typos: float
    waved: float
    audited: float
    target: float


@dataclass(frozen=True, slots=True)
class Project:
    """A project with its truth, lines in the order of their pages; each shape (lines,).

    wrong: the truth.
    typed_wrong: what the audit would find.
    """

    plan: Plan
    wrong: Flags
    typed_wrong: Flags
    scores: Numbers
    draws: Numbers


@dataclass(frozen=True, slots=True)
class Moment:
    """A claim at one step, and the truth.

    lot: lines by then.
    answered: audit lines answered by then.
    truly_wrong: wrong lines among those that the claim covers.
    """

    lot: int
    answered: int
    outcome: Outcome
    truly_wrong: int
    target: float

    @property
    def false(self) -> bool:
        """More lines are wrong than the claim says."""
        return self.outcome.part is not None and self.truly_wrong > self.outcome.wrong_at_most

    @property
    def falsely_certified(self) -> bool:
        """The claim holds, and more than the target is wrong among the lines that it covers."""
        part = self.outcome.part
        return (
            self.outcome.state is ClaimState.HOLDS
            and part is not None
            and self.truly_wrong > self.target * part.lines + 1e-9
        )


def random_plan(chance: np.random.Generator, most_lines: int) -> Plan:
    """Any project: small or large, even or drifting, in one batch or in ten."""
    lines = int(np.exp(chance.uniform(np.log(200), np.log(most_lines))))
    steps = int(chance.choice([1, 2, 4, 10]))
    rate = float(np.exp(chance.uniform(np.log(0.001), np.log(0.08))))
    drift = float(chance.choice([1, 1, 3, 0.33]))
    return Plan(
        batches=tuple(sorted({max(64, lines * (step + 1) // steps) for step in range(steps)})),
        page_lines=float(chance.choice([5, 20, 40])),
        first_rate=rate,
        last_rate=min(0.3, rate * drift),
        likeness=float(chance.choice([0, 0.02, 0.1, 0.3])),
        informed=float(chance.choice([0, 1, 2])),
        typos=float(chance.choice([0, 0.001, 0.003])),
        waved=float(chance.choice([0, 0.01])),
        audited=float(chance.choice([0.1, 0.3, 1.0])),
        target=float(chance.choice([0.005, 0.01, 0.02, 0.05])),
    )


def project(plan: Plan, chance: np.random.Generator) -> Project:
    """One project of this kind."""
    lines = plan.batches[-1]
    sizes = 1 + chance.poisson(plan.page_lines - 1, size=lines)
    page = np.repeat(np.arange(lines), sizes)[:lines]
    pages = int(page[-1]) + 1
    rates = np.linspace(plan.first_rate, plan.last_rate, pages)
    if plan.likeness:
        spread = (1 - plan.likeness) / plan.likeness
        rates = chance.beta(rates * spread, (1 - rates) * spread)
    wrong = chance.random(lines) < rates[page]
    typed_wrong = np.where(wrong, chance.random(lines) >= plan.waved, chance.random(lines) < plan.typos)
    # rounded, so that lines share a score, as they do
    scores = np.round(chance.normal(size=lines) - plan.informed * wrong, 1)
    return Project(plan, wrong, typed_wrong, scores, chance.random(lines))


def life(of: Project) -> Iterator[Moment]:
    """Every claim that a team could have seen: after each batch, at each look and between them.

    Audit lines are answered in the order of the draw, up to the share that the team is ready for.
    """
    answered = np.zeros(len(of.wrong), dtype=bool)
    for lines in of.plan.batches:
        order = np.argsort(of.draws[:lines])
        wrong, typed, scores = of.wrong[order], of.typed_wrong[order], of.scores[order]
        most = max(64, round(of.plan.audited * lines))
        sizes = [size for size in looks(lines) if size <= most]
        stops = sorted({0, *sizes, *(size * 3 // 4 for size in sizes)})
        for stop in stops:
            answered[order[:stop]] = True
            there = answered[order]
            count = int(there.sum())
            outcome = decide(looks_at(scores, typed & there, ~there), count, of.plan.target)
            covered = wrong if outcome.part is None else wrong[scores >= outcome.part.threshold]
            yield Moment(lines, count, outcome, int(covered.sum()), of.plan.target)
