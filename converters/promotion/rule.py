"""The rule by which a trained model takes the place of the one that reads; pure.

Both have read the same lines, of pages on which the new one was neither trained nor stopped early. All of
these must hold:

1. enough: at least 20 such pages and 200 lines, and 10 lines of every language that it is to read;
2. better beyond chance: the upper end of the 95 % interval of CER(new) - CER(old) is below 0, over pages
   drawn again and again (`paired_bootstrap`);
3. better by enough to be worth a change: by 0.2 points of CER, or 5 % of what was wrong, whichever is more;
4. lines without any error are not fewer by more than 1 point;
5. no script and no language is worse by more than 2 points beyond chance;
6. no letter is forgotten: of none that the old one read in 95 of 100 places does the new one miss half;
7. where another kind of reader gives up its place to the first promoted model, the new one is not worse than
   it by more than 2 points of CER beyond chance: PaddleOCR's own model may not know the language at all, and
   nearly anything is better than that;
8. no language loses its trained reader;
9. the files are another model's, and all its forms read alike (the parity that `export-model` measured).

A letter that occurs fewer than five times is no evidence, and decides nothing; nor does a script or a
language of fewer than ten lines, which is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from converters.evaluation.characters import ENOUGH as ENOUGH_OF_A_LETTER
from converters.evaluation.characters import confusions_in
from converters.evaluation.groups import NO_LETTERS, SEVERAL
from converters.evaluation.line_results import LineResult
from converters.evaluation.paired import PairedDifference, paired_bootstrap
from converters.shared.model_card import Parity

LEAST_PAGES: Final = 20
LEAST_LINES: Final = 200
LEAST_GROUP_LINES: Final = 10
LEAST_GAIN: Final = 0.002
LEAST_SHARE: Final = 0.05
EXACT_LOSS: Final = 0.01
GROUP_LOSS: Final = 0.02
READ_WELL: Final = 0.95
FORGOTTEN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the rule.

    name: for machines and headings.
    met: whether it holds.
    says: one sentence with the figures; where it does not hold, with what is missing.
    """

    name: str
    met: bool
    says: str


