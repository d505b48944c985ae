"""Follows `promoted.json`: a service takes a promoted model over while it serves, or says why it does not.

The file is looked at every ten seconds, at once when somebody asks (`POST /reload`, SIGHUP), and when the
engines are loaded. The model is tried by itself first; then engines are loaded beside those that read, and
take their place. Whatever goes wrong on the way, those that read go on reading.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import Literal, Protocol

from backend.errors import ModelMissing, Stopping, TwinreadError
from backend.models.promoted import PromotedModel, Promotions
from backend.pipeline.engines import Engines
from backend.pipeline.metrics import Metrics

log = logging.getLogger(__name__)

LOOK_S = 10.0
"""How often the file is looked at, seconds."""

AGAIN_S = 300.0
"""After this time a model that was refused is tried once more by itself, seconds."""

Outcome = Literal["took over", "unchanged", "stays", "loading"]


@dataclass(frozen=True, slots=True)
class Look:
    """What came of a look at the file.

    outcome: `took over`, `unchanged` where nothing new was promoted, `stays` where the new one cannot read,
        or `loading` where nobody waited for the end.
    says: one sentence for people.
    """

    outcome: Outcome
    says: str


class Replace(Protocol):
    """`Service.replace_engines`."""

    def __call__(
        self, load: Callable[[Metrics], Engines], again: Callable[[Metrics], Engines] | None = None
    ) -> Future[str]:
        """Load other engines beside the present ones, and let them take their place."""
        ...


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why what the file says is not done.

    model: what it says; None for the models of the settings.
    damaged: it says nothing that can be read.
    at: when it was found out, seconds of the clock.
    """

    model: PromotedModel | None
    why: str
    at: float
    damaged: bool

    def still(self, wanted: PromotedModel | None, now: float) -> bool:
        """Whether it holds for what the file says now, so that nothing need be tried again yet."""
        return not self.damaged and _same(self.model, wanted) and now < self.at + AGAIN_S


