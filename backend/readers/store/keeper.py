"""`Keeper`: the one thread of a store, for all its readers.

It writes what arrived, holds this process's claims, watches readings that another twinread was asked for,
and finds out when a store that failed works again. No reading is lost to a store that fails, and no page
waits for it more than once: until it works again it is left alone, and readings wait here, in memory.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from backend.errors import StoreFailed
from backend.page.lines import Reading
from backend.readers.store.accounts import today
from backend.readers.store.health import StoreHealth
from backend.readers.store.lookups import Looked, LookUps
from backend.readers.store.others import OthersReadings, Waiter, stopped
from backend.readers.store.readings import AT_ONCE, Key, ReadingStore
from backend.readers.usage import Usage, UsageRow

log = logging.getLogger(__name__)

MOST_UNWRITTEN = 20_000
"""Readings that wait in memory for a store that cannot be written; the oldest go first."""

LOOK_S = 2.0
"""How often the store is looked at while nothing happens, seconds."""

NOTE_USE_S = 6 * 3600.0
"""How often it is noted that a reader is in use, seconds."""

Account = tuple[date, str, str]
"""Day, project and reader."""


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A reading and who waits for it.

    claimed: there may be a claim, which ends with it.
    """

    key: Key
    reading: Reading
    settle: Callable[[Reading], None]
    claimed: bool


