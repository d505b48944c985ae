"""Stores predictions in Label Studio, each once, whatever becomes of an import.

Label Studio does not de-duplicate, answers an import after the work, and goes on with it when its client is
gone. One import is stored whole or not at all. So: look which tasks have a prediction already, note the
import, send it, look again where no answer came; what comes through later all the same, `surplus` removes.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from backend.bulk.tasks import has_version
from backend.errors import LabelStudioFailed
from backend.import_note import ImportNote, Unfinished
from backend.label_studio.client import LabelStudio, Row
from backend.pipeline.read_task import Prediction

MOST = 500
"""Predictions in one import; Label Studio may store a longer one in parts."""

LARGEST = 16_000_000
"""Bytes of predictions in one import, unless one alone is larger."""

LONGEST_S = 120.0
"""How long Label Studio is taken to be at work on an import that it gave no answer to, seconds."""

LOOK_S = 2.0
"""How often it is looked at meanwhile, seconds."""

PAUSES_S = (2.0, 5.0, 10.0)
"""Waits between attempts at an import that Label Studio failed at: SQLite may be locked, for example."""

NOBODYS = (
    httpx.codes.UNAUTHORIZED,
    httpx.codes.FORBIDDEN,
    httpx.codes.NOT_FOUND,
    httpx.codes.TOO_MANY_REQUESTS,
)
"""Refusals that no single prediction is the reason of."""

REFUSED = 3
"""So many predictions refused one by one, and none stored, are not the predictions' fault."""

