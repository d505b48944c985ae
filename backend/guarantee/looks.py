"""When the audit is looked at, and the chance of error that each look may spend."""

from __future__ import annotations

from typing import Final

CONFIDENCE: Final = 0.95
"""Of a claim: the chance that none of its looks says less than the truth is at least this."""

LADDER: Final = (64, 128, 256, 512, 1024, 2048, 4096, 8192)
"""Sizes of the samples at which a claim is made, lines. Looks in between would cost confidence."""

ALPHA: Final = 0.006
"""Chance of error of the bound for a whole lot at each look. Without a wrong line it comes to 2 % at 256
lines, 1 % at 512 and 0.5 % at 1,024. The chance that any look at a lot errs is then 3.5 % at most, whatever
the true rate is: computed exactly, look by look, by tests/parts/look_errors.py."""

PART_ALPHA: Final = 0.0018
"""Chance of error of each look for the parts of a lot with the highest scores: what eight looks have left."""


def looks(lot: int) -> list[int]:
    """The sizes at which a lot is looked at: the ladder, and the whole lot where it is no larger."""
    steps = [size for size in LADDER if size < lot]
    return [*steps, lot] if 0 < lot <= LADDER[-1] else steps
