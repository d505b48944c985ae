"""What an evaluation holds: a model's figures, and beside whom it was measured; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from converters.evaluation.characters import CharacterFigures, Confusion, characters_of, confusions_of
from converters.evaluation.figures import Figures, figures_of
from converters.evaluation.line_results import LineResult
from converters.evaluation.paired import PairedDifference, paired_bootstrap

FORMAT = 1


@dataclass(frozen=True)
class Evaluation:
    """What one model read of one part of a dataset.

    model: as it was asked for: a folder, `stock`, `current` or `readings`.
    identity: of the reader, as model versions name it.
    dataset, part: what was read.
    language: of the reader.
    results: one for each line that the model was asked, in the order of the label file.
    notes: what a reader of the figures must know, as sentences.
    """

    model: str
    identity: str
    dataset: str
    part: str
    language: str
    results: tuple[LineResult, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def figures(self) -> Figures:
        """Exact match, CER and WER."""
        return figures_of(self.results)

    @cached_property
    def characters(self) -> list[CharacterFigures]:
        """Every character, those with the most errors first."""
        return characters_of(self.results)

    @cached_property
    def confusions(self) -> list[tuple[Confusion, int]]:
        """Every confusion with how often it was seen, the most frequent first."""
        return confusions_of(self.results)

    def worst(self, count: int) -> list[LineResult]:
        """The wrong lines, those with the most wrong characters of theirs first."""
        wrong = [line for line in self.results if not line.exact]
        return sorted(
            wrong, key=lambda line: (-line.edits / max(1, len(line.truth)), -line.edits, line.crop)
        )[:count]

    def summary(self) -> dict[str, Any]:
        """For machines, without the lines."""
        return {
            "model": self.model,
            "identity": self.identity,
            "dataset": self.dataset,
            "part": self.part,
            "language": self.language,
            "figures": self.figures.summary(),
            "characters": [one.summary() for one in self.characters],
            "confusions": [
                {"truth": confusion.truth, "read": confusion.read, "count": count}
                for confusion, count in self.confusions
            ],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Comparison:
    """A model beside another one, on the lines that both read.

    name: who the other one is, in words.
    identity: of the other reader.
    old, new: what each read, line for line.
    notes: what is to be known of the other one, as sentences.
    """

    name: str
    identity: str
    old: tuple[LineResult, ...]
    new: tuple[LineResult, ...]
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def difference(self) -> PairedDifference:
        """In CER, with its interval."""
        return paired_bootstrap(self.old, self.new)

    @cached_property
    def figures(self) -> Figures:
        """Of the other one."""
        return figures_of(self.old)

    @property
    def exact(self) -> tuple[int, int]:
        """Exact lines of the other one, and of the model."""
        return sum(line.exact for line in self.old), sum(line.exact for line in self.new)

    @property
    def lost(self) -> list[tuple[LineResult, LineResult]]:
        """Lines that the other one read better, and what each read; the largest loss first."""
        pairs = [(one, two) for one, two in zip(self.old, self.new, strict=True) if two.edits > one.edits]
        return sorted(pairs, key=lambda pair: (pair[0].edits - pair[1].edits, pair[0].crop))

    def summary(self) -> dict[str, Any]:
        """For machines, without the lines."""
        old, new = self.exact
        return {
            "name": self.name,
            "identity": self.identity,
            "difference": self.difference.summary(),
            "exact_old": old,
            "exact_new": new,
            "lines_read_worse": len(self.lost),
            "figures": self.figures.summary(),
            "notes": list(self.notes),
        }


def compared(
    new: Sequence[LineResult], old: Sequence[LineResult], name: str, identity: str, notes: Sequence[str] = ()
) -> Comparison | None:
    """Put two readings side by side, on the lines that both have; None where they share none."""
    by_crop = {line.crop: line for line in old}
    shared = [line for line in new if line.crop in by_crop]
    if not shared:
        return None
    found = list(notes)
    if len(shared) < len(new):
        found.append(
            f"{name}: {len(new) - len(shared):,} of {len(new):,} lines have no reading of it and are not "
            "compared."
        )
    return Comparison(
        name, identity, tuple(by_crop[line.crop] for line in shared), tuple(shared), tuple(found)
    )
