"""What an OpenAI-like server says in an answer that it took."""

from __future__ import annotations

import json
from typing import Any

from backend.readers.usage import Usage

MOST_TOKENS = 10_000_000
"""Of one answer that are believed; no model takes so many."""


def usage_of(raw: str, seconds: float) -> Usage | None:
    """What one call took, by the body of its answer, whether there is a reading in it or not.

    Thoughts are among the tokens of the answer. Cached tokens that are no number, or more than the whole
    question has, count as none: the account is never too low for it.

    Args:
        raw: the body of an answer with status 200.
        seconds: that the call took.

    Returns:
        One call, unmetered where the numbers of its tokens are missing or are none; None where the body is
        not the answer of a model at all.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not ("choices" in body or "usage" in body):
        return None
    said: Any = body.get("usage")
    asked, answered = (_tokens(said, name) for name in ("prompt_tokens", "completion_tokens"))
    if asked is None or answered is None:
        return Usage(calls=1, unmetered=1, seconds=seconds)
    cached = _tokens(said.get("prompt_tokens_details"), "cached_tokens") or 0
    return Usage(1, 0, asked, cached if cached <= asked else 0, answered, seconds)


def _tokens(said: Any, name: str) -> int | None:
    """A number of tokens; None where there is none that can be right."""
    number = said.get(name) if isinstance(said, dict) else None
    # gateways that know no whole numbers say 12.0
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    usable = isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MOST_TOKENS
    return number if usable else None
