"""What a service works with: loaded in the background, lent to those who read, replaced while it serves.

What fails to load is loaded again by itself, and so is what was loaded and has failed since: a database that
comes up late, a hub that was out of reach, a model that does not answer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from backend.errors import NotReady, Stopping, TwinreadError, UnexpectedFailure
from backend.page.limits import MAX_DECODING_PIXELS, MAX_JPEG_SCANS
from backend.page.pixel_budget import PageMemory
from backend.pipeline.annotate import Panel
from backend.seams import LineDetector, ServedSource

log = logging.getLogger(__name__)

ServiceState: TypeAlias = Literal["loading", "ready", "failed"]

_LOADING = "The models are still loading; try again in a minute."
_AGAIN = "It is tried again by itself."

RETRY_S = (5.0, 15.0, 60.0, 300.0)
"""Waits before what failed is loaded again, seconds; the last one repeats."""

WATCH_S = 5.0
"""How often engines are asked whether they have failed since they were loaded, seconds."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Everything that reads a page, loaded.

    lend: the readers of a language, which stay loaded until the block ends.
    model_version: names everything that decides a prediction.
    max_page_pixels: larger images are refused.
    max_jpeg_scans: so are JPEGs of more scans.
    memory: what images may hold of it at once, in the whole process.
    readers: who reads, for people.
    unread: languages met so far that nobody reads, and what would read each.
    problem: why readings are not kept, while they are not.
    spending: what readers took of a server so far, for `GET /status`; None where it cannot be seen.
    failure: why what was loaded no longer works; None while it does.
    try_reading: lets local readers read rendered lines; says which one misreads them, None where none does.
    """

    detector: LineDetector
    lend: Callable[[str], AbstractContextManager[Panel]]
    source: ServedSource
    model_version: str
    max_page_pixels: int
    readers: str
    max_jpeg_scans: int = MAX_JPEG_SCANS
    memory: PageMemory = field(default_factory=lambda: PageMemory.of(MAX_DECODING_PIXELS))
    unread: Callable[[], dict[str, str]] = dict
    problem: Callable[[], str | None] = lambda: None
    spending: Callable[[], list[dict[str, object]] | None] = lambda: None
    failure: Callable[[], TwinreadError | None] = lambda: None
    try_reading: Callable[[], str | None] = lambda: None
    close: Callable[[], None] = lambda: None


class _Loaded:
    """Engines and how many read with them, which belong to the lock of `EngineLoader`; and how they read."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self.borrowers = 0
        self.retired = False
        self.misreading: str | None = None


