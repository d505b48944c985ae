"""Combines several readings of one line into one judgement: agreed, disputed, no text or unread.

Two readings with the same text are evidence, not proof. "The same" means:

1. equal in NFC with plain spaces, or
2. equal when dashes, quotes, ellipses and the space of `№ 7` are unified; the judgement writes them by the
   house rule (`house_style`); where that has none it keeps the first reader's marks, with a note and a lower
   score, or
3. equal when Latin, Cyrillic and Greek look-alikes are written in the script of their word, where that
   script is certain (`look_alikes.unify_scripts`); the judgement has that text.

Everything else is disputed, and the difference is named: ё and е, upper and lower case, a missing space.
Engines have families: two prompts of one model, or two pictures through one network, can share an error.
What one family alone says is marked and scored lower; what two families say counts most; and a family of
which no reading says what the others agree on makes the line disputed, however many they are. On recorded
readings a third reading that decided between two others was right in 50 to 74 of 100 lines.

The guards (`guards`) check each text by itself first. No rule here can find a line that both readers
wrote in the wrong alphabet (`Мах` for `Max`), or an error that two similar readers share.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

import regex
from rapidfuzz.distance import Levenshtein

from backend.page.lines import Judgement, Reading, Reason, ReasonKind, Verdict
from backend.text import guards, house_style, languages
from backend.text.candidates import Candidate, candidates_of
from backend.text.differences import differences
from backend.text.house_style import TextStyle

__all__ = ["differences", "doubt_sameness", "judge"]

_UNUSABLE = {ReasonKind.REFUSAL, ReasonKind.ECHO}
_NOT_COMPARABLE = {
    *_UNUSABLE,
    ReasonKind.REPEATS,
    ReasonKind.TOO_LONG,
    ReasonKind.TOO_SHORT,
    ReasonKind.WRONG_SCRIPT,
}
"""Doubts about a whole text; beside the others it is still worth knowing in what the readings differ."""
_SAME_ON_LINES = 4
"""On as many lines one text is no chance."""


def judge(
    readings: Sequence[Reading],
    *,
    crop_size: tuple[int, int],
    language: str,
    must_agree: int | None = None,
    line_score: float = 1.0,
    prompts: Sequence[str] = (),
    families: Mapping[str, str] | None = None,
    style: TextStyle = "house",
    ink_length: int | None = None,
    witnesses: Collection[str] = (),
) -> Judgement:
    """Combine any number of readings of one line into one judgement.

    The line is agreed if `must_agree` readings, by at least two different readers (`Reading.reader`
    differs), say the same, no family of engines has only readings that say something else or nothing, and
    no guard finds a doubt in that text. Without agreement:

    - no reading at all, every reader failed, or one failed and none found text: unread;
    - every reader worked and none found text: no text; what a witness saw there is a remark;
    - else disputed, with the likelier text filled in. Refusals and echoes are not filled in, unless two
      families read the same one: then it stands on the page. A text is
      likelier, in this order, with fewer doubts of the guards, with more families and more readings that
      say it, with fewer words of mixed scripts, with more letters of the language, with a higher score
      where every reader has one, and by the order of the readings.

    Args:
        readings: in the order of preference; texts cleaned of wrapping.
        crop_size: (width, height) in pixels of the crop that was read.
        language: the project's language, any name that `languages.language_code` knows.
        must_agree: how many readings must say the same; None for more than half of all, also of those that
            failed or are empty.
        line_score: how sure the detector is that there is text, 0 to 1.
        prompts: the prompts of vision models, so that an echo of them is found.
        families: reader's identity to its family of engines; a reader that is not in it is its own family.
        style: which marks are written by the house rule.
        ink_length: pixels of the crop's longer side with ink; None where nobody measured.
        witnesses: readers, among those of the readings, whose reading is evidence only. It is not one of
            those that must agree, and neither makes a line disputed nor agreed; what it says against the
            others is a remark and lowers the score, and where it says the same it counts as one family more.

    Returns:
        The verdict with its text and reasons. Scores sort. Agreed: 0.88 to 1 where two families say the
        same; 0.75 to 0.87 where one does, where a reading stands against it, or where the readings differ in
        a mark that no rule settles; digits alone 0.70 to 0.74 and 0.65 to 0.69. Disputed 0.1 to 0.6; no text
        0.05; unread 0.

    Raises:
        SettingsWrong: the language is unknown.
    """
    language = languages.language_code(language)
    if not readings:
        return Judgement(
            Verdict.UNREAD, "", 0.0, (Reason(ReasonKind.NO_READER, language, _capable_readers(language)),)
        )
    # a panel of witnesses alone would have nobody to testify for
    voters = [reading for reading in readings if reading.reader not in witnesses] or list(readings)
    testify = {reading.reader for reading in readings} - {reading.reader for reading in voters}
    failures = tuple(
        Reason(ReasonKind.READER_FAILED, reading.reader, reading.error or "")
        for reading in voters
        if reading.failed
    )
    family = {reading.reader: (families or {}).get(reading.reader, reading.reader) for reading in readings}
    suspicions = partial(
        guards.suspicions, crop_size=crop_size, language=language, prompts=prompts, ink_length=ink_length
    )
    candidates = candidates_of(readings, family, language, style, suspicions, testify)
    voting = [each for each in candidates if each.reading.reader not in testify]
    one_reader = (Reason(ReasonKind.ONE_READER),) if len({reading.reader for reading in voters}) == 1 else ()
    if not candidates and failures:
        return Judgement(Verdict.UNREAD, "", 0.0, failures)
    if not voting and not failures:
        seen = [each.reading for each in candidates]
        return Judgement(Verdict.NO_TEXT, "", 0.05, one_reader + _dissent(seen))
    agreeing = _agreeing(voting, must_agree or len(voters) // 2 + 1)
    against = [reading for reading in _against(agreeing, readings) if reading.reader not in testify]
    outvoted = {family[reading.reader] for reading in against} - {each.family for each in agreeing}
    doubts = _doubts(agreeing, language)
    if agreeing and not doubts and not outvoted:
        with_witnesses = [each for each in candidates if each.key == agreeing[0].key]
        said_against = _dissent(_against(with_witnesses, readings))
        return _agreed(agreeing, {each.family for each in with_witnesses}, line_score, said_against)
    # a text that holds only spaces and invisible marks is no text either
    blank = len(voting) + len(failures) < len(voters)
    reasons = failures + (doubts or _disputes(candidates, language, blank=blank)) + one_reader
    if agreeing and outvoted:
        reasons += _dissent(against)
    return _disputed(candidates, language, line_score, reasons)


def doubt_sameness(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Doubt a page on which every line reads the same: a server that answers for another picture.

    Args:
        judgements: of all lines of a page, in order.

    Returns:
        As many. Where four lines or more have text and all have the same one, none of them is agreed.
    """
    texts = [house_style.folded(each.text) for each in judgements if each.text]
    if len(texts) < _SAME_ON_LINES or len(set(texts)) > 1:
        return list(judgements)
    return [
        replace(
            each,
            verdict=Verdict.DISPUTED,
            score=min(each.score, 0.1 + 0.5 * 0.5),
            reasons=(Reason(ReasonKind.SAME_EVERYWHERE, each.text), *each.reasons),
        )
        if each.text
        else each
        for each in judgements
    ]


