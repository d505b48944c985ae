"""How far a bulk run is, and what became of its tasks: what the bar shows and the summary adds up."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.bulk.uploads import Stored
from backend.pipeline.read_task import Prediction


@dataclass(slots=True)
class Counts:
    """Figures of a run; thread-safe. total = stored + already + gone + dropped + failed + left.

    total: tasks that the run was to read; of a run that was ended early, too.
    read: predictions made, stored or not.
    lines, agreed: of these predictions.
    stored, already, gone: tasks, as in `Stored`.
    dropped, failed: why tasks have no prediction, by task.
    """

    total: int = 0
    read: int = 0
    lines: int = 0
    agreed: float = 0.0
    stored: int = 0
    already: int = 0
    gone: int = 0
    dropped: dict[int, str] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ended(self) -> int:
        """Tasks of which it is known what became of them."""
        return self.stored + self.already + self.gone + len(self.dropped) + len(self.failed)

    @property
    def left(self) -> int:
        """Tasks that the run did not come to."""
        return max(0, self.total - self.ended)

    @property
    def agreed_share(self) -> float | None:
        """Share of the lines that were read alike; None before the first."""
        return self.agreed / self.lines if self.lines else None

    def note_read(self, made: Prediction) -> None:
        """Count a prediction."""
        lines = len({part.get("id") for part in made.result})
        with self._lock:
            self.read += 1
            self.lines += lines
            self.agreed += made.score * lines

    def note_failed(self, task: int, why: str) -> None:
        """Count a task that has no prediction."""
        with self._lock:
            self.failed[task] = why

    def note_stored(self, stored: Stored) -> None:
        """Count what became of a batch."""
        with self._lock:
            self.stored += len(stored.stored)
            self.already += len(stored.already)
            self.gone += len(stored.gone)
            self.dropped.update(stored.dropped)

    def unread(self) -> Mapping[int, str]:
        """Why tasks have no prediction, by task: those that failed, and what Label Studio does not take."""
        with self._lock:
            return {**self.failed, **self.dropped}
