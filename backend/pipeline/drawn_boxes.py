"""Boxes that annotators draw: read at once, ahead of every page, as far as their image is at hand.

A box waits neither for bulk pages nor for pages that others open, and not for boxes whose image is still
downloaded.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from backend.errors import Late, TwinreadError
from backend.fetching.download_queue import DownloadQueue
from backend.page.lines import Line, Page, ReadLine
from backend.pipeline.annotate import Panel, read_lines
from backend.pipeline.asking import TimeLimit, shown_s
from backend.pipeline.engines import EngineLoader
from backend.pipeline.page_reading import Given, fetched, job_of
from backend.pipeline.page_work import PageWork
from backend.pipeline.read_task import TaskPage, open_page, unexpected
from backend.pipeline.task_record import TaskRecord
from backend.tickets import Asker, Urgency

DRAWN_AT_ONCE = 16
"""Pages whose drawn boxes are read at once; each costs a thread that mostly waits, and a decoded page."""

JUDGING_S = 3.0
"""What it may take to open and judge drawn boxes beside the time that readers have, seconds."""

WHAT = "drawn boxes"
"""What failed of a task, on its record."""

Answers: TypeAlias = "list[ReadLine | TwinreadError]"


class DrawnBoxes:
    """Reads drawn boxes with the present engines; thread-safe."""

    def __init__(self, loader: EngineLoader, record: TaskRecord, downloads: DownloadQueue) -> None:
        """Prepare.

        Args:
            loader: lends engines.
            record: keeps what failed.
            downloads: fetches images that are not at hand.
        """
        self._loader = loader
        self._record = record
        self._work: PageWork[Answers] = PageWork(DRAWN_AT_ONCE, kept=1, kept_s=0, downloads=downloads)

    def read(self, page: TaskPage, lines: Sequence[Line], deadline_s: float, project: str) -> Answers:
        """As `Service.read_lines`."""
        source = self._loader.engines().source
        end = time.monotonic() + deadline_s

        def read(content: bytes, urgency: Urgency) -> Answers:
            with (
                self._loader.lend() as engines,
                engines.lend(page.language) as panel,
                open_page(replace(engines, source=Given(content)), page, urgency=urgency) as opened,
            ):
                return self._lines_of(page, opened, lines, replace(panel, limit=TimeLimit(end, deadline_s)))

        job = job_of(page, source, partial(fetched, self._loader, page), read)
        box = object()
        future = self._work.submit(box, job, Asker(project or box, box), opened=True)
        try:
            # the readers end at the deadline, and their answers are judged after it
            answers = future.result(deadline_s + JUDGING_S)
        except FutureTimeout as error:
            late = Late(f"The page of the box did not come within {shown_s(deadline_s)}; draw the box again.")
            # one that nobody has begun would only keep the next box waiting
            self._work.give_up(future, late)
            raise late from error
        except TwinreadError as error:
            self._record.failed(page.name, WHAT, error)
            raise
        except Exception as error:  # a drawn box is never lost to a library's error
            failure = unexpected(page.name, error)
            self._record.failed(page.name, WHAT, failure)
            raise failure from error
        self._record.mended(page.name, WHAT)
        return answers

    def close(self, wait_s: float) -> None:
        """As `PageWork.close`."""
        self._work.close(wait_s)

    def _lines_of(self, page: TaskPage, opened: Page, lines: Sequence[Line], panel: Panel) -> Answers:
        """Lines read together; each alone where a library fails over one of them."""
        try:
            return list(read_lines(opened, lines, panel, urgency=Urgency(urgent=True)))
        except Exception as error:
            failed = unexpected(page.name, error)
            if len(lines) == 1:
                raise failed from error
        read: Answers = []
        for line in lines:
            try:
                read += read_lines(opened, [line], panel, urgency=Urgency(urgent=True))
            except Exception as error:  # noqa: BLE001, PERF203 - it must not reach the lines beside it
                read.append(unexpected(page.name, error))
        if not any(isinstance(one, ReadLine) for one in read):
            raise failed
        return read
