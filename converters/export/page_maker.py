"""Page by page: its image fetched, its files taken over from an earlier export or made anew.

Threads do this, since they mostly wait; what makes a page is called in processes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend.errors import BadImage, ImageRefused, ImageUnreachable
from backend.label_studio.second_reading import B_IS_RIGHT
from backend.seams import PageSource
from converters.export.page_jobs import PageJob
from converters.export.page_records import EarlierPages, PageRecord
from converters.export.staging import Staging
from converters.export.write_page import PageOptions, Place, Work, without_image
from converters.reviewed.line_rules import Rules
from converters.reviewed.reasons import LeftOutReason

VERSION = 5
"""Counts up when the same annotation of the same image comes to other files, so that pages are made anew."""

SAME_PICTURES = 4
"""Since this version files show the same and are only packed in another way: a page whose image cannot be had
now, or is not to be read, stays as an export of then made it."""


@dataclass(frozen=True, slots=True)
class PageResult:
    """A page's record, and whether its files were taken over from an earlier export.

    unreachable: why its image could not be had, where the page was kept nevertheless.
    """

    record: PageRecord
    taken_over: bool = False
    unreachable: str | None = None


class PageMaker:
    """Makes pages; safe between threads."""

    def __init__(
        self,
        source: PageSource,
        staging: Staging,
        rules: Rules,
        options: PageOptions,
        earlier: Sequence[EarlierPages],
        work: Work,
    ) -> None:
        """Prepare.

        Args:
            source: gives the images.
            staging: the dataset that is being written.
            rules: how regions are judged.
            options: what is written.
            earlier: whose files are taken over where nothing changed, the first that has them.
            work: calls `write_page`.
        """
        self._source = source
        self._staging = staging
        self._place = Place(staging.folder, staging.out, rules, options)
        self._earlier = tuple(earlier)
        self._work = work
        # a set has another order in every run
        decisive = (replace(rules, labels=None), sorted(rules.labels or ["\0every"]), options)
        self.settings, self.settings_before = (
            hashlib.sha256(repr((version, *decisive)).encode()).hexdigest()
            for version in (VERSION, SAME_PICTURES)
        )
        """Hash of everything beside the task that decides what is written, now and since `SAME_PICTURES`."""

    def make(self, job: PageJob) -> PageResult:
        """Write a page's crops, and the page itself where detection is wanted.

        An image that cannot be had leaves its regions out, each with that reason; where it is only out of
        reach, and the dataset in place has the page as it would be made, that page is kept.

        Raises:
            CannotWrite: the dataset's folder refuses.
            OperatorError: Label Studio refuses our key, or settings lack; the export cannot go on.
        """
        state = _state(job, self.settings, self._place.rules)
        if job.reference is None:
            return PageResult(
                without_image(
                    job, self._place.rules, state, job.problem or LeftOutReason.NO_IMAGE, job.sentence
                )
            )
        try:
            data = self._source.fetch(job.reference, task_id=_number(job.task))
        except (ImageRefused, ImageUnreachable, BadImage) as error:
            # only the image is out of reach: what was made of it is what would be made of it
            places = [*self._earlier, self._staging.dataset] if isinstance(error, ImageUnreachable) else []
            kept = self._taken_over(
                places, job.key, (state, _state(job, self.settings_before, self._place.rules))
            )
            if kept is not None:
                return PageResult(_of(job, kept), taken_over=True, unreachable=str(error))
            return PageResult(
                without_image(job, self._place.rules, state, LeftOutReason.IMAGE_FAILED, str(error))
            )
        digest = hashlib.sha256(data).hexdigest()
        kept = self._taken_over(self._earlier, job.key, (state,), digest)
        if kept is not None:
            return PageResult(_of(job, kept), taken_over=True)
        return PageResult(self._work(self._place, job, state, data, digest))

    def _taken_over(
        self, places: Sequence[EarlierPages], key: str, states: Sequence[str], digest: str | None = None
    ) -> PageRecord | None:
        """The page from the first place that has it so; without a digest whatever its image was."""
        for earlier in places:
            record = earlier.page(key)
            if record is None or record.state not in states or record.problem:
                continue
            if digest in (None, record.file_sha256) and self.take(earlier, record):
                return record
        return None

    def take(self, earlier: EarlierPages, record: PageRecord) -> bool:
        """Let a page's files appear in the new dataset, unchanged.

        Args:
            earlier: what holds the page.
            record: the page.

        Returns:
            False when one of them is gone.

        Raises:
            CannotWrite: the dataset's folder refuses.
        """
        return self._staging.take(earlier, record.files)


def _state(job: PageJob, settings: str, rules: Rules) -> str:
    """Hash of all that decides what is written of a page, but for its image file."""
    decisive = [settings, job.key, job.reference, job.group, job.annotation, job.witnesses, job.prediction]
    written = json.dumps(decisive, sort_keys=True, default=repr)
    if B_IS_RIGHT in written:
        # its text is made of a reading, by the rules of a language
        written += repr((job.language or rules.language, rules.style))
    if job.held_back:
        written += repr(sorted((region, why.name) for region, why in job.held_back.items()))
    return hashlib.sha256(written.encode()).hexdigest()


def _of(job: PageJob, kept: PageRecord) -> PageRecord:
    """A page that was taken over, with what the task says today and no file depends on."""
    return replace(kept, language=job.language)


def _number(task: str) -> int | None:
    return int(task) if task.isdecimal() else None
