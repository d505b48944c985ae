"""What people must know of tasks, for the status and the log: why they failed, and notes about them."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

from backend.errors import Busy, Late, Stopping, TwinreadError, shortened

log = logging.getLogger(__name__)

LONGEST_SENTENCE = 1000
"""Characters of a reason or of notes that are kept."""

KEPT_TASKS = 200
"""Failed tasks that are listed, and tasks with notes; older ones are forgotten."""


class TaskRecord:
    """Failures and notes of tasks, until they are mended or gone; thread-safe."""

    def __init__(self, count: Callable[[TwinreadError], None] = lambda _: None) -> None:
        """Begin empty.

        Args:
            count: called with each failure.
        """
        self._count = count
        self._lock = threading.Lock()
        # by task, and of each task by what failed: a page, drawn boxes, or the task as a whole
        self._failures: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._notes: OrderedDict[str, str] = OrderedDict()

    @property
    def failures(self) -> dict[str, str]:
        """One sentence for each failed task, the newest first."""
        with self._lock:
            return {name: _sentence(failed) for name, failed in reversed(self._failures.items())}

    @property
    def notes(self) -> dict[str, str]:
        """The notes of tasks that have any, the newest first."""
        with self._lock:
            return dict(reversed(self._notes.items()))

    def failed(self, task: str, what: str, error: TwinreadError) -> None:
        """Note why something of a task failed; what is late, stopped or not taken yet has not failed.

        Args:
            task: how messages call it.
            what: the image of a page, or another name of what failed.
            error: why.
        """
        if isinstance(error, (Busy, Late, Stopping)):
            return
        why = shortened(str(error), LONGEST_SENTENCE)
        log.warning("%s: %s", task, why)
        self._count(error)
        what = _short_key(what)
        with self._lock:
            failed = self._failures.pop(task, {})
            failed.pop(what, None)
            self._failures[task] = {what: why, **failed}
            while len(self._failures) > KEPT_TASKS:
                self._failures.popitem(last=False)

    def mended(self, task: str, what: str) -> None:
        """Forget why something of a task failed; arguments as in `failed`."""
        with self._lock:
            failed = self._failures.get(task, {})
            failed.pop(_short_key(what), None)
            if not failed:
                self._failures.pop(task, None)

    def done(self, task: str, notes: str) -> None:
        """Forget every failure of a task that has a prediction now, and keep what there is to be known of it.

        Args:
            task: how messages call it.
            notes: sentences; empty where there is nothing.
        """
        notes = shortened(notes, LONGEST_SENTENCE)
        with self._lock:
            self._failures.pop(task, None)
            known = self._notes.pop(task, None)
            if notes:
                self._notes[task] = notes
            while len(self._notes) > KEPT_TASKS:
                self._notes.popitem(last=False)
        if notes and notes != known:
            log.warning("%s: %s", task, notes)


def _short_key(what: str) -> str:
    """What failed, by a digest where its name is long: an image that is written into a task has megabytes."""
    return (
        what if len(what) <= LONGEST_SENTENCE else hashlib.sha256(what.encode("utf-8", "replace")).hexdigest()
    )


def _sentence(failed: Mapping[str, str]) -> str:
    """Why a task failed: the last reason, and how many there are beside it."""
    last, *others = failed.values()
    return f"{last} ({len(others)} more of its pages failed.)" if others else last
