"""The score of a reading is the probability of its least likely token, where the server gives it."""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.page.lines import Pixels, Reading
from backend.readers.ernie.check import check
from backend.readers.ernie.prompts import prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.ernie.score_requests import LARGEST_ANSWER
from backend.readers.ernie.token_scores import lowest_probability
from backend.readers.stored import Keeper, ReadingStore, StoredReader
from tests.parts.ernie_stand_in import Asked, Raw, Say, StandIn, completion, ernie_stand_in, logprobs_of

__all__ = ["ernie_stand_in"]

DISABLED = "Logprobs is disabled, please enable it in startup config."
SURE = Say("Счёт 12", logprobs=logprobs_of(("Счёт", 0.5), (" ", 0.99), ("12", 0.75), ("</s>", 0.01)))
Connect = Callable[..., ErnieServer]


@pytest.fixture
def connect(ernie_stand_in: StandIn) -> Iterator[Connect]:
    opened: list[ErnieServer] = []

    def connect(**changes: Any) -> ErnieServer:
        options = ErnieOptions(ernie_stand_in.base_url, ernie_stand_in.model, timeout_s=20, max_retries=0)
        opened.append(ErnieServer(ErnieOptions(**{**_fields(options), **changes})))
        return opened[-1]

    yield connect
    for server in opened:
        server.close()


def _fields(options: ErnieOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in ErnieOptions.__dataclass_fields__}


def crops(number: int) -> list[Pixels]:
    return [np.full((32, 100 + width, 3), 240, np.uint8) for width in range(number)]


def read(server: ErnieServer, number: int = 1) -> list[Reading]:
    reader = ErnieReader(server, prompts()[0])
    return [future.result(60) for future in reader.submit(crops(number))]


def score_of(text: str, *tokens: tuple[str, float]) -> float | None:
    return lowest_probability(json.dumps(completion(Say(text, logprobs=logprobs_of(*tokens)), "ernie")), text)


@pytest.mark.parametrize(
    ("text", "tokens", "score"),
    [
        pytest.param("Счёт 12", [("Счёт", 0.9), (" ", 1), ("12", 0.6)], 0.6, id="the lowest"),
        pytest.param("Счёт", [("Счёт", 0.9), ("</s>", 0.1)], 0.9, id="not of what ends an answer"),
        pytest.param("Счёт", [("Счёт", 0.9), ("<|im_end|>", 0.1)], 0.9, id="nor of a control token"),
        pytest.param("12", [(" ", 0.1), ("12", 0.9), ("\n", 0.1), ("", 0.1)], 0.9, id="nor of blanks around"),
        pytest.param(
            "12",
            [("<think>", 0.1), ("12", 0.1), ("?", 0.1), ("</think>", 0.1), ("12", 0.9)],
            0.9,
            id="thoughts",
        ),
        pytest.param("“12”", [("“", 0.1), ("12", 0.9), ("”", 0.2)], 0.9, id="nor of quotes around it"),
        pytest.param("12”", [("12", 0.9), ("3”", 0.2)], None, id="other words"),
        pytest.param("12.", [("12", 0.9), (".", 0.2)], 0.2, id="a full stop can be wrong"),
        pytest.param(
            "12.", [("12", 0.9), (".\n\n", 0.2)], 0.2, id="with the line break that ends the answer"
        ),
        pytest.param(
            "№ 5", [("bytes:\\xef", 0.9), ("\ufffd", 0.3), (" 5", 0.8)], 0.3, id="parts of a letter"
        ),
        pytest.param(
            "5 ₸", [("5 ", 0.9), ("<0xE2>", 0.7), ("<0x82>", 0.4), ("</s>", 0.1)], 0.4, id="at its end"
        ),
        pytest.param("Счёт", [("Счёт", 0.0)], 0.0, id="never 1 by underflow"),
        pytest.param("", [("###", 0.9)], None, id="no text"),
        pytest.param("Счёт 12", [("Счёт", 0.9)], None, id="too few tokens"),
        pytest.param("Счёт 12", [], None, id="no tokens"),
    ],
)
def test_the_lowest_probability_of_the_tokens_of_the_text_is_the_score(
    text: str, tokens: list[tuple[str, float]], score: float | None
) -> None:
    assert score_of(text, *tokens) == (None if score is None else pytest.approx(score))


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(None, id="none"),
        pytest.param([], id="a list"),
        pytest.param({}, id="no content"),
        pytest.param({"content": None}, id="content is null"),
        pytest.param({"content": "12"}, id="content is a text"),
        pytest.param({"content": [None]}, id="a token that is null"),
        pytest.param({"content": [{"token": "12"}]}, id="no logarithm"),
        pytest.param({"content": [{"token": 12, "logprob": -0.1}]}, id="a token that is a number"),
        pytest.param({"content": [{"token": "12", "logprob": None}]}, id="null"),
        pytest.param({"content": [{"token": "12", "logprob": "-0.1"}]}, id="a text"),
        pytest.param({"content": [{"token": "12", "logprob": True}]}, id="true"),
        pytest.param({"content": [{"token": "12", "logprob": 0.5}]}, id="positive"),
        pytest.param({"content": [{"token": "12", "logprob": math.nan}]}, id="NaN"),
        pytest.param({"content": [{"token": "12", "logprob": -math.inf}]}, id="infinite"),
        pytest.param({"content": [{"token": "12", "logprob": -(10**400)}]}, id="larger than any float"),
        pytest.param({"content": [{"token": "x", "logprob": -0.1}] * 8000}, id="thousands of other tokens"),
    ],
)
def test_probabilities_that_cannot_be_right_cost_no_reading(
    ernie_stand_in: StandIn, connect: Connect, said: object
) -> None:
    ernie_stand_in.script(Say("12", logprobs=said))
    (reading,) = read(connect())
    assert (reading.text, reading.score, reading.error) == ("12", None, None)


