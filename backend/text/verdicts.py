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
What one family alone says is marked and scores lower; what two families say counts most; and a family of
which no reading says what the others agree on makes the line disputed, however many they are. On recorded
readings a third reading that decided between two others was right in 50 to 74 of 100 lines.

The guards (`guards`) check each text by itself first. No rule here can find a line that both readers
wrote in the wrong alphabet (`Мах` for `Max`), or an error that two similar readers share.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import regex

from backend.page.lines import Judgement, Reading, Reason, ReasonKind, Verdict
from backend.page.print_quality import PrintQuality
from backend.text import house_style, languages
from backend.text.candidates import Candidate
from backend.text.comparison import Comparison, compare, suspicions_of
from backend.text.differences import differences
from backend.text.house_style import TextStyle
from backend.text.probability import (
    UNUSABLE,
    LineFacts,
    agreed_evidence,
    disputed_evidence,
    probabilities,
    probability,
    shipped,
)

__all__ = ["differences", "doubt_sameness", "judge"]

_NOT_COMPARABLE = {
    *UNUSABLE,
    ReasonKind.REPEATS,
    ReasonKind.TOO_LONG,
    ReasonKind.TOO_SHORT,
    ReasonKind.WRONG_SCRIPT,
}
"""Doubts about a whole text; beside the others it is still worth knowing in what the readings differ."""
_NO_TEXT = 0.05
"""The score of a line without text: before all others but unread ones."""
_SAME_EVERYWHERE = 0.1
"""The most that a text scores which every line of a page has."""
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
    quality: PrintQuality | None = None,
) -> Judgement:
    """Combine any number of readings of one line into one judgement.

    The line is agreed if `must_agree` readings, by at least two different readers (`Reading.reader`
    differs), say the same, no family of engines has only readings that say something else or nothing, no
    guard finds a doubt in that text, and it is at least as likely right as the shipped threshold asks: a text
    on weak evidence is disputed, and stays filled in. Without agreement:

    - no reading at all, every reader failed, or one failed and none found text: unread;
    - every reader worked and none found text: no text; what a witness saw there is a remark;
    - else disputed, with the text filled in that is likeliest right, by what the readers say of themselves,
      who supports whom, doubts of the guards, mixed scripts, letters of the language and the look of the
      crop; of equal ones the first reading's. Refusals and echoes are not filled in, unless two families read
      the same one: then it stands on the page.

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
        quality: of the crop's print; None where nobody measured.

    Returns:
        The verdict with its text and reasons. The score of a line with text is the probability that the text
        is right, by `backend.text.probability`; no text 0.05, unread 0.

    Raises:
        SettingsWrong: the language is unknown.
    """
    language = languages.language_code(language)
    if not readings:
        return Judgement(
            Verdict.UNREAD, "", 0.0, (Reason(ReasonKind.NO_READER, language, _capable_readers(language)),)
        )
    compared = compare(
        readings,
        crop_size=crop_size,
        language=language,
        must_agree=must_agree,
        prompts=prompts,
        families=families or {},
        style=style,
        ink_length=ink_length,
        witnesses=witnesses,
    )
    failures, voters = compared.failures, compared.voters
    one_reader = (Reason(ReasonKind.ONE_READER),) if len({reading.reader for reading in voters}) == 1 else ()
    if not compared.candidates and failures:
        return Judgement(Verdict.UNREAD, "", 0.0, failures)
    if not compared.voting and not failures:
        seen = [each.reading for each in compared.candidates]
        return Judgement(Verdict.NO_TEXT, "", _NO_TEXT, one_reader + _dissent(seen))
    facts = LineFacts(crop_size, line_score, quality)
    if compared.agreed:
        return _agreed(compared, facts)
    # a text that holds only spaces and invisible marks is no text either
    blank = len(compared.voting) + len(failures) < len(voters)
    disputes = compared.doubts or _disputes(compared.candidates, language, blank=blank)
    reasons = failures + disputes + one_reader
    if compared.outvoted:
        testify = {reading.reader for reading in readings} - {reading.reader for reading in voters}
        against = compared.against(compared.agreeing)
        reasons += _dissent([reading for reading in against if reading.reader not in testify])
    return _disputed(compared, language, facts, reasons)


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
            score=min(each.score, _SAME_EVERYWHERE),
            reasons=(Reason(ReasonKind.SAME_EVERYWHERE, each.text), *each.reasons),
        )
        if each.text
        else each
        for each in judgements
    ]


def _dissent(against: Sequence[Reading]) -> tuple[Reason, ...]:
    return tuple(Reason(ReasonKind.DISSENT, reading.text, reading.reader) for reading in against)


def _agreed(compared: Comparison, facts: LineFacts) -> Judgement:
    agreeing, supporters = compared.agreeing, compared.supporters
    first = agreeing[0]
    text, *others = dict.fromkeys(each.text for each in agreeing)
    # no rule settles a mark in which these differ
    unsettled = differences(text, others[0]) if others else ()
    against = compared.against(supporters)
    changes = dict.fromkeys(change for each in agreeing for change in each.house.changes)
    marks = [Reason(ReasonKind.HOUSE_STYLE, read, written) for read, written in changes]
    one_family = len({each.family for each in supporters}) == 1
    repairs = dict.fromkeys(
        Reason(ReasonKind.MIXED_SCRIPT, read, written)
        for each in agreeing
        for read, written in each.unified.repairs
    )
    digits = regex.search(r"\p{N}", text) and not regex.search(r"\p{L}", text)
    remarks = (
        *((Reason(ReasonKind.DIGITS_ONLY),) if digits else ()),
        *_dissent(against),
        *repairs,
        *unsettled,
        *marks,
        *((Reason(ReasonKind.ONE_FAMILY, first.family),) if one_family else ()),
    )
    score = probability(agreed_evidence(supporters, against, len(unsettled), facts))
    if score >= shipped().threshold:
        return Judgement(Verdict.AGREED, text, score, remarks)
    # rounded down, so that it never looks as if it were enough
    weak = Reason(ReasonKind.WEAK_EVIDENCE, str(math.floor(100 * score)))
    return Judgement(Verdict.DISPUTED, text, score, (weak, *remarks))


def _disputes(candidates: Sequence[Candidate], language: str, *, blank: bool) -> tuple[Reason, ...]:
    """Why readings do not agree; doubtful readings are compared only where no other has text."""
    comparable = [each for each in candidates if not _NOT_COMPARABLE & set(each.suspicions)]
    comparable = comparable or [each for each in candidates if not _unusable(each)]
    others = [each for each in comparable if each.key != comparable[0].key]
    reasons = suspicions_of(candidates, language)
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
    compared: Comparison, language: str, facts: LineFacts, reasons: tuple[Reason, ...]
) -> Judgement:
    candidates, different = compared.candidates, compared.different
    options = [disputed_evidence(each, candidates, compared.readings, language, facts) for each in different]
    chances = probabilities(options)
    place = max(range(len(different)), key=lambda place: (not _unusable(different[place]), chances[place]))
    likeliest = different[place]
    # two unlike engines do not make the same excuse: it stands on the page
    confirmed = len({each.family for each in candidates if each.key == likeliest.key}) > 1
    text = likeliest.text if confirmed or not _unusable(likeliest) else ""
    return Judgement(Verdict.DISPUTED, text, chances[place], reasons)


def _unusable(candidate: Candidate) -> bool:
    return bool(UNUSABLE & set(candidate.suspicions))


def _capable_readers(language: str) -> str:
    readers = (languages.tesseract_package(language), languages.recognition_model(language))
    return ", ".join(name for name in readers if name)
