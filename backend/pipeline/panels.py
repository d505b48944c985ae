"""The readers of every language that pages are in, each built once.

A panel is built when its language is first wanted, lent to whoever reads a page, and given back when
nobody asked for its language for a while: a hundred languages are not kept loaded for two.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from backend.errors import NotReady, Stopping, TwinreadError
from backend.models.promoted import PromotedModel
from backend.pipeline.annotate import Panel
from backend.pipeline.panel_builder import BuiltPanel, PanelBuilder
from backend.pipeline.reader_kind import ReaderSetup
from backend.pipeline.reader_kinds import kinds
from backend.readers.budget import Spender
from backend.readers.stored import Keeper, ReadingStore
from backend.readers.usage import Ledger, Ledgers
from backend.seams import LineReader
from backend.settings.settings import Settings
from backend.text import languages

log = logging.getLogger(__name__)

IDLE_S = 3600.0
"""A language that nobody asked for in this time is given back, seconds."""

ROOM_S = 10.0
"""How long a page waits until one of the languages that are read at the moment can be given back, seconds."""

RETRY_S = 60.0
"""Readers whose model failed are built again when so much time has gone since they were built, seconds."""


@dataclass(slots=True, eq=False)
class _Entry:
    """The readers of a language, and who uses them; what changes belongs to the lock.

    retired: another entry takes its place; the last who gives it back closes it.
    """

    built: BuiltPanel
    built_at: float
    used_at: float
    lent: int = 0
    retired: bool = False

    @property
    def panel(self) -> Panel:
        """Who reads."""
        return self.built.panel

    @property
    def failure(self) -> TwinreadError | None:
        """Why one of its readers does not read: its model failed to load, or has not answered."""
        return next(filter(None, (engine.failure for engine in self.built.engines)), None)

    def close(self) -> None:
        """End its readers."""
        self.built.opened.close()


class Panels:
    """The readers of every language that a task may be in; thread-safe. Close it, or use it in a `with`."""

    def __init__(
        self,
        settings: Settings,
        store: ReadingStore | None,
        promoted: PromotedModel | None = None,
        *,
        load: bool = True,
        counts: Ledger | None = None,
        budget: Spender | None = None,
        idle_s: float = IDLE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the settings; nothing is built yet.

        Args:
            settings: name readers, models and the ERNIE server.
            store: keeps readings that were paid for; None keeps none.
            promoted: the trained recogniser that reads its languages; None where there is none.
            load: False where nothing will be read: readers are found, and refused, without their models.
            counts: hears of each call of a server, beside the store; None where nobody does.
            budget: says whether one more of these calls may be made; None: always.
            idle_s: after this time without a page a language is given back, seconds.
            clock: seconds that only go up.

        Raises:
            SettingsWrong: READERS names a reader that there is not.
        """
        self._settings = settings
        # one for all languages: a hundred of them need no hundred threads
        self._keeper = (
            Keeper(store, claim_s=settings.reading_claim_s, urgent_wait_s=settings.reading_wait_s)
            if store is not None
            else None
        )
        setup = ReaderSetup(settings, promoted, load, Ledgers(counts, self._keeper), budget)
        self._builder = PanelBuilder(settings, self._keeper, kinds(setup))
        self._idle_s = idle_s
        self._room_s = ROOM_S
        self._clock = clock
        self._building = threading.Lock()
        self._lock = threading.Lock()
        # somebody has given readers back, or everything is being stopped
        self._changed = threading.Condition(self._lock)
        self._entries: dict[str, _Entry] = {}
        self._closed = threading.Event()
        self._sweeper: threading.Thread | None = None

    def __enter__(self) -> Panels:
        """Itself; closed when the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Stop every reader."""
        self._closed.set()
        with self._lock:
            self._changed.notify_all()
        with self._building, self._lock:
            entries = list(self._entries.values())
            self._entries.clear()
        for entry in entries:
            entry.close()
        self._builder.close()
        # the last of all, so that what the readers say at their end is kept, and their claims end
        if self._keeper is not None:
            self._keeper.close()

    def check(self) -> None:
        """Refuse readers and models that the settings name and that cannot read their language.

        Raises:
            ReaderUnavailable: says which letters or data are missing, and who can read instead.
            SettingsWrong: a setting that a reader needs is missing.
        """
        if self._builder.demanded:
            self.panel(self._settings.ocr_language)

    def panel(self, language: str) -> Panel:
        """The panel of a language, to look at; whoever reads with it takes it by `lend`.

        Args:
            language: any name of it.

        Raises:
            SettingsWrong: no such language.
            ReaderUnavailable: a reader that the settings name cannot read the settings' language.
        """
        return self._entry(languages.language_code(language), lent=0).panel

    def local_readers(self, language: str) -> tuple[LineReader, ...]:
        """Those of a language's readers that run on this machine; what they read is kept nowhere.

        Args:
            language: any name of it.

        Raises:
            SettingsWrong: no such language.
            ReaderUnavailable: a reader that the settings name cannot read the settings' language.
        """
        return self._entry(languages.language_code(language), lent=0).built.local

    @contextmanager
    def lend(self, language: str) -> Iterator[Panel]:
        """The panel of a language, which stays loaded at least until the block ends.

        Errors as `panel`, and `NotReady` where every language that may be loaded is read at the moment.
        """
        entry = self._entry(languages.language_code(language), lent=1)
        try:
            yield entry.panel
        finally:
            with self._lock:
                entry.lent -= 1
                entry.used_at = self._clock()
                last = entry.retired and not entry.lent
                self._changed.notify_all()
            if last:
                entry.close()

    def give_back_idle(self) -> list[str]:
        """End the readers of languages that nobody asked for in a while, but for the settings' own.

        Returns:
            Codes of these languages.
        """
        own = languages.language_code(self._settings.ocr_language)
        with self._lock:
            before = self._clock() - self._idle_s
            idle = {
                code: entry
                for code, entry in self._entries.items()
                if code != own and entry.panel.readers and not entry.lent and entry.used_at <= before
            }
            for code in idle:
                del self._entries[code]
        for code, entry in idle.items():
            log.info("Nobody asked for '%s' in %g s: its readers are given back.", code, self._idle_s)
            entry.close()
        return list(idle)

    def at_hand(self) -> str:
        """What local engines could read with; part of the model version: tasks may be in any language."""
        return self._builder.at_hand()

    def sentence(self, panel: Panel) -> str:
        """Who reads the settings' language, for people."""
        if not panel.readers:
            return f"nobody reads '{panel.language}': its boxes are found and left unread"
        names = [reader.identity for reader in panel.readers if reader.identity not in panel.witnesses]
        at_once = " and ".join(names[: panel.policy.at_once])
        if panel.witnesses:
            return f"{at_once}, with {' and '.join(sorted(panel.witnesses))} as a witness"
        if panel.policy.when == "all":
            return at_once
        later = " and ".join(names[panel.policy.at_once :])
        if later:
            return f"{at_once}, and {later} only where those do not agree"
        return f"{at_once} (READING_POLICY={panel.policy.when} saves nothing: there is no third reader)"

    def unread(self) -> dict[str, str]:
        """Languages met so far that nobody reads, and what would read each."""
        with self._lock:
            panels = {code: entry.panel for code, entry in self._entries.items()}
        return {code: panel.lacking[0].second for code, panel in panels.items() if panel.lacking}

    def problem(self) -> str | None:
        """Why readings cannot be kept, or those that were kept not be found; None while they can."""
        return self._keeper.problem if self._keeper is not None else None

    def failure(self) -> TwinreadError | None:
        """Why the readers of the settings' own language do not read; None while they do."""
        own = languages.language_code(self._settings.ocr_language)
        with self._lock:
            entry = self._entries.get(own)
            return entry.failure if entry is not None else None

    def wait(self) -> None:
        """Wait until every reader built so far is loaded.

        Raises:
            TwinreadError: why one is not.
        """
        with self._lock:
            engines = [engine for entry in self._entries.values() for engine in entry.built.engines]
        for engine in engines:
            engine.wait()

    def _entry(self, code: str, lent: int) -> _Entry:
        """The entry of a language, built when there is none."""
        # a language that is there does not wait for another one that has to be downloaded first
        entry = self._known(code, lent)
        if entry is not None:
            return entry
        with self._building:
            entry = self._known(code, lent)
            if self._closed.is_set():
                raise Stopping("The readers are being stopped.")
            if entry is None:
                self._make_room(code)
                built, now = self._builder.build(code), self._clock()
                entry = _Entry(built, now, now, lent)
                with self._lock:
                    self._entries[code] = entry
                    self._forget_unread()
                self._sweep()
            return entry

    def _make_room(self, code: str) -> None:
        """Give back the language that is idle the longest where no more may be loaded.

        Tasks may name any of 800 languages, and each has readers with threads and models.

        Raises:
            NotReady: every one of them is read at the moment.
            Stopping: the readers are being stopped.
        """
        most = self._settings.max_languages
        own = languages.language_code(self._settings.ocr_language)
        end = time.monotonic() + self._room_s
        given_back: list[_Entry] = []
        with self._lock:
            while (
                len(loaded := {name for name, entry in self._entries.items() if entry.panel.readers}) >= most
            ):
                idle = [name for name in loaded if name != own and not self._entries[name].lent]
                if idle:
                    first = min(idle, key=lambda name: self._entries[name].used_at)
                    log.info("'%s' is given back for '%s': MAX_LANGUAGES is %d.", first, code, most)
                    given_back.append(self._entries.pop(first))
                elif self._closed.is_set():
                    raise Stopping("The readers are being stopped.")
                elif not self._changed.wait(end - time.monotonic()) and time.monotonic() >= end:
                    raise NotReady(
                        f"Pages in {most} languages are read at the moment, and MAX_LANGUAGES allows no "
                        f"more; '{code}' has to wait. Ask again in a minute, or raise it."
                    )
        for entry in given_back:
            entry.close()

    def _forget_unread(self) -> None:
        """Of the languages that nobody reads, keep as many as may be loaded."""
        unread = [name for name, entry in self._entries.items() if not entry.panel.readers]
        own = languages.language_code(self._settings.ocr_language)
        for name in unread[: -self._settings.max_languages]:
            if name != own and not self._entries[name].lent:
                del self._entries[name]

    def _known(self, code: str, lent: int) -> _Entry | None:
        with self._lock:
            unused = self._retire_failed()
            entry = self._entries.get(code)
            if entry is not None:
                entry.lent += lent
                entry.used_at = self._clock()
        for failed in unused:
            failed.close()
        return entry

    def _retire_failed(self) -> list[_Entry]:
        """Take away entries whose readers are to be built again; gives those that nobody uses.

        The settings' own language is not among them: its readers are named in the model version, and come
        back with everything else that `failure` has loaded again.
        """
        own = languages.language_code(self._settings.ocr_language)
        now = self._clock()
        due = [
            code
            for code, entry in self._entries.items()
            if code != own and entry.failure and now - entry.built_at >= RETRY_S
        ]
        retired = [self._entries.pop(code) for code in due]
        for code, entry in zip(due, retired, strict=True):
            log.info("The readers of '%s' are built again: %s", code, entry.failure)
            entry.retired = True
        return [entry for entry in retired if not entry.lent]

    def _sweep(self) -> None:
        """Begin to look for idle languages now and then; one language alone is never idle."""
        if self._sweeper is None and len(self._entries) > 1 and not self._closed.is_set():
            self._sweeper = threading.Thread(target=self._sweep_on, name="idle-languages", daemon=True)
            self._sweeper.start()

    def _sweep_on(self) -> None:
        while not self._closed.wait(self._idle_s / 4):
            self.give_back_idle()
