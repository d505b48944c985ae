"""How many pages may wait, and of which project: what is refused would only have waited for hours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from backend.errors import Busy


class Backlog:
    """Counts pages that are in work or wait; it belongs to the lock of whoever keeps them.

    Args:
        most: how many of bulk work; one project has no more of these than are left for others. As many again
            may be opened by annotators.

    Attributes:
        opened: pages that annotators opened.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bulk: Counter[Hashable] = Counter()
        self.opened = 0

    def admit(self, project: Hashable, *, opened: bool) -> None:
        """Count one more page.

        Raises:
            Busy: too many wait already.
        """
        if opened:
            if self.opened >= self._most:
                raise Busy(
                    f"{self.opened} pages that annotators opened wait already, the limit of "
                    "MAX_WAITING_PAGES; ask again later."
                )
            self.opened += 1
            return
        own, bulk = self._bulk[project], self._bulk.total()
        if own >= self._most - bulk:
            raise Busy(
                f"{own} pages of this project and {bulk - own} of others wait already. MAX_WAITING_PAGES "
                f"allows {self._most}, of which one project has no more than are left for others; ask again "
                "later."
            )
        self._bulk[project] += 1

    def leave(self, project: Hashable, *, opened: bool) -> None:
        """A page is done, or was dropped."""
        if opened:
            self.opened -= 1
            return
        self._bulk[project] -= 1
        if not self._bulk[project]:
            # names of projects come from requests
            del self._bulk[project]

    def open(self, project: Hashable) -> None:
        """An annotator has come to wait for a page of bulk work."""
        self.leave(project, opened=False)
        self.opened += 1

    def hand_over(self, before: Hashable, after: Hashable) -> None:
        """A page of bulk work is another project's from now on."""
        self.leave(before, opened=False)
        self._bulk[after] += 1
