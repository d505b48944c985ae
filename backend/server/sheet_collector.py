"""Collects what people decided on sheets, when Label Studio tells that a sheet was submitted.

A webhook only notes the line project; a thread collects a moment later, one project at a time, and once for
all sheets that were submitted meanwhile. It waits the longer the longer collecting takes, so that a large
project does not keep Label Studio busy.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from backend.errors import TwinreadError
from backend.guarantee.claims import Claim
from backend.one_run import RunUnderWay, only_run
from backend.server.protocol import WebhookBody
from backend.server.soon import Soon
from backend.settings import connect
from backend.settings.settings import Settings
from backend.sheets.collecting import FOLDER, Collected, collect
from backend.sheets.line_project import read_mark
from backend.sheets.line_webhook import ACTIONS
from backend.sheets.page_context import page_context
from backend.sheets.page_outcomes import PageContext
from backend.sheets.project_claims import project_claims

log = logging.getLogger(__name__)

WAIT_S = 3.0
"""How long after a sheet was submitted, seconds: Label Studio tells of an answer before it has stored it."""

REST = 4
"""A project is collected again after so many times the time that it took."""


class SheetCollector:
    """Collects for one backend; several with one CACHE_DIR take turns."""

    def __init__(
        self,
        settings: Settings,
        wait_s: float = WAIT_S,
        collected: Callable[[int, Collected], object] = lambda pages, found: None,
        claimed: Callable[[int, list[Claim]], object] = lambda pages, claims: None,
    ) -> None:
        """Take what collecting needs; nothing is started.

        Args:
            settings: where Label Studio and the cache are.
            wait_s: how long to wait after a webhook, seconds.
            collected: is told the page project, and what was done.
            claimed: is told the page project, and what its audits say now; nothing of one without audits.
        """
        self._settings = settings
        self._collected = collected
        self._claimed = claimed
        self._audited: set[int] = set()
        """Page projects whose claims were told: they change even when the last answer is withdrawn."""
        self._answered: Soon[tuple[int, int]] = Soon(
            "sheets", self._work, wait_s=wait_s, rest_s=lambda taken: REST * taken
        )

    def note(self, body: WebhookBody) -> None:
        """Collect soon, in the background, where a webhook tells of a sheet; returns at once."""
        if body.action not in ACTIONS or self._settings.label_studio_api_key is None:
            return
        found = read_mark(body.project) if isinstance(body.project, dict) and body.project_id else None
        if found is not None:
            self._answered.note((found.pages, found.project))

    def _work(self, noted: tuple[int, int]) -> bool:
        """Collect one line project; True where another run does so now, and may have missed an answer."""
        pages, sheets = noted
        try:
            self._collect(pages, sheets)
        except RunUnderWay:
            return True
        except TwinreadError as error:
            log.warning("Sheets of project %s were not collected: %s", pages, error)
        return False

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
        if done.audited or pages in self._audited:
            self._audited.add(pages)
            self._tell_claims(context, line_project.project)

    def _tell_claims(self, context: PageContext, sheets: int) -> None:
        """Tell what audits say. Every page is read for it, which is spared a project without audits."""
        pages, target = context.project, self._settings.audit_target
        try:
            with connect.label_studio(self._settings) as api:
                found = project_claims(api, pages, context.config, context.rules, target, sheets)
        except TwinreadError as error:
            log.warning("What the audits of project %s say now is not known: %s", pages, error)
            return
        for alarm in filter(None, (each.alarm for each in found)):
            log.warning("%s", alarm)
        self._claimed(pages, [each.claim for each in found if each.answered])
