"""Every kind of reader that READERS may name: the one table to which a new kind is added.

A kind knows when the settings ask for it, builds its readers for a language, and says what would have to
be installed. Nothing heavy is imported before a kind is used.
"""

from __future__ import annotations

from collections.abc import Callable

from backend.errors import SettingsWrong
from backend.models.promoted import PromotedModel
from backend.pipeline.ernie_kind import Ernie
from backend.pipeline.local_kinds import Paddle, Tesseract
from backend.pipeline.reader_kind import ReaderKind
from backend.readers.budget import Spender
from backend.readers.usage import Ledger
from backend.settings.settings import Settings

KINDS: dict[str, Callable[..., ReaderKind]] = {"tesseract": Tesseract, "paddle": Paddle, "ernie": Ernie}
"""Name in READERS to kind; local ones in order of trust."""


def kinds(
    settings: Settings,
    promoted: PromotedModel | None = None,
    *,
    load: bool = True,
    ledger: Ledger | None = None,
    budget: Spender | None = None,
) -> dict[str, ReaderKind]:
    """One of each kind, by name.

    Args:
        settings: name readers, models and servers.
        promoted: the trained recogniser that reads its languages; None where there is none.
        load: False where nothing will be read: engines are then found, and refused, without their models.
        ledger: keeps account of what calls of a server take; None where nobody does.
        budget: says whether one more of them may be made; None: always.

    Raises:
        SettingsWrong: READERS names a kind that there is not.
    """
    unknown = sorted({name for name in settings.readers if name not in KINDS})
    if unknown:
        raise SettingsWrong(
            f"READERS: no reader is named {', '.join(unknown)}; there are {', '.join(sorted(KINDS))}.",
            unknown=unknown,
        )
    return {
        name: kind(settings, promoted, load=load, ledger=ledger, budget=budget)
        for name, kind in KINDS.items()
    }
