"""How likely a text is right, from all that is known of its line: one logistic function with shipped weights.

The evidence is what readers say of themselves, who agrees with whom, what kind of text it is, and how the
crop looks. It is written down as numbers with names (`agreed_evidence`, `disputed_evidence`); the weights of
`score_weights.json` were fitted by `python -m benchmarks.score` on pages whose truth is known. A reader's
word
on itself is on a scale of its own engine, so each engine that was measured has its own weight. Every other
one,
ERNIE among them, has what an engine without a name and a score was measured to deserve, and its own score
counts with a weight set by hand, lower than either measured one.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final, Literal

import regex
from rapidfuzz.distance import Levenshtein

from backend.page.lines import Reading, ReasonKind
from backend.page.print_quality import PrintQuality
from backend.text import languages
from backend.text.candidates import Candidate

Case = Literal["agreed", "disputed"]
"""Whether enough readings say the same; the same evidence is worth another thing where they do not."""

Evidence = Mapping[str, float]
"""Numbers by name. What is unknown has 0, and a number of its own that says so."""

MEASURED: Final = {"Tesseract": "tesseract", "PP-OCR": "pp-ocr"}
"""Families of engines whose own scores were measured, and their names in the evidence."""

UNUSABLE: Final = frozenset({ReasonKind.REFUSAL, ReasonKind.ECHO})
"""What is no text of the page at all."""

_COMMON: Final = regex.compile(
    r"[\p{L}\p{M}\p{N}\p{Pd}\s.,:;()/\"'«»“”„’‘%№!?…$₽@&+#°、。，！？；：（）《》「」،؛؟।·]"
)
"""Signs of ordinary lines; others are often what a reader makes of a speck or a frame."""
_ORDINARY, _SUREST = 0.9, 0.5
"""How sure of itself an unmeasured engine is taken to be ordinarily, and the most that more counts."""
_ADVANCE: Final = 0.45
"""Width of an ordinary letter, of the height of its crop."""
_MANY_RARE, _MANY_MARKS, _ODDEST, _GRAINIEST = 0.15, 0.3, 0.7, 0.3
"""Beyond these a line is so unlike those measured that more says no more."""
_CASE_INSIDE: Final = regex.compile(r"\p{Ll}\p{Lu}")


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What is known of a line beside its readings.

    crop_size: (width, height), pixels.
    line_score: how sure the detector is, 0 to 1.
    quality: of the print; None where nobody measured.
    """

    crop_size: tuple[int, int]
    line_score: float = 1.0
    quality: PrintQuality | None = None


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """The shipped numbers.

    weights: for each case the weight of each number of the evidence; `bias` among them.
    threshold: an agreed line whose text is less likely right is disputed.
    digest: of the file, for the model version.
    """

    weights: Mapping[str, Mapping[str, float]]
    threshold: float
    digest: str


@lru_cache(1)
def shipped() -> ScoreWeights:
    """The weights of `score_weights.json`."""
    read: dict[str, Any] = json.loads(
        resources.files("backend.text").joinpath("score_weights.json").read_text("utf-8")
    )
    return ScoreWeights(read["weights"], float(read["threshold"]), str(read["digest"]))


def probability(evidence: Evidence) -> float:
    """How likely a text is right that enough readings say, 0 to 1."""
    return 1 / (1 + math.exp(-_log_odds_of("agreed", evidence)))


def probabilities(options: Sequence[Evidence]) -> list[float]:
    """How likely each of several different texts of a disputed line is right.

    At most one of them is; what is left is the chance that none is.

    Args:
        options: the evidence for each text.

    Returns:
        As many numbers, 0 to 1, with a sum of at most 1.
    """
    odds = [math.exp(_log_odds_of("disputed", evidence)) for evidence in options]
    return [each / (1 + sum(odds)) for each in odds]


def _log_odds_of(case: Case, evidence: Evidence) -> float:
    weights = shipped().weights[case]
    total = weights["bias"] + sum(weights.get(name, 0.0) * value for name, value in evidence.items())
    return min(max(total, -30.0), 30.0)


def agreed_evidence(
    supporters: Sequence[Candidate], against: Sequence[Reading], unsettled: int, facts: LineFacts
) -> Evidence:
    """What speaks for a text that enough readings say, and what against it.

    Args:
        supporters: all readings that say it, witnesses too; the first one's text counts.
        against: readings that say something else, or nothing.
        unsettled: marks in which the supporters differ.
        facts: of the line.
    """
    first = supporters[0]
    families = {each.family for each in supporters}
    return {
        "more families": min(len(families), 3) - 1.0,
        **_confidence(supporters),
        "against": float(len(against)),
        "unsettled marks": float(min(unsettled, 3)),
        "house rule": float(bool(first.house.changes)),
        **_of_text(first.text),
        **_of_line(first.text, facts),
    }


