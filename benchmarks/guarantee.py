"""Whether the promise about agreed lines is kept, what breaks it, and what it costs in audited lines.

`python -m benchmarks.guarantee` simulates ten thousand projects and draws docs/guarantee-kept.png and
docs/guarantee-cost.png; some minutes. `make bench` simulates a thousand, and draws nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np

from backend.guarantee.bounds import allowed, endless_rate
from backend.guarantee.claims import ClaimState
from backend.guarantee.clusters import design_effect
from backend.guarantee.looks import ALPHA, LADDER, looks
from backend.guarantee.lots import Lot, LotKey, LotLine
from benchmarks.table import Row, show
from tests.parts.audited_projects import Plan, life, project, random_plan
from tests.parts.look_errors import any_error_of_a_lot, worst_error

mpl.use("Agg")
from matplotlib import pyplot as plt

DOCS = Path(__file__).resolve().parent.parent / "docs"

GROWING = Plan((300, 600), 20, 0.1, 0.1, 0.1, 0, 0, 0, 1.0, 0.05)
"""A project whose bounds are tight at each look, so that each growth may break one."""

RATES = (0.0, 0.001, 0.0025, 0.005, 0.0075)
"""True rates for which the cost of a claim of 1 % is measured."""


def rows(projects: int = 1000) -> list[Row]:
    """What was measured; see the module.

    Args:
        projects: how many to simulate for each figure.
    """
    return [
        *errors_of_looks(),
        *any_projects(projects),
        planted(projects),
        *growing(projects // 20),
        *pages(projects),
    ]


def errors_of_looks() -> list[Row]:
    """Computed, not simulated."""
    ours, at = worst_error(LADDER, ALPHA, finest=32)
    plain, _ = worst_error(LADDER, 0.05, finest=32)
    finite = max(
        any_error_of_a_lot(wrong, lot, looks(lot), ALPHA)
        for lot in (130, 300, 600)
        for wrong in range(0, lot, 7)
    )
    return [
        Row(
            "any of 8 looks errs, worst true rate (exact)",
            f"{ours:.2%} at {at:.1%} wrong",
            "<= 3.5 %",
            ours <= 0.035,
        ),
        Row("the same in lots of 130, 300, 600 lines", f"{finite:.2%}", "<= 3.5 %", finite <= 0.035),
        Row("the same if each look kept 95 % alone", f"{plain:.2%}", "over 5 %", plain > 0.05),
    ]


def any_projects(projects: int) -> list[Row]:
    """Projects of every kind, with every claim that was made in their lives."""
    chance = np.random.default_rng(2026)
    ever = false = at_random = held = claims = 0
    for _ in range(projects):
        moments = list(life(project(random_plan(chance, 6000), chance)))
        claims += len(moments)
        ever += any(moment.false for moment in moments)
        false += any(moment.falsely_certified for moment in moments)
        at_random += moments[int(chance.integers(len(moments)))].false
        held += any(moment.outcome.state is ClaimState.HOLDS for moment in moments)
    what = f"of {projects:,} projects ({claims:,} claims)"
    return [
        Row(f"any claim ever false, {what}", f"{ever / projects:.2%}", "<= 5 %", ever <= 0.05 * projects),
        Row(
            "a claim at a random time false",
            f"{at_random / projects:.2%}",
            "<= 5 %",
            at_random <= 0.05 * projects,
        ),
        Row("target ever certified falsely", f"{false / projects:.2%}", "<= 5 %", false <= 0.05 * projects),
        Row("target ever certified", f"{held / projects:.1%}", "over 20 %", held > 0.2 * projects),
    ]


def planted(projects: int) -> Row:
    """3 % wrong, over a batch and over all, and a score that knows nothing."""
    chance = np.random.default_rng(3)
    certified = tried = 0
    while tried < projects:
        lines = int(np.exp(chance.uniform(np.log(300), np.log(6000))))
        plan = Plan(
            (lines // 2, lines), 20, 0.032, 0.032, float(chance.choice([0, 0.1, 0.3])), 0, 0, 0.01, 0.6, 0.01
        )
        one = project(plan, chance)
        if min(one.wrong.mean(), one.wrong[: lines // 2].mean()) < 0.03:
            continue
        tried += 1
        certified += any(moment.outcome.state is ClaimState.HOLDS for moment in life(one))
    return Row(
        f"3 % certified as 1 %, {projects:,} runs",
        f"{certified / projects:.3%}",
        "<= 0.1 %",
        certified <= 0.001 * projects,
    )


def growing(projects: int) -> list[Row]:
    """The hardest: everything audited at each growth, all bounds tight, and errors that drift."""
    found = []
    for steps, last, audited, most in (
        (10, 0.1, 0.3, 0.05),
        (10, 0.3, 0.3, 0.05),
        (10, 0.1, 1.0, 1.0),
        (40, 0.1, 0.3, 1.0),
    ):
        chance = np.random.default_rng(steps)
        plan = replace(
            GROWING,
            batches=tuple(8000 * (step + 1) // steps for step in range(steps)),
            last_rate=last,
            audited=audited,
        )
        ever = sum(any(moment.false for moment in life(project(plan, chance))) for _ in range(projects))
        found.append(
            Row(
                f"ever false, 8,000 lines in {steps} batches, {audited:.0%} audited, errors 10 -> {last:.0%}",
                f"{ever / projects:.1%}",
                "<= 5 %" if most < 1 else "(shown)",
                ever <= most * projects + 3 * (most * projects) ** 0.5,  # three standard deviations
            )
        )
    return found


def pages(projects: int) -> list[Row]:
    """One look at 512 lines of 400 pages, 2 % wrong, at 95 %: lines drawn, and whole pages drawn."""
    found = []
    for likeness in (0.02, 0.1, 0.3):
        chance = np.random.default_rng(7)
        plan = replace(GROWING, batches=(8000,), first_rate=0.02, last_rate=0.02, likeness=likeness)
        by_lines = by_pages = by_effect = 0
        for _ in range(projects):
            one = project(plan, chance)
            truth = one.wrong.mean()
            page = np.arange(8000) // 20
            drawn = one.wrong[chance.permutation(8000)[:512]]
            order = np.argsort(chance.permutation(400)[page], kind="stable")[:512]
            whole = one.wrong[order]
            sample = tuple(
                LotLine(int(at), "r", 0, 0.9, not wrong) for at, wrong in zip(page[order], whole, strict=True)
            )
            effect = max(1.3, design_effect(Lot(LotKey(1, "en", "v"), sample, 512)))
            by_lines += endless_rate(int(drawn.sum()), 512, 0.05) < truth
            by_pages += endless_rate(int(whole.sum()), 512, 0.05) < truth
            by_effect += endless_rate(int(np.ceil(whole.sum() / effect)), int(512 / effect), 0.05) < truth
        shares = [by / projects for by in (by_lines, by_pages, by_effect)]
        gathers = likeness >= 0.1
        name = f"likeness {likeness}"
        found += [
            Row(
                f"false at one look of 95 %, lines drawn, {name}",
                f"{shares[0]:.1%}",
                "<= 5 %",
                shares[0] < 0.06,
            ),
            Row(
                f"whole pages drawn, {name}",
                f"{shares[1]:.1%}",
                "over 5 %" if gathers else "(shown)",
                shares[1] > 0.05 or not gathers,
            ),
            Row(f"whole pages by the design effect, {name}", f"{shares[2]:.1%}", "(shown)", True),
        ]
    return found


def certified_by(rate: float, projects: int) -> list[float]:
    """The share of projects with so many wrong lines that are certified as 1 % by each look of the ladder."""
    chance = np.random.default_rng(5)
    sizes = LADDER
    steps = np.diff((0, *sizes))
    wrong = np.cumsum(chance.binomial(steps, rate, size=(projects, len(sizes))), axis=1)
    most = [allowed(size, 100_000, 1000, ALPHA) for size in sizes]
    return [float(share) for share in np.maximum.accumulate(wrong <= most, axis=1).mean(axis=0)]


def cost_rows(projects: int) -> list[Row]:
    """How many audited lines a claim of 1 % takes."""
    return [
        Row(
            f"certified as 1 % by 512, 1,024, 2,048, 4,096, 8,192 lines, {rate:.2%} wrong",
            ", ".join(f"{share:.0%}" for share in certified_by(rate, projects)[3:]),
            "(shown)",
            True,
        )
        for rate in RATES
    ]


def draw_kept(table: list[Row]) -> None:
    """What breaks the promise, and what keeps it."""
    bars = [
        (row.what.split(", of ")[0], float(row.measured.split("%")[0]))
        for row in table
        if "ertified" not in row.what
    ]
    names = [name for name, _ in bars]
    values = [value for _, value in bars]
    figure, axes = plt.subplots(figsize=(10, 0.34 * len(bars) + 1), constrained_layout=True)
    colors = ["#b5432a" if value > 5 else "#2f6f5e" for value in values]
    axes.barh(names, values, color=colors)
    axes.invert_yaxis()
    axes.axvline(5, color="black", linewidth=1, linestyle="--")
    for place, value in enumerate(values):
        axes.text(value + 0.3, place, f"{value:.1f} %", va="center", fontsize=8)
    axes.set_xlabel("false, % of projects (5 % is promised)")
    axes.tick_params(axis="y", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(DOCS / "guarantee-kept.png", dpi=110)
    plt.close(figure)


def draw_cost(projects: int) -> None:
    """How many lines a claim of 1 % takes, by the true rate."""
    figure, axes = plt.subplots(figsize=(7, 4), constrained_layout=True)
    for rate, color in zip(RATES, ("#1b3a4b", "#2f6f5e", "#6a994e", "#d08c2f", "#b5432a"), strict=True):
        shares = certified_by(rate, projects)
        axes.plot(
            LADDER,
            [100 * share for share in shares],
            marker="o",
            color=color,
            label=f"{100 * rate:g} % wrong",
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(LADDER, [f"{size:,}" for size in LADDER])
    axes.minorticks_off()
    axes.set_xlabel("lines audited")
    axes.set_ylabel("certified as at most 1 % wrong, % of projects")
    axes.legend(title="in truth", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(DOCS / "guarantee-cost.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    measured = rows(10_000)
    draw_kept(measured)
    draw_cost(10_000)
    show([*measured, *cost_rows(10_000)])
