"""What a call of the server costs on a project, from the account of the store."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.readers.stored import Keeper, ReadingStore
from backend.readers.usage import Usage
from backend.settings.settings import Settings
from converters.report.call_cost import call_cost

PRICES = {"ernie_input_price": 2.0, "ernie_output_price": 4.0, "currency": "CNY"}


def settings(folder: Path, **values: Any) -> Settings:
    return Settings(_env_file=None, cache_dir=folder, **values)  # type: ignore[call-arg]


def test_the_mean_of_the_calls_of_this_project_counts(tmp_path: Path) -> None:
    values = settings(tmp_path, **PRICES)
    with closing(ReadingStore(values.store_address)) as store:
        keeper = Keeper(store)
        keeper.note("3", "ernie:plain", Usage(calls=1, input_tokens=100_000, output_tokens=50_000))
        keeper.note("3", "ernie:characters", Usage(calls=1, input_tokens=200_000, output_tokens=50_000))
        # a call that says nothing of what it took makes no other one cheaper
        keeper.note("3", "ernie:plain", Usage(calls=1, unmetered=1))
        keeper.note("4", "ernie:plain", Usage(calls=1, input_tokens=9_000_000))
        keeper.close()
    cost = call_cost(values, 3)
    assert cost.money == pytest.approx(0.5)
    assert (cost.of(2.0), cost.why) == ("1.0000 CNY", "")


@pytest.mark.parametrize(
    ("values", "lacking"),
    [
        pytest.param({}, "ERNIE_INPUT_PRICE", id="no prices"),
        pytest.param(PRICES, "the backend's store, which is not here", id="no store"),
    ],
)
def test_what_is_lacking_is_said_and_costs_are_not_nothing(
    tmp_path: Path, values: dict[str, Any], lacking: str
) -> None:
    cost = call_cost(settings(tmp_path, **values), 3)
    assert (cost.money, cost.of(2.0)) == (None, "")
    assert lacking in cost.why
    assert not list(tmp_path.iterdir()), "to look makes no store"


def test_a_store_without_a_metered_call_of_the_project_says_so(tmp_path: Path) -> None:
    values = settings(tmp_path, **PRICES)
    with closing(ReadingStore(values.store_address)) as store:
        Keeper(store).close()
    assert call_cost(values, 3).why == "The store has no call of this project that said what it took."
