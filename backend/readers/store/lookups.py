"""Looks into a store for pages, together: what pages ask for at the same time costs one look for all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backend.errors import StoreFailed
from backend.page.lines import Reading
from backend.readers.store.health import StoreHealth
from backend.readers.store.readings import Key, ReadingStore


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of crops that somebody wants to have read.

    known: readings that need not be asked for.
    ours: what we ask our readers for, and nobody else does.
    """

    known: Mapping[Key, Reading] = field(default_factory=dict)
    ours: frozenset[Key] = frozenset()


@dataclass(slots=True, eq=False)
class _Wanted:
    """What one page wants, and what became of it; None until somebody has looked.

    keys: in order.
    paid: those of them whose readings cost money.
    """

    keys: Sequence[Key]
    paid: Collection[Key]
    looked: Looked | None = None


class LookUps:
    """Looks readings up and claims those that cost money, for many threads at once; thread-safe.

    While one thread looks, the others gather, and the next one looks for all of them: a look costs hardly
    more for many crops than for one.
    """

    def __init__(
        self,
        store: ReadingStore,
        health: StoreHealth,
        unwritten: Callable[[Iterable[Key]], dict[Key, Reading]],
        failed: Callable[[str, StoreFailed], object],
        claim_s: float,
    ) -> None:
        """Prepare.

        Args:
            store: where readings and claims are.
            health: of the store.
            unwritten: finds readings that the store does not have yet.
            failed: hears for which use the store failed, and why.
            claim_s: as `Keeper` takes it.
        """
        self._store = store
        self._health = health
        self._unwritten = unwritten
        self._failed = failed
        self._claim_s = claim_s
        self._gathering = threading.Lock()
        self._waiting: list[_Wanted] = []
        self._turn = threading.Lock()

    def look(self, keys: Sequence[Key], paid: Collection[Key]) -> Looked:
        """Find out which crops need not be read, and claim those of the rest that cost money.

        Args:
            keys: what a page wants.
            paid: those of them whose readings cost money.

        Returns:
            What is known, and what is to be asked for; the rest is another twinread's, and to be waited for.
            While the store fails all that is not known is to be asked for: nobody waits for that.
        """
        wanted = _Wanted(keys, paid)
        with self._gathering:
            self._waiting.append(wanted)
        with self._turn:
            if wanted.looked is None:
                with self._gathering:
                    together, self._waiting = self._waiting, []
                self._look_for(together)
        if wanted.looked is None:
            # whoever looked for this page, too, ended oddly; its own thread has said so
            return self._looked(keys, paid)
        return wanted.looked

    def known(self, keys: Iterable[Key]) -> dict[Key, Reading]:
        """Readings that need not be asked for; none of the store's while it cannot be read."""
        keys = list(keys)
        found = self._unwritten(keys)
        rest = [key for key in keys if key not in found]
        if not rest or self._health.unreadable:
            return found
        try:
            return found | self._store.find(rest)
        except StoreFailed as error:
            self._failed("read", error)
            return found

    def _look_for(self, together: Sequence[_Wanted]) -> None:
        keys = dict.fromkeys(key for wanted in together for key in wanted.keys)
        looked = self._looked(list(keys), {key for wanted in together for key in wanted.paid})
        left = set(looked.ours)
        for wanted in together:
            # of two who want the same only the first asks for it
            ours = left.intersection(wanted.keys)
            left -= ours
            known = {key: looked.known[key] for key in wanted.keys if key in looked.known}
            wanted.looked = Looked(known, frozenset(ours))

    def _looked(self, keys: Sequence[Key], paid: Collection[Key]) -> Looked:
        known = self.known(keys)
        missing = [key for key in keys if key not in known]
        to_claim = [key for key in missing if key in paid]
        if not to_claim or self._health.fails:
            return Looked(known, frozenset(missing))
        try:
            came, claimed = self._store.claim_all(to_claim, self._claim_s)
        except StoreFailed as error:
            self._failed("written", error)
            return Looked(known, frozenset(missing))
        free = frozenset(missing).difference(to_claim)
        return Looked({**known, **came}, claimed | free)
