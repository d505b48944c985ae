"""What a run does while a service is away: it waits with growing pauses and says so, and gives up one day.

A service that is restarted costs a run of days a minute, not its end; one that stays away costs it no
thousand failed tasks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr

from backend.errors import LabelStudioFailed, TwinreadError
from backend.label_studio.client import LabelStudio
from backend.label_studio.http_client import Json

PAUSES_S = (2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0, 60.0)
"""Waits between tries, seconds: about four minutes in all."""

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run waits for what is away; safe between threads.

    say: tells a person, in one sentence.
    stop: set when the run is to end; no wait outlasts it.
    pauses: between tries, seconds; after the last one it gives up.
    """

    say: Callable[[str], object]
    stop: threading.Event
    pauses: Sequence[float] = PAUSES_S

    def wait(self, tries: int, why: str) -> bool:
        """Wait until something is worth another try.

        Args:
            tries: how many there were.
            why: what is away, as a sentence.

        Returns:
            Whether to try again; False when it is given up, or when the run is to end.
        """
        if tries > len(self.pauses) or self.stop.is_set():
            return False
        pause = self.pauses[tries - 1]
        self.say(f"{why} Trying again in {pause:g} s.")
        return not self.stop.wait(pause)

    def keep_trying(self, ask: Callable[[], Given]) -> Given:
        """What Label Studio answers, also when it is away for some minutes.

        Raises:
            TwinreadError: whatever it failed with, when it stays away, refuses, or the run is to end.
        """
        tries = 0
        while True:
            try:
                return ask()
            except LabelStudioFailed as error:  # noqa: PERF203 - once a try
                tries += 1
                if not is_away(error) or not self.wait(tries, str(error)):
                    raise


class PatientLabelStudio(LabelStudio):
    """A client that waits for Label Studio when it only reads; what writes is for the caller to try again."""

    def __init__(self, base_url: str, api_key: SecretStr, patience: Patience, **more: Any) -> None:
        """As `HttpClient`, and how long it waits."""
        super().__init__(base_url, api_key, **more)
        self._patience = patience

    def _send(self, doing: str, send: Callable[[], httpx.Response], *, reads: bool) -> Json:
        ask = partial(super()._send, doing, send, reads=reads)
        return self._patience.keep_trying(ask) if reads else ask()


def is_away(error: TwinreadError) -> bool:
    """Whether a failure of Label Studio may pass by itself."""
    status = error.facts.get("status")
    return bool(error.facts.get("passing")) or (isinstance(status, int) and status >= 500)
