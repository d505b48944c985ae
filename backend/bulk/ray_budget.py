"""One budget for all workers of a cluster: an actor on the driver's node, which every worker asks."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any, TypeAlias

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from backend.errors import BudgetSpent
from backend.readers.budget import Ask, Budget, Grant, Limits
from backend.readers.prices import Prices
from backend.readers.usage import Usage

SEEN_S = 1.0
"""How old what a bar shows may be, seconds."""

_UNASKED = -1
"""The number of all grants where nothing is limited: nobody is asked for them."""

_Account: TypeAlias = tuple[Usage, Usage, str | None]
"""What is spent, what is presumed to be, and why no further call is made."""


class _Treasurer:
    """Holds the budget, in a process of its own; calls come one after the other.

    Args:
        limits, prices: of the run.
        longest_s: what no call takes longer. One that is not settled by then was made by a worker that was
            lost: nobody knows its end, so the whole reservation counts as spent.
    """

    def __init__(self, limits: Limits, prices: Prices, longest_s: float) -> None:
        self._budget = Budget(limits, prices)
        self._longest_s = longest_s
        self._granted: dict[int, tuple[float, Grant]] = {}

    def reserve(self, ask: Ask) -> Grant | BudgetSpent | None:
        """As `Spender.reserve`; the error comes as a value, because Ray would make another one of it."""
        self._give_up_lost()
        try:
            grant = self._budget.reserve(ask)
        except BudgetSpent as error:
            return error
        if grant is not None:
            self._granted[grant.number] = time.monotonic(), grant
        return grant

    def settle(self, grant: Grant, usage: Usage | None) -> None:
        """As `Spender.settle`."""
        if grant.number == _UNASKED:
            # nothing is limited, so it is granted
            after = self._budget.reserve(grant.ask)
            if after is not None:
                self._budget.settle(after, usage)
        elif self._granted.pop(grant.number, None) is not None:
            self._budget.settle(grant, usage)

    def account(self) -> _Account:
        """How the budget stands."""
        return self._budget.spent, self._budget.presumed, self._budget.exhausted

    def _give_up_lost(self) -> None:
        before = time.monotonic() - self._longest_s
        for at, grant in list(self._granted.values()):
            if at >= before:
                return
            self.settle(grant, None)


class ClusterSpender:
    """What a worker asks before each call; a `Spender` that goes to it as a value.

    Args:
        treasurer: the actor that holds the budget.
        limited: whether it has to be asked before a call.
    """

    def __init__(self, treasurer: Any, *, limited: bool) -> None:
        self._treasurer = treasurer
        self._limited = limited

    def reserve(self, ask: Ask) -> Grant | None:
        """As `Spender.reserve`; takes a millisecond where something is limited."""
        if not self._limited:
            return Grant(_UNASKED, ask, 0, 0)
        answer: Grant | BudgetSpent | None = ray.get(self._treasurer.reserve.remote(ask))
        if isinstance(answer, BudgetSpent):
            raise answer
        return answer

    def settle(self, grant: Grant, usage: Usage | None) -> None:
        """As `Spender.settle`; does not wait."""
        self._treasurer.settle.remote(grant, usage)

    def account(self) -> _Account:
        """How the budget stands."""
        account: _Account = ray.get(self._treasurer.account.remote())
        return account


class ClusterBudget(Budget):
    """What one run may spend on a cluster, as the driver sees it."""

    def __init__(self, limits: Limits, prices: Prices | None = None) -> None:
        """As `Budget`; nothing can be spent before it is opened."""
        super().__init__(limits, prices)
        self._spender: ClusterSpender | None = None
        self._asking = threading.Lock()
        self._seen: _Account = Usage(), Usage(), None
        self._seen_at = -SEEN_S

    def open(self, longest_s: float) -> ClusterSpender:
        """Put the budget on the cluster that this process has joined.

        Args:
            longest_s: what no call takes longer, seconds.
        """
        # it lives as long as this process, without which the run itself ends, too
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        options = {"num_cpus": 0, "max_restarts": 0, "scheduling_strategy": here}
        treasurer = ray.remote(_Treasurer).options(**options).remote(self.limits, self.prices, longest_s)
        self._spender = ClusterSpender(treasurer, limited=self.limits.any)
        return self._spender

    @property
    def spent(self) -> Usage:
        """As `Budget.spent`."""
        return self._recent()[0]

    @property
    def presumed(self) -> Usage:
        """As `Budget.presumed`."""
        return self._recent()[1]

    @property
    def exhausted(self) -> str | None:
        """As `Budget.exhausted`."""
        return self.look()[2] if self.limits.any else None

    def look(self) -> _Account:
        """How it stands; once it is closed, as it was seen last."""
        with self._asking:
            if self._spender is not None:
                with suppress(ray.exceptions.RayError):
                    self._seen = self._spender.account()
                    self._seen_at = time.monotonic()
            return self._seen

    def close(self) -> None:
        """Look a last time. The cluster may be left then: no thread asks it any more."""
        self.look()
        with self._asking:
            self._spender = None

    def _recent(self) -> _Account:
        return self._seen if time.monotonic() - self._seen_at < SEEN_S else self.look()