def disputed_evidence(
    each: Candidate,
    candidates: Sequence[Candidate],
    readings: Sequence[Reading],
    language: str,
    facts: LineFacts,
) -> Evidence:
    """What speaks for one text of a line that is in dispute, and what against it.

    Args:
        each: one of the candidates.
        candidates: all readings with text.
        readings: all readings.
        language: canonical code of the page's language.
        facts: of the line.
    """
    supporters = [other for other in candidates if other.key == each.key]
    rivals = [other for other in candidates if other.key != each.key]
    letters = regex.findall(r"\p{L}", each.text)
    foreign = sum(letter not in languages.letters(language) for letter in letters)
    nearest = max(
        rivals, key=lambda rival: Levenshtein.normalized_similarity(each.key, rival.key), default=None
    )
    edits = Levenshtein.distance(each.key, nearest.key) if nearest else 0
    return {
        "more families": min(len({other.family for other in supporters}), 3) - 1.0,
        **_confidence(supporters),
        "other engines": float(len({other.family for other in candidates}) > 1),
        "later reader": float(each.index > 0),
        "nobody else": float(not rivals and len(supporters) == 1),
        "edits": math.log1p(edits) if nearest else 0.0,
        "unlike": 1 - Levenshtein.normalized_similarity(each.key, nearest.key) if nearest else 0.0,
        "longer": (len(each.key) - len(nearest.key)) / max(len(each.key), len(nearest.key), 1)
        if nearest
        else 0.0,
        "saw nothing": float(sum(reading.no_text for reading in readings)),
        "no text of the page": float(bool(UNUSABLE & set(each.suspicions))),
        "doubts": float(min(len(each.suspicions), 3)),
        "edge mark": float(ReasonKind.EDGE_MARK in each.suspicions),
        "mixed words": float(min(len(each.unified.doubts), 2)),
        "foreign letters": foreign / max(len(letters), 1),
        **_of_text(each.text),
        **_of_line(each.text, facts),
    }


def unit(score: float) -> float:
    """A score from outside as a share, 0 to 1; one that is no number is the lowest."""
    return min(max(score, 0.0), 1.0) if math.isfinite(score) else 0.0


def _confidence(supporters: Sequence[Candidate]) -> Evidence:
    """What readers say of themselves, for each engine that was measured, and for all others together."""
    made: dict[str, float] = {}
    for family, name in MEASURED.items():
        scored = _scores_of([each for each in supporters if each.family == family])
        made[f"{name} sure"] = sum(scored) / len(scored) if scored else 0.0
        made[f"{name} silent"] = float(not scored)
    others = _scores_of([each for each in supporters if each.family not in MEASURED])
    # beside a reader that says nothing of itself one that is ordinarily sure is worth as much
    away = sum(others) / len(others) - _log_odds(_ORDINARY) if others else 0.0
    made["other sure"] = min(away, _SUREST)
    return made


def _scores_of(supporters: Sequence[Candidate]) -> list[float]:
    scores = (each.reading.score for each in supporters)
    return [_log_odds(unit(score)) for score in scores if score is not None]


def _log_odds(share: float) -> float:
    return math.log((share + 0.02) / (1.02 - share))


def _of_text(text: str) -> Evidence:
    visible = max(1, len(text.replace(" ", "")))
    digits = len(regex.findall(r"\p{N}", text))
    return {
        "digits only": float(digits > 0 and not regex.search(r"\p{L}", text)),
        "characters": math.log1p(visible),
        "rare signs": min(1.0, len(_COMMON.sub("", text)) / visible / _MANY_RARE),
        "capital inside": float(min(2, len(_CASE_INSIDE.findall(text)))),
        "marks": min(1.0, len(regex.findall(r"\p{P}", text)) / visible / _MANY_MARKS),
    }


def _of_line(text: str, facts: LineFacts) -> Evidence:
    length, height = max(0, *facts.crop_size), max(1, min(facts.crop_size))
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    advance = length / (height * max(1, len(text) + wide))
    quality = facts.quality
    return {
        "small print": max(0.0, math.log(40 / height)) if height < 40 else 0.0,
        "odd width": min(1.0, abs(math.log(max(advance, 0.02) / _ADVANCE)) / _ODDEST),
        "detector sure": unit(facts.line_score),
        "faint": 0.0 if quality is None else max(0.0, 1 - 2 * unit(quality.contrast)),
        "blurred": 0.0 if quality is None else max(0.0, 1 - 2 * unit(quality.sharpness)),
        "grainy": 0.0 if quality is None else min(1.0, unit(quality.grain) / _GRAINIEST),
    }