class EngineLoader:
    """Loads engines in threads of their own, lends them, and replaces them; thread-safe."""

    def __init__(
        self, load: Callable[[], Engines], retry_s: Sequence[float] = RETRY_S, watch_s: float = WATCH_S
    ) -> None:
        """Begin to load.

        Args:
            load: builds the engines; called again when they failed.
            retry_s: waits before it is called again, seconds; the last one repeats.
            watch_s: how often engines are asked whether they have failed, seconds.
        """
        self._lock = threading.Lock()
        self._replacing = threading.Lock()
        self._retry_s = retry_s
        self._watch_s = watch_s
        self._closing = threading.Event()
        self._load = load
        self._current: Future[_Loaded] = Future()
        self._threads: list[threading.Thread] = []
        self._begin(self._keep_loaded)

    @property
    def state(self) -> tuple[ServiceState, str]:
        """How far it is, with one sentence."""
        current = self._current
        if not current.done():
            return "loading", _LOADING
        error = current.exception() or current.result().engines.failure()
        return ("failed", f"{error} {_AGAIN}") if error else ("ready", "Ready.")

    @property
    def misreading(self) -> str | None:
        """Which present readers misread rendered lines; None where none does, or none was tried yet."""
        current = self._current
        loaded = current.result() if current.done() and current.exception() is None else None
        return loaded.misreading if loaded is not None else None

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
        with self._borrowed() as loaded:
            yield loaded.engines

    @contextmanager
    def _borrowed(self) -> Iterator[_Loaded]:
        self.engines()
        with self._lock:
            loaded = self._current.result()
            loaded.borrowers += 1
        try:
            yield loaded
        finally:
            with self._lock:
                loaded.borrowers -= 1
                last = loaded.retired and not loaded.borrowers
            if last:
                loaded.engines.close()

    def replace(self, load: Callable[[], Engines], again: Callable[[], Engines] | None = None) -> Future[str]:
        """Load other engines beside the present ones, and let them take their place.

        Pages that were begun are finished with the old engines, which are closed after the last of them.
        When the others fail to load, the old ones stay.

        Args:
            load: builds the other engines, in a thread of its own.
            again: is called from then on when they have failed; None for `load`.

        Returns:
            A future of the new model version, which ends with the reason when nothing was replaced.
        """
        promise: Future[str] = Future()
        promise.set_running_or_notify_cancel()

        def replace() -> None:
            # never while the first ones load, and one after the other: the last call wins
            wait([self._current])
            with self._replacing:
                made = self._made_and_placed(load, again or load)
            if isinstance(made, Engines):
                log.info("replaced: %s", made.model_version)
                promise.set_result(made.model_version)
                self._try_reading()
            else:
                log.error("The engines stay as they are: %s", made)
                promise.set_exception(made)

        self._begin(replace)
        return promise

    def close(self) -> None:
        """Wait for the end of loading, and close what was loaded."""
        with self._lock:
            self._closing.set()
        for thread in tuple(self._threads):
            thread.join()
        if self._current.exception() is None:
            self._current.result().engines.close()

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="load-engines", daemon=True)
        with self._lock:
            self._threads = [*(thread for thread in self._threads if thread.is_alive()), thread]
        thread.start()

    def _keep_loaded(self) -> None:
        """Load the engines, and again whenever there is an error instead of engines that work."""
        self._load_again(None)
        tries, loaded_at = 0, time.monotonic()
        while not self._closing.wait(self._watch_s):
            failure = self._why_not()
            if failure is None:
                if time.monotonic() - loaded_at > self._retry_s[-1]:
                    tries = 0
                continue
            if self._closing.wait(self._retry_s[min(tries, len(self._retry_s) - 1)]):
                break
            tries += 1
            with self._replacing:
                # somebody may have replaced them meanwhile
                if self._why_not() is not None:
                    self._load_again(failure)
                    loaded_at = time.monotonic()

    def _why_not(self) -> BaseException | None:
        """Why there are no engines that work; None while they do. Waits for the end of loading."""
        current = self._current
        return current.exception() or current.result().engines.failure()

    def _load_again(self, before: BaseException | None) -> None:
        """Load them once more.

        Args:
            before: why there were none until now, which is not logged twice.
        """
        made = self._made_and_placed(self._load, self._load)
        if isinstance(made, Engines):
            log.info("ready: %s", made.model_version)
            self._try_reading()
            return
        if str(made) != str(before):
            log.error("twinread cannot read: %s %s", made, _AGAIN)
        with self._lock:
            if not self._current.done():
                self._current.set_exception(made)
            elif self._current.exception() is not None and not self._closing.is_set():
                failed: Future[_Loaded] = Future()
                failed.set_exception(made)
                self._current = failed

    def _try_reading(self) -> None:
        """Let the present readers read rendered lines, while the service is at work already.

        Readers that misread them are named in the log and the status, and go on: what they are worth on pages
        is for people to say.
        """
        with self._borrowed() as loaded:
            try:
                loaded.misreading = loaded.engines.try_reading()
            except Exception:  # the watch over the engines must not end with it
                log.exception("it could not be tried how the readers read")
                return
        if loaded.misreading is not None:
            log.warning("%s", loaded.misreading)

    def _made_and_placed(
        self, load: Callable[[], Engines], again: Callable[[], Engines]
    ) -> Engines | TwinreadError:
        """Engines that took the place of the present ones, or why there are none.

        Args:
            load: builds them.
            again: builds the next ones, when these have failed.
        """
        made = _made(load)
        if isinstance(made, Engines) and not self._take_place(made):
            made.close()
            return Stopping("twinread is stopping, so the engines were not replaced.")
        if isinstance(made, Engines):
            self._load = again
        return made

    def _take_place(self, made: Engines) -> bool:
        """Let other engines be the present ones; False where everything is being stopped."""
        with self._lock:
            if self._closing.is_set():
                return False
            if not self._current.done():
                # those who wait for the first ones wait for this future
                self._current.set_result(_Loaded(made))
                return True
            before, after = self._current, Future[_Loaded]()
            after.set_result(_Loaded(made))
            self._current = after
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
