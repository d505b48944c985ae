"""Imports sheets, each once, whatever becomes of an import.

Label Studio makes a task of everything that it is sent, as often as it is sent, answers an import after the
work, and goes on with it when its client is gone. One import is stored whole or not at all. So every import
has a name that its sheets carry; it is noted before it is sent, and looked for where no answer came.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from backend.errors import LabelStudioFailed
from backend.import_note import ImportNote
from backend.label_studio.client import LabelStudio
from backend.sheets.sheet_tasks import BATCH

MOST = 250
"""Sheets in one import."""

LARGEST = 8_000_000
"""Bytes of sheets in one import, unless one alone is larger."""

LONGEST_S = 120.0
"""How long Label Studio is taken to be at work on an import that it gave no answer to, seconds."""

LOOK_S = 2.0
"""How often it is looked at meanwhile, seconds."""


class SheetImport:
    """Imports sheets into one line project; one at a time may do so."""

    def __init__(
        self,
        api: LabelStudio,
        project: int,
        notes: Path,
        *,
        longest_s: float = LONGEST_S,
        sleep: Callable[[float], object] = time.sleep,
        waits: Callable[[float], object] = lambda seconds: None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            api: Label Studio.
            project: the id of the line project.
            notes: a folder that outlives the run, for the note of an import.
            longest_s: how long Label Studio is at work on an import at most, once nobody waits for it.
            sleep: waits for so many seconds.
            waits: hears that an import of before is waited for, and how long at most, seconds.
        """
        self._api = api
        self._project = project
        self._note = ImportNote(notes, api.base_url, project)
        self._longest_s = longest_s
        self._sleep = sleep
        self._waits = waits

    def settle(self) -> None:
        """Wait until an import that nobody saw the end of is over, within bounds.

        Raises:
            LabelStudioFailed: Label Studio cannot be reached, or refused.
        """
        unfinished = self._note.read()
        if unfinished is not None:
            told = False
            while (left_s := unfinished.left_s(self._longest_s)) and not self._stored(unfinished.version):
                if not told:
                    self._waits(left_s)
                    told = True
                self._sleep(min(LOOK_S, left_s))
        self._note.remove()

    def store(self, sheets: Sequence[Mapping[str, Any]]) -> None:
        """Make tasks of the data of some sheets, those of one import.

        Args:
            sheets: as `sheet_data` writes them.

        Raises:
            LabelStudioFailed: Label Studio cannot be reached, or refused; none of them is stored. Where no
                answer came, that is certain only after the time in which Label Studio may be at work.
            OperatorError: no note can be kept, and nothing was sent.
        """
        batch = uuid4().hex
        tasks = [{"data": {**data, BATCH: batch}} for data in sheets]
        self._note.write(batch, ())
        try:
            self._api.import_tasks(self._project, tasks)
        except LabelStudioFailed as error:
            if error.facts.get("status") is None or error.facts.get("passing"):
                # no answer, or that of a server in between: Label Studio may be at work on it
                self.settle()
                if self._stored(batch):
                    return
                raise
            self._note.remove()
            raise
        self._note.remove()

    def _stored(self, batch: str) -> bool:
        return self._api.count_tasks(self._project, data={BATCH: batch}) > 0


def parts(sheets: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """What goes into one import each.

    Args:
        sheets: the data of each.
    """
    part: list[Mapping[str, Any]] = []
    size = 0
    for sheet in sheets:
        length = len(json.dumps(sheet))
        if part and (len(part) == MOST or size + length > LARGEST):
            yield part
            part, size = [], 0
        part.append(sheet)
        size += length
    if part:
        yield part
