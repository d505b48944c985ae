"""What "B is right" makes of a line: the second reading's text, or nothing and a reason."""

from __future__ import annotations

from typing import Any

import pytest

from backend.label_studio.regions import Region, regions
from backend.label_studio.second_reading import SecondReadingProblem, approved_texts, second_reading
from tests.parts.reviewed_work import CONFIG, Work, prediction, submitted

MISSING, TYPED = SecondReadingProblem.MISSING, SecondReadingProblem.TYPED
SIZE = (1000, 1400)


def line(work: Work, language: str = "ru") -> tuple[Region, Region]:
    """The line as it was predicted, and as it was submitted."""
    predicted = prediction([work], SIZE, language=language)
    (before,) = regions(predicted["result"])
    (after,) = regions(submitted(predicted, [work]))
    return before, after


@pytest.mark.parametrize(
    ("said", "field", "text"),
    [
        pytest.param(("Молоко", "Молокo и"), "Молоко", "Молоко и", id="B, with its look-alike in one script"),
        pytest.param(("дом №7", "том №7"), "дом № 7", "том № 7", id="B, with the marks of the house rule"),
        pytest.param(("Молоко", "Молоки"), "Молоки", "Молоки", id="B stands in the field already"),
        pytest.param(("Молоко", "Молоки"), "", "Молоки", id="the field was cleared"),
        pytest.param((None, "Молоки"), "Молоки", "Молоки", id="the first reader failed"),
        pytest.param(("Молоко", "Молоки", "Молока"), "Молоко", "Молоки", id="of three readings the second"),
        pytest.param(("Молоко", "Молоки"), "Молоко!", TYPED, id="another text was typed"),
        pytest.param(("Молоко", None), "Молоко", MISSING, id="the second reader failed"),
        pytest.param(("Молоко", ""), "Молоко", MISSING, id="the second reader saw no text"),
        pytest.param(("Молоко", None, "Молока"), "Молоко", MISSING, id="C is not B"),
        pytest.param(("Молоко",), "Молоко", MISSING, id="one reading"),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["prediction known", "prediction not known"])
def test_b_is_the_second_reading_of_the_panel_or_there_is_none(
    said: tuple[str | None, ...], field: str, text: str | SecondReadingProblem, known: bool
) -> None:
    before, after = line(Work(said, field, "second"))
    filled_in = before.texts if known else None
    assert second_reading(after, [field], language="ru", filled_in=filled_in) == text


def test_a_reading_that_was_typed_over_another_counts_as_typed_where_the_prediction_is_known() -> None:
    before, after = line(Work(("Молоко", "Молоки", "Молока"), "Молока", "second"))
    assert before.texts == ("Молоко",)
    assert second_reading(after, ["Молока"], language="ru", filled_in=before.texts) is TYPED


def test_the_readings_of_a_box_that_was_copied_are_of_another_place() -> None:
    _, after = line(Work(("Молоко", "Молоки"), "Молоко", "second"))
    (copied,) = regions([{**part, "id": "copy"} for part in after.results])
    assert second_reading(copied, ["Молоко"], language="ru") is MISSING


def test_a_language_that_nobody_knows_costs_no_line() -> None:
    _, after = line(Work(("Milk", "Silk"), "Milk", "second"))
    assert second_reading(after, ["Milk"], language="Klingonese of old") == "Silk"


def chosen(label: str, *choices: str) -> list[dict[str, Any]]:
    """A disputed line with this label, A in its field, and these choices."""
    work = Work(("Молоко", "Молоки"), "Молоко", "second")
    made = submitted(prediction([work], SIZE, language="ru"), [work])
    for part in made:
        if "rectanglelabels" in part["value"]:
            part["value"]["rectanglelabels"] = [label]
        if "choices" in part["value"]:
            part["value"]["choices"] = list(choices)
    return made


@pytest.mark.parametrize(
    ("label", "choices", "texts"),
    [
        pytest.param("Check", ["B is right"], ["Молоки"], id="B is right"),
        pytest.param("Check", ["leave for later"], [], id="left for later"),
        pytest.param("Check", ["leave for later", "B is right"], [], id="both: left for later"),
        pytest.param("Text", ["B is right"], ["Молоко"], id="1 was pressed last: the field is right"),
        pytest.param("Illegible", ["B is right"], [], id="illegible"),
        pytest.param("Not text", ["B is right"], [], id="no text"),
    ],
)
def test_the_choice_counts_only_while_the_line_is_in_doubt(
    label: str, choices: list[str], texts: list[str]
) -> None:
    (region,) = regions(chosen(label, *choices))
    assert list(approved_texts(region, CONFIG, "ru")) == texts
