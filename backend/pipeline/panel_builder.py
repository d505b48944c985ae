"""Who reads a language: the readers that the settings name, or the most unlike ones that are at hand."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from backend.errors import ModelMissing, ReaderUnavailable
from backend.models.model_thread import BackgroundModel
from backend.page.lines import Reason, ReasonKind
from backend.pipeline.annotate import Panel, Policy
from backend.pipeline.reader_kind import ReaderKind
from backend.readers.stored import Keeper, StoredReader
from backend.seams import LineReader
from backend.settings.settings import Settings
from backend.text import languages

log = logging.getLogger(__name__)

CONFIRMING = ("paddle", "tesseract")
"""Kinds on this machine, the first of which that writes the language stands beside a server: it confirms the
first reading where the second one is taken when needed, and is a witness of both where every line is read
twice. A promoted model is `paddle`'s."""


@dataclass(frozen=True, slots=True, eq=False)
class BuiltPanel:
    """The readers of one language.

    opened: what ends them.
    local: those on this machine, without the store in front of them.
    engines: those of them that have a model to load.
    """

    panel: Panel
    opened: ExitStack
    local: tuple[LineReader, ...]
    engines: tuple[BackgroundModel[Any, Any, Any], ...]


class PanelBuilder:
    """Builds the panel of any language, out of the kinds of readers that the settings allow."""

    def __init__(self, settings: Settings, keeper: Keeper | None, kinds: Mapping[str, ReaderKind]) -> None:
        """Take what panels are built of.

        Args:
            settings: name readers.
            keeper: keeps readings that were paid for; None keeps none.
            kinds: of readers, by the names that READERS takes.
        """
        self._settings = settings
        self._keeper = keeper
        self._kinds = kinds

    @property
    def demanded(self) -> bool:
        """Whether the settings name a reader on this machine, which may not be passed over in silence."""
        named = bool(self._settings.readers)
        return named or any(kind.local and kind.demanded() for kind in self._kinds.values())

    def at_hand(self) -> str:
        """What local engines could read with, in any language."""
        own = languages.language_code(self._settings.ocr_language)
        joined = (code for kind in self._kinds.values() for code in kind.joins())
        named = {name for code in (own, *joined) for name in self._named(code)}
        found = {
            name: kind.at_hand()
            for name, kind in self._kinds.items()
            if name in named or (kind.local and (not named or self._confirmed or self._witnessed))
        }
        return ",".join(f"{name}:{at_hand}" for name, at_hand in found.items() if at_hand)

    def close(self) -> None:
        """End what the readers of a kind share."""
        for kind in self._kinds.values():
            kind.close()

    def build(self, code: str) -> BuiltPanel:
        """Build the readers of a language and begin to load them.

        Args:
            code: the language, canonical.

        Raises:
            ReaderUnavailable: a reader that the settings name cannot read the settings' language.
            SettingsWrong: a setting that a reader needs is missing or cannot work.
        """
        with ExitStack() as opened:
            built = self._readers(code, opened)
            if len(built) == 1:
                # one engine that looks in two ways still gives two readings
                name = built[0][0]
                built.append((name, self._kinds[name].build(code, 1, opened)))
            witnesses = self._witnesses(code, [name for name, _ in built], opened)
            built += witnesses
            readers = [reader for _, reader in built]
            stored = []
            if self._keeper is not None:
                stored = [
                    StoredReader(reader, self._keeper, paid=not self._kinds[name].local)
                    for name, reader in built
                ]
            panel = Panel(
                readers=tuple(stored or readers),
                language=code,
                policy=Policy.majority(
                    [name for name, _ in built],
                    [self._kinds[name].family for name, _ in built],
                    self._settings.reading_policy,
                    len(witnesses),
                ),
                tall_lines=self._settings.tall_lines,
                text_style=self._settings.text_style,
                prompts=tuple(
                    prompt
                    for name in dict.fromkeys(self._named(code))
                    for prompt in self._kinds[name].prompts(code)
                ),
                # whoever is asked in words answers in words
                worded=frozenset(
                    reader.identity for name, reader in built if self._kinds[name].prompts(code)
                ),
                lacking=() if built else (Reason(ReasonKind.NO_READER, code, self._would_read(code)),),
            )
            engines = tuple(reader for reader in readers if isinstance(reader, BackgroundModel))
            local = tuple(reader for name, reader in built if self._kinds[name].local)
            return BuiltPanel(panel, opened.pop_all(), local, engines)

    def _readers(self, code: str, opened: ExitStack) -> list[tuple[str, LineReader]]:
        """The readers of a language in order of trust, each with the name of its kind."""
        promised = self._promised(code)
        built: list[tuple[str, LineReader]] = []
        for name in self._named(code) or [name for name, kind in self._kinds.items() if kind.local]:
            turn = sum(name == before for before, _ in built)
            try:
                built.append((name, self._kinds[name].build(code, turn, opened)))
            except (ReaderUnavailable, ModelMissing) as error:
                # the language of the settings was promised; another one is read by those who can
                if promised and name in self._asked_for(code):
                    raise
                log.info("%s does not read '%s': %s", name, code, error)
        if self._confirmed:
            # after the server's first look, which is trusted most, and before its second one
            lacking = (
                f"READING_POLICY saves nothing in '{code}': no engine on this machine writes it, so that the "
                "server reads every line twice."
            )
            built[1:1] = self._beside_a_server(code, lacking, opened)
        return built

    def _witnesses(self, code: str, voting: Sequence[str], opened: ExitStack) -> list[tuple[str, LineReader]]:
        """The local reader that testifies beside a server that reads every line twice.

        Two prompts of one model share errors, and a local engine of another family costs no money. A promoted
        model that has taken the place of the second look is such an engine already, and so needs no witness.

        Args:
            code: the language.
            voting: kinds of the readers that must agree.
            opened: gets what ends the reader.
        """
        if not self._witnessed or not voting or any(self._kinds[name].local for name in voting):
            return []
        lacking = (
            f"No engine on this machine writes '{code}', so that no reader of another family testifies "
            "beside the server, and an error that its two readings share goes unnoticed. To have one install "
            f"{self._would_read(code, local=True)}."
        )
        return self._beside_a_server(code, lacking, opened)

    def _beside_a_server(self, code: str, lacking: str, opened: ExitStack) -> list[tuple[str, LineReader]]:
        """The first local reader that writes the language, with the name of its kind; none where none does.

        Args:
            code: the language.
            lacking: what it means where there is none, for the log.
            opened: gets what ends the reader.

        Raises:
            ReaderUnavailable: a model that the settings name cannot read the settings' language.
        """
        promised, why = self._promised(code), []
        for name in CONFIRMING:
            kind = self._kinds[name]
            try:
                return [(name, kind.build(code, 0, opened))]
            except (ReaderUnavailable, ModelMissing) as error:
                if promised and kind.demanded():
                    raise
                why.append(f"{name}: {error}")
        log.log(logging.WARNING if promised else logging.INFO, "%s %s", lacking, " ".join(why))
        return []

    def _promised(self, code: str) -> bool:
        """Whether it is the language of the settings, which must be read."""
        return languages.language_code(self._settings.ocr_language) == code

    def _named(self, code: str) -> tuple[str, ...]:
        """The readers that the settings name; none where local engines are chosen by what is at hand.

        A server that nobody named reads twice; where a model was promoted for the language, that one takes
        the place of the second look: an unlike family confirms more, and costs nothing. Where the second
        look is taken only when needed, it stays.
        """
        if self._settings.readers:
            return self._settings.readers
        served = tuple(name for name, kind in self._kinds.items() for _ in range(kind.turns()))
        if self._confirmed:
            return served
        joining = tuple(name for name, kind in self._kinds.items() if code in kind.joins())
        return (*dict.fromkeys(served), *joining) if served and joining else served

    @property
    def _confirmed(self) -> bool:
        """Whether a local reader that nobody named stands beside a server, which looks again when needed."""
        sparing = self._settings.reading_policy == "second-when-needed" and not self._settings.readers
        return sparing and any(kind.turns() for kind in self._kinds.values())

    @property
    def _witnessed(self) -> bool:
        """Whether a local reader that nobody named testifies beside a server that reads every line."""
        settings = self._settings
        wanted = settings.witness == "auto" and settings.reading_policy == "all" and not settings.readers
        return wanted and any(kind.turns() for kind in self._kinds.values())

    def _asked_for(self, code: str) -> tuple[str, ...]:
        """The readers that the settings ask for by name, or by naming their model."""
        return self._named(code) or tuple(name for name, kind in self._kinds.items() if kind.demanded())

    def _would_read(self, code: str, *, local: bool = False) -> str:
        """What to install so that a language is read, for people; `local`: by an engine of this machine."""
        ways = (kind.would_read(code) for kind in self._kinds.values() if kind.local or not local)
        return " or ".join(way for way in ways if way)
