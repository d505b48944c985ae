"""The sample of pages that go to page review whole: what sheets never show is seen there; pure.

A sheet shows doubtful lines alone. Lines that nobody found, and lines that two readers misread alike, are
seen by who looks at a whole page. Which pages that are follows from their numbers, so that every run, and
whoever counts, means the same ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampled:
    """The sample of a project.

    share: of the pages, 0 to 1, as the line project says.
    pages: the ids of the tasks in it.
    reviewed: those of them that somebody submitted.
    """

    share: float
    pages: frozenset[int]
    reviewed: frozenset[int]


def sampled_pages(project: int, tasks: Iterable[int], share: float) -> frozenset[int]:
    """The tasks of a page project that are in its sample.

    Args:
        project: the id of the page project.
        tasks: the ids of its pages that were read.
        share: of the pages, 0 to 1. Of any share above 0 at least one page is taken.
    """
    drawn = {task: _place(project, task) for task in tasks}
    if not drawn or share <= 0:
        return frozenset()
    chosen = {task for task, place in drawn.items() if place < share}
    return frozenset(chosen or {min(drawn, key=lambda task: (drawn[task], task))})


def sampled(project: int, pages: Mapping[int, bool], share: float) -> Sampled:
    """The sample, and how much of it is done; for `twinread status`.

    Args:
        project: the id of the page project.
        pages: for each task that was read or submitted, whether somebody submitted it.
        share: as `LineProject.sample` has it.
    """
    chosen = sampled_pages(project, pages, share)
    return Sampled(share, chosen, frozenset(task for task in chosen if pages[task]))


def _place(project: int, task: int) -> float:
    """A number from 0 to 1 that a page has by chance, and keeps."""
    digest = hashlib.sha256(f"{project}/{task}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
