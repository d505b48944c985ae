"""What each reader, each pair and each third reader was worth, and what another panel would be; pure.

Everything is counted from the readings that predictions keep, against the texts that people approved. Two
texts are the same by the rule of verdicts: look-alikes and the marks of the house rule made equal. The guards
and the score of a line are left out, since neither can be had again from what is kept: these figures say
which readers say the same, and how often that is right.

The lines of pages that people reviewed tell how much is agreed. They flatter: filled-in text passes with one
key, so a reader is right more often where its own text was filled in. Lines that people typed without having
seen a text (`blind`) flatter nobody; they are agreed lines, so they tell only what an agreement is worth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import TypeAlias

from backend.page.lines import Reading
from backend.readers.families import SERVED, family_of
from backend.text.candidates import candidates_of
from backend.text.house_style import TextStyle
from converters.shared.rates import Share

NOTHING = -1
"""In place of a text's number: the reader found no text."""

_APPROVED, _FILLED = "text: approved", "text: filled in"
"""Beside readers' identities, of which none is written so."""

Number: TypeAlias = "int | None"
"""Which of a line's different texts a reader gave; NOTHING; None where it was not asked, or failed."""


@dataclass(frozen=True, slots=True)
class Said:
    """Who said the same of a line, and who was right; not what.

    texts: of each reader, in the order of the panel's readers.
    right: number of the approved text; None for a box that people say is no legible line.
    filled: number of the text that people found filled in; None where that is not known.
    """

    texts: tuple[Number, ...]
    right: Number
    filled: Number = None


def said_of(
    readings: Sequence[Reading],
    readers: Sequence[str],
    approved: str | None,
    filled: str | None,
    language: str,
    style: TextStyle = "house",
) -> Said:
    """Reduce a line to who said the same.

    Args:
        readings: of the line, as its region keeps them.
        readers: identities of all readers of its model version that may have read it.
        approved: the text that a person approved; None for a box that is no legible line.
        filled: the text that was filled in; None where it is not known.
        language: code, of the page.
        style: which marks are written by the house rule.
    """
    texts = [*readings, Reading(_APPROVED, approved or ""), Reading(_FILLED, filled or "")]
    family = {reading.reader: reading.reader for reading in texts}
    found = candidates_of(texts, family, language, style, lambda text: ())
    numbers: dict[str, int] = {}
    key = {each.reading.reader: numbers.setdefault(each.key, len(numbers)) for each in found}
    failed = {reading.reader for reading in readings if reading.failed}
    read = {reading.reader for reading in readings} - failed
    return Said(
        tuple(key.get(reader, NOTHING) if reader in read else None for reader in readers),
        None if approved is None else key.get(_APPROVED, NOTHING),
        None if filled is None else key.get(_FILLED, NOTHING),
    )


@dataclass(frozen=True, slots=True)
class ReaderWorth:
    """What one reader was worth.

    right: of the lines that it read.
    filled: of these, those on which people found its own text filled in.
    right_elsewhere: of the others, on which its text had no such help.
    """

    reader: str
    right: Share
    filled: Share
    right_elsewhere: Share

    @property
    def family(self) -> str:
        """Engines of one family can share an error."""
        return family_of(self.reader)


@dataclass(frozen=True, slots=True)
class PairWorth:
    """What it was worth that two readers say the same.

    agreed: of the lines that both read.
    right: of the agreed.
    ready: agreed and right, of the lines that at least one of them read right.
    blind: right, of the agreed lines that people typed without a text before their eyes.
    """

    readers: tuple[str, str]
    agreed: Share
    right: Share
    ready: Share
    blind: Share

    @property
    def families(self) -> tuple[str, str]:
        """Of the two readers."""
        first, second = self.readers
        return family_of(first), family_of(second)


@dataclass(frozen=True, slots=True)
class ThirdWorth:
    """What a third reader adds to two others, as a witness or as the casting vote.

    assents, dissents: the two are right, of the lines on which they agree and the third says the same, or
        something else or nothing.
    settled: the third says what one of them says, of their disputes that it read.
    rightly: of the settled.
    """

    readers: tuple[str, str]
    third: str
    assents: Share
    dissents: Share
    settled: Share
    rightly: Share


@dataclass(frozen=True, slots=True)
class ChoiceWorth:
    """What another choice of readers would have cost and gained.

    readers: who would vote, in order.
    asked: `all`, `when needed` (the last one where the first two differ), or `alike` (all must say the same).
    agreed: of the lines on which that is known.
    right: of the agreed.
    calls: of a server, for each line.
    """

    readers: tuple[str, ...]
    asked: str
    agreed: Share
    right: Share
    calls: float


