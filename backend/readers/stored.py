"""Readings that were paid for, kept: no line is paid for twice, not after a kill, not by a replica.

`ReadingStore` is a table of readings by crop and reader, in SQLite or PostgreSQL; `StoredReader` puts
one in front of a reader.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from backend.errors import StoreFailed
from backend.page.lines import Pixels, Reading, picture_digest
from backend.readers.reading_table import AT_ONCE, ReadingStore
from backend.seams import LineReader

__all__ = ["ReadingStore", "StoredReader"]

log = logging.getLogger(__name__)


class StoredReader:
    """A `LineReader` that asks its store before it asks its reader, and keeps what it was told.

    The same crop asked for twice at once is read once. A caller sees a reading when it is kept, so a
    kill loses at most the calls in flight. A store that fails costs no caller a reading: it is
    reported once, in the log and in `problem`, and tried again with the next reading.

    identity: the reader's own.
    """

    def __init__(self, reader: LineReader, store: ReadingStore) -> None:
        """Take a reader and a store, which other readers may share."""
        self.identity = reader.identity
        self._reader = reader
        self._store = store
        self._lock = threading.Lock()
        # what callers wait for, by digest, and what of it the reader was asked for
        self._running: dict[str, Future[Reading]] = {}
        self._asked: dict[Future[Reading], Future[Reading]] = {}
        self._arrived: queue.SimpleQueue[tuple[str, Reading] | None] = queue.SimpleQueue()
        self._problems: dict[str, str] = {}
        self._closed = False
        self._writer = threading.Thread(target=self._write, name="reading-store", daemon=True)
        self._writer.start()

    @property
    def problem(self) -> str | None:
        """Why the store cannot be read or written, in one sentence; None while it can."""
        with self._lock:
            return next(iter(self._problems.values()), None)

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        """As `LineReader.submit`; waits for the store's look-up, not for readings."""
        digests = [picture_digest(crop) for crop in crops]
        own: dict[str, Pixels] = {}
        with self._lock:
            for digest, crop in zip(digests, crops, strict=True):
                if digest not in self._running:
                    self._running[digest], own[digest] = Future(), crop
                    # no caller can cancel it, because others may wait for it too
                    self._running[digest].set_running_or_notify_cancel()
            futures = [self._running[digest] for digest in digests]
        if urgent:
            self.hurry(futures)
        if own:
            try:
                self._fill(own, urgent)
            except BaseException:
                # others may have joined by now; they must not wait for ever for what broke here
                for digest in own:
                    self._settle(digest, Reading(self.identity, error="The reader failed; see the log."))
                raise
        return futures

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """As `LineReader.hurry`."""
        with self._lock:
            asked = [self._asked[future] for future in futures if future in self._asked]
        if asked:
            self._reader.hurry(asked)

    def close(self) -> None:
        """Keep what has arrived, then end the writer; what arrives later is kept in the reader's thread.

        The reader and the store stay open.
        """
        with self._lock:
            self._closed = True
            self._arrived.put(None)
        self._writer.join()

    def _fill(self, crops: dict[str, Pixels], urgent: bool) -> None:
        """Answer from the store, and ask the reader for the rest."""
        known = self._look_up(list(crops))
        for digest, reading in known.items():
            self._settle(digest, reading)
        missing = [digest for digest in crops if digest not in known]
        if not missing:
            return
        asked = self._reader.submit([crops[digest] for digest in missing], urgent=urgent)
        with self._lock:
            self._asked.update(zip((self._running[digest] for digest in missing), asked, strict=True))
        for digest, future in zip(missing, asked, strict=True):
            future.add_done_callback(partial(self._arrive, digest))

    def _look_up(self, digests: list[str]) -> dict[str, Reading]:
        try:
            known = self._store.get_many(digests, self.identity)
        except StoreFailed as error:
            self._report("read", error)
            return {}
        self._report("read", None)
        return known

    def _arrive(self, digest: str, done: Future[Reading]) -> None:
        # in the reader's own thread, which must not wait for a disk
        if done.cancelled():
            reading = Reading(
                self.identity, error="The reading was given up before it began.", retryable=True
            )
        elif error := done.exception():
            reading = Reading(
                self.identity, error=f"The reader failed ({type(error).__name__}); see the log."
            )
        else:
            reading = done.result()
        # one step under the lock: a reading comes before the writer's end, or sees that it has ended
        with self._lock:
            if not self._closed:
                self._arrived.put((digest, reading))
                return
        self._keep([(digest, reading)])
        self._settle(digest, reading)

    def _write(self) -> None:
        while True:
            arrived = [self._arrived.get()]
            # what came in meanwhile goes into the same transaction
            while len(arrived) < AT_ONCE and not self._arrived.empty():
                arrived.append(self._arrived.get())
            rows = [row for row in arrived if row is not None]
            self._keep(rows)
            for digest, reading in rows:
                self._settle(digest, reading)
            if None in arrived:
                return

    def _keep(self, rows: list[tuple[str, Reading]]) -> None:
        if all(reading.failed for _, reading in rows):
            return
        try:
            self._store.put(*rows)
        except StoreFailed as error:
            self._report("written", error)
        except Exception as error:  # in the writer's thread, whose end would let every caller wait for ever
            log.exception("the store of readings failed in an unforeseen way")
            self._report("written", StoreFailed(f"The store of readings failed ({type(error).__name__})."))
        else:
            self._report("written", None)

    def _settle(self, digest: str, reading: Reading) -> None:
        with self._lock:
            future = self._running.pop(digest, None)
            if future is not None:
                self._asked.pop(future, None)
        if future is not None:
            future.set_result(reading)

    def _report(self, use: str, error: StoreFailed | None) -> None:
        with self._lock:
            before = self._problems.pop(use, None)
            if error:
                self._problems[use] = str(error)
        if error and not before:
            log.error(
                "%s Readings are made all the same, but cannot be %s and will be paid for again.", error, use
            )
        elif before and not error:
            log.info("The store of readings can be %s again.", use)
