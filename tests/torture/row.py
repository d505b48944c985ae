"""One line of the table: what was done, what is promised, what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Row:
    """A promise and its measurement; `held` says whether the one kept to the other."""

    what: str
    promised: str
    measured: str
    held: bool


@dataclass(frozen=True, slots=True)
class Run:
    """What a part is given.

    code: the checkout whose backend is attacked.
    folder: for logs, stores and caches; empty.
    minutes: length of the mixed load.
    bodies: how many fuzzed bodies.
    kills: how many kills for each kind of store.
    """

    code: Path
    folder: Path
    minutes: float
    bodies: int
    kills: int

    def say(self, words: str) -> None:
        """Progress, for whoever watches."""
        print(f"  ... {words}", flush=True)


Part: TypeAlias = Callable[[Run], Iterator[Row]]
"""Yields each row as soon as it is measured: a part that is ended early has told what it knew."""


def at_most(what: str, limit: float, measured: float, unit: str, note: str = "") -> Row:
    """A row whose figure must not be above a limit."""
    told = f"{measured:,.1f} {unit}" if isinstance(measured, float) else f"{measured:,} {unit}"
    return Row(what, f"at most {limit:,g} {unit}", f"{told}{note and f'; {note}'}", measured <= limit)
