"""Which lines of a page are doubtful, what they offer, and when an answer about one still holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backend.label_studio.config_tags import LabelNames
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.predictions import prediction
from backend.page.lines import Judgement, Line, Reading, ReadLine, ReadPage, Verdict
from backend.sheets.doubtful_lines import PageLines, PageWork, is_same_line, page_lines
from backend.sheets.offered_texts import TextRules
from backend.sheets.sheet_tasks import LineKey, SheetLine
from tests.parts.read_tasks import CONFIG, VERSION, predicted, submitted, task

RUSSIAN = TextRules("ru")
OTHER = VERSION.replace("1f3a9c07", "00000001")


def look(page: dict[str, Any], version: str = VERSION, **more: Any) -> PageLines:
    return page_lines(page, 3, CONFIG, version, RUSSIAN, **more)


def page_of(*readings: Reading, language: str | None = None) -> dict[str, Any]:
    """A page with one disputed line that these readers read."""
    quad = np.array([[10, 10], [300, 10], [300, 30], [10, 30]], np.float32)
    read = ReadLine(Line(quad), readings, Judgement(Verdict.DISPUTED, "", 0.2))
    made = prediction(ReadPage(400, 200, [read]), CONFIG, model_version=VERSION)
    data = {"image": "/a.png"} if language is None else {"image": "/a.png", "language": language}
    return {"id": 17, "data": data, "predictions": [{"id": 5, **made}]}


def offered(page: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.line.a, each.line.b) for each in look(page).doubtful]


def read(*texts: str | None) -> list[Reading]:
    """One reading for each text, of a reader of its own; None for one that failed."""
    return [
        Reading(f"reader {number}", text or "", error=None if text is not None else "no answer in 60 s")
        for number, text in enumerate(texts)
    ]


def test_doubtful_lines_stand_in_the_order_of_the_page_with_their_readings_and_corners() -> None:
    found = look(task(17, ("Счёт 12", "Счет 12"), "Дата", ("Сумма", "Сума")))

    assert (found.task, found.work, found.sure, found.prediction) == (17, PageWork.NONE, 1, 117)
    assert [(each.line.a, each.line.b) for each in found.doubtful] == [
        ("Счёт 12", "Счет 12"),
        ("Сумма", "Сума"),
    ]
    first = found.doubtful[0]
    assert first.line.key == LineKey(3, 17, first.line.key.region)
    assert first.line.key.region.startswith("l001-")
    assert first.line.quad == ((10.0, 10.0), (300.0, 10.0), (300.0, 30.0), (10.0, 30.0))
    assert (first.size, first.line.prediction, first.line.model_version) == ((400, 2000), 117, VERSION)
    assert "ё" not in first.line.b


@pytest.mark.parametrize(
    ("readings", "pair"),
    [
        pytest.param(read("Счёт", "Счет"), ("Счёт", "Счет"), id="two"),
        pytest.param(read(None, "Счёт"), ("Счёт", ""), id="the first one failed"),
        pytest.param(read("", "Счёт"), ("Счёт", ""), id="the first one saw nothing"),
        pytest.param(read("Счёт", "Счёт"), ("Счёт", ""), id="alike, and doubted by a guard"),
        pytest.param(read("а", "б", "в", "в"), ("а", "в"), id="what most read, and the first of the others"),
        pytest.param(read("а", "б", "в"), ("а", "б"), id="three, all different"),
        pytest.param(read("", None), ("", ""), id="nothing read"),
        pytest.param(read("C\u0443мма", "Сумa"), ("Сумма", "Сума"), id="Latin look-alikes are unified"),
        pytest.param(read("№7  сорт", "№7 copт"), ("№ 7 сорт", ""), id="one text once written as a label"),
        pytest.param(
            read("\u200bСчёт\n12", "Счёт 1"), ("Счёт 12", "Счёт 1"), id="invisible marks are not kept"
        ),
    ],
)
def test_readings_are_offered_as_they_would_become_labels(
    readings: list[Reading], pair: tuple[str, str]
) -> None:
    assert offered(page_of(*readings)) == [pair]


def test_a_tasks_own_language_decides_and_a_name_that_is_none_does_not() -> None:
    latin = read("cop", "cor")
    assert offered(page_of(*latin, language="en")) == [("cop", "cor")]
    assert offered(page_of(*latin, language="no such language")) == offered(page_of(*latin))


def test_a_line_without_readings_of_twinread_offers_its_own_text() -> None:
    page = task(17, ("Счёт 12", "Счет 12"))
    for result in page["predictions"][0]["result"]:
        result.pop("meta", None)
    assert offered(page) == [("Счёт 12", "")]


@pytest.mark.parametrize(
    ("change", "begun", "work"),
    [
        pytest.param({}, False, PageWork.NONE, id="nobody"),
        pytest.param({"annotations": [submitted("Счёт 12")]}, False, PageWork.SUBMITTED, id="submitted"),
        pytest.param(
            {"annotations": [{"id": 1, "was_cancelled": True, "result": []}]},
            False,
            PageWork.SKIPPED,
            id="passed over",
        ),
        pytest.param({"annotations": [{"id": 1, "result": "?"}]}, False, PageWork.SUBMITTED, id="unreadable"),
        pytest.param({"drafts": [{"id": 1, "result": []}]}, False, PageWork.BEGUN, id="a draft of ours"),
        pytest.param({}, True, PageWork.BEGUN, id="a draft of somebody else"),
    ],
)
def test_a_page_says_what_people_did_with_it(change: dict[str, Any], begun: bool, work: PageWork) -> None:
    assert look({**task(17, ("а", "б")), **change}, begun=begun).work is work


def test_the_version_that_the_project_chose_counts_and_a_reread_never() -> None:
    page = task(17, ("а", "б"))
    page["predictions"] += [
        {"id": 200, "created_at": "2026-01-02T00:00:00Z", **predicted(("в", "г"), version=OTHER)},
        {"id": 300, "created_at": "2026-01-03T00:00:00Z", **predicted(("д", "е"), version=f"reread {OTHER}")},
    ]
    assert offered(page) == [("а", "б")]
    assert look(page, OTHER).prediction == look(page, "twinread").prediction == 200
    assert look({"id": 17, "predictions": page["predictions"][2:]}, OTHER).prediction is None


def test_the_project_s_own_names_of_labels_are_heeded() -> None:
    names = LabelNames("Текст", "Проверить", "Неразборчиво", "Не текст")
    renamed = LabelingConfig.parse(default_config(names), names)
    quad = np.array([[10, 10], [300, 10], [300, 30], [10, 30]], np.float32)
    line = ReadLine(Line(quad), tuple(read("а", "б")), Judgement(Verdict.DISPUTED, "а", 0.2))
    made = prediction(ReadPage(400, 200, [line]), renamed, model_version=VERSION)
    page = {"id": 17, "predictions": [{"id": 5, **made}]}

    assert len(page_lines(page, 3, renamed, VERSION, RUSSIAN).doubtful) == 1
    # the labels of another project say nothing here
    assert look(page).doubtful == ()


def test_a_doubtful_region_that_no_strip_can_show_is_named() -> None:
    page = task(17, ("а", "б"))
    for result in page["predictions"][0]["result"]:
        del result["original_width"]
    found = look(page)
    assert (len(found.unshown), found.doubtful, found.agreed_share) == (1, (), 0.0)


def test_the_most_doubtful_page_comes_first_by_its_score_or_by_its_lines() -> None:
    by_score = look({**task(17, ("а", "б")), "predictions": [{"id": 1, **predicted("а"), "score": 0.25}]})
    half = task(18, ("а", "б"), "в")
    half["predictions"][0]["score"] = None
    assert by_score.urgency == (0.25, 17)
    assert look(half).urgency == (0.5, 18)


BOX = ((0.0, 0.0), (100.0, 0.0), (100.0, 20.0), (0.0, 20.0))
LINE = SheetLine(LineKey(3, 17, "l001-e72ce6"), "а", "б", 0, 5, VERSION, BOX)


@pytest.mark.parametrize(
    ("now", "same"),
    [
        pytest.param(LINE, True, id="untouched"),
        pytest.param(replace(LINE, prediction=9, model_version=OTHER, place=4), True, id="read again alike"),
        pytest.param(replace(LINE, a="в"), False, id="another first reading"),
        pytest.param(replace(LINE, b=""), False, id="no second reading"),
        pytest.param(replace(LINE, a="б", b="а"), False, id="readings in the other order"),
        pytest.param(replace(LINE, page=1), False, id="on another image"),
        pytest.param(
            replace(LINE, quad=((0.0, 0.0), (95.0, 0.0), (95.0, 20.0), (0.0, 20.0))), True, id="IoU 0.95"
        ),
        pytest.param(
            replace(LINE, quad=((0.0, 0.0), (85.0, 0.0), (85.0, 20.0), (0.0, 20.0))), False, id="IoU 0.85"
        ),
    ],
)
def test_an_answer_holds_while_texts_and_place_are_the_same(now: SheetLine, same: bool) -> None:
    assert is_same_line(LINE, now) is same
    assert is_same_line(now, LINE) is same
