"""When a call that failed is made again, and after how long."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from backend.readers.ernie.retries import LONGEST_ASKED_S, asked_for_s, passes, pause_s


@pytest.mark.parametrize(
    ("status", "headers", "again"),
    [
        pytest.param(429, {}, True, id="busy"),
        pytest.param(408, {}, True, id="timed out"),
        pytest.param(409, {}, True, id="locked"),
        pytest.param(502, {}, True, id="broken"),
        pytest.param(400, {}, False, id="refused"),
        pytest.param(302, {}, False, id="sent elsewhere"),
        pytest.param(400, {"x-should-retry": "true"}, True, id="refused, but the server says again"),
        pytest.param(503, {"x-should-retry": "false"}, False, id="broken, and the server says for good"),
        pytest.param(429, {"retry-after": "3600"}, False, id="busy for an hour"),
    ],
)
def test_what_may_pass_is_asked_again(status: int, headers: dict[str, str], again: bool) -> None:
    assert passes(status, headers) is again


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_a_server_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_for_s(headers) == seconds


def test_a_server_may_name_the_moment() -> None:
    in_a_minute = asked_for_s({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert in_a_minute is not None
    assert 50 < in_a_minute <= 60


def test_pauses_double_up_to_eight_seconds_and_a_server_s_wish_goes_before() -> None:
    for tries, longest in enumerate((0.5, 1, 2, 4, 8, 8), start=1):
        assert 0.75 * longest <= pause_s(tries) <= longest
    assert pause_s(1, {"retry-after": "30"}) == 30
    assert pause_s(1, {"retry-after": str(LONGEST_ASKED_S + 1)}) <= 0.5
