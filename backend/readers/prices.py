"""Prices of an ERNIE server, and what its tokens cost at them."""

from __future__ import annotations

from dataclasses import dataclass

from backend.readers.usage import Usage

PER = 1_000_000
"""Tokens that a price is for."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of a million tokens.

    input, output: None each where no price is set.
    cached_input: of input that the server had at hand; None: as any other.
    currency: of all of them, as shown to people.
    """

    input: float | None = None
    output: float | None = None
    cached_input: float | None = None
    currency: str = "USD"

    @property
    def known(self) -> bool:
        """Whether costs can be told."""
        return self.input is not None and self.output is not None

    def cost(self, usage: Usage) -> float | None:
        """What tokens cost, in the currency; None where no price is set. Unmetered calls count as nothing."""
        if self.input is None or self.output is None:
            return None
        cached = self.input if self.cached_input is None else self.cached_input
        fresh = usage.input_tokens - usage.cached_tokens
        paid = fresh * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output
        return paid / PER

    def most(self, input_tokens: int, output_tokens: int) -> float:
        """What so many tokens cost at most, whatever of them is cached; 0 where no price is set."""
        input_price = max(self.input or 0.0, self.cached_input or 0.0)
        return (input_tokens * input_price + output_tokens * (self.output or 0.0)) / PER

    def shown(self, money: float | None) -> str:
        """An amount for people, such as `0.0231 USD`; empty where no price is set."""
        if money is None:
            return ""
        return f"{money:,.2f} {self.currency}" if money >= 10 else f"{money:,.4f} {self.currency}"