def test_a_store_keeps_the_score_and_asks_for_none_that_it_has_no_score_of(
    ernie_stand_in: StandIn, connect: Connect, tmp_path: Path
) -> None:
    reader = ErnieReader(connect(), prompts()[0])
    store = ReadingStore(f"sqlite:///{tmp_path / 'readings.sqlite3'}")
    keeper = Keeper(store)
    stored = StoredReader(reader, keeper, paid=True)
    ernie_stand_in.script(Say("Счёт 12"), SURE)

    first, second = ([future.result(60) for future in stored.submit(crops(2))] for _ in range(2))

    assert sorted(str(reading.score) for reading in first) == ["0.5", "None"]
    assert second == first
    assert ernie_stand_in.calls == 2
    keeper.close()
    store.close()


def test_what_says_how_sure_a_model_is_takes_no_more_calls_and_no_more_tokens(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.brain = lambda asked: SURE
    assert [reading.score for reading in read(connect(), 5)] == [pytest.approx(0.5)] * 5
    asked, bill = ernie_stand_in.calls, dict(ernie_stand_in.bill)

    ernie_stand_in._seen.clear()
    unscored = connect(max_answer_bytes=LARGEST_ANSWER - 1)
    assert [reading.score for reading in read(unscored, 5)] == [None] * 5
    assert (asked, ernie_stand_in.calls) == (5, 10)
    assert {name: 2 * number for name, number in bill.items()} == ernie_stand_in.bill


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(DISABLED, id="FastDeploy"),
        pytest.param("Unrecognized request argument supplied: logprobs", id="OpenAI's words"),
        pytest.param("Bad Request", id="without a reason"),
    ],
)
def test_one_call_is_refused_and_the_server_is_asked_without_from_then_on(
    ernie_stand_in: StandIn, connect: Connect, caplog: pytest.LogCaptureFixture, refusal: str
) -> None:
    caplog.set_level(logging.INFO, logger="backend.readers.ernie")
    ernie_stand_in.brain, ernie_stand_in.refuses_logprobs = lambda asked: SURE, refusal

    server = connect()
    readings = read(server, 20) + read(server, 20)

    assert {(reading.text, reading.score, reading.error) for reading in readings} == {("Счёт 12", None, None)}
    assert ernie_stand_in.violations == [f"call 1: {refusal}"]
    assert (ernie_stand_in.calls, ernie_stand_in.bill["calls"]) == (41, 40), "what is refused is not paid for"
    (record,) = caplog.records
    assert refusal in record.getMessage()
    assert record.levelno == logging.INFO


def test_a_server_that_is_started_anew_without_them_is_asked_without(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.brain = lambda asked: SURE
    server = connect()
    (before,) = read(server)
    ernie_stand_in.refuses_logprobs = DISABLED

    assert before.score == pytest.approx(0.5)
    assert [(reading.text, reading.score) for reading in read(server)] == [("Счёт 12", None)]


def test_what_is_refused_for_another_reason_is_no_refusal_of_probabilities(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.brain = lambda asked: SURE
    ernie_stand_in.script(*[Raw(400, {"error": {"message": "no such picture"}})] * 2)
    server = connect()

    (failed,), (read_later,) = read(server), read(server)

    assert "no such picture" in str(failed.error)
    assert read_later.score == pytest.approx(0.5)
    assert ernie_stand_in.calls == 3


def test_a_first_call_without_an_answer_does_not_hold_the_others(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    last = threading.Event()

    def answer(asked: Asked) -> Say:
        if asked.number == 5:
            last.set()
        # the first answer comes after the last question
        assert asked.number > 1 or last.wait(15)
        return SURE

    ernie_stand_in.brain, ernie_stand_in.in_threads = answer, True
    assert [reading.score for reading in read(connect(), 5)] == [pytest.approx(0.5)] * 5


def test_a_field_of_the_operators_own_wins(ernie_stand_in: StandIn, connect: Connect) -> None:
    ernie_stand_in.brain = lambda asked: SURE
    (reading,) = read(connect(extra_body={"logprobs": False}))
    (asked,) = ernie_stand_in.asked
    assert (asked.body["logprobs"], "top_logprobs" in asked.body, reading.score) == (False, False, None)


def test_the_identity_is_that_of_readings_from_before(connect: Connect) -> None:
    scored, unscored = connect(), connect(max_answer_bytes=LARGEST_ANSWER - 1)
    assert ErnieReader(scored, prompts()[0]).identity == ErnieReader(unscored, prompts()[0]).identity


def test_the_longest_answer_with_probabilities_is_taken_by_the_smallest_limit_that_asks_for_them(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    # as many tokens as a call may have; each a letter of three bytes
    ernie_stand_in.brain = lambda asked: Say("字" * 1024, logprobs=logprobs_of(*[("字", 0.9)] * 1024))
    (reading,) = read(connect(max_answer_bytes=LARGEST_ANSWER))
    assert (reading.error, reading.score) == (None, pytest.approx(0.9))


def test_the_check_says_that_the_server_gives_them(ernie_stand_in: StandIn, connect: Connect) -> None:
    ernie_stand_in.brain = lambda asked: Say("Invoice 2048", logprobs=logprobs_of(("Invoice 2048", 0.97)))
    server = connect()
    *_, last = check(server, [ErnieReader(server, prompt) for prompt in prompts()])
    assert (last.ok, "at least 97%" in last.text) == (True, True)