UNKEPT = re.compile(r"\\u(0000|d[89a-f][0-9a-f]{2})")
"""What JSON can write and a database cannot keep: NUL, and half of a character."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of predictions, by the ids of their tasks.

    stored: they are in Label Studio now.
    already: their tasks had one of this version.
    gone: their tasks were deleted meanwhile.
    dropped: what Label Studio does not take, and why.
    """

    stored: tuple[int, ...] = ()
    already: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    dropped: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A prediction on its way.

    content: as Label Studio's import takes it.
    size: of its JSON, bytes.
    unkept: what in it no database keeps, as JSON writes it; empty where there is no such thing.
    """

    task: int
    version: str
    content: Mapping[str, Any]
    size: int
    unkept: str

    @classmethod
    def of(cls, task: int, made: Prediction) -> _Sent:
        content = {"task": task, **made.answer()}
        written = json.dumps(content)
        found = UNKEPT.search(written)
        return cls(task, made.model_version, content, len(written), found[0] if found else "")


@dataclass(slots=True)
class _Outcome:
    """What is known of the predictions of one call so far."""

    new: set[int] = field(default_factory=set)
    already: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    dropped: dict[int, str] = field(default_factory=dict)
    refused: int = 0


class Uploader:
    """Stores predictions of one project; one at a time may do so."""

    def __init__(
        self,
        api: LabelStudio,
        project: int,
        notes: Path,
        *,
        longest_s: float = LONGEST_S,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            api: Label Studio.
            project: the id of the project.
            notes: a folder that outlives the run, for the note of an import.
            longest_s: how long Label Studio is at work on an import at most, once nobody waits for it.
            sleep: waits for so many seconds.
        """
        self._api = api
        self._project = project
        self._note = ImportNote(notes, api.base_url, project)
        self._longest_s = longest_s
        self._sleep = sleep
        self._new: set[int] = set()

    def settle(self) -> None:
        """Wait until an import that nobody saw the end of is over, within bounds.

        Raises:
            LabelStudioFailed: Label Studio cannot be reached, or refused.
        """
        unfinished = self._note.read()
        if unfinished is not None:
            self._wait_for(unfinished)
        self._note.remove()

    def store(self, predictions: Sequence[Prediction]) -> Stored:
        """Store predictions of tasks that have none of their version.

        The same predictions may be given again after an error: what was stored is not stored twice.

        Args:
            predictions: with the ids of their tasks; of one task only the first counts.

        Raises:
            LabelStudioFailed: Label Studio cannot be reached, or refused all of them.
            OperatorError: no note can be kept.
        """
        self.settle()
        outcome = _Outcome(new=self._new)
        first = {made.task: made for made in reversed(predictions) if made.task is not None}
        for part in _parts(_Sent.of(task, first[task]) for task in sorted(first)):
            self._store(part, outcome)
        # a call that ended with an error stored these, and they are told now
        self._new = set()
        return Stored(
            tuple(sorted(outcome.new)),
            tuple(sorted(outcome.already - outcome.new)),
            tuple(sorted(outcome.gone)),
            dict(sorted(outcome.dropped.items())),
        )

    def _store(self, rows: Sequence[_Sent], outcome: _Outcome, *, sent: bool = False) -> None:
        """Store what fits into one import, or say of each why it cannot be; halves it to find culprits."""
        rows = self._wanted(rows, outcome, sent=sent)
        failure = self._import(rows, outcome) if rows else None
        for pause_s in PAUSES_S if len(rows) == 1 or not sent else ():
            if failure is None or not _is_servers(failure):
                break
            self._sleep(pause_s)
            # it may have stored them before it failed
            rows = self._wanted(rows, outcome, sent=True)
            failure = self._import(rows, outcome) if rows else None
        if failure is None:
            return
        if len(rows) == 1:
            self._blame(rows[0], failure, outcome)
            return
        half = (len(rows) + 1) // 2
        self._store(rows[:half], outcome, sent=True)
        self._store(rows[half:], outcome, sent=True)

    def _blame(self, row: _Sent, error: LabelStudioFailed, outcome: _Outcome) -> None:
        """A prediction that Label Studio refuses when it comes alone."""
        outcome.refused += 1
        if outcome.refused == REFUSED and not outcome.new:
            raise error
        why = error.facts.get("detail") or error
        outcome.dropped[row.task] = f"Label Studio refused the prediction of task {row.task}: {why}"

    def _import(self, rows: Sequence[_Sent], outcome: _Outcome) -> LabelStudioFailed | None:
        """Send one import, and see what it did; gives a refusal that may be one prediction's fault."""
        tasks = [row.task for row in rows]
        try:
            kept = self._api.import_predictions(
                self._project,
                [row.content for row in rows],
                about_to_send=partial(self._note.write, rows[0].version, tasks),
            )
        except LabelStudioFailed as error:
            status = error.facts.get("status")
            if status is None or error.facts.get("passing"):
                # no answer, or that of a server in between: Label Studio may be at work on it
                self.settle()
                if not self._wanted(rows, outcome, sent=True):
                    return None
                raise
            self._note.remove()
            if status in NOBODYS:
                raise
            return error
        self._note.remove()
        for misfit in kept.left_out:
            if misfit.task is not None:
                outcome.dropped[misfit.task] = misfit.sentence
        fitting = [row for row in rows if row.task not in outcome.dropped]
        if kept.dropped:
            for row in self._wanted(fitting, outcome, sent=True):
                outcome.dropped[row.task] = (
                    f"Label Studio dropped the prediction of task {row.task} and gave no reason. Was the "
                    "labeling config changed meanwhile? Its log may say more."
                )
        known = outcome.dropped.keys() | outcome.gone
        outcome.new.update(row.task for row in fitting if row.task not in known)
        return None

    def _wanted(self, rows: Sequence[_Sent], outcome: _Outcome, *, sent: bool = False) -> list[_Sent]:
        """Those that are to be stored still; what the others are is noted.

        Args:
            rows: what is asked about.
            outcome: takes what is known of the others.
            sent: we sent them, so that what is stored is ours.
        """
        fine = []
        for row in rows:
            if row.unkept:
                outcome.dropped[row.task] = (
                    f"The prediction of task {row.task} holds what no database keeps ({row.unkept})."
                )
            else:
                fine.append(row)
        there = {int(found["id"]): found for found in self._rows_of([row.task for row in fine])}
        outcome.gone.update(row.task for row in fine if row.task not in there)
        wanted = []
        for row in fine:
            if row.task not in there:
                continue
            if not has_version(self._api, there[row.task], row.version):
                wanted.append(row)
            else:
                (outcome.new if sent else outcome.already).add(row.task)
        return wanted

    def _rows_of(self, tasks: Sequence[int]) -> list[Row]:
        return self._api.tasks_by_id(self._project, tasks)

    def _wait_for(self, unfinished: Unfinished) -> None:
        """Wait until an import is stored, or can no longer be."""
        while left_s := unfinished.left_s(self._longest_s):
            rows = self._rows_of(unfinished.tasks)
            having = sum(has_version(self._api, row, unfinished.version) for row in rows)
            # it is stored whole or not at all; an annotator may have opened a page, and some may not fit
            if 2 * having >= len(rows):
                return
            self._sleep(min(LOOK_S, left_s))


def _is_servers(failure: LabelStudioFailed) -> bool:
    """Whether a refusal is a failure of the server, which may pass."""
    status = failure.facts.get("status")
    return isinstance(status, int) and status >= httpx.codes.INTERNAL_SERVER_ERROR


def _parts(rows: Iterable[_Sent]) -> Iterator[list[_Sent]]:
    """What goes into one import each, of one version."""
    part: list[_Sent] = []
    size = 0
    for row in rows:
        if part and (len(part) == MOST or size + row.size > LARGEST or row.version != part[0].version):
            yield part
            part, size = [], 0
        part.append(row)
        size += row.size
    if part:
        yield part