class PromotedModels:
    """Which trained model this process reads with, and the watch over it; thread-safe."""

    def __init__(
        self,
        promotions: Promotions,
        load: Callable[[Metrics, PromotedModel | None], Engines],
        check: Callable[[PromotedModel], None],
        *,
        fixed: str = "",
        look_s: float = LOOK_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the parts; nothing is read or loaded yet.

        Args:
            promotions: the file.
            load: builds engines that read with a promoted model, or with PaddleOCR's own.
            check: raises a `TwinreadError` where a model cannot read.
            fixed: why no promoted model may read here, as a sentence; empty where one may.
            look_s: how often the file is looked at, seconds.
            clock: seconds that only go up.
        """
        self.fixed = fixed
        self._promotions = promotions
        self._load = load
        self._check = check
        self._look_s = look_s
        self._clock = clock
        self._lock = threading.RLock()
        self._loaded = False
        self._reads: PromotedModel | None = None
        self._since: str | None = None
        self._refused: _Refused | None = None
        self._under_way: Future[Look] | None = None
        self._replace: Replace | None = None
        self._asked = threading.Event()
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None

    def load(self, metrics: Metrics) -> Engines:
        """Build engines with the promoted model; with PaddleOCR's own where it cannot read.

        What a service loads when it starts, and loads again when its engines have failed: it must come up
        whatever became of a trained model.

        Raises:
            TwinreadError: why there are no engines.
        """
        wanted = None if self.fixed else self._wanted_or_present()
        if wanted is not None:
            try:
                self._check(wanted)
                engines = self._load(metrics, wanted)
            except TwinreadError as error:
                self._refuse(wanted, error)
            else:
                self._take(wanted)
                self._refused = None
                return engines
        engines = self._load(metrics, None)
        self._take(None)
        return engines

    def follow(self, replace: Replace) -> None:
        """Begin to look at the file now and then.

        Args:
            replace: lets other engines take the place of those that read.
        """
        self._replace = replace
        if not self.fixed:
            self._watch = threading.Thread(target=self._look_on, name="promoted-models", daemon=True)
            self._watch.start()

    def ask(self) -> None:
        """Let the watch look at once; for a signal handler, which must not wait."""
        self._asked.set()

    def look(self, limit_s: float, *, again: bool = True) -> Look:
        """Look at the file, and take over what was promoted.

        Args:
            limit_s: how long to wait for the end of it, seconds; it goes on without the caller.
            again: try a model once more that was refused.
        """
        if self.fixed:
            return Look("unchanged", self.fixed)
        with self._lock:
            under_way = self._under_way
            if under_way is None or under_way.done():
                begun = self._begin(again)
                if isinstance(begun, Look):
                    return begun
                under_way = self._under_way = begun
        wait([under_way], limit_s)
        if not under_way.done():
            return Look("loading", "The promoted model is loading beside the one that reads; see /status.")
        return under_way.result()

    def status(self) -> dict[str, object]:
        """For `GET /status`: which promoted model reads, since when and why; why another one does not."""
        with self._lock:
            reads, refused = self._reads, self._refused
            return {
                "reads": reads.identity if reads else None,
                "languages": list(reads.languages) if reads else [],
                "since": self._since,
                "promoted_at": reads.promoted_at if reads else None,
                "by": reads.by if reads else None,
                "why": reads.why if reads else self.fixed or None,
                "refused": refused.why if refused else None,
            }

    def close(self) -> None:
        """End the watch; what loads at this moment is the service's to end."""
        self._closed.set()
        self._asked.set()
        if self._watch is not None:
            self._watch.join()

    def _look_on(self) -> None:
        while not self._closed.is_set():
            asked = self._asked.wait(self._look_s)
            self._asked.clear()
            if self._closed.is_set():
                return
            try:
                # not waited for: the next look finds the end of it
                self.look(0, again=asked)
            except Exception:  # a watch that has died would say nothing for ever
                log.exception("promoted.json could not be looked at")

    def _begin(self, again: bool) -> Look | Future[Look]:
        """Begin what the file asks for, or say why there is nothing to do; the caller holds the lock."""
        try:
            wanted = self._promotions.current()
        except ModelMissing as error:
            return Look("stays", self._refuse(None, error, damaged=True))
        if self._replace is None or not self._loaded:
            # what loads looks at the file itself
            return Look("loading", "The models are still loading; /status says when they are ready.")
        if _same(wanted, self._reads):
            # a model that was promoted again has a newer reason
            self._reads, self._refused = wanted, None
            return Look("unchanged", f"{_named(wanted)} reads already; nothing new was promoted.")
        refused = self._refused
        if refused and not again and refused.still(wanted, self._clock()):
            return Look("stays", refused.why)
        log.info("taking over: %s", _named(wanted))
        ended: Future[Look] = Future()
        replaced = self._replace(partial(self._tried, wanted), self.load)
        replaced.add_done_callback(partial(self._ended, wanted, ended))
        return ended

    def _tried(self, wanted: PromotedModel | None, metrics: Metrics) -> Engines:
        """Engines with a model that was tried before anything else was loaded."""
        if wanted is not None:
            self._check(wanted)
        return self._load(metrics, wanted)

    def _ended(self, wanted: PromotedModel | None, ended: Future[Look], replaced: Future[str]) -> None:
        error = replaced.exception()
        if isinstance(error, Stopping):
            ended.set_result(Look("stays", str(error)))
        elif error is None:
            self._take(wanted)
            self._refused = None
            ended.set_result(Look("took over", f"{_named(wanted)} reads from now on: {replaced.result()}."))
        else:
            ended.set_result(Look("stays", self._refuse(wanted, error)))

    def _wanted_or_present(self) -> PromotedModel | None:
        """The model of the file; the one that reads where the file is damaged."""
        try:
            return self._promotions.current()
        except ModelMissing as error:
            self._refuse(None, error, damaged=True)
            return self._reads

    def _take(self, model: PromotedModel | None) -> None:
        with self._lock:
            if not (self._loaded and _same(model, self._reads)):
                self._since = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self._loaded, self._reads = True, model

    def _refuse(self, model: PromotedModel | None, error: BaseException, *, damaged: bool = False) -> str:
        """Note and log why something does not read; gives the sentence."""
        with self._lock:
            why = str(error)
            if model is not None:
                why = f"{model.identity} was promoted and does not read: {why}"
            if self._refused is None or self._refused.why != why:
                log.error("%s", why)
            self._refused = _Refused(model, why, self._clock(), damaged)
            return why


def _same(one: PromotedModel | None, other: PromotedModel | None) -> bool:
    """Whether two promotions come to the same readings."""
    if one is None or other is None:
        return one is other
    return (one.fingerprint, one.directory, one.languages) == (
        other.fingerprint,
        other.directory,
        other.languages,
    )


def _named(model: PromotedModel | None) -> str:
    return model.identity if model else "The model of the settings"
