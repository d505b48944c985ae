"""Every kind of reader that READERS may name: the one table to which a new kind is added.

A kind knows when the settings ask for it, builds its readers for a language, and says what would have to
be installed. Nothing heavy is imported before a kind is used.
"""

from __future__ import annotations

from collections.abc import Callable

from backend.errors import SettingsWrong
from backend.pipeline.ernie_kind import Ernie
from backend.pipeline.local_kinds import Paddle, Tesseract
from backend.pipeline.reader_kind import ReaderKind, ReaderSetup

KINDS: dict[str, Callable[[ReaderSetup], ReaderKind]] = {
    "tesseract": Tesseract,
    "paddle": Paddle,
    "ernie": Ernie,
}
"""Name in READERS to kind; local ones in order of trust."""


def kinds(setup: ReaderSetup) -> dict[str, ReaderKind]:
    """One of each kind, by name.

    Raises:
        SettingsWrong: READERS names a kind that there is not.
    """
    unknown = sorted({name for name in setup.settings.readers if name not in KINDS})
    if unknown:
        raise SettingsWrong(
            f"READERS: no reader is named {', '.join(unknown)}; there are {', '.join(sorted(KINDS))}.",
            unknown=unknown,
        )
    return {name: kind(setup) for name, kind in KINDS.items()}
