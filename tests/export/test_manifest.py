"""Where rows come from: what readers had said, and what the person made of it."""

from __future__ import annotations

import pytest

from backend.label_studio.region_notes import readings_meta
from backend.label_studio.regions import regions
from backend.page.lines import Judgement, Line, Reading, ReadLine, Verdict
from converters.export.layouts.layout import recognition_rows
from converters.export.manifest import manifest_row
from converters.export.page_records import Author, LineRecord, PageRecord, Readings
from tests.parts.reviewed_tasks import rectangle
from tests.parts.reviewed_work import quad_at

SAID = (Reading("one", "Счёт"), Reading("two", error="no answer in 60 s"))


def kept(identity, verdict=Verdict.DISPUTED, said=SAID):
    """The meta that the backend writes."""
    return readings_meta(ReadLine(Line(quad_at(0)), said, Judgement(verdict, "", 0.5)), identity)


def predicted(text="Счет", meta=None, **more):
    [region] = regions(rectangle("l1", text, meta=kept("l1", **more) if meta is None else meta))
    return {"l1": region}


LOST = Readings(None, "Счет", False, ())


@pytest.mark.parametrize(
    ("own", "before", "readings"),
    [
        pytest.param({}, predicted(), Readings("disputed", "Счет", False, SAID), id="disputed"),
        pytest.param(
            kept("l1"),
            predicted(verdict=Verdict.AGREED),
            Readings("agreed", "Счет", False, SAID),
            id="the prediction goes first",
        ),
        pytest.param(
            {},
            predicted(None, verdict=Verdict.NO_TEXT),
            Readings("no text", "", False, SAID),
            id="no text",
        ),
        pytest.param(
            {},
            predicted(None, verdict=Verdict.UNREAD, said=()),
            Readings("unread", "", False, ()),
            id="nobody reads the language",
        ),
        pytest.param({}, predicted(meta={}), LOST, id="predicted by something else"),
        pytest.param({}, predicted(meta={"text": "A: Счёт\nB: x"}), LOST, id="a note like readings"),
        pytest.param({}, predicted(meta={"twinread": {"region": "l1", "verdict": 7}}), LOST, id="nonsense"),
        pytest.param({}, {}, Readings(None, None, True, ()), id="drawn by hand"),
        pytest.param(kept("l1"), {}, Readings("disputed", None, True, SAID), id="drawn, and read then"),
        pytest.param(kept("l2"), {}, Readings(None, None, True, ()), id="copied from a line that was read"),
        pytest.param(
            kept("l1"),
            None,
            Readings("disputed", None, None, SAID),
            id="the prediction is not in the export",
        ),
    ],
)
def test_what_every_reader_said_is_found_by_name(own, before, readings):
    [region] = regions(rectangle("l1", meta=own))
    assert Readings.of(region, before) == readings


def test_a_row_names_the_readers_and_counts_the_edits_against_each():
    line = LineRecord(
        "l1", [[0, 0]] * 4, [], "Счёт", "Счёт", ["Text"], None, "crops/0/1_l1.png", "d", 0, [],
        Readings("disputed", "Счет", False, SAID),
    )  # fmt: skip
    author = Author("3", "7", "then", "now", 12.5)
    page = PageRecord(
        "1", "1", 0, "s", "/data/1.png", author, "f", "p", 9, 9, None, None, "m", None, [line], "train", "why"
    )
    [label_row] = recognition_rows(page, "rec_gt_train.txt")
    row = manifest_row(label_row, page, "latest")
    assert row["edits"] == {"predicted": 1, "readings": [0, None]}
    assert row["readings"] == [
        {"reader": "one", "text": "Счёт"},
        {"reader": "two", "error": "no answer in 60 s"},
    ]
    assert (row["verdict"], row["predicted"], row["drawn"]) == ("disputed", "Счет", False)
    assert (row["task"], row["annotation"], row["annotator"], row["chosen"]) == (1, 3, 7, "latest")
    assert "text_before" not in row
