"""`StoredReader`: a store in front of a reader, so that no line is read again that was read before.

What is paid for is claimed first, so that of several twinreads on one store one asks, and the others wait for
its reading. A line is paid for twice only where its twinread was killed while the call was in flight, where
an annotator waited long enough for another one's call, and while the store cannot be used.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from backend.page.lines import Pixels, Reading, picture_digest
from backend.readers.store.keeper import Keeper
from backend.readers.store.lookups import Looked
from backend.readers.store.readings import ReadingStore
from backend.seams import LineReader
from backend.tickets import Asker, asking_for, present_asker

__all__ = ["Keeper", "ReadingStore", "StoredReader", "submit_together"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Elsewhere:
    """A crop that another twinread was asked for, and who wants it here."""

    crop: Pixels
    asker: Asker


class StoredReader:
    """A `LineReader` that asks its store before it asks its reader, and keeps what it was told.

    The same crop asked for twice at once is read once. A caller sees a reading when it is kept, so a
    kill loses at most the calls in flight. A store that fails costs no caller a reading.

    identity: the reader's own.
    reader: the one behind the store.
    paid: its readings cost money.
    """

    def __init__(self, reader: LineReader, keeper: Keeper, *, paid: bool = False) -> None:
        """Put a store in front of a reader.

        Args:
            reader: who reads.
            keeper: of the store, which other readers share.
            paid: its readings cost money, so they are claimed. What runs on this machine is not: reading
                a line twice costs less than to wait for somebody else's reading.
        """
        self.identity = reader.identity
        self.reader = reader
        self.paid = paid
        self._keeper = keeper
        self._lock = threading.Lock()
        # what callers wait for, by digest; what of it the reader was asked for; what another twinread was
        self._running: dict[str, Future[Reading]] = {}
        self._asked: dict[Future[Reading], Future[Reading]] = {}
        self._elsewhere: dict[str, _Elsewhere] = {}

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        """As `LineReader.submit`; waits for the store's look-up, not for readings."""
        [futures] = submit_together([(self, crops)], urgent=urgent)
        return futures

    def kept(self, digests: Sequence[str]) -> dict[str, Reading]:
        """What the store has of crops, by digest; nobody is asked for the others, and nothing is claimed."""
        return self._keeper.known(digests, self.identity)

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """As `LineReader.hurry`."""
        wanted = set(futures)
        with self._lock:
            asked = [self._asked[future] for future in futures if future in self._asked]
            waiting = [digest for digest in self._elsewhere if self._running.get(digest) in wanted]
        if asked:
            self.reader.hurry(asked)
        if waiting:
            self._keeper.hurry(waiting, self)

    def settle(self, digest: str, reading: Reading) -> None:
        """As `Waiter.settle`: callers get their reading."""
        with self._lock:
            future = self._running.pop(digest, None)
            self._elsewhere.pop(digest, None)
            if future is not None:
                self._asked.pop(future, None)
        if future is not None:
            future.set_result(reading)

    def ask(self, digests: Sequence[str], *, urgent: bool) -> None:
        """As `Waiter.ask`: nobody else reads these."""
        with self._lock:
            free = {digest: self._elsewhere.pop(digest) for digest in digests if digest in self._elsewhere}
        # of what was given up meanwhile only the claim is left
        self._give_up([digest for digest in digests if digest not in free])
        by_asker: dict[Asker, dict[str, Pixels]] = {}
        for digest, one in free.items():
            by_asker.setdefault(one.asker, {})[digest] = one.crop
        for asker, crops in by_asker.items():
            try:
                with asking_for(asker):
                    self._ask(crops, urgent)
            except Exception:  # noqa: PERF203 - in the keeper's thread, which others need
                log.exception("the reader %s failed in an unforeseen way", self.identity)
                self._give_up(list(crops))

    def _begin(self, crops: Sequence[Pixels], digests: Sequence[str], urgent: bool) -> _Begun:
        """Join what is being read, and begin to wait for the rest."""
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
        return _Begun(self, futures, own)

    def _fill(self, crops: Mapping[str, Pixels], looked: Looked, urgent: bool) -> None:
        """Answer with what is known, wait for what is another twinread's, and ask the reader for the rest."""
        missing, waited_for = [], []
        for digest in crops:
            key = digest, self.identity
            if key in looked.known:
                self.settle(digest, looked.known[key])
            elif key in looked.ours:
                missing.append(digest)
            else:
                waited_for.append(digest)
        if waited_for:
            with self._lock:
                asker = present_asker()
                self._elsewhere.update((digest, _Elsewhere(crops[digest], asker)) for digest in waited_for)
            self._keeper.wait_for(waited_for, self, urgent=urgent)
        if missing:
            self._ask({digest: crops[digest] for digest in missing}, urgent)

    def _ask(self, crops: dict[str, Pixels], urgent: bool) -> None:
        asked = self.reader.submit(list(crops.values()), urgent=urgent)
        with self._lock:
            self._asked.update(zip((self._running[digest] for digest in crops), asked, strict=True))
        for digest, future in zip(crops, asked, strict=True):
            future.add_done_callback(partial(self._arrive, digest))

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
        self._keeper.keep(digest, reading, partial(self.settle, digest), claimed=self.paid)

    def _give_up(self, digests: Sequence[str]) -> None:
        failed = Reading(self.identity, error="The reader failed; see the log.")
        for digest in digests:
            self.settle(digest, failed)
            # the keeper ends the claim
            self._keeper.keep(digest, failed, partial(self.settle, digest), claimed=self.paid)


