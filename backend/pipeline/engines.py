"""What a service works with, loaded in the background, so that it can say "loading" meanwhile."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Literal, TypeAlias

from backend.errors import NotReady, TwinreadError, UnexpectedFailure
from backend.pipeline.annotate import Panel
from backend.seams import LineDetector, PageSource

log = logging.getLogger(__name__)

_LOADING = "The models are still loading; try again in a minute."

ServiceState: TypeAlias = Literal["loading", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class Engines:
    """Everything a service works with, loaded.

    panel: gives the readers of a language.
    model_version: names detector, readers, prompts and thresholds.
    readers: who reads, for people.
    unread: languages met so far that nobody reads, and what would read each.
    problem: why readings are not kept, while they are not.
    """

    detector: LineDetector
    panel: Callable[[str], Panel]
    source: PageSource
    model_version: str
    readers: str
    unread: Callable[[], dict[str, str]] = dict
    problem: Callable[[], str | None] = lambda: None
    close: Callable[[], None] = lambda: None


class EngineLoader:
    """Loads engines once, in a thread of its own, and says how far it is; thread-safe.

    Args:
        load: builds them.
    """

    def __init__(self, load: Callable[[], Engines]) -> None:
        self._engines: Future[Engines] = Future()
        self._thread = threading.Thread(target=self._load, args=(load,), name="load-engines", daemon=True)
        self._thread.start()

    @property
    def state(self) -> tuple[ServiceState, str]:
        """How far it is, with one sentence."""
        if not self._engines.done():
            return "loading", _LOADING
        error = self._engines.exception()
        return ("failed", str(error)) if error else ("ready", "Ready.")

    def engines(self, timeout_s: float = 0) -> Engines:
        """The loaded engines.

        Args:
            timeout_s: how long to wait for them, seconds.

        Raises:
            NotReady: they are still loading.
            TwinreadError: why they failed to load.
        """
        if timeout_s:
            wait([self._engines], timeout_s)
        if not self._engines.done():
            raise NotReady(_LOADING)
        return self._engines.result()

    def close(self) -> None:
        """Wait for the end of loading, and close what was loaded."""
        self._thread.join()
        if self._engines.exception() is None:
            self._engines.result().close()

    def _load(self, load: Callable[[], Engines]) -> None:
        try:
            engines = load()
        except TwinreadError as error:
            log.error("twinread cannot start: %s", error)
            self._engines.set_exception(error)
        except Exception as error:  # the thread's last word: without it /health would say "loading" for ever
            log.exception("twinread cannot start")
            self._engines.set_exception(
                UnexpectedFailure(f"The models failed to load ({type(error).__name__}); see the log.")
            )
        else:
            log.info("ready: %s", engines.model_version)
            self._engines.set_result(engines)
