"""What the panel asks of a kind of reader: when the settings want it, and how its readers are built."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from backend.models.promoted import PromotedModel
from backend.readers.budget import Spender
from backend.readers.usage import Ledger
from backend.seams import LineReader
from backend.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class ReaderSetup:
    """What a process builds its readers with; each kind takes what it needs.

    settings: name readers, models and servers.
    promoted: the trained recogniser that reads its languages; None where there is none.
    load: False where nothing will be read: engines are then found, and refused, without their models.
    ledger: keeps account of what calls of a server take; None where nobody does.
    budget: says whether one more of them may be made; None: always.
    """

    settings: Settings
    promoted: PromotedModel | None = None
    load: bool = True
    ledger: Ledger | None = None
    budget: Spender | None = None


class ReaderKind(Protocol):
    """One way to read lines; it builds a reader for each language and turn."""

    local: bool
    """It runs on this machine, and may be chosen when the settings name nobody."""
    family: str
    """Engines of one family can share an error, so that their agreement is one family's word: two prompts
    of one model, two pictures through one network, two models that were trained on the same data."""

    def turns(self) -> int:
        """How often it reads each line where READERS names nobody; 0 leaves that to who is at hand."""
        ...

    def demanded(self) -> bool:
        """Whether the settings name its server or its model, so that it may not be passed over in silence."""
        ...

    def at_hand(self) -> str:
        """What it could read with on this machine; part of the model version, as tasks name any language."""
        ...

    def prompts(self, language: str) -> tuple[str, ...]:
        """What its models are asked, so that an echo of it is recognised."""
        ...

    def would_read(self, language: str) -> str | None:
        """What to install or set so that it reads a language, for people; None where nothing helps."""
        ...

    def joins(self) -> tuple[str, ...]:
        """Codes of languages that it reads beside a server though nobody named it."""
        ...

    def build(self, language: str, turn: int, opened: ExitStack) -> LineReader:
        """Build a reader and begin to load it.

        Args:
            language: canonical code.
            turn: how often this kind reads the same line already; it looks in another way each time.
            opened: gets what ends the reader.

        Raises:
            ReaderUnavailable: it cannot read the language.
            SettingsWrong: a setting that it needs is missing or cannot work.
        """
        ...

    def close(self) -> None:
        """End what its readers share."""
        ...
