"""How far people agree about lines on sheets."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from backend.sheets.decisions import Decision, LineVerdict
from backend.sheets.line_agreement import cohens_kappa, krippendorffs_alpha, line_agreement
from backend.sheets.sheet_tasks import LineKey, SheetLine

QUAD = ((10.0, 10.0), (410.0, 10.0), (410.0, 40.0), (10.0, 40.0))
A, B, TYPED, ILLEGIBLE = LineVerdict.FIRST, LineVerdict.SECOND, LineVerdict.TYPED, LineVerdict.ILLEGIBLE


def answer(
    user: str, place: int, verdict: LineVerdict, text: str = "", *, sheet: int = 71, annotation: int = 0
) -> Decision:
    """One person's answer about the line at that place of a sheet."""
    line = SheetLine(LineKey(3, 17, f"l{place:03}"), "Счёт", "Счет", 0, 5, "model 1", QUAD, place)
    said = {A: "Счёт", B: "Счет"}.get(verdict, text)
    moment = datetime(2026, 11, 2, 9, annotation % 60, tzinfo=timezone.utc)
    return Decision(line, verdict, said, user, sheet, annotation, moment, 3.0)


def grants(both_yes: int, only_first: int, only_second: int, both_no: int) -> list[tuple[str, str]]:
    """What two people said about as many proposals."""
    return [
        *[("yes", "yes")] * both_yes,
        *[("yes", "no")] * only_first,
        *[("no", "yes")] * only_second,
        *[("no", "no")] * both_no,
    ]


@pytest.mark.parametrize(
    ("pairs", "kappa"),
    [
        # po = 35/50 = 0.7, pe = 0.5 * 0.6 + 0.5 * 0.4 = 0.5
        pytest.param(grants(20, 5, 10, 15), 0.4, id="0.7 where chance gives 0.5"),
        pytest.param(grants(10, 0, 0, 10), 1.0, id="always alike"),
        pytest.param(grants(0, 10, 10, 0), -1.0, id="never alike"),
        # po = 0.25, pe = 0.75 * 0.25 + 0.25 * 0.75 = 0.375
        pytest.param(grants(1, 5, 1, 1), -0.2, id="worse than chance"),
        pytest.param(grants(9, 1, 0, 0), 0.0, id="one says the same of every line"),
        pytest.param(grants(10, 0, 0, 0), None, id="nobody ever said anything else"),
        pytest.param([], None, id="nothing was compared"),
    ],
)
def test_kappa_is_agreement_beyond_chance(pairs: list[tuple[str, str]], kappa: float | None) -> None:
    assert cohens_kappa(pairs) == (None if kappa is None else pytest.approx(kappa))


def columns(*people: str) -> list[list[str]]:
    """Answers by line, from each person's row; `*` is none."""
    rows = [row.split() for row in people]
    return [[said for said in column if said != "*"] for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(
    ("lines", "alpha"),
    [
        # the worked examples A, B and C of Krippendorff (2011)
        pytest.param(
            columns("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"), 0.095, id="two people, yes or no"
        ),
        pytest.param(
            columns("a a b b d c c c e d d a", "b a b b b c c c e d d d"),
            0.692,
            id="two people, five answers",
        ),
        pytest.param(
            columns(
                "1 2 3 3 2 1 4 1 2 * * *",
                "1 2 3 3 2 2 4 1 2 5 * 3",
                "* 3 3 3 2 3 4 2 2 5 1 *",
                "1 2 3 3 2 4 4 1 2 5 1 *",
            ),
            0.743,
            id="four people, not all of them on each line",
        ),
        pytest.param(columns("a b a", "a b a", "a b a"), 1.0, id="always alike"),
        pytest.param(columns("a a a", "a a a"), None, id="nobody ever said anything else"),
        pytest.param(columns("a b a", "* * *"), None, id="nobody decided the same line"),
        pytest.param([], None, id="no lines"),
    ],
)
def test_alpha_is_that_of_the_published_examples(lines: list[list[str]], alpha: float | None) -> None:
    found = krippendorffs_alpha(lines)
    assert found == (None if alpha is None else pytest.approx(alpha, abs=0.0005))


def test_lines_of_two_people_are_compared_one_by_one() -> None:
    found = line_agreement(
        [
            *[answer("2", place, A) for place in range(3)],
            *[answer("3", place, A) for place in range(2)],
            answer("3", 2, B),
            answer("2", 3, B),
            answer("3", 3, B),
            answer("2", 4, ILLEGIBLE),
        ]
    )

    assert (found.lines, found.same) == (4, 3), "the line that one alone decided is not compared"
    # po = 3/4, pe = 3/4 * 2/4 + 1/4 * 2/4 = 1/2
    assert (found.coefficient, found.value) == ("Cohen's kappa", pytest.approx(0.5))
    (pair,) = found.pairs
    assert (pair.people, pair.lines, pair.same, pair.kappa) == (("2", "3"), 4, 3, pytest.approx(0.5))
    (differing,) = found.disagreements
    assert differing.line.region == "l002"
    assert [(each.user, each.text) for each in differing.answers] == [("2", "Счёт"), ("3", "Счет")]


def test_two_texts_that_people_typed_are_a_disagreement_though_both_typed() -> None:
    found = line_agreement([answer("2", 0, TYPED, "Смета"), answer("3", 0, TYPED, "Сметы")])

    assert (found.lines, found.same) == (1, 0)
    assert [each.text for each in found.disagreements[0].answers] == ["Смета", "Сметы"]


def test_of_three_people_alpha_is_given_and_each_two_are_compared() -> None:
    found = line_agreement(
        [
            *[answer("2", 0, A), answer("3", 0, A)],
            *[answer("3", 1, B), answer("4", 1, B)],
            *[answer("2", 2, A), answer("4", 2, B)],
        ]
    )

    # answers: 3 x A, 3 x B; equal pairs 2 + 2 of 6, by chance (3*2 + 3*2) / (6*5) = 0.4
    assert found.coefficient == "Krippendorff's alpha"
    assert found.value == pytest.approx(1 - (2 / 6) / 0.6)
    assert [(pair.people, pair.lines, pair.same) for pair in found.pairs] == [
        (("2", "3"), 1, 1),
        (("2", "4"), 1, 0),
        (("3", "4"), 1, 1),
    ]


def test_a_line_asked_anew_on_a_later_sheet_is_another_question() -> None:
    found = line_agreement([answer("2", 0, A, sheet=71), answer("3", 0, B, sheet=72)])

    assert (found.lines, found.coefficient, found.pairs, found.disagreements) == (0, None, (), ())


def test_two_annotations_of_nobody_are_two_opinions() -> None:
    found = line_agreement([answer("", 0, A, annotation=12), answer("", 0, B, annotation=13)])

    assert (found.lines, found.same) == (1, 0)
    assert found.pairs[0].people == ("annotation 12", "annotation 13")
