"""Shares and error rates with their 95 % intervals; pure.

Both take lines as independent of each other. Lines of one page are a little alike, so that the true
intervals are a little wider.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from converters.shared.text_errors import character_edits

Z = 1.959964
"""The normal distribution's 97.5 % point: 95 % of it lie between -Z and Z."""

Interval = tuple[float, float]


@dataclass(slots=True)
class Share:
    """How many of how many; of none at all there is no share, and it is not 0 %."""

    hits: int = 0
    of: int = 0

    def add(self, hit: bool) -> None:
        """Count one more."""
        self.hits += hit
        self.of += 1

    def __add__(self, other: Share) -> Share:
        return Share(self.hits + other.hits, self.of + other.of)

    @property
    def value(self) -> float | None:
        """The share, 0 to 1."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's score interval, 95 %.

        (p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n), from E. B. Wilson, "Probable inference, the
        law of succession, and statistical inference", Journal of the American Statistical Association
        22 (1927), 209-212. It stays within 0 to 1 and holds for few lines and shares near 1, where
        p ± z·√(p(1-p)/n) does not (Brown, Cai, DasGupta, Statistical Science 16 (2001), 101-133).
        """
        if not self.of:
            return None
        count, share = self.of, self.hits / self.of
        middle = share + Z * Z / (2 * count)
        reach = Z * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
        whole = 1 + Z * Z / count
        return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)

    def summary(self) -> dict[str, Any]:
        """For machines; null where there is nothing to count."""
        return {
            "share": _rounded(self.value),
            "hits": self.hits,
            "of": self.of,
            "interval": _rounded_pair(self.interval),
        }


@dataclass(slots=True)
class ErrorRate:
    """Character error rate (CER) of texts against the approved ones, over all lines together.

    Edits are Levenshtein's: a character put in, left out or replaced counts 1. Characters are code
    points after NFC with every space plain; case and punctuation count. The rate is all edits over all
    approved characters, so that long lines weigh more, and may exceed 1.
    """

    lines: int = 0
    exact: int = 0
    edits: int = 0
    characters: int = 0
    edits_squared: int = 0
    characters_squared: int = 0
    product: int = 0

    def add(self, text: str, approved: str) -> None:
        """Count one line.

        Args:
            text: as it was read or filled in, in plain form (`cleaning.plain_text`).
            approved: as a person approved it, in plain form.
        """
        edits, characters = character_edits(text, approved), len(approved)
        self.lines += 1
        self.exact += text == approved
        self.edits += edits
        self.characters += characters
        self.edits_squared += edits * edits
        self.characters_squared += characters * characters
        self.product += edits * characters

    def __add__(self, other: ErrorRate) -> ErrorRate:
        return ErrorRate(
            self.lines + other.lines,
            self.exact + other.exact,
            self.edits + other.edits,
            self.characters + other.characters,
            self.edits_squared + other.edits_squared,
            self.characters_squared + other.characters_squared,
            self.product + other.product,
        )

    @property
    def value(self) -> float | None:
        """Edits per approved character."""
        return self.edits / self.characters if self.characters else None

    @property
    def edits_per_line(self) -> float | None:
        """Edits of a line in the mean, lines without any included."""
        return self.edits / self.lines if self.lines else None

    @property
    def exact_lines(self) -> Share:
        """Lines that were right letter for letter."""
        return Share(self.exact, self.lines)

    @property
    def interval(self) -> Interval | None:
        """95 % interval of a ratio of two sums over lines.

        r ± z·√(Σ(eᵢ - r·nᵢ)² / (m(m-1))) / n̄ for lines i of m with eᵢ edits and nᵢ characters, from
        W. G. Cochran, Sampling Techniques, 3rd edition (1977), section 6.4. None for fewer than two
        lines, and where not one edit was seen, because then nothing tells how they scatter.
        """
        if self.lines < 2 or not self.characters or not self.edits:
            return None
        rate = self.edits / self.characters
        scatter = self.edits_squared - 2 * rate * self.product + rate * rate * self.characters_squared
        deviation = math.sqrt(max(scatter, 0.0) / (self.lines * (self.lines - 1)))
        reach = Z * deviation * self.lines / self.characters
        return max(0.0, rate - reach), rate + reach

    def summary(self) -> dict[str, Any]:
        """For machines; null where there is nothing to count."""
        return {
            "cer": _rounded(self.value),
            "interval": _rounded_pair(self.interval),
            "edits": self.edits,
            "characters": self.characters,
            "lines": self.lines,
            "exact": self.exact_lines.summary(),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _rounded_pair(pair: Interval | None) -> list[float] | None:
    return None if pair is None else [round(pair[0], 6), round(pair[1], 6)]
