"""How a page and its lines stand by what people decided on sheets, and what is to be done about it; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from backend.label_studio.labeling_config import LabelingConfig
from backend.sheets.decided_pages import NewAnnotation
from backend.sheets.decisions import Decision
from backend.sheets.offered_texts import TextRules
from backend.sheets.sheet_tasks import LineKey


class PageState(Enum):
    """Where a page stands by its lines on sheets."""

    COMPLETED = "completed"
    """All its doubtful lines are decided: an annotation is made of it."""
    CHANGED = "changed"
    """The annotation that was made of it follows a changed answer."""
    TAKEN_BACK = "taken back"
    """The annotation that was made of it is removed: people disagree about a line by now."""
    DONE = "done before"
    """The annotation that was made of it says what people decided."""
    WAITING = "waiting"
    """Lines of it are undecided."""
    REVIEWED = "reviewed as a page"
    """Somebody submitted it, which counts."""
    SKIPPED = "skipped as a page"
    BEGUN = "begun as a page"
    """Somebody has a draft of it, which is left alone."""
    NOTHING_DOUBTFUL = "without doubtful lines now"
    """It was read anew: what was asked is not in doubt any more."""
    AUDITED = "agreed and audited, not approved"
    """It has no doubtful line; what people typed blind of it waits until somebody approves it."""
    UNREAD = "not read now"
    """Its prediction was removed."""
    GONE = "deleted"
    ACCEPTED = "accepted unseen"
    """It has no doubtful line, nobody opened it, and the lead accepts all such pages."""
    SAMPLED = "in the sample for page review"
    NOT_AGREED = "not read alike twice"
    """A line of it is in doubt, or nobody knows how it was read."""
    EMPTY = "without lines"


class LineState(Enum):
    """Where a line stands."""

    DECIDED = "decided"
    WAITING = "waiting"
    """Not answered, or by fewer people than were asked for."""
    DISAGREEING = "disagreeing"
    STALE = "stale"
    """What was answered is about another place or other readings than the line has now."""


@dataclass(frozen=True, slots=True)
class PageContext:
    """What the pages of a project have in common.

    project: its id.
    config: its labeling config.
    version: the model version that it chose.
    rules: how readings become texts.
    people: how many people are asked about each line.
    sheets: the sheets that there are, of those that annotations name; a decision on one that was deleted
        stands as it is.
    """

    project: int
    config: LabelingConfig
    version: str
    rules: TextRules
    people: int = 1
    sheets: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """Where one line of a page stands.

    answers: that hold, of each person the newest; of a stale line those that do not hold.
    """

    key: LineKey
    state: LineState
    answers: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """Where a page stands, and what is to be done about it.

    task: its id.
    lines: the doubtful ones, and those that were answered and are not there any more.
    annotation: to be made, or to be put in place of `existing`; None where nothing is.
    existing: the id of the annotation that twinread made and that changes.
    remove: ids of annotations of twinread's that are to be removed.
    unseen: lines of the page that were read alike twice and that nobody looks at, where twinread makes its
        annotation or made it.
    audited: lines of the page that were read alike and that a person typed blind.
    """

    task: int
    state: PageState
    lines: tuple[LineOutcome, ...] = ()
    annotation: NewAnnotation | None = None
    existing: int | None = None
    remove: tuple[int, ...] = ()
    unseen: int = 0
    audited: int = 0

    @property
    def is_settled(self) -> bool:
        """Nothing is to be done."""
        return self.annotation is None and not self.remove

    def after(self, wrote: PageState | None) -> PageOutcome:
        """The same page, told by what was done to it.

        Args:
            wrote: how it stood when something was written last; None where nothing was.
        """
        stays = self.state is PageState.DONE or wrote is PageState.TAKEN_BACK
        return replace(self, state=wrote) if wrote is not None and stays else self
