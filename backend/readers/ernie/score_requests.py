"""Whether calls ask a server for the probabilities of tokens: all of them, until it refuses to be asked so.

A refused call is made again without, at no price, and no later call asks. The first call goes ahead of the
others for a moment: a refusal comes at once, so one call is refused, and not as many as are in flight.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

FIELDS: dict[str, Any] = {"logprobs": True, "top_logprobs": 0}
"""What asks for them. FastDeploy gives none without a `top_logprobs`, and 0 are enough: a token's own."""

LARGEST_ANSWER = 256 * 1024
"""Bytes of the longest answer with probabilities: 1,024 tokens of up to 200 bytes, and what stands around
them."""

AHEAD_S = 1.0
"""How long the others wait for the first call, seconds."""

_NAMED = re.compile(r"log_?prob", re.IGNORECASE)

log = logging.getLogger(__name__)


class ScoreRequests:
    """What is known of one server and model; for one event loop.

    wanted: calls ask for probabilities.
    """

    def __init__(self, wanted: bool) -> None:
        """Nothing is known yet."""
        self.wanted = wanted
        self._taken = False
        self._begun = False
        self._first_done = asyncio.Event()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A block that makes one call."""
        if self._begun and not self._first_done.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._first_done.wait(), AHEAD_S)
            yield
            return
        self._begun = True
        try:
            yield
        finally:
            self._first_done.set()

    def take(self) -> None:
        """A call that asked was answered, with probabilities or without."""
        self._taken = True

    def may_be_why(self, status: int, said: str) -> bool:
        """Whether a call that asked may have been refused for it.

        Args:
            status: of the refusal.
            said: its body.
        """
        if not 400 <= status < 600 or status in (401, 403, 429):
            return False
        return bool(_NAMED.search(said)) or (status in (400, 422, 501) and not self._taken)

    def give_up(self, why: str) -> None:
        """No later call asks.

        Args:
            why: the server's own words, safe to show.
        """
        if self.wanted:
            self.wanted = False
            log.info(
                "ERNIE's server gives no probabilities of tokens, so its readings have no score from now on; "
                "it answered: %s",
                why,
            )
