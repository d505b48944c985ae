"""What a service works with: loaded in the background, lent to those who read, replaced while it serves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from backend.errors import NotReady, Stopping, TwinreadError, UnexpectedFailure
from backend.pipeline.annotate import Panel
from backend.seams import LineDetector, PageSource

log = logging.getLogger(__name__)

ServiceState: TypeAlias = Literal["loading", "ready", "failed"]

_LOADING = "The models are still loading; try again in a minute."


@dataclass(frozen=True, slots=True)
class Engines:
    """Everything that reads a page, loaded.

    lend: the readers of a language, which stay loaded until the block ends.
    model_version: names everything that decides a prediction.
    max_page_pixels: larger images are refused.
    readers: who reads, for people.
    unread: languages met so far that nobody reads, and what would read each.
    problem: why readings are not kept, while they are not.
    """

    detector: LineDetector
    lend: Callable[[str], AbstractContextManager[Panel]]
    source: PageSource
    model_version: str
    max_page_pixels: int
    readers: str
    unread: Callable[[], dict[str, str]] = dict
    problem: Callable[[], str | None] = lambda: None
    close: Callable[[], None] = lambda: None


class _Loaded:
    """Engines and how many read with them; both belong to the lock of `EngineLoader`."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self.borrowers = 0
        self.retired = False


class EngineLoader:
    """Loads engines in threads of their own, lends them, and replaces them; thread-safe."""

    def __init__(self, load: Callable[[], Engines]) -> None:
        """Begin to load.

        Args:
            load: builds the engines; called once.
        """
        self._lock = threading.Lock()
        self._replacing = threading.Lock()
        self._closed = False
        self._current: Future[_Loaded] = Future()
        self._threads: list[threading.Thread] = []
        self._begin(partial(self._load_first, load))

    @property
    def state(self) -> tuple[ServiceState, str]:
        """How far it is, with one sentence."""
        current = self._current
        if not current.done():
            return "loading", _LOADING
        error = current.exception()
        return ("failed", str(error)) if error else ("ready", "Ready.")

    def engines(self, timeout_s: float = 0) -> Engines:
        """The present engines, to look at; whoever reads with them takes them by `lend`.

        Args:
            timeout_s: how long to wait for them, seconds.

        Raises:
            NotReady: they are still loading.
            TwinreadError: why they failed to load.
        """
        current = self._current
        if timeout_s:
            wait([current], timeout_s)
        if not current.done():
            raise NotReady(_LOADING)
        return current.result().engines

    @contextmanager
    def lend(self) -> Iterator[Engines]:
        """The present engines, which are not closed before the block ends; errors as `engines`."""
        self.engines()
        with self._lock:
            loaded = self._current.result()
            loaded.borrowers += 1
        try:
            yield loaded.engines
        finally:
            with self._lock:
                loaded.borrowers -= 1
                last = loaded.retired and not loaded.borrowers
            if last:
                loaded.engines.close()

    def replace(self, load: Callable[[], Engines]) -> Future[str]:
        """Load other engines beside the present ones, and let them take their place.

        Pages that were begun are finished with the old engines, which are closed after the last of them.
        When the others fail to load, the old ones stay.

        Args:
            load: builds the other engines; called once, in a thread of its own.

        Returns:
            A future of the new model version, which ends with the reason when nothing was replaced.
        """
        promise: Future[str] = Future()
        promise.set_running_or_notify_cancel()

        def replace() -> None:
            # one after the other, and never while the first ones load: the last call wins
            with self._replacing:
                wait([self._current])
                made = _made(load)
                if isinstance(made, Engines) and not self._take_place(made):
                    made.close()
                    made = Stopping("twinread is stopping, so the engines were not replaced.")
            if isinstance(made, Engines):
                log.info("replaced: %s", made.model_version)
                promise.set_result(made.model_version)
            else:
                log.error("The engines stay as they are: %s", made)
                promise.set_exception(made)

        self._begin(replace)
        return promise

    def close(self) -> None:
        """Wait for the end of loading, and close what was loaded."""
        with self._lock:
            self._closed = True
        for thread in tuple(self._threads):
            thread.join()
        if self._current.exception() is None:
            self._current.result().engines.close()

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="load-engines", daemon=True)
        with self._lock:
            self._threads = [*(thread for thread in self._threads if thread.is_alive()), thread]
        thread.start()

    def _load_first(self, load: Callable[[], Engines]) -> None:
        made = _made(load)
        if isinstance(made, Engines):
            log.info("ready: %s", made.model_version)
            self._current.set_result(_Loaded(made))
        else:
            log.error("twinread cannot start: %s", made)
            self._current.set_exception(made)

    def _take_place(self, made: Engines) -> bool:
        """Let other engines be the present ones; False where everything is being stopped."""
        fresh: Future[_Loaded] = Future()
        fresh.set_result(_Loaded(made))
        with self._lock:
            if self._closed:
                return False
            before, self._current = self._current, fresh
            old = before.result() if before.exception() is None else None
            unused = old is not None and not old.borrowers
            if old is not None:
                old.retired = True
        if old is not None and unused:
            old.engines.close()
        return True


def _made(load: Callable[[], Engines]) -> Engines | TwinreadError:
    """The engines, or why there are none."""
    try:
        return load()
    except TwinreadError as error:
        return error
    except Exception as error:  # a thread's last word: without it /health would say "loading" for ever
        log.exception("the engines cannot be loaded")
        return UnexpectedFailure(f"The models failed to load ({type(error).__name__}); see the log.")
