"""Which characters a model reads, and what it takes them for; pure.

Texts are aligned by Levenshtein's edits. Of the alignments with as few edits as possible one is taken, so
that single counts can shift to a neighbour; over many lines they are right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from converters.evaluation.figures import DRAWS, Rate
from converters.evaluation.line_results import LineResult
from converters.evaluation.page_draws import (
    SEED,
    Numbers,
    interval_of,
    page_numbers,
    ratio,
    totals_of_draws,
)

ENOUGH = 5
"""Times that a character must have been approved or read for an interval."""

AT_ONCE = 200
"""Characters whose draws are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """What was read in a character's place.

    truth: the approved character; empty where something was read that is not there.
    read: the character that was read; empty where it was left out.
    """

    truth: str
    read: str


@dataclass(frozen=True, slots=True)
class CharacterFigures:
    """How well one character is read.

    recall: of those that were approved, how many were read.
    precision: of those that were read, how many were right.
    """

    character: str
    recall: Rate
    precision: Rate

    @property
    def wrong(self) -> int:
        """Times that it was missed, or read where it is not."""
        return self.recall.of + self.precision.of - 2 * self.recall.count

    def summary(self) -> dict[str, Any]:
        """For machines."""
        return {
            "character": self.character,
            "recall": self.recall.summary(),
            "precision": self.precision.summary(),
        }


def confusions_in(line: LineResult) -> Iterator[Confusion]:
    """Every edit of a line, one character each."""
    for edit in Levenshtein.editops(line.truth, line.read):
        truth = "" if edit.tag == "insert" else line.truth[edit.src_pos]
        read = "" if edit.tag == "delete" else line.read[edit.dest_pos]
        yield Confusion(truth, read)


def confusions_of(results: Sequence[LineResult]) -> list[tuple[Confusion, int]]:
    """All confusions with how often each was seen, the most frequent first."""
    counted = Counter(confusion for line in results for confusion in confusions_in(line))
    return sorted(counted.items(), key=lambda item: (-item[1], item[0].truth, item[0].read))


def characters_of(
    results: Sequence[LineResult], draws: int = DRAWS, seed: int = SEED
) -> list[CharacterFigures]:
    """Recall and precision of every character, those with the most errors first.

    Args:
        results: the lines.
        draws: samples for the intervals, which characters of `ENOUGH` occurrences on two pages have.
        seed: of the samples.
    """
    numbers, pages = page_numbers([line.page for line in results])
    approved, read, right = Counter[tuple[str, int]](), Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    for line, page in zip(results, numbers.tolist(), strict=True):
        approved.update((char, page) for char in line.truth)
        read.update((char, page) for char in line.read)
        right.update((char, page) for char in line.truth)
        right.subtract((confusion.truth, page) for confusion in confusions_in(line) if confusion.truth)
    characters = sorted({char for char, _ in approved} | {char for char, _ in read})
    place = {char: number for number, char in enumerate(characters)}
    sums = np.zeros((3, pages, len(characters)))
    for which, counted in enumerate((approved, read, right)):
        for (char, page), count in counted.items():
            sums[which, page, place[char]] = count
    totals = sums.sum(axis=1).astype(int)
    scattered = (np.count_nonzero(sums[0] + sums[1], axis=0) > 1) & (totals[0] + totals[1] >= ENOUGH)
    intervals = _intervals(sums, np.flatnonzero(scattered).tolist(), draws, seed)
    found = []
    for number, char in enumerate(characters):
        recall, precision = intervals.get(number, (None, None))
        in_truth, in_read, hits = (int(count) for count in totals[:, number])
        found.append(CharacterFigures(char, Rate(hits, in_truth, recall), Rate(hits, in_read, precision)))
    return sorted(found, key=lambda one: (-one.wrong, -one.recall.of, one.character))


_Ends = tuple[float, float] | None


def _intervals(sums: Numbers, chosen: Sequence[int], draws: int, seed: int) -> dict[int, tuple[_Ends, _Ends]]:
    """The intervals of recall and precision by the number of the character."""
    made: dict[int, tuple[_Ends, _Ends]] = {}
    for start in range(0, len(chosen), AT_ONCE):
        some = list(chosen[start : start + AT_ONCE])
        approved, read, right = (totals_of_draws(part[:, some], draws, seed) for part in sums)
        for column, number in enumerate(some):
            made[number] = (
                interval_of(ratio(right[:, column], approved[:, column])),
                interval_of(ratio(right[:, column], read[:, column])),
            )
    return made