class Worth:
    """The lines of one model version, by who said the same."""

    def __init__(self, readers: Sequence[str] = ()) -> None:
        """Begin with no lines; readers that come later are added."""
        self.readers = list(readers)
        self._lines: Counter[Said] = Counter()
        self._blind: Counter[Said] = Counter()

    def add(
        self,
        readings: Sequence[Reading],
        approved: str | None,
        filled: str | None,
        language: str,
        style: TextStyle = "house",
        *,
        reviewed: bool,
        blind: bool,
    ) -> None:
        """Enter a line that a person decided.

        Args:
            readings: as its region keeps them.
            approved: the text; None for a box that people say is no legible line.
            filled: what the person found filled in; None where that is not known.
            language: code, of the page.
            style: which marks are written by the house rule.
            reviewed: its page was reviewed as a whole, so that its lines stand for all lines.
            blind: a person typed it without having seen a text of it.
        """
        self.readers += [each.reader for each in readings if each.reader not in self.readers]
        said = said_of(readings, self.readers, approved, filled, language, style)
        if reviewed:
            self._lines[said] += 1
        if blind:
            self._blind[said] += 1

    @property
    def tells(self) -> bool:
        """Whether anything can be said: two readers, and a line that people decided."""
        return len(self.readers) > 1 and bool(self.lines or self.blind)

    @property
    def lines(self) -> int:
        """Lines of reviewed pages."""
        return self._lines.total()

    @property
    def blind(self) -> int:
        """Lines that were typed blind."""
        return self._blind.total()

    def each_reader(self) -> list[ReaderWorth]:
        """Every reader, in the order of the panel."""
        found = []
        for place, reader in enumerate(self.readers):
            right, filled, elsewhere = Share(), Share(), Share()
            for said, count in self._lines.items():
                text = _text(said, place)
                if text is None:
                    continue
                _count(right, text == said.right, count)
                if said.filled is not None:
                    _count(filled, text == said.filled, count)
                if said.filled is not None and text != said.filled:
                    _count(elsewhere, text == said.right, count)
            found.append(ReaderWorth(reader, right, filled, elsewhere))
        return found

    def each_pair(self) -> list[PairWorth]:
        """Every two readers, in the order of the panel."""
        return [self._pair(one, other) for one, other in combinations(range(len(self.readers)), 2)]

    def each_third(self) -> list[ThirdWorth]:
        """Every reader beside every two others, where it read a line that they read."""
        places = range(len(self.readers))
        found = [
            self._third(one, other, third)
            for one, other in combinations(places, 2)
            for third in places
            if third not in (one, other)
        ]
        return [each for each in found if each.settled.of + each.assents.of + each.dissents.of]

    def choices(self) -> list[ChoiceWorth]:
        """Every panel that the kept readings tell of, the cheapest first.

        Where a reader was asked for doubtful lines alone, nothing is said of panels in which it reads all.
        """
        places = range(len(self.readers))
        found = [self._choice((one, other), "all") for one, other in combinations(places, 2)]
        for first, local, later in permutations(places, 3):
            families = [family_of(self.readers[place]) for place in (first, local, later)]
            if families[0] == families[2] != families[1] and families[0] in SERVED:
                found.append(self._choice((first, local, later), "when needed"))
        found += [self._choice(three, "alike") for three in combinations(places, 3)]
        known = [each for each in found if 10 * each.agreed.of > 9 * self.lines]
        return sorted(known, key=lambda each: (each.calls, -(each.right.hits), each.readers))

    def _pair(self, one: int, other: int) -> PairWorth:
        agreed, right, ready, blind = Share(), Share(), Share(), Share()
        for said, count in self._lines.items():
            first, second = _text(said, one), _text(said, other)
            if first is None or second is None:
                continue
            same = _same(first, second)
            _count(agreed, same, count)
            if same:
                _count(right, first == said.right, count)
            if said.right in (first, second):
                _count(ready, same, count)
        for said, count in self._blind.items():
            first = _text(said, one)
            if _same(first, _text(said, other)):
                _count(blind, first == said.right, count)
        return PairWorth((self.readers[one], self.readers[other]), agreed, right, ready, blind)

    def _third(self, one: int, other: int, third: int) -> ThirdWorth:
        assents, dissents, settled, rightly = Share(), Share(), Share(), Share()
        for said, count in self._lines.items():
            first, second, last = _text(said, one), _text(said, other), _text(said, third)
            if first is None or second is None or last is None:
                continue
            if first == second:
                if first != NOTHING:
                    _count(assents if last == first else dissents, first == said.right, count)
                continue
            settles = last != NOTHING and last in (first, second)
            _count(settled, settles, count)
            if settles:
                _count(rightly, last == said.right, count)
        readers = self.readers[one], self.readers[other]
        return ThirdWorth(readers, self.readers[third], assents, dissents, settled, rightly)

    def _choice(self, places: tuple[int, ...], asked: str) -> ChoiceWorth:
        agreed, right, calls = Share(), Share(), 0
        paid = [family_of(self.readers[place]) in SERVED for place in places]
        decide = _DECIDE[asked]
        for said, count in self._lines.items():
            texts = [_text(said, place) for place in places]
            came = decide(texts)
            if came is None:
                continue
            text, asked_for = came
            calls += count * sum(paid[:asked_for])
            _count(agreed, text is not None, count)
            if text is not None:
                _count(right, text == said.right, count)
        readers = tuple(self.readers[place] for place in places)
        return ChoiceWorth(readers, asked, agreed, right, calls / agreed.of if agreed.of else 0.0)


def _text(said: Said, place: int) -> Number:
    # readers that came later have read none of the lines before
    return said.texts[place] if place < len(said.texts) else None


def _same(first: Number, second: Number) -> bool:
    """Whether two readings are an agreement on a text."""
    return first is not None and first == second and first != NOTHING


def _count(share: Share, hit: bool, times: int) -> None:
    share.hits += hit * times
    share.of += times


Outcome: TypeAlias = "tuple[Number, int]"
"""The text that would be agreed, None for none; and how many of the readers would be asked."""


def _all(texts: Sequence[Number]) -> Outcome | None:
    if None in texts:
        return None
    return (texts[0] if all(_same(texts[0], text) for text in texts[1:]) else None), len(texts)


def _when_needed(texts: Sequence[Number]) -> Outcome | None:
    first, local, later = texts
    if first is None or local is None:
        return None
    if first == local:
        return (first if first != NOTHING else None), 2
    if later is None:
        return None
    # it may confirm the other family; its own family is not confirmed against the other one
    return (local if _same(local, later) else None), 3


_DECIDE: dict[str, Callable[[Sequence[Number]], Outcome | None]] = {
    "all": _all,
    "alike": _all,
    "when needed": _when_needed,
}
