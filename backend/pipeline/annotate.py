"""One page in, its lines with two readings each out: the whole idea, on two small seams.

`LineDetector` finds lines, `LineReader` reads crops; the functions here compose them with the pure
modules `reading_order`, `crops` and `verdicts`, and know nothing of Label Studio, HTTP or model files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from backend.page import crops, geometry, visibility
from backend.page.blank_pages import is_blank_page
from backend.page.crops import TallLines
from backend.page.ink import ink_length
from backend.page.line_pieces import put_together
from backend.page.lines import (
    Judgement,
    Line,
    Page,
    Pixels,
    Reading,
    ReadLine,
    ReadPage,
    Reason,
    ReasonKind,
    Verdict,
)
from backend.page.print_quality import print_quality
from backend.page.reading_order import reading_order
from backend.pipeline.asking import NO_LIMIT, TimeLimit, readings_of
from backend.pipeline.upside_down import read_on_its_head
from backend.seams import LineDetector, LineReader
from backend.text import languages, verdicts, wrapping
from backend.text.house_style import TextStyle
from backend.tickets import Urgency

CROPPED_AT_ONCE = 100_000_000
"""Pixels of crops that are held together, three bytes each."""

PIPELINE = 4
"""Counts up when the same page, detector and readers come to other lines or other readings here."""


ReadingPolicy: TypeAlias = Literal["all", "second-when-needed"]
"""When a panel's third and later readers are asked: for every line, or where the first two do not agree."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who reads a line, in what order, when, and how many must say the same.

    readers: kinds of reader as READERS names them, in order of trust; witnesses come last.
    must_agree: how many readings must say the same, by at least two unlike readers. A family of engines
        of which no reading says it makes the line disputed, however many do.
    families: the family of each reader, in the same order: engines that can share an error. Empty where
        every kind is a family of its own.
    when: `all` readers read every line; or the first two do, and the others `second-when-needed`.
    witnesses: how many of the readers, from the last, only testify: what they read is evidence and no vote.
    """

    readers: tuple[str, ...]
    must_agree: int
    families: tuple[str, ...] = ()
    when: ReadingPolicy = "all"
    witnesses: int = 0

    @classmethod
    def majority(
        cls,
        readers: Iterable[str],
        families: Iterable[str] = (),
        when: ReadingPolicy = "all",
        witnesses: int = 0,
    ) -> Policy:
        """More than half of the readers that vote must say the same: both of two, two of three."""
        names = tuple(readers)
        return cls(names, _most_of(len(names) - witnesses), tuple(families), when, witnesses)

    @property
    def at_once(self) -> int:
        """How many readers, from the first, read every line."""
        return len(self.readers) if self.when == "all" else min(2, len(self.readers))

    def enough_of(self, readings: int) -> int:
        """How many of so many readings of a line must say the same: more than half of the first two alone."""
        return _most_of(self.at_once) if readings <= self.at_once < len(self.readers) else self.must_agree

    def __str__(self) -> str:
        """As it stands in the model version, such as `2 of ernie,ernie, witness paddle`."""
        voters = len(self.readers) - self.witnesses
        named = f"{self.must_agree} of {','.join(self.readers[:voters])}"
        if self.witnesses:
            named += f", witness {','.join(self.readers[voters:])}"
        return named if self.when == "all" else f"{named} {self.when}"


def _most_of(readings: int) -> int:
    return readings // 2 + 1


@dataclass(frozen=True, slots=True)
class Panel:
    """Who reads the lines of one language, and how.

    readers: in order of trust; their order is the order of `ReadLine.readings`.
    policy: who they are, and how many must agree.
    language: canonical code of the language of the page.
    tall_lines: the crop policy for lines that are taller than wide.
    prompts: what vision models are asked, so that an echo of it is recognised.
    worded: identities of the readers that answer in words, as vision models do, and may wrap what they read.
    lacking: why nobody reads, where `readers` is empty.
    text_style: which marks are written by the house rule.
    limit: when its readers must have answered.
    """

    readers: tuple[LineReader, ...]
    language: str
    policy: Policy
    tall_lines: TallLines = "auto"
    prompts: tuple[str, ...] = ()
    worded: frozenset[str] = frozenset()
    lacking: tuple[Reason, ...] = ()
    text_style: TextStyle = "house"
    limit: TimeLimit = NO_LIMIT

    @property
    def families(self) -> dict[str, str]:
        """The family of engines of each reader, by the reader's identity."""
        families = self.policy.families or self.policy.readers
        return {reader.identity: family for reader, family in zip(self.readers, families, strict=True)}

    @property
    def witnesses(self) -> frozenset[str]:
        """Identities of the readers whose reading is evidence and no vote."""
        voters = len(self.readers) - self.policy.witnesses
        return frozenset(reader.identity for reader in self.readers[voters:])


def annotate_page(
    page: Page, detector: LineDetector, panel: Panel, *, urgency: Urgency | None = None
) -> ReadPage:
    """Find every text line on a page and read each one with the readers of the panel.

    Args:
        page: upright RGB pixels, uint8, shape (height, width, 3).
        detector: gives quads in page pixels.
        panel: who reads, and in what language.
        urgency: whether an annotator waits, now or later; None for bulk work.

    Returns:
        One line per quad, pieces of one line put together, in reading order. A line whose readings differ
        is kept, with verdict `disputed`, for the reviewer to decide. A page on which nothing was found has
        a note that says so, unless it is blank; so has a page that does not stand upright, whose quads
        begin at their text's own top left.

    Raises:
        DetectorFailed: the page could not be searched.
    """
    detected = detector.detect(page, urgency=urgency)
    lines = _in_reading_order(put_together(detected.lines), panel)
    noted = _with_notes(page, lines, detected.turned)
    read = read_lines(noted, lines, panel, urgency=urgency)
    if detected.turned is None:
        around = read_on_its_head(
            page, read, panel.readers, panel.tall_lines, urgency=urgency, limit=panel.limit
        )
        if around is not None:
            lines = _in_reading_order(around.lines, panel)
            noted = _with_notes(page, lines, around.turned)
            read = read_lines(noted, lines, panel, urgency=urgency)
    return ReadPage(page.width, page.height, read, detected.dropped, notes=noted.notes)


