"""Writes what is to become of pages, and looks at each page again until nothing is left to be done.

Label Studio cannot be told "only if nobody was faster". So pages are read in small batches right before they
are written, and again right after: an annotation that two runs made at once is removed once, and one gives
way to a person who submitted the page meanwhile. What a run does not come to, the next one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

import httpx

from backend.errors import LabelStudioFailed
from backend.label_studio.annotations import Json
from backend.label_studio.client import LabelStudio
from backend.sheets.made_annotations import made_in
from backend.sheets.page_outcomes import PageOutcome, PageState

PAGES = 20
"""Pages of a batch."""

AT_ONCE = 4
"""Pages that are written at the same time, because Label Studio takes 0.2 s and more for each."""

LOOKS = 4
"""How often a page is looked at before it is left to the next run, because others change it all the time."""

_OF_ALL_PAGES = (httpx.codes.UNAUTHORIZED, httpx.codes.TOO_MANY_REQUESTS)
"""Refusals that say nothing about one page."""

Judge = Callable[[Sequence[Json], frozenset[int]], Sequence[PageOutcome]]
"""What becomes of pages: of their tasks, and of those of them that somebody has a draft of."""


@dataclass(frozen=True, slots=True)
class PageFailure:
    """A page that Label Studio refused to write, and why; the others are written."""

    task: int
    why: str


@dataclass
class Writes:
    """Annotations that were made, changed and removed, and pages that could not be written."""

    made: int = 0
    changed: int = 0
    removed: int = 0
    failures: list[PageFailure] = field(default_factory=list)


def settle(
    api: LabelStudio, project: int, tasks: Sequence[int], judge: Judge, writes: Writes
) -> Iterator[PageOutcome]:
    """Do with pages what the rule says.

    Args:
        api: Label Studio.
        project: the id of the page project.
        tasks: the pages.
        judge: the rule.
        writes: what is written is counted here.

    Yields:
        How each page stands at last: with what was done to it as its state, where something was. Pages that
        could not be written are among the failures alone.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refuses the key. What was written stays.
    """
    for start in range(0, len(tasks), PAGES):
        yield from _settle_batch(api, project, tasks[start : start + PAGES], judge, writes)


def _settle_batch(
    api: LabelStudio, project: int, tasks: Sequence[int], judge: Judge, writes: Writes
) -> Iterator[PageOutcome]:
    wrote: dict[int, PageState] = {}
    unsettled = list(tasks)
    for look in range(LOOKS):
        begun = frozenset(
            int(task["id"]) for task in api.tasks(project, fields="task_only", begun=True, resolve_uri=False)
        )
        rows = api.tasks_by_id(project, unsettled, fields="all")
        there = {int(row["id"]) for row in rows}
        yield from (PageOutcome(task, PageState.GONE) for task in unsettled if task not in there)
        to_write: list[PageOutcome] = []
        for outcome in judge(rows, begun):
            if outcome.is_settled or look == LOOKS - 1:
                yield outcome.after(wrote.get(outcome.task))
            else:
                to_write.append(outcome)
        # Ctrl-C waits for what is on its way, so that it is counted
        with ThreadPoolExecutor(AT_ONCE) as threads:
            done = list(threads.map(_Writer(api, writes).is_written, to_write))
        written = [outcome for outcome, is_written in zip(to_write, done, strict=True) if is_written]
        wrote.update((outcome.task, outcome.state) for outcome in written)
        unsettled = [outcome.task for outcome in written]
        if not unsettled:
            return


class _Writer:
    """Writes pages, several at once, and counts what was written."""

    def __init__(self, api: LabelStudio, writes: Writes) -> None:
        self._api = api
        self._writes = writes
        self._lock = Lock()

    def is_written(self, outcome: PageOutcome) -> bool:
        """Do what the rule says of a page; False where Label Studio refuses this one page."""
        try:
            self._write(outcome)
        except LabelStudioFailed as error:
            status = error.facts.get("status")
            if not isinstance(status, int) or not 400 <= status < 500 or status in _OF_ALL_PAGES:
                raise
            with self._lock:
                self._writes.failures.append(PageFailure(outcome.task, str(error)))
            return False
        return True

    def _write(self, outcome: PageOutcome) -> None:
        """What a person touched in the last moments is left to the next look."""
        new = outcome.annotation
        if new is not None and outcome.existing is None:
            self._api.create_annotation(outcome.task, new.result, **new.fields)
            self._count(made=1)
        elif new is not None and outcome.existing is not None and self._is_untouched(outcome.existing):
            self._api.update_annotation(outcome.existing, new.result, **new.fields)
            self._count(changed=1)
        for annotation in outcome.remove:
            if self._is_untouched(annotation):
                self._api.delete_annotation(annotation)
                self._count(removed=1)

    def _is_untouched(self, annotation: int) -> bool:
        """Whether an annotation is there, and as twinread made it."""
        now = self._api.annotation(annotation)
        return now is not None and made_in(now) is not None

    def _count(self, made: int = 0, changed: int = 0, removed: int = 0) -> None:
        with self._lock:
            self._writes.made += made
            self._writes.changed += changed
            self._writes.removed += removed
