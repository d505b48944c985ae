"""When a training has learned what it will: pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Score:
    """How well a model reads the lines for evaluation; a larger one is better.

    The edit distance decides: with few lines `acc` stays at 0 for long, and moves in steps of a whole line.

    norm_edit_dis: 1 is perfect.
    acc: share of lines that are right to the letter.
    """

    norm_edit_dis: float
    acc: float


@dataclass(slots=True)
class EarlyStop:
    """Looks on while evaluations come.

    patience: evaluations in a row without a better one, after which the training ends; 0 never ends it.
    best: of all so far, those before a resume included.
    """

    patience: int
    best: Score | None = None
    without: int = 0
    """Evaluations since the best."""

    def seen(self, score: Score) -> bool:
        """Take in one evaluation; returns whether it is the best so far."""
        if self.best is None or score > self.best:
            self.best, self.without = score, 0
            return True
        self.without += 1
        return False

    @property
    def ends(self) -> bool:
        """Nothing better came for as long as the patience lasts."""
        return 0 < self.patience <= self.without