def _agreeing(candidates: Sequence[Candidate], must_agree: int) -> list[Candidate]:
    for first in candidates:
        group = [each for each in candidates if each.key == first.key]
        if len(group) >= must_agree and len({each.reading.reader for each in group}) > 1:
            return group
    return []


def _against(agreeing: Sequence[Candidate], readings: Sequence[Reading]) -> list[Reading]:
    """The readings that say something else, or nothing, where enough others agree; not the failed ones."""
    together = {each.index for each in agreeing}
    if not together:
        return []
    return [reading for index, reading in enumerate(readings) if index not in together and not reading.failed]


def _dissent(against: Sequence[Reading]) -> tuple[Reason, ...]:
    return tuple(Reason(ReasonKind.DISSENT, reading.text, reading.reader) for reading in against)


def _doubts(agreeing: Sequence[Candidate], language: str) -> tuple[Reason, ...]:
    """Why readings that say the same are doubtful; a kind of suspicion is named once."""
    found = dict.fromkeys(_suspicions(agreeing, language))
    by_kind = {reason.kind: reason for reason in reversed(list(found))}
    mixed = (Reason(ReasonKind.MIXED_SCRIPT, word) for each in agreeing for word in each.unified.doubts)
    return tuple(by_kind[kind] for kind in dict.fromkeys(reason.kind for reason in found)) + tuple(
        dict.fromkeys(mixed)
    )


def _suspicions(candidates: Sequence[Candidate], language: str) -> list[Reason]:
    return [
        guards.reason(kind, each.unified.text, each.reading.reader, language)
        for each in candidates
        for kind in each.suspicions
    ]