class Keeper:
    """Keeps readings in a store, whatever happens to it; thread-safe. The store stays open when it closes."""

    def __init__(self, store: ReadingStore, *, claim_s: float = 20, urgent_wait_s: float = 10) -> None:
        """Begin.

        Args:
            store: it is this keeper's alone, among the keepers of this process.
            claim_s: after which time others ask for what a twinread that was killed was being asked for.
            urgent_wait_s: how long an annotator waits for a reading that another twinread was asked for,
                before it is paid for twice; seconds both.
        """
        self._store = store
        self._claim_s = claim_s
        self._health = StoreHealth(MOST_UNWRITTEN)
        self._others = OthersReadings(
            store, self._health, self._hold, claim_s=claim_s, urgent_wait_s=urgent_wait_s
        )
        self._lookups = LookUps(store, self._health, self._found_unwritten, self._failed, claim_s)
        self._changed = threading.Condition()
        # everything from here on belongs to the lock of `_changed`
        self._arrived: deque[_Arrived] = deque()
        # who is to hear when what arrived before is written
        self._when_written: list[Callable[[], object]] = []
        self._unwritten: dict[Key, Reading] = {}
        self._to_end: set[Key] = set()
        # all that was taken since the beginning, and what of it the store does not have yet
        self._spent: dict[Account, Usage] = {}
        self._unwritten_sums: set[Account] = set()
        self._held: set[Key] = set()
        self._lost = 0
        self._used: dict[str, float] = {}
        self._unnoted: set[str] = set()
        self._retry: threading.Thread | None = None
        self._closed = False
        self._ended = False
        self._renew_at = self._look_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="reading-store", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """What is wrong with the store, for people; None while all is well."""
        with self._changed:
            waiting = len(self._unwritten)
        return self._health.sentence(waiting)

    def known(self, digests: Sequence[str], identity: str) -> dict[str, Reading]:
        """Readings that need not be asked for; none of the store's while it cannot be read."""
        self._note_use([identity])
        known = self._lookups.known((digest, identity) for digest in digests)
        return {digest: reading for (digest, _), reading in known.items()}

    def look(self, keys: Sequence[Key], paid: Collection[Key]) -> Looked:
        """Find out what need not be asked for, and claim what costs money; as `LookUps.look`.

        What is neither known nor ours is to be waited for with `wait_for`.
        """
        self._note_use({identity for _, identity in keys})
        looked = self._lookups.look(keys, paid)
        claimed = [key for key in paid if key in looked.ours]
        if claimed:
            self._hold(claimed)
        return looked

    def wait_for(self, digests: Sequence[str], waiter: Waiter, *, urgent: bool) -> None:
        """Wait for readings that another twinread was asked for; the waiter hears of each one day."""
        # one step under the lock: what is waited for comes before the end, or sees that it has ended
        with self._changed:
            if not self._ended:
                self._others.add(digests, waiter, urgent=urgent)
                self._changed.notify_all()
                return
        for digest in digests:
            waiter.settle(digest, stopped(waiter.identity))

    def hurry(self, digests: Sequence[str], waiter: Waiter) -> None:
        """An annotator has come to need what is waited for."""
        self._others.hurry(digests, waiter)
        with self._changed:
            self._changed.notify_all()

    def keep(
        self, digest: str, reading: Reading, settle: Callable[[Reading], None], *, claimed: bool
    ) -> None:
        """Keep a reading, then settle it: whoever sees it may rely on it. It returns at once.

        Args:
            digest: of the crop.
            reading: one that failed is not kept.
            settle: called with it once it is kept, or waits in memory.
            claimed: it was claimed before it was asked for.
        """
        arrived = _Arrived((digest, reading.reader), reading, settle, claimed)
        # one step under the lock: a reading comes before the end, or sees that it has ended
        with self._changed:
            if not self._ended:
                self._arrived.append(arrived)
                self._changed.notify_all()
                return
        self._take([arrived])

    def note(self, project: str, reader: str, usage: Usage) -> None:
        """As `Ledger.note`: written with the next readings, or soon after.

        Whoever notes a call before its reading comes to `keep` has both kept together, or neither.
        """
        of = today(), project, reader
        with self._changed:
            self._spent[of] = self._spent.get(of, Usage()) + usage
            self._unwritten_sums.add(of)
            late = self._ended
        if late:
            self._flush()

    def when_written(self, then: Callable[[], object]) -> None:
        """As `Ledger.when_written`: of the readings that came to `keep` before."""
        with self._changed:
            if not self._ended:
                self._when_written.append(then)
                self._changed.notify_all()
                return
        then()

    def close(self) -> None:
        """Keep what has arrived, end all claims, wait for nobody; what comes later is kept all the same."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    # From here on: the thread.

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._arrived and not self._when_written and not self._closed:
                    # whatever wakes it, it does what is due
                    self._changed.wait(self._pause())
                # what came in meanwhile goes into the same transaction
                arrived = [self._arrived.popleft() for _ in range(min(len(self._arrived), AT_ONCE))]
                self._ended = self._closed and not self._arrived
                ended = self._ended
                hear: list[Callable[[], object]] = []
                if not self._arrived:
                    hear, self._when_written = self._when_written, hear
            self._take(arrived, hear)
            if ended:
                self._end()
                return
            try:
                self._tend()
            except Exception as error:  # noqa: BLE001 - the thread's end would let every caller wait for ever
                self._health.failed_oddly("written", error)

    def _pause(self) -> float:
        """How long nothing has to be done, seconds; under the lock."""
        due = [self._look_at - time.monotonic()]
        if (poll := self._others.due_in_s()) is not None:
            due.append(poll)
        if self._health.fails:
            if self._retry is None:
                due.append(self._health.retry_in_s())
        elif self._unnoted:
            due.append(0.0)
        elif self._held:
            due.append(self._renew_at - time.monotonic())
        return max(0.0, min(due))

    def _tend(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        with self._changed:
            renews = bool(self._held) and now >= self._renew_at
            unnoted = frozenset(self._unnoted)
            looks = now >= self._look_at
            unwritten_sums = looks and bool(self._unwritten_sums)
            if looks:
                self._look_at = now + LOOK_S
            if self._health.fails and not self._health.retry_in_s() and self._retry is None:
                # in a thread of its own: what arrives meanwhile must not wait for a server that hangs
                self._retry = threading.Thread(target=self._try_again, name="store-retry", daemon=True)
                self._retry.start()
        if not self._health.fails and renews:
            self._renew_at = now + self._claim_s / 4
            self._attempt("written", lambda: self._store.renew(self._claim_s))
        if (
            not self._health.fails
            and unnoted
            and self._attempt("written", lambda: self._store.note_use(unnoted))
        ):
            with self._changed:
                self._unnoted -= unnoted
        if not self._health.fails and unwritten_sums:
            # of calls that no reading came of
            self._flush()
        if not self._health.fails and looks:
            self._attempt("read", self._store.database.look)
        self._health.begun_anew(self._store.database.begun_anew)
        if self._others.due_in_s() == 0:
            self._others.look()

    def _try_again(self) -> None:
        """Find out whether a store that failed works again, and write what waits."""
        works = False
        try:
            works = (
                self._attempt("read", lambda: self._store.get_many([""], ""))
                and self._attempt("written", lambda: self._store.renew(self._claim_s))
                and self._flush()
            )
        except Exception as error:  # noqa: BLE001 - the thread's end would end all tries
            self._health.failed_oddly("written", error)
        self._health.tried(works=works)
        with self._changed:
            self._retry = None
            self._changed.notify_all()

    def _end(self) -> None:
        self._others.give_up()
        self._flush()
        with self._changed:
            self._lost += len(self._unwritten)
            well = not self._to_end
            unaccounted = len(self._unwritten_sums)
        if unaccounted:
            log.error("What readers took since the store failed is in no account.")
        self._tell_lost()
        if well:
            self._attempt("written", self._store.end_claims)

    # In the thread, in that of a retry, and after the end in a reader's.

    def _take(self, arrived: Sequence[_Arrived], hear: Sequence[Callable[[], object]] = ()) -> None:
        """Keep readings, or let them wait in memory while the store fails; then everybody may see them.

        Args:
            arrived: the readings.
            hear: called once they are kept, before the others: the next calls wait for it.
        """
        with self._changed:
            for one in arrived:
                self._held.discard(one.key)
                if one.claimed:
                    self._to_end.add(one.key)
                if not one.reading.failed:
                    self._unwritten[one.key] = one.reading
            for key in list(self._unwritten)[: max(0, len(self._unwritten) - MOST_UNWRITTEN)]:
                del self._unwritten[key]
                self._lost += 1
            tries = self._ended or not self._health.fails
        if arrived and tries:
            self._flush()
        for then in hear:
            then()
        for one in arrived:
            one.settle(one.reading)

    def _flush(self) -> bool:
        """Write what waits in memory; whether it all was."""
        while True:
            with self._changed:
                rows = [(key, self._unwritten[key]) for key in list(self._unwritten)[:AT_ONCE]]
                ended = list(self._to_end)
                sums = [UsageRow(*of, self._spent[of]) for of in self._unwritten_sums]
            if not rows and not ended and not sums:
                break
            try:
                self._store.put(*((key[0], reading) for key, reading in rows), ended=ended, sums=sums)
            except StoreFailed as error:
                self._failed("written", error)
                return False
            except Exception as error:  # noqa: BLE001 - the thread's end would let every caller wait for ever
                self._health.failed_oddly("written", error)
                return False
            with self._changed:
                for key, _ in rows:
                    self._unwritten.pop(key, None)
                self._to_end.difference_update(ended)
                for row in sums:
                    of = row.day, row.project, row.reader
                    if self._spent[of] == row.usage:
                        self._unwritten_sums.discard(of)
        self._tell_lost()
        return True

    # From any thread.

    def _attempt(self, use: str, work: Callable[[], object]) -> bool:
        try:
            work()
        except StoreFailed as error:
            self._failed(use, error)
            return False
        return True

    def _failed(self, use: str, error: StoreFailed) -> None:
        self._health.failed(use, error)
        with self._changed:
            self._changed.notify_all()

    def _tell_lost(self) -> None:
        with self._changed:
            lost, self._lost = self._lost, 0
        if lost:
            log.error("%d readings could not be kept, and will be paid for again.", lost)

    def _hold(self, keys: Iterable[Key]) -> None:
        with self._changed:
            if not self._held:
                self._renew_at = time.monotonic() + self._claim_s / 4
                self._changed.notify_all()
            self._held.update(keys)

    def _found_unwritten(self, keys: Iterable[Key]) -> dict[Key, Reading]:
        with self._changed:
            return {key: self._unwritten[key] for key in keys if key in self._unwritten}

    def _note_use(self, identities: Iterable[str]) -> None:
        now = time.monotonic()
        with self._changed:
            unnoted = {
                identity
                for identity in identities
                if now - self._used.get(identity, -NOTE_USE_S) >= NOTE_USE_S
            }
            if unnoted:
                self._used.update(dict.fromkeys(unnoted, now))
                self._unnoted |= unnoted
                self._changed.notify_all()
