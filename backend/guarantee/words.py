"""A claim in words, for terminals, reports and manifests."""

from __future__ import annotations

from backend.guarantee.claims import Claim


def sentence(made: Claim) -> str:
    """What a claim says, in one or two sentences."""
    raise NotImplementedError