def _in_reading_order(lines: Sequence[Line], panel: Panel) -> list[Line]:
    quads = [line.quad for line in lines]
    order = reading_order(quads, right_to_left=languages.right_to_left(panel.language))
    return [lines[index] for index in order]


def _with_notes(page: Page, lines: Sequence[Line], turned: int | None) -> Page:
    """The page with what was found out about it as a whole."""
    notes = list(page.notes)
    if turned:
        notes.append(Reason(ReasonKind.TURNED, str(turned)))
    if not lines and not is_blank_page(page.pixels):
        notes.append(Reason(ReasonKind.NOTHING_FOUND))
    return replace(page, notes=tuple(notes))


def read_lines(
    page: Page, lines: Sequence[Line], panel: Panel, *, urgency: Urgency | None = None
) -> list[ReadLine]:
    """Read lines of one page with the readers of the panel, all lines at once.

    A crop that is blank by our own test is shown to the first reader alone, and to the others only
    if the first saw text there: empty boxes are not paid for twice. Readers that the policy asks when needed
    see the lines on which the first two do not agree.

    Args:
        page: an upright page.
        lines: with usable quads, in page pixels.
        panel: who reads, and in what language.
        urgency: whether an annotator waits, now or later; None for bulk work.

    Returns:
        One read line per line, in the same order; the notes of the page go with each. A line that a
        browser shows too faintly to be judged is never agreed.
    """
    if not panel.readers:
        unread = Judgement(Verdict.UNREAD, "", 0.0, panel.lacking).noted(page.notes)
        return [ReadLine(line, (), unread) for line in lines]
    urgency = urgency or Urgency()
    read = [one for group in _groups(lines) for one in _read_group(page, group, panel, urgency)]
    judged = verdicts.doubt_sameness([one.judgement for one in read])
    return [
        ReadLine(line, one.readings, _seen(judgement, one.unseen, page))
        for line, one, judgement in zip(lines, read, judged, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of one line, without its crop.

    unseen: a browser shows it too faintly.
    """

    readings: tuple[Reading, ...]
    judgement: Judgement
    unseen: bool


def _groups(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines whose crops are held together: all of a page, but for many boxes drawn over one another."""
    group: list[Line] = []
    pixels = 0.0
    for line in lines:
        area = geometry.quad_area(line.quad)
        if group and pixels + area > CROPPED_AT_ONCE:
            yield group
            group, pixels = [], 0.0
        group.append(line)
        pixels += area
    yield group


def _read_group(page: Page, lines: Sequence[Line], panel: Panel, urgency: Urgency) -> list[_Read]:
    cuts = [crops.crop_line(page.pixels, line.quad, panel.tall_lines) for line in lines]

    def settled(index: int, said: Sequence[Reading]) -> bool:
        return _settled(said, cuts[index], lines[index], panel)

    readings = readings_of(cuts, panel.readers, panel.policy.at_once, settled, urgency, panel.limit)
    bare = [_without_wrapping(said, panel) for said in readings]
    judged = [_judge(said, cut, line, panel) for line, cut, said in zip(lines, cuts, bare, strict=True)]
    return [
        _Read(tuple(said), judgement, _unseen(cut, line, page, panel))
        for line, cut, said, judgement in zip(lines, cuts, bare, judged, strict=True)
    ]


def _settled(readings: Sequence[Reading], cut: Pixels, line: Line, panel: Panel) -> bool:
    """Whether a line needs no further reader: its readings agree, or those that do not may come later."""
    if any(reading.retryable for reading in readings):
        # the page is asked for again, and only then it is known whether the line is in doubt
        return True
    judged = _judge(_without_wrapping(readings, panel), cut, line, panel)
    return judged.verdict in (Verdict.AGREED, Verdict.NO_TEXT)


def _unseen(cut: Pixels, line: Line, page: Page, panel: Panel) -> bool:
    if page.shown is None:
        return False
    return visibility.unseen(crops.crop_line(page.shown, line.quad, panel.tall_lines), cut)


def _seen(judgement: Judgement, unseen: bool, page: Page) -> Judgement:
    """The judgement with what is to be said of the page, and whether people can see the line at all."""
    return (judgement.doubted(Reason(ReasonKind.UNSEEN)) if unseen else judgement).noted(page.notes)


def _without_wrapping(readings: Sequence[Reading], panel: Panel) -> list[Reading]:
    """One line's readings without what vision models wrap around them; a store keeps them as they came."""
    wraps = [reading.reader in panel.worded for reading in readings]
    texts = wrapping.unwrapped([reading.text for reading in readings], wraps)
    return [replace(reading, text=text) for reading, text in zip(readings, texts, strict=True)]


def _judge(readings: Sequence[Reading], cut: Pixels, line: Line, panel: Panel) -> Judgement:
    height, width = cut.shape[:2]
    return verdicts.judge(
        readings,
        crop_size=(width, height),
        language=panel.language,
        must_agree=panel.policy.enough_of(len(readings)),
        line_score=line.score,
        prompts=panel.prompts,
        families=panel.families,
        style=panel.text_style,
        ink_length=ink_length(cut),
        witnesses=panel.witnesses,
        quality=print_quality(cut),
    )
