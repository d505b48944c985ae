"""Several readings of one line come to one verdict.

Two readings that say the same are evidence, not proof. "The same" means:

1. equal in NFC with plain spaces, or
2. equal when dashes, quotes and ellipses are folded; the first reader's own marks are written, or
3. equal when Latin, Cyrillic and Greek look-alikes stand in the script of their word, and that script
   is certain (`look_alikes.settle`); the text is written so.

Everything else is disputed, with the difference named: ё and е, upper and lower case, a missing space.
Before agreement come the guards on each text by itself (`guards`). What no rule here can see: a line
that both readers wrote in the wrong alphabet (`Мах` for `Max`), and two alike readers' shared error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import regex
from rapidfuzz.distance import Levenshtein

from backend.page.lines import Judgement, Reading, Reason, ReasonKind, Verdict
from backend.text import guards, languages, look_alikes
from backend.text.cleaning import visible_text
from backend.text.differences import differences

__all__ = ["differences", "judge"]

_WORTHLESS = {ReasonKind.REFUSAL, ReasonKind.ECHO}
_FOLDS = str.maketrans(
    dict.fromkeys("‐‑‒–—―−﹣－", "-")
    | dict.fromkeys("«»„“”‟″＂", '"')
    | dict.fromkeys("‘’‚‛ʼ′`´＇", "'")
    | {"…": "..."}
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One reading as it is compared: its settled text, the key that equal readings share, its doubts."""

    place: int
    reading: Reading
    settled: look_alikes.Settled
    key: str
    suspicions: tuple[ReasonKind, ...]

    @property
    def text(self) -> str:
        return self.settled.text


