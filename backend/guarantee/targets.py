"""The share of wrong lines that a team accepts, as people write it."""

from __future__ import annotations

from backend.errors import BadRequest


def target_of(written: str) -> float:
    """The share that a text says: `1%`, `1 %` or `0.01`.

    Returns:
        Over 0 and under 1.

    Raises:
        BadRequest: it says no share, or one that cannot be a target.
    """
    number = written.strip().replace(",", ".")
    try:
        # in decimal, so that 1% is 0.01 to the last digit
        share = float(f"{number[:-1].strip()}e-2" if number.endswith("%") else number)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise BadRequest(
            f"{written!r} is no share of wrong lines that can be shown: write such as 1% or 0.01, more than "
            "0 and less than 100%."
        )
    return share
