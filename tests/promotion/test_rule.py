"""When a trained model takes over: each condition of the rule, met and not met, with its sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from converters.evaluation.line_results import LineResult
from converters.promotion.rule import Candidates, Condition, Verdict, judge
from converters.shared.model_card import Parity

TRUTH = "абвгдежзик"
"""Ten letters, so that one wrong letter is a CER of 10 % of the line."""

WRONG = "абвгдежзи?"
"""The last letter is misread."""

ALIKE = Parity(lines=60, equal=60, largest_score_difference=3.2e-6)


def lines(
    read: Callable[[int], str],
    *,
    pages: int = 20,
    per_page: int = 10,
    truth: str = TRUTH,
    script: str = "Cyrillic",
    kind: str = "",
    first_page: int = 1,
) -> list[LineResult]:
    """What a model read: `read` of each line's number, ten lines a page."""
    return [
        LineResult(
            page=str(first_page + number // per_page),
            crop=f"{script}{kind}{truth}{first_page}-{number}.png",
            truth=truth,
            read=read(number),
            script=script,
            kind=kind,
        )
        for number in range(pages * per_page)
    ]


def every(nth: int, text: str = WRONG) -> Callable[[int], str]:
    """Reads `text` on every nth line, and the rest right."""
    return lambda number: text if number % nth == 0 else TRUTH


def candidates(old: Sequence[LineResult], new: Sequence[LineResult], **more: object) -> Candidates:
    plain = Candidates(
        old=old,
        new=new,
        languages=("ru",),
        languages_old=(),
        trained_pages=frozenset({"900"}),
        fingerprint_old="11111111",
        fingerprint_new="22222222",
        parity=ALIKE,
        displaced=[None] * len(old),
    )
    return replace(plain, **more)


def condition(verdict: Verdict, name: str) -> Condition:
    (found,) = [one for one in verdict.conditions if one.name == name]
    return found


def unmet(verdict: Verdict) -> list[str]:
    return [one.name for one in verdict.conditions if not one.met]


def test_a_model_that_is_better_everywhere_takes_over() -> None:
    # one letter of ten wrong on every second line, and on every tenth
    verdict = judge(candidates(lines(every(2)), lines(every(10))))
    assert unmet(verdict) == []
    assert verdict.better
    assert verdict.sentence == (
        "It is better: it misreads 1.0 of 100 characters, the present one 5.0 (difference -4.0 points, 95 % "
        "between -4.0 and -4.0)."
    )
    assert condition(verdict, "enough").says == "Judged on 20 pages and 200 lines that it never saw."
    assert condition(verdict, "whole lines").says == (
        "It reads 90.0 of 100 lines without an error, the present one 50.0."
    )


def test_a_worse_model_never_takes_over() -> None:
    verdict = judge(candidates(lines(every(10)), lines(every(2))))
    assert not verdict.better
    assert set(unmet(verdict)) >= {"better", "worth a change", "whole lines", "scripts"}
    assert "It is not better: it misreads 5.0 of 100 characters, the present one 1.0" in verdict.sentence
    assert "It loses whole lines: it reads 50.0 of 100 lines without an error" in verdict.sentence
    assert "worse in Cyrillic by +4.0 points" in verdict.sentence


def test_the_same_readings_are_no_gain() -> None:
    same = lines(every(10))
    verdict = judge(candidates(same, same))
    assert unmet(verdict) == ["better", "worth a change"]


@pytest.mark.parametrize(
    ("pages", "per_page", "missing"),
    [
        pytest.param(19, 11, "1 page more must", id="19 pages"),
        pytest.param(20, 9, "20 lines more must", id="180 lines"),
        pytest.param(7, 10, "13 pages more and 130 lines more must", id="both"),
    ],
)
def test_too_few_pages_or_lines_name_what_is_missing(pages: int, per_page: int, missing: str) -> None:
    made = {"pages": pages, "per_page": per_page}
    verdict = judge(candidates(lines(every(2), **made), lines(every(10), **made)))
    assert unmet(verdict) == ["enough"]
    assert missing in verdict.sentence
    assert "approved in the test part" in verdict.sentence


def test_pages_that_it_was_trained_on_do_not_count() -> None:
    old, new = lines(every(2), pages=25), lines(every(10), pages=25)
    verdict = judge(candidates(old, new, trained_pages=frozenset({"1", "2", "3", "4", "5", "6"})))
    assert unmet(verdict) == ["enough"]
    assert verdict.difference is not None
    assert (verdict.difference.pages, verdict.difference.lines) == (19, 190)
    assert "60 lines of pages that it was trained on" in verdict.sentence
    # a model that is only better on its own training pages is not better
    new = [line if int(line.page) <= 6 else before for line, before in zip(new, old, strict=True)]
    assert "better" in unmet(judge(candidates(old, new, trained_pages=frozenset(map(str, range(1, 7))))))


@pytest.mark.parametrize(
    ("more", "page", "why"),
    [
        pytest.param(
            {"trained_pages": None}, None, "does not say which pages", id="nobody knows its training"
        ),
        pytest.param({}, "", "Nobody knows of which pages", id="no manifest"),
        pytest.param(
            {"trained_pages": frozenset(map(str, range(1, 21)))}, None, "all 20 pages", id="all seen"
        ),
    ],
)
def test_without_a_page_that_it_never_saw_it_is_not_judged(
    more: dict[str, object], page: str | None, why: str
) -> None:
    def of_page(found: list[LineResult]) -> list[LineResult]:
        return found if page is None else [replace(line, page=page) for line in found]

    verdict = judge(candidates(of_page(lines(every(2))), of_page(lines(every(10))), **more))
    assert (verdict.better, verdict.difference) == (False, None)
    assert why in verdict.sentence


def test_a_gain_on_one_page_alone_may_be_chance() -> None:
    old = lines(lambda number: WRONG if number < 10 else TRUTH)
    verdict = judge(candidates(old, lines(lambda _: TRUTH)))
    assert unmet(verdict) == ["better"]
    assert "may be chance" in verdict.sentence
    assert verdict.difference is not None
    assert verdict.difference.high == 0


@pytest.mark.parametrize(
    ("wrong_before", "wrong_after", "enough"),
    [
        # of 10,000 letters, spread evenly over 100 pages
        pytest.param(100, 80, True, id="0.2 points, where 1 % is wrong"),
        pytest.param(100, 81, False, id="0.19 points"),
        pytest.param(1000, 950, True, id="5 %, where 10 % is wrong"),
        pytest.param(1000, 951, False, id="4.9 %"),
    ],
)
def test_a_small_gain_is_not_worth_a_change(wrong_before: int, wrong_after: int, enough: bool) -> None:
    def wrong(count: int) -> Callable[[int], str]:
        return lambda number: WRONG if number < count else TRUTH

    made = {"pages": 100, "per_page": 10}
    verdict = judge(candidates(lines(wrong(wrong_before), **made), lines(wrong(wrong_after), **made)))
    assert condition(verdict, "worth a change").met is enough


@pytest.mark.parametrize(
    ("lost", "met"), [pytest.param(2, True, id="1 of 100"), pytest.param(3, False, id="1.5 of 100")]
)
def test_whole_lines_may_not_be_lost_for_letters(lost: int, met: bool) -> None:
    # before: 40 lines with all letters wrong; after: these right but for one letter, and some others wrong
    old = lines(lambda number: "??????????" if number % 5 == 0 else TRUTH)
    new = lines(lambda number: WRONG if number % 5 == 0 or (number % 5 == 1 and number < 5 * lost) else TRUTH)
    verdict = judge(candidates(old, new))
    assert condition(verdict, "better").met
    assert condition(verdict, "whole lines").met is met


def test_no_script_may_become_worse() -> None:
    latin = {"truth": "abcdefghij", "script": "Latin", "pages": 20, "per_page": 1}
    old = lines(every(2)) + lines(lambda _: "abcdefghij", **latin)
    new = lines(every(10)) + lines(lambda number: "abcdefghi?" if number % 2 else "abcdefghij", **latin)
    verdict = judge(candidates(old, new))
    assert unmet(verdict) == ["scripts"]
    assert "worse in Latin by +5.0 points" in verdict.sentence
    assert "on 20 lines" in verdict.sentence
    # by one letter of a hundred on every page it may, however sure that is
    long = {**latin, "truth": "abcdefghij" * 10}
    old = lines(every(2)) + lines(lambda _: "abcdefghij" * 10, **long)
    assert judge(
        candidates(old, lines(every(10)) + lines(lambda _: "abcdefghij" * 9 + "abcdefghi?", **long))
    ).better


def test_a_script_on_a_few_lines_decides_nothing_and_is_named() -> None:
    greek = {"truth": "αβγδε", "script": "Greek", "pages": 3, "per_page": 3}
    old = lines(every(2)) + lines(lambda _: "αβγδε", **greek)
    new = lines(every(10)) + lines(lambda _: "?????", **greek)
    verdict = judge(candidates(old, new))
    assert condition(verdict, "scripts").says == (
        "None of its scripts is worse: Cyrillic. Too few lines to judge: Greek (9)."
    )
    assert condition(verdict, "scripts").met


def test_no_language_may_become_worse_nor_be_read_unjudged() -> None:
    kazakh = {"kind": "kk", "pages": 20, "per_page": 1, "first_page": 100}
    old = lines(every(2), kind="ru") + lines(lambda _: TRUTH, **kazakh)
    new = lines(every(10), kind="ru") + lines(lambda _: WRONG, **kazakh)
    assert unmet(judge(candidates(old, new, languages=("ru", "kk")))) == ["languages"]
    verdict = judge(candidates(old, new, languages=("ru", "kk", "uk")))
    assert "10 lines more in 'uk'" in verdict.sentence


def test_no_letter_may_be_forgotten() -> None:
    # a letter that is on every twentieth line, ten times; the old one misreads another one on the rest
    def read(with_yo: Callable[[int], str], without: Callable[[int], str]) -> list[LineResult]:
        return [
            LineResult(
                page=str(number // 10),
                crop=f"{number}.png",
                truth="абвгд" if number % 20 else "абвгё",
                read=without(number) if number % 20 else with_yo(number),
                script="Cyrillic",
            )
            for number in range(200)
        ]

    old = read(lambda _: "абвгё", lambda _: "абвг?")
    verdict = judge(candidates(old, read(lambda _: "абвге", lambda _: "абвгд")))
    assert unmet(verdict) == ["letters"]
    assert verdict.sentence == "It forgot letters that the present one reads: ё (0 of 10, before 10)."
    # missed in half of its places it is not forgotten
    half = read(lambda number: "абвге" if number % 40 else "абвгё", lambda _: "абвгд")
    assert judge(candidates(old, half)).better


def test_a_letter_that_is_hardly_there_is_no_evidence() -> None:
    def read(rare: str) -> list[LineResult]:
        found = lines(every(2) if rare == "ъ" else every(10))
        return [
            replace(line, truth="абвгдежзиъ", read=f"абвгдежзи{rare}")
            if number in (1, 51, 101, 151)
            else line
            for number, line in enumerate(found)
        ]

    assert judge(candidates(read("ъ"), read("ь"))).better


def test_a_first_model_is_not_worse_than_the_reading_whose_place_it_takes() -> None:
    # PaddleOCR's own model knows no letter of the language; the new one misreads 30 % of them, Tesseract 1 %
    first = candidates(lines(lambda _: ""), lines(lambda _: "абвгдеж???"), displaced=lines(every(10)))
    verdict = judge(first)
    assert unmet(verdict) == ["place"]
    assert verdict.sentence == (
        "The reading whose place it would take is better: it misreads 30.0 of 100 characters, that one 1.0 "
        "(difference +29.0 points, 95 % between +29.0 and +29.0, on 200 lines). Train longer, or on more "
        "lines."
    )
    # of another kind, it may be a little worse: together they find more than one engine that looks twice
    near = judge(replace(first, new=lines(every(4))))
    assert near.better
    assert "It may take the place of the second reading: it misreads 2.5" in condition(near, "place").says


def test_a_reading_that_is_hardly_known_decides_nothing() -> None:
    known = [line if number < 9 else None for number, line in enumerate(lines(every(10)))]
    first = candidates(lines(lambda _: ""), lines(lambda _: "абвгдеж???"), displaced=known)
    assert judge(first).better
    # nor do lines of pages that the new one was trained on
    seen = frozenset(map(str, range(1, 21)))
    trained = judge(replace(first, displaced=lines(every(10)), trained_pages=seen))
    assert "place" not in [one.name for one in trained.conditions]


def test_a_language_does_not_lose_its_trained_reader_unnoticed() -> None:
    better = candidates(lines(every(2)), lines(every(10)), languages_old=("ru", "uk"))
    verdict = judge(better)
    assert unmet(verdict) == ["readers"]
    assert "'uk'" in verdict.sentence
    assert "--language ru --language uk" in verdict.sentence


@pytest.mark.parametrize(
    ("parity", "met"),
    [
        pytest.param(ALIKE, True, id="alike"),
        pytest.param(Parity(200, 199, 9e-4), True, id="one of 200 texts"),
        pytest.param(Parity(200, 198, 9e-4), False, id="two of 200 texts"),
        pytest.param(Parity(200, 200, 1e-3), False, id="scores"),
        pytest.param(Parity(0, 0, 0.0), False, id="on no line"),
        pytest.param(None, False, id="not measured"),
    ],
)
def test_all_forms_of_the_model_must_read_alike(parity: Parity | None, met: bool) -> None:
    verdict = judge(candidates(lines(every(2)), lines(every(10)), parity=parity))
    assert verdict.better is met
    assert condition(verdict, "same in all forms").met is met


def test_the_model_that_reads_is_not_promoted_again() -> None:
    verdict = judge(candidates(lines(every(2)), lines(every(10)), fingerprint_old="22222222"))
    assert verdict.sentence == "This very model reads already."


def test_lines_without_a_text_are_no_reason_to_fail() -> None:
    blank = {"truth": "", "script": "digits and signs", "pages": 20, "per_page": 1}
    old = lines(every(2)) + lines(lambda _: "", **blank)
    new = lines(every(10)) + lines(lambda _: "", **blank)
    assert judge(candidates(old, new)).better
