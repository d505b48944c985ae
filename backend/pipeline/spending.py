"""What readers took, as plain values for `/status` and for machines."""

from __future__ import annotations

from collections.abc import Sequence

from backend.readers.prices import Prices
from backend.readers.usage import Spending, Usage


def spending_figures(spending: Sequence[Spending], prices: Prices) -> list[dict[str, object]]:
    """One entry for each project and reader.

    Args:
        spending: by the account of the store.
        prices: of today, which money is counted with on all days.
    """
    return [
        {
            "project": one.project,
            "reader": one.reader,
            "today": usage_figures(one.today, prices),
            "total": usage_figures(one.total, prices),
        }
        for one in spending
    ]


def usage_figures(usage: Usage, prices: Prices) -> dict[str, object]:
    """What some calls took, and what it cost (None where no prices are set)."""
    return {
        "calls": usage.calls,
        "unmetered_calls": usage.unmetered,
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "seconds": round(usage.seconds, 3),
        "cost": prices.cost(usage),
        "currency": prices.currency,
    }
