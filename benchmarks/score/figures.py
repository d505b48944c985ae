"""What the score is worth beside the former rule: tables, on pages that it was not fitted on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import regex
from rapidfuzz.distance import Levenshtein

from backend.text.probability import UNUSABLE, unit
from benchmarks.score import fit
from benchmarks.score.cases import PANELS, LineCase
from benchmarks.score.collect import RecordedLine

FOLDS: Final = 5
YIELDS: Final = (0.95, 0.9, 0.8, 0.7, 0.5)
BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """One line: what the score says of the text that it fills in, beside the former rule.

    said, right: how likely the filled-in text is right, and whether it is.
    formerly, formerly_right: the same by the rule before.
    possible: whether any reading is right.
    threshold: what an agreed line of this page had to reach.
    """

    case: LineCase
    said: float
    right: bool
    formerly: float
    formerly_right: bool
    possible: bool
    threshold: float

    @property
    def kept(self) -> bool:
        """Agreed, and likely enough right."""
        return self.case.case == "agreed" and self.said >= self.threshold


def held_out(cases: Sequence[LineCase], silent: Sequence[LineCase]) -> list[Judged]:
    """Judge every page with weights and a threshold that were chosen on four fifths of the others."""
    judged: list[Judged] = []
    for fold in range(FOLDS):
        inside = [case for case in cases if _fold(case.group) != fold]
        judged += _judged_by(inside, [case for case in silent if _fold(case.group) != fold],
                             [case for case in cases if _fold(case.group) == fold])  # fmt: skip
    return judged


def _judged_by(
    cases: Sequence[LineCase], silent: Sequence[LineCase], tested: Iterable[LineCase]
) -> list[Judged]:
    fitted = fit.fit(cases, silent)
    scores = [fitted.probabilities(case)[0] for case in cases if case.case == "agreed"]
    threshold = fit.threshold_that_drops(scores, fit.DROPPED)
    made = []
    for case in tested:
        chances = fitted.probabilities(case)
        best = int(np.argmax(chances))
        before, place = former_rule(case)
        made.append(
            Judged(
                case,
                chances[best],
                case.options[best].right,
                before,
                case.options[place].right,
                any(option.right for option in case.options),
                threshold,
            )
        )
    return made


def _fold(group: str) -> int:
    return hashlib.sha256(group.encode()).digest()[1] % FOLDS


def former_rule(case: LineCase) -> tuple[float, int]:
    """The score before (agreed 0.65 to 1, disputed 0.1 to 0.6), and the place of the text it filled in."""
    compared, option = case.comparison, case.options[0]
    line_score = option.evidence["detector sure"]
    if case.case == "agreed":
        scores = [unit(each.reading.score) for each in compared.agreeing if each.reading.score is not None]
        certainty = 0.6 * line_score + 0.4 * (sum(scores) / len(scores) if scores else 1.0)
        one_family = len({each.family for each in compared.supporters}) == 1
        weak = bool(one_family or compared.against(compared.supporters) or option.evidence["unsettled marks"])
        if regex.search(r"\p{N}", option.text) and not regex.search(r"\p{L}", option.text):
            return (0.65 if weak else 0.70) + 0.04 * certainty, 0
        return (0.75 if weak else 0.88) + 0.12 * certainty, 0
    scored = all(each.reading.score is not None for each in compared.candidates)

    def unlikeliness(place: int) -> tuple[float, ...]:
        each, evidence = compared.different[place], case.options[place].evidence
        alike = [other for other in compared.candidates if other.key == each.key]
        best = max((unit(other.reading.score or 0.0) for other in alike), default=0.0)
        return (
            bool(UNUSABLE & set(each.suspicions)),
            len(each.suspicions),
            -len({other.family for other in alike}),
            -len(alike),
            len(each.unified.doubts),
            round(evidence["foreign letters"], 2),
            -best if scored else 0.0,
            each.index,
        )

    place = min(range(len(case.options)), key=unlikeliness)
    chosen = compared.different[place]
    others = [each.key for each in compared.candidates if each is not chosen]
    similarity = max((Levenshtein.normalized_similarity(chosen.key, key) for key in others), default=0.0)
    certainty = (0.7 * similarity + 0.3 * line_score) * (0.5 if chosen.suspicions else 1.0)
    return 0.1 + 0.5 * certainty, place


def precision_at_yield(scores: Sequence[float], right: Sequence[bool], possible: int) -> list[float | None]:
    """Share of right texts among the best lines, when so many right ones are wanted; None if fewer."""
    order = np.argsort(-np.array(scores), kind="stable")
    found = np.cumsum(np.array(right)[order])
    made: list[float | None] = []
    for share in YIELDS:
        place = int(np.searchsorted(found, share * possible))
        made.append(float(found[place] / (place + 1)) if place < len(found) else None)
    return made


def area_under_curve(scores: Sequence[float], right: Sequence[bool]) -> float:
    """How often a right text scores higher than a wrong one (Mann and Whitney)."""
    values, hits = np.array(scores), np.array(right, bool)
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    ups, downs = int(hits.sum()), int((~hits).sum())
    return float((ranks[hits].sum() - ups * (ups + 1) / 2) / (ups * downs)) if ups and downs else float("nan")


def calibration(scores: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float, int]]:
    """What was said, what was so and how many lines, in ten bins of equal size."""
    values, hits = np.array(scores), np.array(right, np.float64)
    bins = np.array_split(np.argsort(values, kind="stable"), BINS)
    return [(float(values[one].mean()), float(hits[one].mean()), len(one)) for one in bins if len(one)]


def calibration_error(scores: Sequence[float], right: Sequence[bool]) -> float:
    """The mean distance between said and so (ECE, Naeini et al. 2015, bins of equal size)."""
    bins = calibration(scores, right)
    return sum(abs(said - so) * count for said, so, count in bins) / sum(count for _, _, count in bins)


def tables(
    judged: Sequence[Judged],
    lines: Sequence[RecordedLine],
    cases: Sequence[LineCase],
    silent: Sequence[LineCase],
) -> str:
    """Everything that the documentation says in figures, as Markdown."""
    drawn_only = [case for case in cases if case.kind.startswith("drawn ")]
    real = _judged_by(
        [case for case in drawn_only if case.kind != "drawn elsewhere"],
        [case for case in silent if case.kind.startswith("drawn ") and case.kind != "drawn elsewhere"],
        [case for case in cases if case.kind in ("real", "drawn elsewhere")],
    )
    unnamed = _unnamed(cases, silent)
    parts = [f"{len(lines)} lines of {len({line.page for line in lines})} pages.\n"]
    parts.append("Precision at yield, held-out pages\n\n" + _precision_table(judged))
    parts.append("Agreed lines and the threshold, held-out pages\n\n" + _agreed_table(judged))
    parts.append("Disputed lines: the filled-in text, held-out pages\n\n" + _disputed_table(judged))
    parts.append("By language and kind, all panels\n\n" + _agreed_table(judged, _by_kind))
    parts.append("Fitted on drawn pages alone, tested on real scans and on pages drawn by others\n\n"
                 + _agreed_table(real, lambda one: f"{one.case.kind}: {one.case.panel}")
                 + "\n" + _disputed_table(real, lambda one: one.case.kind))  # fmt: skip
    parts.append(
        "Readers without name and score, as ERNIE without logprobs, held-out pages\n\n"
        + _agreed_table(unnamed)
    )
    return "\n".join(parts)


def _unnamed(cases: Sequence[LineCase], silent: Sequence[LineCase]) -> list[Judged]:
    judged: list[Judged] = []
    for fold in range(FOLDS):
        judged += _judged_by(
            [case for case in cases if _fold(case.group) != fold],
            [case for case in silent if _fold(case.group) != fold],
            [case for case in silent if _fold(case.group) == fold],
        )
    return judged


def _panel(one: Judged) -> str:
    return one.case.panel


def _by_kind(one: Judged) -> str:
    return f"{one.case.language}, {one.case.kind}"


def _groups(judged: Sequence[Judged], name: Callable[[Judged], str]) -> list[tuple[str, list[Judged]]]:
    groups: dict[str, list[Judged]] = {"all": list(judged)}
    order = [panel.name for panel in PANELS]
    for one in sorted(
        judged, key=lambda each: (order.index(each.case.panel) if name is _panel else 0, name(each))
    ):
        groups.setdefault(name(one), []).append(one)
    return [*list(groups.items())[1:], ("all", groups["all"])]


def _precision_table(judged: Sequence[Judged]) -> str:
    rows = [_row("panel", "score", "lines", *(f"{100 * share:.0f} %" for share in YIELDS), "AUC", "ECE")]
    rows.append(_ruler(2, len(YIELDS) + 3))
    for name, group in _groups(judged, _panel):
        possible = sum(one.possible for one in group)
        for title, scores, right in (
            ("before", [one.formerly for one in group], [one.formerly_right for one in group]),
            ("now", [one.said for one in group], [one.right for one in group]),
        ):
            at = precision_at_yield(scores, right, possible)
            said = ("–" if each is None else f"{100 * each:.1f}" for each in at)
            error = f"{calibration_error(scores, right):.3f}"
            rows.append(_row(name, title, len(group), *said, _area(scores, right), error))
    return "\n".join(rows) + "\n"


def _agreed_table(judged: Sequence[Judged], name: Callable[[Judged], str] = _panel) -> str:
    asked = ("lines of", "say the same", "of these right", "AUC", "ECE", "over the threshold")
    rows = [_row(*asked, "of these right", "right ones lost"), _ruler(1, 7)]
    for title, group in _groups([one for one in judged if one.case.case == "agreed"], name):
        right, kept = sum(one.right for one in group), [one for one in group if one.kept]
        scores, hits = [one.said for one in group], [one.right for one in group]
        still = sum(one.right for one in kept)
        error = f"{calibration_error(scores, hits):.3f}"
        shares = (_percent(len(kept), len(group)), _percent(still, len(kept)), _percent(right - still, right))
        rows.append(_row(title, len(group), _percent(right, len(group)), _area(scores, hits), error, *shares))
    return "\n".join(rows) + "\n"


def _disputed_table(judged: Sequence[Judged], name: Callable[[Judged], str] = _panel) -> str:
    asked = ("lines of", "disputed", "filled in right before", "now", "any reading right", "ECE")
    rows = [_row(*asked), _ruler(1, 5)]
    for title, group in _groups([one for one in judged if one.case.case == "disputed"], name):
        before, now = sum(one.formerly_right for one in group), sum(one.right for one in group)
        shares = (_percent(each, len(group)) for each in (before, now, sum(one.possible for one in group)))
        error = f"{calibration_error([one.said for one in group], [one.right for one in group]):.3f}"
        rows.append(_row(title, len(group), *shares, error))
    return "\n".join(rows) + "\n"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _ruler(words: int, numbers: int) -> str:
    return f"|{'---|' * words}{'--:|' * numbers}"


def _percent(some: int, of_all: int) -> str:
    return f"{100 * some / of_all:.1f} %" if of_all else "–"


def _area(scores: Sequence[float], right: Sequence[bool]) -> str:
    area = area_under_curve(scores, right)
    return "–" if math.isnan(area) else f"{area:.3f}"
