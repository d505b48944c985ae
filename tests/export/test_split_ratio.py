"""A ratio of train, val and test, as people write it."""

from __future__ import annotations

import pytest

from backend.errors import BadRequest
from converters.export.split_ratio import parse_ratio


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("8:1:1", (0.8, 0.1, 0.1)),
        ("80/10/10", (0.8, 0.1, 0.1)),
        ("80-10-10", (0.8, 0.1, 0.1)),
        ("80 – 10 – 10", (0.8, 0.1, 0.1)),
        ("0.8,0.1,0.1", (0.8, 0.1, 0.1)),
        (" 80% 10% 10% ", (0.8, 0.1, 0.1)),
        ("80%,10%,10%", (0.8, 0.1, 0.1)),
        ("(0.8, 0.1, 0.1)", (0.8, 0.1, 0.1)),
        ("8：1：1", (0.8, 0.1, 0.1)),
        ("9:1", (0.9, 0.1, 0.0)),
        ("90 % / 10 %", (0.9, 0.1, 0.0)),
        ("1", (1.0, 0.0, 0.0)),
        ("100%", (1.0, 0.0, 0.0)),
        ("8:0:2", (0.8, 0.0, 0.2)),
        pytest.param("8,1,1", (0.8, 0.1, 0.1), id="commas alone separate"),
        pytest.param("8,1, 1", (0.8, 0.1, 0.1), id="commas that separate are no decimal commas"),
        pytest.param("0,8:0,1:0,1", (0.8, 0.1, 0.1), id="decimal commas"),
        pytest.param("0,8 0,1 0,1", (0.8, 0.1, 0.1), id="decimal commas and blanks"),
        pytest.param("1,5:1", (0.6, 0.4, 0.0), id="one decimal comma"),
    ],
)
def test_a_ratio_is_read_in_any_notation(text, shares):
    assert parse_ratio(text) == pytest.approx(shares)


@pytest.mark.parametrize("text", ["", "0:1:1", "8:-1:1", "-8:1:1", "1:1:1:1", "most", "nan:1", "inf:1"])
def test_a_ratio_without_training_pages_is_refused(text):
    with pytest.raises(BadRequest, match="not a ratio"):
        parse_ratio(text)


@pytest.mark.parametrize("text", ["90%", "0.8", "80", "0.8/0.1", "80%:10%"])
def test_shares_that_leave_the_rest_open_are_refused(text):
    with pytest.raises(BadRequest, match="leaves open where the rest of the pages goes"):
        parse_ratio(text)
