"""All that one run of `twinread evaluate` found, and how programs get it; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from converters.evaluation.evaluation import FORMAT, Comparison, Evaluation
from converters.evaluation.forgetting import Forgetting


@dataclass(frozen=True, slots=True)
class Judged:
    """A model, those it was put beside, and what it forgot.

    forgetting: None where it was not tested; then `no_forgetting` says why.
    """

    evaluation: Evaluation
    comparisons: tuple[Comparison, ...]
    forgetting: Forgetting | None
    no_forgetting: str = ""

    @property
    def notes(self) -> list[str]:
        """What a reader of the figures must know, each once."""
        every = [*self.evaluation.notes, *(note for one in self.comparisons for note in one.notes)]
        return list(dict.fromkeys(every))

    def summary(self) -> dict[str, Any]:
        """For machines, without the lines."""
        return {
            "format": FORMAT,
            **self.evaluation.summary(),
            "against": [one.summary() for one in self.comparisons],
            "forgetting": None if self.forgetting is None else self.forgetting.summary(),
            "notes": self.notes,
        }

    def with_lines(self) -> dict[str, Any]:
        """For machines, with what each model read of each line."""
        others = [{line.crop: line.read for line in one.old} for one in self.comparisons]
        return {
            **self.summary(),
            "lines": [
                {
                    "page": line.page,
                    "crop": line.crop,
                    "truth": line.truth,
                    "read": line.read,
                    "edits": line.edits,
                    "script": line.script,
                    "language": line.kind,
                    "width": line.width,
                    # null where the other one did not read it
                    "against": [read.get(line.crop) for read in others],
                }
                for line in self.evaluation.results
            ],
        }
