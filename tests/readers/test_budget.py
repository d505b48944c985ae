"""The hard stop: whatever is in flight, a server's bill never passes the limit, and comes near it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from backend.errors import BudgetSpent, SettingsWrong
from backend.page.lines import Pixels, Reading
from backend.readers.budget import Ask, Budget, Grant, Limits
from backend.readers.ernie.prompts import prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.prices import Prices
from backend.readers.usage import Usage
from tests.parts.ernie_stand_in import Asked, Cut, Hang, Outcome, Raw, Say, StandIn, ernie_stand_in

__all__ = ["ernie_stand_in"]

PRICES = Prices(input=0.14, output=0.56, cached_input=0.07)


@contextmanager
def readers(
    server: StandIn, budget: Budget, *, concurrency: int = 32, **options: Any
) -> Iterator[tuple[ErnieReader, ...]]:
    """Both ways to ask a server, with so many calls in flight."""
    made = ErnieServer(
        ErnieOptions(server.base_url, server.model, concurrency=concurrency, **{"max_retries": 0, **options}),
        budget=budget,
    )
    try:
        yield tuple(ErnieReader(made, prompt) for prompt in prompts(language="Russian"))
    finally:
        made.close()


def lines(number: int) -> list[Pixels]:
    """Lines of 60 to 1,900 pixels, short and long ones in turn."""
    widths = np.linspace(60, 1900, number).astype(int)
    return [
        np.full((40, width, 3), at % 250, np.uint8) for at, width in enumerate([*widths[::2], *widths[1::2]])
    ]


def read_all(server: StandIn, budget: Budget, number: int = 150, **options: Any) -> list[Reading]:
    """All lines with both prompts, 32 calls at once."""
    with readers(server, budget, **options) as both:
        futures = [future for reader in both for future in reader.submit(lines(number))]
        return [future.result(60) for future in futures]


def long_and_short(asked: Asked) -> Outcome:
    """As many words as the line is long."""
    assert asked.picture is not None
    return Say("слово " * (asked.picture.shape[1] // 100))


def whole_bill(server: StandIn) -> int:
    return server.bill["prompt_tokens"] + server.bill["completion_tokens"]


def patches_of_14(asked: Asked, said: Say) -> dict[str, Any]:
    """A model that takes four times the tokens for a picture."""
    assert asked.picture is not None
    height, width = asked.picture.shape[:2]
    return {
        "prompt_tokens": -(-height // 14) * -(-width // 14) + len(asked.prompt.split()),
        "completion_tokens": len(str(said.text)),
    }


def thousands_for_a_picture(asked: Asked, said: Say) -> dict[str, Any]:
    """A service that charges tiles of 512 pixels, whatever is in them."""
    assert asked.picture is not None
    height, width = asked.picture.shape[:2]
    return {
        "prompt_tokens": 2833 + 5667 * -(-height // 512) * -(-width // 512),
        "completion_tokens": len(str(said.text)),
    }


COUNTS = [
    pytest.param(None, 30_000, id="as ERNIE counts"),
    pytest.param(patches_of_14, 90_000, id="smaller patches"),
    pytest.param(thousands_for_a_picture, 2_000_000, id="tiles that cost thousands each"),
]


@pytest.mark.parametrize(("usage", "limit"), COUNTS)
def test_32_calls_in_flight_never_pass_a_limit_of_tokens_and_come_near_it(
    ernie_stand_in: StandIn, usage: Any, limit: int
) -> None:
    ernie_stand_in.brain, ernie_stand_in.latency_s = long_and_short, 0.05
    ernie_stand_in.usage = usage or ernie_stand_in.usage
    budget = Budget(Limits(max_tokens=limit))

    came = read_all(ernie_stand_in, budget)

    mean = whole_bill(ernie_stand_in) / ernie_stand_in.bill["calls"]
    assert limit - 6 * mean < whole_bill(ernie_stand_in) <= limit
    assert budget.spent.tokens == whole_bill(ernie_stand_in)
    # what was paid for was read, and everything else says why it was not
    assert sum(not reading.failed for reading in came) == ernie_stand_in.answered == budget.spent.calls
    refused = {reading.error for reading in came if reading.failed}
    assert refused == {budget.exhausted}
    assert all(reading.retryable for reading in came if reading.failed)
    assert ernie_stand_in.highest_in_flight > 4


def test_a_limit_of_costs_is_kept_with_cached_tokens_at_their_own_price(ernie_stand_in: StandIn) -> None:
    ernie_stand_in.brain, ernie_stand_in.latency_s = long_and_short, 0.05
    budget = Budget(Limits(max_cost=0.0025), PRICES)

    read_all(ernie_stand_in, budget, 40)

    bill = ernie_stand_in.bill
    fresh = bill["prompt_tokens"] - bill["cached_tokens"]
    cost = (fresh * 0.14 + bill["cached_tokens"] * 0.07 + bill["completion_tokens"] * 0.56) / 1_000_000
    assert bill["cached_tokens"] > 0
    # the longest line may be answered with 475 tokens and is about 400 itself, which makes 0.00032; how many
    # tokens its picture takes is guessed before it is asked for
    assert 0.0025 - 0.00045 < cost <= 0.0025
    assert budget.cost == pytest.approx(cost)
    assert "The limit of 0.0025 USD is reached" in (budget.exhausted or "")


def test_calls_are_counted_to_the_last_one(ernie_stand_in: StandIn) -> None:
    ernie_stand_in.latency_s = 0.02
    budget = Budget(Limits(max_calls=77))

    came = read_all(ernie_stand_in, budget, 60)

    assert ernie_stand_in.calls == budget.spent.calls == 77
    assert sum(not reading.failed for reading in came) == 77
    assert budget.exhausted == (
        "The limit of 77 calls is reached; what was read is kept, and the same again goes on from here."
    )


def test_without_a_limit_all_is_read(ernie_stand_in: StandIn) -> None:
    budget = Budget(Limits())
    came = read_all(ernie_stand_in, budget, 20)
    assert not any(reading.failed for reading in came)
    assert (budget.spent.calls, budget.exhausted) == (40, None)


@pytest.mark.parametrize(
    "limits", [Limits(max_tokens=10**9), Limits(max_cost=1000.0)], ids=["tokens", "costs"]
)
def test_a_server_that_names_no_tokens_is_asked_once_and_no_further(
    ernie_stand_in: StandIn, limits: Limits
) -> None:
    ernie_stand_in.usage = lambda asked, said: None
    budget = Budget(limits, PRICES)

    came = read_all(ernie_stand_in, budget, 20)

    assert ernie_stand_in.calls == 1
    assert sum(not reading.failed for reading in came) == 1
    assert "does not say how many tokens" in (budget.exhausted or "")


def test_a_server_that_names_no_tokens_is_no_matter_where_calls_are_counted(ernie_stand_in: StandIn) -> None:
    ernie_stand_in.usage = lambda asked, said: None
    budget = Budget(Limits(max_calls=10))
    read_all(ernie_stand_in, budget, 20)
    assert ernie_stand_in.calls == 10


LOST = [
    pytest.param([Hang()] * 3, {"timeout_s": 0.3}, id="no answer in time"),
    pytest.param([Cut(started=True)] * 3, {}, id="cut in the middle"),
    pytest.param([Raw(200, "x" * 2_000_000)] * 3, {}, id="an answer that is not read"),
    pytest.param([Hang()] * 3, {"page_timeout_s": 0.3}, id="given up by the page"),
]


@pytest.mark.parametrize(("script", "options"), LOST)
def test_a_call_whose_end_nobody_knows_counts_as_paid_for(
    ernie_stand_in: StandIn, script: list[Outcome], options: dict[str, Any]
) -> None:
    budget = Budget(Limits(max_calls=10))
    ernie_stand_in.script(*script)
    with readers(ernie_stand_in, budget, concurrency=3, **options) as (reader, _):
        lost = [future.result(60) for future in reader.submit(lines(3))]
        read = [future.result(60) for future in reader.submit(lines(20))]

    assert all(reading.failed for reading in lost)
    assert (budget.presumed.calls, budget.spent.calls) == (3, 7)
    assert sum(not reading.failed for reading in read) == 7


def test_a_refusal_and_a_server_that_is_not_there_cost_nothing(ernie_stand_in: StandIn) -> None:
    budget = Budget(Limits(max_calls=10))
    ernie_stand_in.script(*[Raw(503, "busy")] * 3, Raw(200, "<html>Sign in</html>"))
    with readers(ernie_stand_in, budget, concurrency=1) as (reader, _):
        refused = [future.result(60) for future in reader.submit(lines(4))]
    assert all(reading.failed for reading in refused)
    nowhere = StandIn()
    nowhere.base_url = "http://127.0.0.1:1/v1"
    with readers(nowhere, budget) as (reader, _):
        assert reader.submit(lines(1))[0].result(60).failed

    assert (budget.spent, budget.presumed, budget.exhausted) == (Usage(), Usage(), None)


def test_a_limit_of_costs_without_prices_is_refused() -> None:
    with pytest.raises(SettingsWrong, match="set ERNIE_INPUT_PRICE and ERNIE_OUTPUT_PRICE"):
        Budget(Limits(max_cost=5.0))
    Budget(Limits(max_cost=5.0), Prices(input=0.0, output=0.0))


# By hand, call by call


def ask(tokens: int = 50, width: int = 280) -> Ask:
    return Ask("ernie:plain@1", 100, width, 112, tokens)


def granted(budget: Budget, of: Ask) -> Grant:
    grant = budget.reserve(of)
    assert grant is not None
    return grant


def test_one_call_is_made_first_and_then_as_many_as_were_answered() -> None:
    budget = Budget(Limits(max_tokens=100_000))
    first = granted(budget, ask())
    assert budget.reserve(ask()) is None
    budget.settle(first, Usage(1, 0, 60, 0, 5))
    second = granted(budget, ask())
    assert budget.reserve(ask()) is None
    budget.settle(second, Usage(1, 0, 60, 0, 5))
    assert [budget.reserve(ask()) is None for _ in range(3)] == [False, False, True]


def test_a_call_like_one_before_is_reserved_like_it_and_a_new_size_with_care() -> None:
    budget = Budget(Limits(max_tokens=100_000))
    first = granted(budget, ask())
    # 100 bytes of words, 64 around them, 20 x 8 patches of 14 pixels
    assert (first.input_tokens, first.output_tokens) == (324, 50)
    budget.settle(first, Usage(1, 0, 60, 0, 5))
    like = granted(budget, ask(width=290))
    assert like.input_tokens == 90
    budget.settle(like, Usage(1, 0, 60, 0, 5))
    assert granted(budget, ask(width=1400)).input_tokens == 164 + 100 * 8


def test_a_server_that_says_more_than_it_was_allowed_is_believed_to_do_it_again() -> None:
    budget = Budget(Limits(max_tokens=100_000))
    budget.settle(granted(budget, ask(50)), Usage(1, 0, 60, 0, 100))
    assert granted(budget, ask(50)).output_tokens == 100


def test_a_call_waits_for_those_in_flight_and_is_refused_when_there_are_none() -> None:
    budget = Budget(Limits(max_calls=2))
    one, two = granted(budget, ask()), granted(budget, ask())
    assert budget.reserve(ask()) is None
    # the server refused it, so there is room again
    budget.settle(one, Usage())
    three = granted(budget, ask())
    budget.settle(two, Usage(1, 0, 60, 0, 5))
    budget.settle(three, Usage(1, 0, 60, 0, 5))
    for _ in range(2):
        with pytest.raises(BudgetSpent, match="The limit of 2 calls is reached"):
            budget.reserve(ask())


def test_settling_twice_counts_once() -> None:
    budget = Budget(Limits(max_calls=2))
    grant = granted(budget, ask())
    budget.settle(grant, Usage(1, 0, 60, 0, 5))
    budget.settle(grant, Usage(1, 0, 60, 0, 5))
    assert budget.spent.calls == 1


def test_a_limit_below_one_call_makes_none(ernie_stand_in: StandIn) -> None:
    budget = Budget(Limits(max_tokens=100))
    came = read_all(ernie_stand_in, budget, 20)
    assert ernie_stand_in.calls == 0
    assert all(reading.failed for reading in came)