def _agreed(
    agreeing: Sequence[Candidate], families: Collection[str], line_score: float, dissent: tuple[Reason, ...]
) -> Judgement:
    first = agreeing[0]
    text, *others = dict.fromkeys(each.text for each in agreeing)
    # no rule settles a mark in which these differ
    unsettled = differences(text, others[0]) if others else ()
    changes = dict.fromkeys(change for each in agreeing for change in each.house.changes)
    marks = [Reason(ReasonKind.HOUSE_STYLE, read, written) for read, written in changes]
    one_family = (Reason(ReasonKind.ONE_FAMILY, first.family),) if len(families) == 1 else ()
    scores = [each.reading.score for each in agreeing if each.reading.score is not None]
    mean_score = sum(map(_unit, scores)) / len(scores) if scores else 1.0
    certainty = 0.6 * _unit(line_score) + 0.4 * mean_score
    repairs = dict.fromkeys(
        Reason(ReasonKind.MIXED_SCRIPT, read, written)
        for each in agreeing
        for read, written in each.unified.repairs
    )
    weak = bool(one_family or dissent or unsettled)
    remarks = (*dissent, *repairs, *unsettled, *marks, *one_family)
    if regex.search(r"\p{N}", text) and not regex.search(r"\p{L}", text):
        score = (0.65 if weak else 0.70) + 0.04 * certainty
        return Judgement(Verdict.AGREED, text, score, (Reason(ReasonKind.DIGITS_ONLY), *remarks))
    return Judgement(Verdict.AGREED, text, (0.75 if weak else 0.88) + 0.12 * certainty, remarks)


def _disputes(candidates: Sequence[Candidate], language: str, *, blank: bool) -> tuple[Reason, ...]:
    """Why readings do not agree; doubtful readings are compared only where no other has text."""
    comparable = [each for each in candidates if not _NOT_COMPARABLE & set(each.suspicions)]
    comparable = comparable or [each for each in candidates if not _UNUSABLE & set(each.suspicions)]
    others = [each for each in comparable if each.key != comparable[0].key]
    reasons = _suspicions(candidates, language)
    if others:
        reasons += differences(comparable[0].text, others[0].text)
    else:
        reasons += [
            Reason(ReasonKind.MIXED_SCRIPT, word) for each in comparable[:1] for word in each.unified.doubts
        ]
    if blank:
        reasons.append(Reason(ReasonKind.ONLY_ONE_SAW_TEXT, candidates[0].text, candidates[0].reading.reader))
    return tuple(reasons)


def _disputed(
    candidates: Sequence[Candidate], language: str, line_score: float, reasons: tuple[Reason, ...]
) -> Judgement:
    likeliest = min(candidates, key=lambda each: _unlikeliness(each, candidates, language))
    others = [each for each in candidates if each is not likeliest]
    similarity = max(
        (Levenshtein.normalized_similarity(likeliest.key, each.key) for each in others), default=0.0
    )
    certainty = (0.7 * similarity + 0.3 * _unit(line_score)) * (0.5 if likeliest.suspicions else 1.0)
    # two unlike engines do not make the same excuse: it stands on the page
    confirmed = len({each.family for each in candidates if each.key == likeliest.key}) > 1
    text = likeliest.text if confirmed or not _UNUSABLE & set(likeliest.suspicions) else ""
    return Judgement(Verdict.DISPUTED, text, 0.1 + 0.5 * certainty, reasons)


def _unlikeliness(each: Candidate, candidates: Sequence[Candidate], language: str) -> tuple[float, ...]:
    letters = regex.findall(r"\p{L}", each.text)
    foreign_letters = sum(letter not in languages.letters(language) for letter in letters)
    scored = all(other.reading.score is not None for other in candidates)
    return (
        bool(_UNUSABLE & set(each.suspicions)),
        len(each.suspicions),
        -len({other.family for other in candidates if other.key == each.key}),
        -sum(other.key == each.key for other in candidates),
        len(each.unified.doubts),
        round(foreign_letters / max(len(letters), 1), 2),
        -_unit(each.reading.score) if scored and each.reading.score is not None else 0.0,
        each.index,
    )


def _unit(score: float) -> float:
    # a reader's or detector's score comes from outside, and may be NaN
    return min(max(score, 0.0), 1.0) if math.isfinite(score) else 0.0


def _capable_readers(language: str) -> str:
    readers = (languages.tesseract_package(language), languages.recognition_model(language))
    return ", ".join(name for name in readers if name)
