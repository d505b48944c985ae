"""What a server says that an answer took: right, missing, or nonsense."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backend.readers.ernie.metering import usage_of
from backend.readers.ernie.prompts import prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.prices import Prices
from backend.readers.usage import Usage, project_of
from backend.tickets import Asker, asking_for
from tests.parts.ernie_stand_in import Asked, Raw, Say, StandIn, ernie_stand_in

__all__ = ["ernie_stand_in"]

UNMETERED = Usage(calls=1, unmetered=1, seconds=2.0)


def body(usage: Any) -> str:
    return json.dumps({"choices": [{"message": {"content": "12"}}], "usage": usage})


def tokens(asked: Any, answered: Any, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": asked, "completion_tokens": answered, **more}


def cached(number: Any) -> dict[str, Any]:
    return tokens(300, 20, prompt_tokens_details={"cached_tokens": number})


TAKEN = [
    pytest.param(tokens(300, 20), Usage(1, 0, 300, 0, 20, 2.0), id="OpenAI's two numbers"),
    pytest.param(cached(256), Usage(1, 0, 300, 256, 20, 2.0), id="cached ones are among them"),
    pytest.param(
        tokens(300, 90, completion_tokens_details={"reasoning_tokens": 70}),
        Usage(1, 0, 300, 0, 90, 2.0),
        id="thoughts are in the answer already",
    ),
    pytest.param(tokens(300.0, 20.0), Usage(1, 0, 300, 0, 20, 2.0), id="a gateway without whole numbers"),
    pytest.param(tokens(0, 0), Usage(1, 0, 0, 0, 0, 2.0), id="nothing"),
    # of cached tokens that cannot be right none are believed, so that the cost is never too low
    *(
        pytest.param(cached(odd), Usage(1, 0, 300, 0, 20, 2.0), id=f"cached {odd!r}")
        for odd in (None, -5, "12", 301, 10**30, True, 1.5, [])
    ),
    pytest.param(
        tokens(300, 20, prompt_tokens_details=[1]), Usage(1, 0, 300, 0, 20, 2.0), id="details are a list"
    ),
    *(
        pytest.param(odd, UNMETERED, id=f"no usage: {odd!r}")
        for odd in (None, [], {}, "300", 7, {"prompt_tokens": 300}, {"completion_tokens": 20})
    ),
    *(
        pytest.param(tokens(odd, 20), UNMETERED, id=f"prompt {odd!r}")
        for odd in (None, -1, "300", 10**30, 1e300, True, 1.5, {}, [300])
    ),
    pytest.param(tokens(300, -1), UNMETERED, id="an answer of less than nothing"),
]


@pytest.mark.parametrize(("said", "taken"), TAKEN)
def test_an_answer_s_own_numbers_are_taken_where_they_can_be_right(said: Any, taken: Usage) -> None:
    assert usage_of(body(said), 2.0) == taken


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("<html>Sign in</html>", id="a page"),
        pytest.param("", id="nothing"),
        pytest.param("[1]", id="a list"),
        pytest.param('{"error": "quota"}', id="an error with status 200"),
        pytest.param("[" * 100_000, id="nested without end"),
    ],
)
def test_what_no_model_answered_is_no_call(raw: str) -> None:
    assert usage_of(raw, 2.0) is None


# JSON has NaN and Infinity for Python
@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_not_taken_for_some(odd: str) -> None:
    raw = body(tokens(1, 20)).replace('"prompt_tokens": 1', f'"prompt_tokens": {odd}')
    assert usage_of(raw, 2.0) == UNMETERED


class Notes:
    """A ledger that remembers."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, str, Usage]] = []

    def note(self, project: str, reader: str, usage: Usage) -> None:
        self.noted.append((project, reader, usage))

    def when_written(self, then: Callable[[], object]) -> None:
        then()


def test_every_answered_call_is_noted_for_its_project_and_reader_of_use_or_not(
    ernie_stand_in: StandIn,
) -> None:
    def count(asked: Asked, said: Say) -> dict[str, Any]:
        return tokens(100 * asked.number, 7)

    ernie_stand_in.usage = count
    ernie_stand_in.script(
        Say("Счёт 12"),
        Say("Счёт 1", finish_reason="length"),
        Say("", reasoning="Let me see"),
        Say(None),
        Raw(200, {"choices": [], "usage": tokens(9, 0)}),
        Raw(200, '{"choices": [{}]}'),
        Raw(429, {"error": "slow down", "usage": tokens(9, 0)}),
    )
    ledger = Notes()
    options = ErnieOptions(ernie_stand_in.base_url, ernie_stand_in.model, concurrency=1, max_retries=0)
    server = ErnieServer(options, ledger=ledger)
    reader = ErnieReader(server, prompts()[0])
    crop = np.full((32, 200, 3), 250, np.uint8)
    with asking_for(Asker("7.1700000000")):
        came = [future.result(60) for future in reader.submit([crop] * 7)]
    server.close()

    assert [reading.failed for reading in came] == [False, *[True] * 6]
    assert [(project, taken.tokens, taken.unmetered) for project, _, taken in ledger.noted] == [
        ("7", 107, 0),
        ("7", 207, 0),
        ("7", 307, 0),
        ("7", 407, 0),
        ("7", 9, 0),
        ("7", 0, 1),
    ]
    assert {of for _, of, _ in ledger.noted} == {reader.identity}
    assert all(taken.seconds > 0 and taken.calls == 1 for _, _, taken in ledger.noted)


@pytest.mark.parametrize(
    ("asker", "project"),
    [
        pytest.param("3.1700000000", "3", id="as Label Studio names it"),
        pytest.param("12", "12", id="by its number"),
        pytest.param(12, "12", id="a number"),
        pytest.param("007", "7", id="zeros before it"),
        pytest.param("", "", id="none"),
        pytest.param(object(), "", id="a request that names none"),
        pytest.param("shop", "", id="a word"),
        pytest.param("-3", "", id="less than nothing"),
        pytest.param("١٢", "", id="other digits"),
        pytest.param("9" * 5000, "", id="no end"),
    ],
)
def test_accounts_have_numbers_of_projects_and_nothing_else(asker: Any, project: str) -> None:
    assert project_of(asker) == project


COSTS = [
    pytest.param(Prices(2.0, 6.0), 0.0021, id="cached as any other"),
    pytest.param(Prices(2.0, 6.0, 0.5), 0.0015, id="cached at their own price"),
    pytest.param(Prices(0.0, 0.0), 0.0, id="free"),
    pytest.param(Prices(2.0, None), None, id="half a price is none"),
    pytest.param(Prices(), None, id="no price"),
]


@pytest.mark.parametrize(("prices", "cost"), COSTS)
def test_money_is_tokens_at_their_prices(prices: Prices, cost: float | None) -> None:
    taken = Usage(5, 0, input_tokens=900, cached_tokens=400, output_tokens=50)
    assert prices.cost(taken) == (None if cost is None else pytest.approx(cost))
