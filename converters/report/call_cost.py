"""What a call of the server costs on a project, by the store's account and the prices of the settings."""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import StoreFailed
from backend.pipeline.from_settings import prices
from backend.readers.prices import Prices
from backend.readers.store.accounts import spending
from backend.readers.store.database import Database, file_of
from backend.readers.usage import Usage
from backend.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class CallCost:
    """The mean cost of a call.

    money: of one call, in the currency of the prices; None where it is not known.
    why: what is lacking, as a sentence; empty where it is known.
    """

    money: float | None
    prices: Prices
    why: str = ""

    def of(self, calls: float) -> str:
        """What so many calls cost, for people; empty where it is not known."""
        return self.prices.shown(None if self.money is None else calls * self.money)


def call_cost(settings: Settings, project: int) -> CallCost:
    """The mean cost of the calls that were made for a project.

    Args:
        settings: name the prices and the store.
        project: the id of the page project.
    """
    charged = prices(settings)
    if not charged.known:
        return CallCost(None, charged, "Set ERNIE_INPUT_PRICE and ERNIE_OUTPUT_PRICE to see what it costs.")
    file = file_of(settings.store_address)
    if file is not None and not file.exists():
        return CallCost(None, charged, "What a call costs stands in the backend's store, which is not here.")
    try:
        database = Database(
            settings.store_address, busy_timeout_s=10, answer_limit_s=settings.store_timeout_s
        )
        try:
            took = sum((one.total for one in spending(database, str(project))), Usage())
        finally:
            database.close()
    except StoreFailed as error:
        return CallCost(None, charged, str(error))
    metered = took.calls - took.unmetered
    cost = charged.cost(took)
    if not metered or cost is None:
        return CallCost(None, charged, "The store has no call of this project that said what it took.")
    return CallCost(cost / metered, charged)
