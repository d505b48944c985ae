"""One budget for all workers of a cluster: an actor on the driver's node, which every worker asks."""

from __future__ import annotations

import time
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from backend.errors import BudgetSpent
from backend.readers.budget import Ask, Budget, Grant, Limits
from backend.readers.prices import Prices
from backend.readers.usage import Usage


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
        if self._granted.pop(grant.number, None) is not None:
            self._budget.settle(grant, usage)

    def account(self) -> tuple[Usage, Usage, str | None]:
        """What is spent, what is presumed to be, and why no further call is made."""
        return self._budget.spent, self._budget.presumed, self._budget.exhausted

    def _give_up_lost(self) -> None:
        before = time.monotonic() - self._longest_s
        for at, grant in list(self._granted.values()):
            if at >= before:
                return
            self.settle(grant, None)


class ClusterBudget:
    """What one run may spend on a cluster; a `Spender` that goes to workers as a value.

    Args:
        limits: what may be spent.
        prices: of the server; needed for a limit of costs.
        longest_s: what no call takes longer, seconds.

    Raises:
        SettingsWrong: the costs are limited, and no prices are set.
    """

    def __init__(self, limits: Limits, prices: Prices, longest_s: float) -> None:
        # refused here, where a person sees it
        Budget(limits, prices)
        self.limits = limits
        self.prices = prices
        # it lives as long as this process, where the run itself would end, too
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._treasurer: Any = (
            ray.remote(_Treasurer)
            .options(num_cpus=0, max_restarts=0, scheduling_strategy=here)
            .remote(limits, prices, longest_s)
        )

    @property
    def limited(self) -> bool:
        """Whether workers have to ask; where nothing is limited they are not held up by it."""
        return self.limits.any

    @property
    def spent(self) -> Usage:
        """As `Budget.spent`."""
        return self._account()[0]

    @property
    def presumed(self) -> Usage:
        """As `Budget.presumed`."""
        return self._account()[1]

    @property
    def cost(self) -> float | None:
        """As `Budget.cost`."""
        return self.prices.cost(self.spent)

    @property
    def exhausted(self) -> str | None:
        """As `Budget.exhausted`."""
        return self._account()[2]

    def reserve(self, ask: Ask) -> Grant | None:
        """As `Spender.reserve`; takes a millisecond."""
        answer: Grant | BudgetSpent | None = ray.get(self._treasurer.reserve.remote(ask))
        if isinstance(answer, BudgetSpent):
            raise answer
        return answer

    def settle(self, grant: Grant, usage: Usage | None) -> None:
        """As `Spender.settle`; does not wait."""
        self._treasurer.settle.remote(grant, usage)

    def _account(self) -> tuple[Usage, Usage, str | None]:
        account: tuple[Usage, Usage, str | None] = ray.get(self._treasurer.account.remote())
        return account
