"""The last stage of a run: predictions wait here until there are enough of them for one import.

Label Studio counts its whole project anew at each import, so one of many predictions costs it hardly more
than one of few. The first comes early, so that annotators have something; the later ones come as seldom as
keeps imports to a small part of the time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from backend.bulk.patience import Patience
from backend.bulk.uploads import MOST, Stored
from backend.errors import TwinreadError
from backend.pipeline.read_task import Prediction, unexpected

MOST_RESULTS = 40_000
"""Results of predictions that wait for one import, about 16 MB of JSON."""

FIRST_AGE_S = 3.0
"""How long the first prediction of a batch waits for others at least, seconds."""

LAST_AGE_S = 300.0
"""And at most, where imports take long."""

PART = 10
"""An import may take one in so many seconds."""


class Storer(Protocol):
    """Stores predictions, each once; see `uploads.Uploader`."""

    def store(self, predictions: Sequence[Prediction]) -> Stored:
        """Store them, and say what became of each."""
        ...


class Storing:
    """Stores predictions in a thread of its own, in batches.

    failure: why nothing more is stored; None while it is.
    """

    def __init__(
        self,
        storer: Storer,
        patience: Patience,
        done: Callable[[Stored], object],
        *,
        most: int = MOST,
        first_age_s: float = FIRST_AGE_S,
    ) -> None:
        """Begin.

        Args:
            storer: stores a batch; called by one thread, and again with the same batch when it fails.
            patience: while Label Studio is away.
            done: hears what became of each batch, in the thread.
            most: predictions in one batch.
            first_age_s: how long the first of them waits for others at least, seconds.
        """
        self.failure: TwinreadError | None = None
        self._storer = storer
        self._patience = patience
        self._done = done
        self._most = most
        self._age_s = first_age_s
        self._first_age_s = first_age_s
        self._changed = threading.Condition()
        self._waiting: list[Prediction] = []
        self._results = 0
        self._since = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-predictions", daemon=True)
        self._thread.start()

    def put(self, made: Prediction) -> None:
        """Let a prediction be stored; waits while a full batch waits already, so that memory stays flat."""
        with self._changed:
            while self._full and self.failure is None:
                self._changed.wait()
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting.append(made)
            self._results += len(made.result)
            self._changed.notify_all()

    def close(self) -> None:
        """Store what waits, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    @property
    def _full(self) -> bool:
        return len(self._waiting) >= self._most or self._results >= MOST_RESULTS

    def _run(self) -> None:
        try:
            while batch := self._batch():
                begun = time.monotonic()
                stored = self._patience.keep_trying(partial(self._storer.store, batch))
                took = time.monotonic() - begun
                self._age_s = min(max(self._first_age_s, PART * took), LAST_AGE_S)
                self._done(stored)
        except TwinreadError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - who waits for this thread must hear of its end
            self._fail(unexpected("storing predictions", error))

    def _fail(self, error: TwinreadError) -> None:
        with self._changed:
            self.failure = error
            # whoever looks at the failure stops the run; nobody else would wake those who wait
            self._patience.stop.set()
            self._changed.notify_all()

    def _batch(self) -> list[Prediction]:
        """The next batch; empty at the end."""
        with self._changed:
            while not self._closed and not self._full:
                left = self._since + self._age_s - time.monotonic() if self._waiting else None
                if left is not None and left <= 0:
                    break
                self._changed.wait(left)
            batch, self._waiting, self._results = self._waiting, [], 0
            self._changed.notify_all()
            return batch
