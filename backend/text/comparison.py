"""Which readings of one line say the same, who stands against them, and what the guards doubt."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from backend.page.lines import Reading, Reason, ReasonKind
from backend.text import guards
from backend.text.candidates import Candidate, candidates_of
from backend.text.house_style import TextStyle


@dataclass(frozen=True, slots=True)
class Comparison:
    """The readings of a line beside one another.

    readings: all of them.
    voters: those of readers, not of witnesses.
    candidates: the readings that have text, witnesses' too.
    voting: those of voters.
    agreeing: the voting ones that say the same, where they are enough.
    supporters: all that say it, witnesses too.
    outvoted: the families of voters of which no reading says it.
    doubts: why readings that say the same are doubtful.
    """

    readings: tuple[Reading, ...]
    voters: tuple[Reading, ...]
    candidates: tuple[Candidate, ...]
    voting: tuple[Candidate, ...]
    agreeing: tuple[Candidate, ...]
    supporters: tuple[Candidate, ...]
    outvoted: frozenset[str]
    doubts: tuple[Reason, ...]

    @property
    def agreed(self) -> bool:
        """Enough readings say the same, no family says only something else, and no guard found a doubt."""
        return bool(self.agreeing) and not self.doubts and not self.outvoted

    @property
    def different(self) -> tuple[Candidate, ...]:
        """The first candidate of each different text, in the order of the readings."""
        first: dict[str, Candidate] = {}
        for each in self.candidates:
            first.setdefault(each.key, each)
        return tuple(first.values())

    @property
    def failures(self) -> tuple[Reason, ...]:
        """The voters that could not look."""
        return tuple(
            Reason(ReasonKind.READER_FAILED, reading.reader, reading.error or "")
            for reading in self.voters
            if reading.failed
        )

    def against(self, supporters: Sequence[Candidate]) -> list[Reading]:
        """The readings that say something else, or nothing; not the failed ones."""
        together = {each.index for each in supporters}
        return [
            reading
            for index, reading in enumerate(self.readings)
            if index not in together and not reading.failed
        ]


def compare(
    readings: Sequence[Reading],
    *,
    crop_size: tuple[int, int],
    language: str,
    must_agree: int | None,
    prompts: Sequence[str],
    families: Mapping[str, str],
    style: TextStyle,
    ink_length: int | None,
    witnesses: Collection[str],
) -> Comparison:
    """Compare the readings of a line; the arguments are those of `verdicts.judge`, the language canonical."""
    # a panel of witnesses alone would have nobody to testify for
    voters = [reading for reading in readings if reading.reader not in witnesses] or list(readings)
    testify = {reading.reader for reading in readings} - {reading.reader for reading in voters}
    family = {reading.reader: families.get(reading.reader, reading.reader) for reading in readings}
    suspicions = partial(
        guards.suspicions, crop_size=crop_size, language=language, prompts=prompts, ink_length=ink_length
    )
    candidates = tuple(candidates_of(readings, family, language, style, suspicions, testify))
    voting = tuple(each for each in candidates if each.reading.reader not in testify)
    agreeing = _agreeing(voting, must_agree or len(voters) // 2 + 1)
    supporters = tuple(each for each in candidates if agreeing and each.key == agreeing[0].key)
    spoke = {family[reading.reader] for reading in voters if not reading.failed}
    outvoted = spoke - {each.family for each in agreeing} if agreeing else set[str]()
    return Comparison(
        tuple(readings),
        tuple(voters),
        candidates,
        voting,
        agreeing,
        supporters,
        frozenset(outvoted),
        _doubts(agreeing, language),
    )


def suspicions_of(candidates: Sequence[Candidate], language: str) -> list[Reason]:
    """What the guards doubt in readings, in words that name the reader."""
    return [
        guards.reason(kind, each.unified.text, each.reading.reader, language)
        for each in candidates
        for kind in each.suspicions
    ]


def _agreeing(candidates: Sequence[Candidate], must_agree: int) -> tuple[Candidate, ...]:
    for first in candidates:
        group = [each for each in candidates if each.key == first.key]
        if len(group) >= must_agree and len({each.reading.reader for each in group}) > 1:
            return tuple(group)
    return ()


def _doubts(agreeing: Sequence[Candidate], language: str) -> tuple[Reason, ...]:
    """Why readings that say the same are doubtful; a kind of suspicion is named once."""
    found = dict.fromkeys(suspicions_of(agreeing, language))
    by_kind = {reason.kind: reason for reason in reversed(list(found))}
    mixed = (Reason(ReasonKind.MIXED_SCRIPT, word) for each in agreeing for word in each.unified.doubts)
    return tuple(by_kind[kind] for kind in dict.fromkeys(reason.kind for reason in found)) + tuple(
        dict.fromkeys(mixed)
    )
