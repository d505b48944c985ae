"""Where rows come from: what readers had said, and what the person made of it."""

from __future__ import annotations

import pytest

from backend import messages
from backend.config_tags import DEFAULT_NAMES
from backend.lines import Judgement, Reading, Reason, ReasonKind, Verdict
from backend.regions import regions
from converters import manifest
from tests.reviewed_tasks import annotation, rectangle, task


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param([Reading("a", "Счёт"), Reading("b", "Счет")], ("Счёт", "Счет"), id="two texts"),
        pytest.param([Reading("a", "A: B"), Reading("b", "")], ("A: B", ""), id="a colon, and nothing"),
        pytest.param([Reading("a", error="late"), Reading("b", "x")], (None, "x"), id="one failed"),
        pytest.param([], (), id="nobody read"),
    ],
)
def test_readings_come_back_from_what_the_annotator_was_told(language, said, told):
    judgement = Judgement(Verdict.DISPUTED, "", 0, (Reason(ReasonKind.DIFFERENT, "ё", "е"),))
    assert manifest.readings_told(messages.explain(judgement, said, language)) == told


@pytest.mark.parametrize("told", ["", "B: x", "a note of a person", "A:x"])
def test_a_note_that_holds_no_readings_gives_none(told):
    assert manifest.readings_told(told) == ()


def readings(verdict, predicted):
    return manifest.Readings(verdict, predicted, ("Счёт", "Счет"))


def predicted(label, text="Счет"):
    return manifest.by_id({"result": rectangle("l1", text, label=label, meta={"text": "A: Счёт\nB: Счет"})})


@pytest.mark.parametrize(
    ("before", "told"),
    [
        pytest.param(predicted("Text"), readings("agreed", "Счет"), id="agreed"),
        pytest.param(predicted("Check"), readings("disputed", "Счет"), id="disputed"),
        pytest.param(predicted("Check", None), readings("disputed", ""), id="no text"),
        pytest.param({}, manifest.Readings("drawn", None, ()), id="drawn by hand"),
        pytest.param(None, manifest.Readings(None, None, ("x",)), id="the prediction is not in the export"),
    ],
)
def test_the_verdict_is_the_predictions(before, told):
    [region] = regions(rectangle("l1", meta={"text": "A: x"}))
    assert manifest.readings_of(region, before, DEFAULT_NAMES) == told


FULL = {"id": 5, "result": [], "model_version": "m", "created_at": "2026-11-22T09:00:00Z"}


@pytest.mark.parametrize(
    ("more", "predictions", "found"),
    [
        pytest.param({"prediction": FULL}, [5], FULL, id="in the annotation"),
        pytest.param({"parent_prediction": 5, "prediction": {}}, [{**FULL, "id": 6}, FULL], FULL, id="by id"),
        pytest.param({"parent_prediction": 7}, [FULL], None, id="the parent is gone"),
        pytest.param({}, [FULL], FULL, id="the newest from before"),
        pytest.param({}, [{**FULL, "created_at": "2026-11-22T11:00:00Z"}], None, id="made afterwards"),
        pytest.param({"parent_prediction": 5}, [5], None, id="an export with ids alone"),
    ],
)
def test_the_prediction_that_the_annotator_began_with_is_found(more, predictions, found):
    approved = annotation([], **more)
    assert manifest.prediction_of(task(1, approved, predictions=predictions), approved) == found


def test_edits_are_counted_against_every_reading():
    line = manifest.LineRecord(
        "l1", [[0, 0]] * 4, [], "Счёт", "Счёт", ["Text"], None, "crops/0/1_l1.png", "d", 0, [],
        manifest.Readings("disputed", "Счет", ("Счёт", None)),
    )  # fmt: skip
    author = manifest.Author("3", "7", "then", "now", 12.5)
    page = manifest.PageRecord(
        "1", "1", 0, "s", "/data/1.png", author, "f", "p", 9, 9, None, None, "m", None, [line], "train", "why"
    )
    [row] = manifest.line_rows(page, "latest", "rec_gt_train.txt")
    assert row["edits"] == {"predicted": 1, "readings": [0, None]}
    assert (row["task"], row["annotation"], row["annotator"], row["chosen"]) == (1, 3, 7, "latest")
    assert "text_before" not in row