@dataclass(frozen=True, slots=True)
class Candidates:
    """The new model beside the one that reads.

    old, new: what each read of the same lines, in the same order.
    languages: codes of the languages that the new one is to read; the first one is that of lines whose page
        names none.
    languages_old: codes of those that the promoted model reads at present; empty where none is promoted.
    trained_pages: keys of the pages that the new one was trained on or stopped by; None where nobody knows.
    fingerprint_old, fingerprint_new: of their files; the old one's is empty for a model of PaddleOCR's.
    parity: how alike the forms of the new one read; None where nobody measured.
    displaced: what the reader whose place it takes had read of the same lines, before people decided; None
        for a line that PaddleOCR's model read, too, or that has no such reading.
    """

    old: Sequence[LineResult]
    new: Sequence[LineResult]
    languages: Sequence[str]
    languages_old: Sequence[str]
    trained_pages: frozenset[str] | None
    fingerprint_old: str
    fingerprint_new: str
    parity: Parity | None
    displaced: Sequence[LineResult | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rule says.

    conditions: all of them, in the order of the rule; a model without judged lines has the first one alone.
    difference: on the lines that were judged; None where there are none.
    """

    conditions: tuple[Condition, ...]
    difference: PairedDifference | None

    @property
    def better(self) -> bool:
        """Whether the new model is to read."""
        return all(condition.met for condition in self.conditions)

    @property
    def sentence(self) -> str:
        """Why, in one or two sentences: the gain, or all that is missing."""
        if self.better:
            return next(one.says for one in self.conditions if one.name == "better")
        return " ".join(condition.says for condition in self.conditions if not condition.met)

    def summary(self) -> dict[str, Any]:
        """For machines."""
        return {
            "better": self.better,
            "difference": self.difference.summary() if self.difference else None,
            "conditions": [{"name": one.name, "met": one.met, "says": one.says} for one in self.conditions],
        }


def judge(candidates: Candidates) -> Verdict:
    """Say whether the new model is to take the place of the old one.

    Args:
        candidates: both, on the same lines.

    Raises:
        ValueError: the lines of both are not the same.
    """
    pairs = list(zip(candidates.old, candidates.new, strict=True))
    trained = candidates.trained_pages
    unseen = [
        (old, new) for old, new in pairs if old.page and trained is not None and old.page not in trained
    ]
    identical = _another_model(candidates)
    if not any(old.truth for old, _ in unseen):
        return Verdict((_nothing_unseen(candidates), identical, _parity(candidates.parity)), None)
    old, new = [one for one, _ in unseen], [other for _, other in unseen]
    difference = paired_bootstrap(old, new)
    return Verdict(
        (
            _enough(difference, old, candidates.languages, len(pairs) - len(unseen)),
            _better(difference),
            _worth_it(difference),
            _exact(old, new),
            _groups("scripts", old, new, lambda line: line.script),
            _groups("languages", old, new, lambda line: line.kind),
            _letters(old, new),
            _place_of(candidates),
            _keeps_languages(candidates),
            identical,
            _parity(candidates.parity),
        ),
        difference,
    )


def _nothing_unseen(candidates: Candidates) -> Condition:
    lines, pages = len(candidates.old), len({line.page for line in candidates.old if line.page})
    if candidates.trained_pages is None:
        says = (
            "Its model.json does not say which pages it was trained on, so it cannot be judged on others. "
            "Export it with twinread export-model."
        )
    elif not pages:
        says = (
            f"Nobody knows of which pages the {lines:,} lines are, so it may have been trained on all of "
            "them. Export the dataset with twinread export, which writes manifest.jsonl."
        )
    else:
        says = (
            f"It was trained on all {pages:,} pages, so nothing is left to judge it by. Export with a split "
            "that keeps pages for the test, such as --split 8:1:1, and train again."
        )
    return Condition("enough", False, says)


def _enough(
    difference: PairedDifference, old: Sequence[LineResult], languages: Sequence[str], seen: int
) -> Condition:
    pages, lines = difference.pages, difference.lines
    lacking = []
    if pages < LEAST_PAGES:
        lacking.append(f"{_number(LEAST_PAGES - pages, 'page')} more")
    if lines < LEAST_LINES:
        lacking.append(f"{_number(LEAST_LINES - lines, 'line')} more")
    of = Counter(line.kind or languages[0] for line in old)
    lacking += [
        f"{_number(LEAST_GROUP_LINES - of[code], 'line')} more in '{code}'"
        for code in languages
        if of[code] < LEAST_GROUP_LINES
    ]
    on = f"{_number(pages, 'page')} and {_number(lines, 'line')} that it never saw"
    if seen:
        on += (
            f" ({_number(seen, 'line')} of pages that it was trained on, or of no known page, were left out)"
        )
    if not lacking:
        return Condition("enough", True, f"Judged on {on}.")
    return Condition(
        "enough",
        False,
        f"It can be judged on {on}, and the rule wants {LEAST_PAGES} pages and {LEAST_LINES} lines: "
        f"{' and '.join(lacking)} must be approved in the test part of the dataset.",
    )


def _better(difference: PairedDifference) -> Condition:
    figures = (
        f"it misreads {_points(difference.cer_new)} of 100 characters, the present one "
        f"{_points(difference.cer_old)} (difference {_interval(difference)})"
    )
    if difference.high < 0:
        return Condition("better", True, f"It is better: {figures}.")
    if difference.difference < 0:
        return Condition("better", False, f"That it is better may be chance: {figures}.")
    return Condition("better", False, f"It is not better: {figures}.")


def _worth_it(difference: PairedDifference) -> Condition:
    gain, wanted = -difference.difference, max(LEAST_GAIN, LEAST_SHARE * difference.cer_old)
    if gain <= 0:
        return Condition("worth a change", False, "There is no gain that a change would be worth.")
    compared = f"{_points(gain)} points of CER, where {_points(wanted)} are wanted"
    # what is compared are counts of characters, so that exactly enough is enough
    if round(gain - wanted, 9) >= 0:
        return Condition("worth a change", True, f"The gain is {compared}.")
    return Condition("worth a change", False, f"The gain is too small for a change: {compared}.")


def _exact(old: Sequence[LineResult], new: Sequence[LineResult]) -> Condition:
    before, after = (sum(line.exact for line in lines) / len(lines) for lines in (old, new))
    figures = f"{_points(after)} of 100 lines without an error, the present one {_points(before)}"
    # lines are counted, so that a loss of exactly 1 point is one
    if round(before - after, 9) <= EXACT_LOSS:
        return Condition("whole lines", True, f"It reads {figures}.")
    return Condition("whole lines", False, f"It loses whole lines: it reads {figures}.")


def _groups(
    name: str, old: Sequence[LineResult], new: Sequence[LineResult], group_of: Callable[[LineResult], str]
) -> Condition:
    worse, few, judged = [], [], []
    for group, before, after in _by_group(old, new, group_of):
        if len(before) < LEAST_GROUP_LINES or not any(line.truth for line in before):
            few.append(f"{_shown(group)} ({len(before)})")
            continue
        difference = paired_bootstrap(before, after)
        if difference.difference > GROUP_LOSS and difference.low > 0:
            worse.append(
                f"{_shown(group)} by {_interval(difference)}, on {_number(difference.lines, 'line')}"
            )
        judged.append(_shown(group))
    unknown = f" Too few lines to judge: {', '.join(few)}." if few else ""
    if worse:
        return Condition(name, False, f"It is worse in {'; '.join(worse)}.{unknown}")
    if not judged:
        return Condition(name, True, f"No page names its {name[:-1]}, or too few do.{unknown}")
    return Condition(name, True, f"None of its {name} is worse: {', '.join(judged)}.{unknown}")


def _by_group(
    old: Sequence[LineResult], new: Sequence[LineResult], group_of: Callable[[LineResult], str]
) -> Iterator[tuple[str, list[LineResult], list[LineResult]]]:
    """Each group's name with its lines of both, the largest first."""
    sizes = Counter(filter(None, map(group_of, old)))
    for group, _ in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        pairs = [(one, other) for one, other in zip(old, new, strict=True) if group_of(one) == group]
        yield group, [one for one, _ in pairs], [other for _, other in pairs]


def _letters(old: Sequence[LineResult], new: Sequence[LineResult]) -> Condition:
    before, after = _recalls(old), _recalls(new)
    forgotten = [
        f"{char} ({right:,} of {after[char][1]:,}, before {before[char][0]:,})"
        for char, (right, of) in sorted(after.items())
        if of >= ENOUGH_OF_A_LETTER and before[char][0] >= READ_WELL * of and right < FORGOTTEN * of
    ]
    if forgotten:
        return Condition(
            "letters", False, f"It forgot letters that the present one reads: {', '.join(forgotten)}."
        )
    return Condition("letters", True, "No letter that the present one reads was forgotten.")


def _recalls(lines: Sequence[LineResult]) -> Mapping[str, tuple[int, int]]:
    """How often each character was read, of how often it was approved."""
    approved = Counter(char for line in lines for char in line.truth if not char.isspace())
    missed = Counter(confusion.truth for line in lines if not line.exact for confusion in confusions_in(line))
    return {char: (of - missed[char], of) for char, of in approved.items()}


def _place_of(candidates: Candidates) -> Condition:
    """Nothing is asked where no other reader gives up its place, or hardly a line of its is known."""
    trained = candidates.trained_pages or frozenset()
    pairs = [
        (before, new)
        for before, new in zip(candidates.displaced, candidates.new, strict=True)
        if before is not None and new.page and new.page not in trained
    ]
    if len(pairs) < LEAST_GROUP_LINES or not any(before.truth for before, _ in pairs):
        return Condition("place", True, "No reading is known that would give up its place to it.")
    found = paired_bootstrap([before for before, _ in pairs], [new for _, new in pairs])
    figures = (
        f"it misreads {_points(found.cer_new)} of 100 characters, that one {_points(found.cer_old)} "
        f"(difference {_interval(found)}, on {_number(found.lines, 'line')})"
    )
    if found.difference > GROUP_LOSS and found.low > 0:
        return Condition(
            "place",
            False,
            f"The reading whose place it would take is better: {figures}. Train longer, or on more lines.",
        )
    return Condition("place", True, f"It may take the place of the second reading: {figures}.")


def _keeps_languages(candidates: Candidates) -> Condition:
    lost = [code for code in candidates.languages_old if code not in candidates.languages]
    if not lost:
        return Condition("readers", True, "No language loses its trained reader.")
    named, asked = _quoted(lost), " ".join(f"--language {code}" for code in (*candidates.languages, *lost))
    return Condition(
        "readers",
        False,
        f"The promoted model reads {named}, too, which would go back to PaddleOCR's own. Judge the new one "
        f"for all of them: {asked}.",
    )


def _another_model(candidates: Candidates) -> Condition:
    if candidates.fingerprint_new == candidates.fingerprint_old:
        return Condition("another model", False, "This very model reads already.")
    return Condition("another model", True, "Its files are not those of the model that reads.")


def _parity(parity: Parity | None) -> Condition:
    if parity is None or not parity.lines:
        return Condition(
            "same in all forms",
            False,
            "Nobody compared its forms: model.json holds no parity. Export it with twinread export-model.",
        )
    figures = (
        f"{parity.equal:,} of {parity.lines:,} lines were read alike by checkpoint, Paddle and ONNX, scores "
        f"at most {parity.largest_score_difference:.1g} apart"
    )
    if parity.holds:
        return Condition("same in all forms", True, f"{figures}.")
    return Condition(
        "same in all forms",
        False,
        f"Its forms do not read alike: {figures}. Export it again with twinread export-model.",
    )


def _interval(difference: PairedDifference) -> str:
    return (
        f"{_points(difference.difference, '+')} points, 95 % between {_points(difference.low, '+')} and "
        f"{_points(difference.high, '+')}"
    )


def _points(rate: float, sign: str = "") -> str:
    """Per hundred, to one decimal; small ones to two, so that 0.04 is not 0.0."""
    value = 100 * rate
    return f"{value:{sign}.{1 if abs(value) >= 0.95 or not value else 2}f}"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _quoted(codes: Sequence[str]) -> str:
    return " and ".join(f"'{code}'" for code in codes)


def _shown(group: str) -> str:
    return {NO_LETTERS: "digits and signs", SEVERAL: "lines of several scripts"}.get(group, group)
