"""Collects what people decided on sheets, when Label Studio tells that a sheet was submitted.

A webhook only notes the line project; a thread collects a moment later, one project at a time, and once for
all sheets that were submitted meanwhile. It waits the longer the longer collecting takes, so that a large
project does not keep Label Studio busy.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from math import inf

from backend.errors import TwinreadError
from backend.one_run import RunUnderWay, only_run
from backend.server.protocol import WebhookBody
from backend.settings import connect
from backend.settings.settings import Settings
from backend.sheets.collecting import FOLDER, Collected, collect
from backend.sheets.line_project import read_mark
from backend.sheets.line_webhook import ACTIONS
from backend.sheets.page_context import page_context

log = logging.getLogger(__name__)

WAIT_S = 3.0
"""How long after a sheet was submitted, seconds: Label Studio tells of an answer before it has stored it."""

MOST_NOTED = 1000
"""Line projects that wait to be collected at most; whoever sends webhooks about others fills no memory."""

REST = 4
"""A project is collected again after so many times the time that it took."""


class SheetCollector:
    """Collects for one backend; several with one CACHE_DIR take turns."""

    def __init__(
        self,
        settings: Settings,
        wait_s: float = WAIT_S,
        collected: Callable[[int, Collected], object] = lambda pages, found: None,
    ) -> None:
        """Take what collecting needs; nothing is started.

        Args:
            settings: where Label Studio and the cache are.
            wait_s: how long to wait after a webhook, seconds.
            collected: is told the page project, and what was done.
        """
        self._settings = settings
        self._wait_s = wait_s
        self._collected = collected
        self._woken = threading.Condition()
        self._noted: dict[tuple[int, int], float] = {}
        """Page projects and line projects with new answers, and when to collect them."""
        self._rested: dict[int, float] = {}
        """When a line project may be collected again."""
        self._thread: threading.Thread | None = None

    def note(self, body: WebhookBody) -> None:
        """Collect soon, in the background, where a webhook tells of a sheet; returns at once."""
        if body.action not in ACTIONS or self._settings.label_studio_api_key is None:
            return
        found = read_mark(body.project) if isinstance(body.project, dict) and body.project_id else None
        if found is not None:
            self._note(found.pages, found.project)

    def _note(self, pages: int, sheets: int) -> None:
        with self._woken:
            if len(self._noted) >= MOST_NOTED:
                return
            soon = time.monotonic() + self._wait_s
            self._noted.setdefault((pages, sheets), max(soon, self._rested.get(sheets, -inf)))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="sheets", daemon=True)
                self._thread.start()
            self._woken.notify()

    def _work(self) -> None:
        while True:
            with self._woken:
                while not self._noted:
                    self._woken.wait()
                (pages, sheets), due = min(self._noted.items(), key=lambda noted: noted[1])
                if (left := due - time.monotonic()) > 0:
                    self._woken.wait(left)
                    continue
                # sheets that are submitted from now on are collected by the next run
                del self._noted[pages, sheets]
            begun = time.monotonic()
            again = False
            try:
                self._collect(pages, sheets)
            except RunUnderWay:
                again = True
            except TwinreadError as error:
                log.warning("Sheets of project %s were not collected: %s", pages, error)
            except Exception:
                # the thread is to live as long as the backend
                log.exception("Sheets of project %s were not collected.", pages)
            taken = time.monotonic() - begun
            with self._woken:
                now = time.monotonic()
                self._rested = {each: due for each, due in self._rested.items() if due > now}
                self._rested[sheets] = now + REST * taken
            if again:
                self._note(pages, sheets)

    def _collect(self, pages: int, sheets: int) -> None:
        values = self._settings
        address = str(values.label_studio_url)
        with (
            only_run(values.cache_dir, address, pages, folder=FOLDER),
            connect.label_studio(values) as api,
        ):
            line_project, context = page_context(
                api, pages, values.label_names, values.ocr_language, values.text_style, sheets
            )
            done = collect(api, line_project.project, context)
        log.info(
            "Project %s: of answers on sheets %s pages were approved, %s changed, %s taken back.",
            pages,
            done.writes.made,
            done.writes.changed,
            done.writes.removed,
        )
        for failure in done.writes.failures:
            log.warning("Project %s, task %s: %s", pages, failure.task, failure.why)
        self._collected(pages, done)
