"""`--guarantee`: which lines that nobody looked at an audit lets through, and what those are worth; pure.

An audit says how many of all agreed lines of a lot can be wrong (`backend.guarantee.claims`). What is
exported is a part of them, and all wrong ones may be in it, among those that nobody looked at. So the
*number* of wrong lines at most, less those that the audit found, is held against what is exported: it must be
no larger a share of all than was asked for, and no more than twice that (`MOST`) of those that nobody looked
at. Strictly the same share of these would let nothing through: the audit itself, and the sample of pages,
take lines out of them, and a claim about the best part of a lot has no line to spare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from backend.guarantee.claims import Claim, wrong_unseen_at_most
from backend.guarantee.decisions import ClaimState
from backend.guarantee.lots import LotKey, LotLine
from backend.guarantee.words import percent, percent_up
from backend.label_studio.annotations import Json, prediction_of
from backend.label_studio.regions import Region, regions
from backend.sheets.doubtful_lines import page_prediction
from backend.sheets.lot_claims import LotClaim, figures, name, sentences
from backend.sheets.made_annotations import Looked, looked_at, made_in
from converters.export.page_jobs import page_jobs
from converters.export.page_records import LineRecord, PageRecord
from converters.reviewed import approval, tasks
from converters.reviewed.line_rules import Rules, on_page, review
from converters.reviewed.reasons import LeftOutReason

MOST = 2
"""Times the target: no larger a share of the lines that nobody looked at may be wrong."""

_Name = tuple[str, str]
"""A line: its task's id, as its name, and its region's."""


@dataclass(slots=True)
class LotExport:
    """What an export takes of one lot.

    said: what the audit says of the lot.
    unseen: exported lines that the claim covers and nobody looked at.
    seen: those that people looked at, on sheets or on their page.
    held_back: lines that nobody looked at and that wait for people, by why.
    too_few: why none goes although the claim holds, in a sentence; empty where they go.
    """

    said: LotClaim
    too_few: str = ""
    unseen: int = 0
    seen: int = 0
    held_back: Counter[LeftOutReason] = field(default_factory=Counter)

    @property
    def claim(self) -> Claim:
        """What the audit says of the lot."""
        return self.said.claim

    @property
    def wrong_at_most(self) -> int | None:
        """Wrong lines among `unseen`, at most; None where no claim holds."""
        if self.claim.state is not ClaimState.HOLDS:
            return None
        found = sum(line.right is False and self.covers(line) for line in self.said.audited.lot.lines)
        return min(self.unseen, wrong_unseen_at_most(self.claim, found))

    @property
    def at_most(self) -> float | None:
        """Their share among `unseen`; None where no claim holds, and of no lines."""
        wrong = self.wrong_at_most
        return None if wrong is None or not self.unseen else wrong / self.unseen

    @property
    def is_enough(self) -> bool:
        """So many lines are exported that the target holds for them, too."""
        wrong, target = self.wrong_at_most, self.claim.target
        if wrong is None:
            return False
        # a product such as 0.07 x 100 is a hair over or under 7
        return wrong <= min(target * (self.unseen + self.seen), MOST * target * self.unseen) + 1e-9

    @property
    def why_too_few(self) -> str:
        """Of how few lines how many may be wrong, in a sentence; empty where no claim holds, or of none."""
        wrong, claim = self.wrong_at_most, self.claim
        if wrong is None or not self.unseen:
            return ""
        all_of_them = percent_up(wrong / (self.unseen + self.seen))
        return (
            f"At most {wrong:,} of the {self.unseen:,} lines nobody looked at are wrong ({name(claim)}): "
            f"{percent_up(wrong / self.unseen)} of them, and {all_of_them} with those that people looked at. "
            f"That is more than {percent(MOST * claim.target)} of them, or {percent(claim.target)} of all: "
            "they wait until more pages are approved, or more lines audited."
        )

    def covers(self, line: LotLine) -> bool:
        """The claim speaks of this line of its lot."""
        return line.score >= self.claim.threshold

    def summary(self) -> dict[str, Any]:
        """For machines."""
        wrong, rate = self.wrong_at_most, self.at_most
        return {
            **figures(self.said),
            "exported_unseen": self.unseen,
            "exported_seen": self.seen,
            "exported_unseen_wrong_at_most": wrong,
            "exported_unseen_at_most": None if rate is None else round(rate, 6),
            "held_back": {why.words: count for why, count in self.held_back.items() if count},
        }


class Guarantee:
    """What the audits of a project say, and which lines they let through that nobody looked at."""

    def __init__(
        self, claims: Iterable[LotClaim], project: int, target: float | None = None, version: str = ""
    ) -> None:
        """Take what is known; nothing is chosen yet.

        Args:
            claims: one for each lot of the project.
            project: its id.
            target: the share of wrong lines that --guarantee accepts; None lets everything through.
            version: the model version that the project chose.
        """
        self._version = version
        self.project = project
        self.target = target
        self.lots: dict[LotKey, LotExport] = {each.claim.key: LotExport(each) for each in claims}
        self.other = Counter[LeftOutReason]()
        """Left out, of no lot."""
        self._lines: dict[_Name, tuple[LotKey, LotLine]] = {
            (str(line.page), line.region): (key, line)
            for key, lot in self.lots.items()
            for line in lot.said.audited.lot.lines
        }

    def held_back(self, task: Json, annotation: Json) -> dict[str, LeftOutReason]:
        """The regions of an annotation that nobody looked at and that wait for people, each with its reason.

        Args:
            task: as Label Studio's API gives it, with its predictions.
            annotation: the one of it that counts.
        """
        made = made_in(annotation)
        if self.target is None or made is None:
            return {}
        # what was accepted is what was audited: the prediction that the lot has its lines from
        began, now = prediction_of(task, annotation), page_prediction(task, self._version)
        is_same = began is not None and now is not None and began.get("id") == now.get("id")
        version = str(now.get("model_version") or "") if is_same and now is not None else None
        unseen = (
            region for region in regions(annotation["result"]) if looked_at(region, made) is Looked.NOBODY
        )
        found = ((region.id, self._why_not(tasks.task_name(task), region, version)) for region in unseen)
        return {identity: why for identity, why in found if why is not None}

    def _why_not(self, task: str, region: Region, version: str | None) -> LeftOutReason | None:
        if not any(lot.claim.state is ClaimState.HOLDS for lot in self.lots.values()):
            return LeftOutReason.NO_CLAIM
        key, line = self._lines.get((task, region.id), (None, None))
        if key is None or line is None or key.version != version:
            return LeftOutReason.NOT_OF_A_LOT
        lot = self.lots[key]
        if lot.claim.state is not ClaimState.HOLDS:
            return LeftOutReason.NO_CLAIM
        if line.right is False:
            return LeftOutReason.AUDITED_WRONG
        if not lot.covers(line):
            return LeftOutReason.LOW_SCORE
        return LeftOutReason.TOO_FEW_UNSEEN if lot.too_few else None

    def plan(self, items: Iterable[object], rules: Rules) -> None:
        """Look at all tasks once, and hold back the lots of which too small a part would be exported.

        Args:
            items: as they come from Label Studio's API.
            rules: by which the export judges.
        """
        for item in items:
            task = tasks.as_task(item)
            if task is not None:
                for name, looked in _exported(task, self, rules):
                    self._count(name, looked)
        for lot in self.lots.values():
            lot.too_few = "" if lot.is_enough else lot.why_too_few
            lot.unseen = lot.seen = 0

    def add(self, page: PageRecord) -> None:
        """Count what is exported of a page, and what is left out."""
        for line in page.lines:
            name = (page.task, line.region)
            if line.why is None:
                self._count(name, Looked(line.looked))
            elif LeftOutReason[line.why] in HELD_BACK:
                key, _ = self._lines.get(name, (None, None))
                why = LeftOutReason[line.why]
                counted = self.other if key is None else self.lots[key].held_back
                counted[why] += 1

    def _count(self, name: _Name, looked: Looked) -> None:
        key, line = self._lines.get(name, (None, None))
        if key is None or line is None:
            return
        lot = self.lots[key]
        if lot.covers(line):
            lot.unseen += looked is Looked.NOBODY
            lot.seen += looked is not Looked.NOBODY

    @property
    def not_kept(self) -> str:
        """Why the dataset cannot be written as it was asked for; empty where it can.

        It happens where images could not be had, or people worked on the project meanwhile.
        """
        fewer = [lot for lot in self.lots.values() if lot.unseen and not lot.is_enough]
        if self.target is None or not fewer:
            return ""
        lot = fewer[0]
        return (
            f"Only {lot.unseen:,} lines that nobody looked at could be exported ({name(lot.claim)}), fewer "
            f"than were planned: of so few more than {percent(self.target)} may be wrong. The dataset was "
            "not written. Run it again when all images can be had."
        )

    def of_row(self, page: PageRecord, line: LineRecord) -> dict[str, Any] | None:
        """What the manifest says of a line that nobody looked at; None where no claim covers it."""
        key, own = self._lines.get((page.task, line.region), (None, None))
        if key is None or own is None or key.version != page.model_version:
            return None
        lot = self.lots[key]
        rate = lot.at_most
        if rate is None or not lot.covers(own):
            return None
        return {
            "language": key.language,
            "score": own.score,
            "at_most": round(rate, 6),
            "confidence": lot.claim.confidence,
        }

    def notes(self) -> Iterator[tuple[str, str]]:
        """What the lines that nobody looked at are worth, and which wait: sentences, each with its style."""
        for sentence, alarm in sentences(self.project, [lot.said for lot in self.lots.values()]):
            yield sentence, "red" if alarm else ""
        for lot in self.lots.values():
            if lot.at_most is not None and lot.wrong_at_most is not None:
                both, most, claim = lot.unseen + lot.seen, lot.wrong_at_most, lot.claim
                yield (
                    f"Of the lines of this claim ({name(claim)}) {both:,} are exported: {lot.seen:,} that "
                    f"people looked at, and {lot.unseen:,} that nobody looked at. At most {most:,} of them "
                    f"are wrong ({percent(claim.confidence)} confidence): {percent_up(most / both)} of all, "
                    f"{percent_up(lot.at_most)} of those that nobody looked at.",
                    "",
                )
        waiting = self.waiting
        if not waiting.total():
            return
        for lot in self.lots.values():
            if lot.too_few:
                yield lot.too_few, "red"
        if self.refuses and not any(lot.too_few for lot in self.lots.values()):
            yield (
                "No claim holds for the lines that nobody looked at, so none of them is exported. Run "
                f"`twinread audit --project {self.project}` to see what is needed.",
                "red",
            )
        why = "; ".join(f"{waiting[why]:,}: {why.words}" for why in LeftOutReason if waiting[why])
        yield f"--guarantee left out {waiting.total():,} lines, which wait for people ({why}).", "yellow"

    @property
    def waiting(self) -> Counter[LeftOutReason]:
        """Lines that nobody looked at and that are not exported, by why."""
        return sum((lot.held_back for lot in self.lots.values()), self.other)

    @property
    def refuses(self) -> bool:
        """Not one of the lines that nobody looked at could be exported under the guarantee."""
        return bool(self.waiting.total()) and not any(lot.unseen for lot in self.lots.values())

    def summary(self) -> dict[str, Any]:
        """For machines: what was asked for, and each lot."""
        return {
            "guarantee": self.target,
            "guarantees": [lot.summary() for lot in self.lots.values()],
        }


HELD_BACK = frozenset(
    {
        LeftOutReason.NO_CLAIM,
        LeftOutReason.LOW_SCORE,
        LeftOutReason.AUDITED_WRONG,
        LeftOutReason.TOO_FEW_UNSEEN,
        LeftOutReason.NOT_OF_A_LOT,
    }
)
"""Reasons that a guarantee gives."""


def _exported(task: Json, guarantee: Guarantee, rules: Rules) -> Iterator[tuple[_Name, Looked]]:
    """The lines of a task that would be exported, as far as that can be known without its image."""
    choice = approval.choose(task, rules.approval)
    if choice.annotation is None:
        return
    made = made_in(choice.annotation)
    held_back = guarantee.held_back(task, choice.annotation)
    for job in page_jobs(task, choice.annotation, choice.witnesses, rules.config):
        own = on_page(job.annotation, rules, job.number)
        size = next((region.page_size for region in own if region.page_size), (1, 1))
        predicted = None
        if job.prediction is not None:
            predicted = {region.id: region for region in regions(job.prediction["result"])}
        reviewed = review(
            job.annotation,
            rules,
            page=job.number,
            page_size=size,
            witnesses=job.witnesses,
            predicted=predicted,
            language=job.language or "",
        )
        for line in reviewed:
            if line.why is None and line.region.id not in held_back:
                yield (job.task, line.region.id), looked_at(line.region, made)