def judge(
    readings: Sequence[Reading],
    *,
    crop_size: tuple[int, int],
    language: str,
    must_agree: int | None = None,
    line_score: float = 1.0,
    prompts: Sequence[str] = (),
) -> Judgement:
    """Say what any number of readings of one line are worth together.

    `must_agree` readings, by at least two unlike readers (`Reading.reader` differs), must say the same, and
    no guard may fire on what they say; then the line is agreed. Without agreement:

    - no reading at all, every reader failed, or one failed and none saw text: unread;
    - every reader looked and none saw text: no text, however many say so;
    - else disputed, with the likelier text filled in: not a refusal or an echo, which are never filled
      in, no other guard, what most readers say, words of one script, letters of the language, the
      reader's own score where each has one, else the first.

    Args:
        readings: in the order of preference; texts cleaned of wrapping.
        crop_size: (width, height) in pixels of the crop that was read.
        language: the project's language, any name that `languages.language_code` knows.
        must_agree: how many readings must say the same; None for more than half of them.
        line_score: how sure the detector is that there is text, 0 to 1.
        prompts: what vision models were asked, so that an echo is known.

    Returns:
        The verdict with its text and reasons. Scores sort: agreed lines 0.65 to 1, those of digits alone
        below 0.75 and others above it; disputed 0.1 to 0.6; no text 0.05; unread 0.

    Raises:
        SettingsWrong: the language is unknown.
    """
    language = languages.language_code(language)
    if not readings:
        return Judgement(
            Verdict.UNREAD, "", 0.0, (Reason(ReasonKind.NO_READER, language, _who_can(language)),)
        )
    failures = tuple(
        Reason(ReasonKind.READER_FAILED, reading.reader, reading.error or "")
        for reading in readings
        if reading.failed
    )
    heard = _candidates(readings, crop_size, language, prompts)
    alone = (Reason(ReasonKind.ONE_READER),) if len({reading.reader for reading in readings}) == 1 else ()
    if not heard and failures:
        return Judgement(Verdict.UNREAD, "", 0.0, failures)
    if not heard:
        return Judgement(Verdict.NO_TEXT, "", 0.05, alone)
    agreeing = _agreeing(heard, must_agree or len(readings) // 2 + 1)
    doubts = _doubts(agreeing)
    if agreeing and not doubts:
        return _agreed(agreeing, line_score)
    # a text of blanks and invisible marks alone is no text either
    blank = len(heard) + len(failures) < len(readings)
    reasons = failures + (doubts or _disputes(heard, blank=blank)) + alone
    return _disputed(heard, language, line_score, reasons)


def _candidates(
    readings: Sequence[Reading], crop_size: tuple[int, int], language: str, prompts: Sequence[str]
) -> list[_Candidate]:
    """The readings that have text; what two of them share is looked at once."""
    known: dict[str, tuple[look_alikes.Settled, str, tuple[ReasonKind, ...]]] = {}
    heard = []
    for place, reading in enumerate(readings):
        text = "" if reading.failed else visible_text(reading.text)
        if text and text not in known:
            settled = look_alikes.settle(text, language)
            suspicions = guards.suspicions(settled.text, crop_size, language, prompts)
            known[text] = settled, settled.text.translate(_FOLDS), suspicions
        if text:
            heard.append(_Candidate(place, reading, *known[text]))
    return heard


def _agreeing(heard: Sequence[_Candidate], must_agree: int) -> list[_Candidate]:
    for first in heard:
        group = [each for each in heard if each.key == first.key]
        if len(group) >= must_agree and len({each.reading.reader for each in group}) > 1:
            return group
    return []


def _doubts(agreeing: Sequence[_Candidate]) -> tuple[Reason, ...]:
    """Why readings that say the same are not believed; the same suspicion of several is told once."""
    found = dict.fromkeys(_suspicions(agreeing))
    told = {reason.kind: reason for reason in reversed(list(found))}
    mixed = (Reason(ReasonKind.MIXED_SCRIPT, word) for each in agreeing for word in each.settled.doubts)
    return tuple(told[kind] for kind in dict.fromkeys(reason.kind for reason in found)) + tuple(
        dict.fromkeys(mixed)
    )


def _suspicions(heard: Sequence[_Candidate]) -> list[Reason]:
    return [guards.reason(kind, each.text, each.reading.reader) for each in heard for kind in each.suspicions]


def _agreed(agreeing: Sequence[_Candidate], line_score: float) -> Judgement:
    first = agreeing[0]
    scores = [each.reading.score for each in agreeing if each.reading.score is not None]
    own = sum(map(_unit, scores)) / len(scores) if scores else 1.0
    sureness = 0.6 * _unit(line_score) + 0.4 * own
    notes = dict.fromkeys(
        Reason(ReasonKind.MIXED_SCRIPT, read, written)
        for each in agreeing
        for read, written in each.settled.repairs
    )
    if regex.search(r"\p{N}", first.text) and not regex.search(r"\p{L}", first.text):
        return Judgement(
            Verdict.AGREED, first.text, 0.65 + 0.09 * sureness, (Reason(ReasonKind.DIGITS_ONLY), *notes)
        )
    return Judgement(Verdict.AGREED, first.text, 0.75 + 0.25 * sureness, tuple(notes))


def _disputes(heard: Sequence[_Candidate], *, blank: bool) -> tuple[Reason, ...]:
    """Why readings do not agree; a doubtful one is not compared while there is one without doubt."""
    sound = [each for each in heard if not each.suspicions]
    sound = sound or [each for each in heard if not _WORTHLESS & set(each.suspicions)]
    others = [each for each in sound if each.key != sound[0].key]
    reasons = _suspicions(heard)
    if others:
        reasons += differences(sound[0].text, others[0].text)
    else:
        reasons += [
            Reason(ReasonKind.MIXED_SCRIPT, word) for each in sound[:1] for word in each.settled.doubts
        ]
    if blank:
        reasons.append(Reason(ReasonKind.ONLY_ONE_SAW_TEXT, heard[0].text, heard[0].reading.reader))
    return tuple(reasons)


def _disputed(
    heard: Sequence[_Candidate], language: str, line_score: float, reasons: tuple[Reason, ...]
) -> Judgement:
    likely = min(heard, key=lambda each: _unlikeliness(each, heard, language))
    others = [each for each in heard if each is not likely]
    likeness = max((Levenshtein.normalized_similarity(likely.key, each.key) for each in others), default=0.0)
    worth = (0.7 * likeness + 0.3 * _unit(line_score)) * (0.5 if likely.suspicions else 1.0)
    text = "" if _WORTHLESS & set(likely.suspicions) else likely.text
    return Judgement(Verdict.DISPUTED, text, 0.1 + 0.5 * worth, reasons)


def _unlikeliness(each: _Candidate, heard: Sequence[_Candidate], language: str) -> tuple[float, ...]:
    letters = regex.findall(r"\p{L}", each.text)
    strange = sum(letter not in languages.letters(language) for letter in letters)
    scored = all(other.reading.score is not None for other in heard)
    return (
        bool(_WORTHLESS & set(each.suspicions)),
        len(each.suspicions),
        -sum(other.key == each.key for other in heard),
        len(each.settled.doubts),
        round(strange / max(len(letters), 1), 2),
        -_unit(each.reading.score) if scored and each.reading.score is not None else 0.0,
        each.place,
    )


def _unit(score: float) -> float:
    # a reader's or detector's score comes from outside; NaN is no confidence
    return min(max(score, 0.0), 1.0) if math.isfinite(score) else 0.0


def _who_can(language: str) -> str:
    can = (languages.tesseract_package(language), languages.recognition_model(language))
    return ", ".join(name for name in can if name)
