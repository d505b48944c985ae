"""When a call that failed is made again: what passes, and how long to wait for it."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_ASKED_S = 120.0
"""A server that asks for more time than this is not asked again, seconds."""

FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 8.0
"""The pauses before the first and later tries, doubling, up to a quarter shorter by chance, seconds."""


def passes(status: int, headers: Mapping[str, str]) -> bool:
    """Whether a refusal may pass: a server's own word, or else busy, timed out, or broken.

    Args:
        status: of HTTP.
        headers: of the answer; names in any case.
    """
    if (asked_for_s(headers) or 0) > LONGEST_ASKED_S:
        return False
    said = headers.get("x-should-retry")
    return said == "true" if said in ("true", "false") else status in (408, 409, 429) or status >= 500


def pause_s(tries: int, headers: Mapping[str, str] | None = None) -> float:
    """How long to wait before the next try, seconds.

    Args:
        tries: that were made, at least one.
        headers: of the answer, where there was one.
    """
    asked = asked_for_s(headers or {})
    if asked is not None and 0 < asked <= LONGEST_ASKED_S:
        return asked
    doubled = FIRST_PAUSE_S * 2.0 ** min(tries - 1, 10)
    return min(doubled, LAST_PAUSE_S) * (1 - 0.25 * random.random())  # noqa: S311 - no secret hangs on it


def asked_for_s(headers: Mapping[str, str]) -> float | None:
    """How many seconds a server asks for, as a number or a date; None where it does not say."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit_s
        except (KeyError, ValueError):
            continue
        return None if math.isnan(seconds) else seconds
    try:
        return parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time()
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return None