@dataclass(frozen=True, slots=True, eq=False)
class _Begun:
    """What one reader was asked for.

    own: what nobody waited for before, by digest.
    """

    reader: StoredReader
    futures: list[Future[Reading]]
    own: Mapping[str, Pixels]


def submit_together(
    wanted: Sequence[tuple[LineReader, Sequence[Pixels]]], *, urgent: bool = False
) -> list[list[Future[Reading]]]:
    """Ask several readers, and each store once for all of its readers.

    Args:
        wanted: readers, and what each is to read.
        urgent: an annotator waits; go ahead of bulk work.

    Returns:
        The futures of each reader's `submit`, in order.
    """
    digests: dict[int, str] = {}

    def digest_of(crop: Pixels) -> str:
        if id(crop) not in digests:
            digests[id(crop)] = picture_digest(crop)
        return digests[id(crop)]

    begun: dict[int, _Begun] = {}
    for number, (reader, crops) in enumerate(wanted):
        if isinstance(reader, StoredReader):
            begun[number] = reader._begin(crops, [digest_of(crop) for crop in crops], urgent)
    by_keeper: dict[Keeper, list[_Begun]] = {}
    for one in begun.values():
        by_keeper.setdefault(one.reader._keeper, []).append(one)
    for keeper, some in by_keeper.items():
        _fill_all(keeper, [one for one in some if one.own], urgent)
    return [
        begun[number].futures if number in begun else reader.submit(crops, urgent=urgent)
        for number, (reader, crops) in enumerate(wanted)
    ]


def _fill_all(keeper: Keeper, begun: Sequence[_Begun], urgent: bool) -> None:
    """Look into one store for several readers, and let each go on from there."""
    left = list(begun)
    try:
        keys = [(digest, one.reader.identity) for one in begun for digest in one.own]
        paid = {(digest, one.reader.identity) for one in begun if one.reader.paid for digest in one.own}
        looked = keeper.look(keys, paid) if keys else Looked()
        while left:
            left[0].reader._fill(left[0].own, looked, urgent)
            del left[0]
    except BaseException:
        # others may have joined by now; they must not wait for ever for what broke here
        for one in left:
            one.reader._give_up(list(one.own))
        raise
