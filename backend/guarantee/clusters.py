"""How much errors gather on pages, by the analysis of variance of the audited lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

from backend.guarantee.lots import Lot

FEWEST_WRONG: Final = 5
"""Wrong lines. Fewer show nothing: two on a page by chance would look as if all errors gathered there."""


def design_effect(lot: Lot) -> float:
    """How many times as many lines an audit of whole pages would need (Kish, Survey Sampling, 1965).

    Errors on one page resemble each other. The likeness (intraclass correlation) is that of the analysis of
    variance among audited lines of the same page; the size of a page is that of the lot's.

    Returns:
        1.0 where errors do not gather, or the answers cannot show it.
    """
    pages: dict[int, list[bool]] = defaultdict(list)
    for line in lot.lines:
        if line.right is not None:
            pages[line.page].append(not line.right)
    audited = sum(map(len, pages.values()))
    wrong = sum(map(sum, pages.values()))
    if audited == len(pages) or len(pages) < 2 or wrong < FEWEST_WRONG:
        return 1.0
    mean = wrong / audited
    between = sum(len(page) * (sum(page) / len(page) - mean) ** 2 for page in pages.values())
    within = sum(sum(page) * (1 - sum(page) / len(page)) for page in pages.values())
    between_mean = between / (len(pages) - 1)
    within_mean = within / (audited - len(pages))
    usual = (audited - sum(len(page) ** 2 for page in pages.values()) / audited) / (len(pages) - 1)
    spread = between_mean + (usual - 1) * within_mean
    if spread <= 0:
        return 1.0
    likeness = (between_mean - within_mean) / spread
    sizes = Counter(line.page for line in lot.lines).values()
    weighed = sum(size**2 for size in sizes) / len(lot.lines)
    return max(1.0, 1 + (weighed - 1) * likeness)
