"""What audits say of a project's agreed lines, with the audited lines that were wrong; pure.

The share of agreed lines whose filled-in text people left as it was says less: it passes with one key. So
where nobody saw lines without their text, it is not known how many are wrong, and nothing else is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.sheets.audit_answers import Audited
from backend.sheets.lot_claims import LotClaim, figures, sentences
from backend.sheets.work_words import VERDICTS
from converters.report.comparison import Decision
from converters.report.samples import SampleLine

SHOWN = 50
"""Wrong lines that the page shows with their crops; the summary has all."""


@dataclass(slots=True)
class WrongLine:
    """An audited line of which the agreed text is wrong.

    audited: the line, and what a person made of it.
    shown: the line for its picture; None where its page was not read.
    """

    audited: Audited
    shown: SampleLine | None = None

    @property
    def said(self) -> str:
        """What the person said, where that is no text; empty for a text."""
        counted = self.audited.counted
        return "" if counted.text else VERDICTS[counted.verdict]

    def summary(self) -> dict[str, Any]:
        """For machines."""
        line, counted = self.audited.line, self.audited.counted
        return {
            "task": line.line.key.task,
            "page": line.line.page,
            "region": line.line.key.region,
            "agreed": line.text,
            "score": line.score,
            "person_said": VERDICTS[counted.verdict],
            "typed": counted.text,
            "sheet": counted.sheet,
        }


class AgreedWorth:
    """What the audits of a project say."""

    def __init__(self, project: int, claims: Iterable[LotClaim] = ()) -> None:
        """Begin with the claims; the pages follow.

        Args:
            project: the id of the page project.
            claims: one for each lot; none where the project has no sheets, on which lines are audited.
        """
        self.project = project
        self.claims = list(claims)
        self.wrong = [WrongLine(each) for claim in self.claims for each in claim.audited.wrong]
        self._blind = {
            (str(line.page), line.region)
            for claim in self.claims
            for line in claim.audited.lot.lines
            if line.right is not None
        }
        self._of_task: dict[str, list[WrongLine]] = {}
        for each in self.wrong:
            self._of_task.setdefault(str(each.audited.line.line.key.task), []).append(each)

    def typed_blind(self, task: str, region: str) -> bool:
        """Whether somebody typed the line without having seen a text of it."""
        return (task, region) in self._blind

    def see(self, task: str, data: Mapping[str, Any]) -> None:
        """Look at a page's task for the images of wrong lines.

        Args:
            task: its id.
            data: its data, which names the image.
        """
        for each in self._of_task.get(task, ()):
            each.shown = _sample(each.audited, task, data)

    def samples(self) -> list[SampleLine]:
        """The lines that the page shows with their crops."""
        return [each.shown for each in self.wrong[:SHOWN] if each.shown is not None]

    def sentences(self) -> Iterator[tuple[str, bool]]:
        """What is known, a sentence each, and whether it is bad news."""
        return sentences(self.project, self.claims)

    def summary(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "says": [sentence for sentence, _ in self.sentences()],
            "claims": [figures(each) for each in self.claims],
            "wrong_lines": [each.summary() for each in self.wrong],
        }


def _sample(audited: Audited, task: str, data: Mapping[str, Any]) -> SampleLine:
    line = audited.line.line
    return SampleLine(
        task=task,
        region=line.key.region,
        page=line.page,
        quad=np.array(line.quad, dtype=np.float32),
        predicted=audited.line.text,
        text=audited.counted.text,
        readings=(),
        agreed=True,
        decision=Decision.APPROVED if audited.counted.text else Decision.ILLEGIBLE,
        weight=0.0,
        data=data,
    )
