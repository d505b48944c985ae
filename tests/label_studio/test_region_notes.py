"""What readers said comes back from a region's meta; what somebody else left there is not taken for it."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.label_studio.region_notes import (
    KEY,
    Decided,
    StoredReadings,
    accepted_in,
    decided_in,
    decided_meta,
    readings_in,
    readings_meta,
    with_note,
)
from backend.label_studio.regions import Region, RegionShape, regions
from backend.page.lines import Judgement, Line, Reading, ReadLine, Verdict
from backend.text.cleaning import visible_text
from tests.parts.reviewed_tasks import rectangle
from tests.parts.reviewed_work import quad_at


def region(meta, identity="l001-abc"):
    return Region(identity, RegionShape.RECTANGLE, None, meta=meta)


def noted(*readings, verdict=Verdict.DISPUTED):
    return readings_meta(ReadLine(Line(quad_at(0)), readings, Judgement(verdict, "", 0.5)), "l001-abc")


SAID = (Reading("one", "Счёт"), Reading("two"), Reading("three", error="no answer in 60 s"))


def test_a_meta_says_by_name_who_read_what():
    assert noted(*SAID) == {
        "twinread": {
            "region": "l001-abc",
            "verdict": "disputed",
            "readings": [
                {"reader": "one", "text": "Счёт"},
                {"reader": "two", "text": ""},
                {"reader": "three", "error": "no answer in 60 s"},
            ],
        }
    }


texts = st.text(max_size=30) | st.text(st.characters(codec=None, categories=["L", "Cs", "Cc"]), max_size=5)
readers = st.builds(Reading, texts.map("r{}".format), texts) | st.builds(
    lambda reader, error: Reading(reader, error=error), texts.map("r{}".format), texts
)


@given(st.lists(readers, max_size=4), st.sampled_from(Verdict))
def test_everything_that_can_be_seen_comes_back_through_label_studio(readings, verdict):
    sent = json.dumps(noted(*readings, verdict=verdict), ensure_ascii=False).encode()
    assert b"\\u0000" not in sent
    assert readings_in(region(json.loads(sent))) == StoredReadings(
        verdict,
        tuple(
            Reading(visible_text(r.reader), visible_text(r.text), error=r.error and visible_text(r.error))
            for r in readings
        ),
    )


def test_a_long_reading_is_kept_whole():
    long = Reading("one", "слово " * 200 + "конец")
    assert readings_in(region(noted(long))) == StoredReadings(Verdict.DISPUTED, (long,))


def test_what_was_predicted_goes_before_what_the_person_submitted():
    agreed = region(noted(SAID[0], verdict=Verdict.AGREED))
    assert readings_in(agreed, region(noted(*SAID))) == StoredReadings(Verdict.AGREED, SAID[:1])
    assert readings_in(None, region({}), region(noted(*SAID))) == StoredReadings(Verdict.DISPUTED, SAID)


def test_a_box_that_a_person_copied_brings_no_readings_along():
    assert readings_in(region(noted(*SAID), identity="Yq3x")) is None
    assert readings_in(region(noted(*SAID), identity="")) is None


NONSENSE = [
    pytest.param({}, id="nothing"),
    pytest.param({"text": "A: Счёт\nB: Счет"}, id="only what people are told"),
    pytest.param({KEY: None}, id="null"),
    pytest.param({KEY: ["readings"]}, id="a list"),
    pytest.param({KEY: {"region": "l001-abc"}}, id="only the region"),
    pytest.param({KEY: {"region": {"l001-abc": 1}}}, id="an object for the region"),
]
WRONG = [
    pytest.param("verdict", None, id="no verdict"),
    pytest.param("verdict", ["agreed"], id="a list of verdicts"),
    pytest.param("verdict", "perhaps", id="a verdict of its own"),
    pytest.param("readings", None, id="no readings"),
    pytest.param("readings", "Счёт", id="a text for the readings"),
    pytest.param("readings", {"reader": "one", "text": "x"}, id="one reading without a list"),
    pytest.param("readings", [None], id="a reading that is null"),
    pytest.param("readings", [["one", "x"]], id="a reading that is a list"),
    pytest.param("readings", [{"text": "x"}], id="nobody's reading"),
    pytest.param("readings", [{"reader": 7, "text": "x"}], id="a number for the reader"),
    pytest.param("readings", [{"reader": "\u200b", "text": "x"}], id="a reader that cannot be seen"),
    pytest.param("readings", [{"reader": "one"}], id="a reader that said nothing at all"),
    pytest.param("readings", [{"reader": "one", "text": ["x"]}], id="a list for the text"),
    pytest.param("readings", [{"reader": "one", "text": "x", "error": "y"}], id="a text and an error"),
    pytest.param("readings", [{"reader": "one", "text": "x"}, {"reader": "two"}], id="one of two is right"),
]


@pytest.mark.parametrize("meta", NONSENSE)
def test_without_readings_none_are_made_up(meta):
    assert readings_in(region(meta)) is None


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_what_is_not_as_twinread_writes_it_is_not_taken_in_part(key, value):
    meta = copy.deepcopy(noted(*SAID))
    assert readings_in(region(meta)) is not None
    meta[KEY][key] = value
    assert readings_in(region(meta)) is None


def test_half_a_surrogate_pair_in_an_export_is_left_out():
    meta = json.loads(json.dumps(noted(Reading("one", "Счёт"))).replace('"one"', '"one\\ud800"'))
    assert readings_in(region(meta)) == StoredReadings(Verdict.DISPUTED, (Reading("one", "Счёт"),))


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["agreed", "l1", "one"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["region", "verdict", "readings", "reader", "text", "error", "twinread"]), inner
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_no_nonsense_in_a_meta_stops_anything(meta):
    for found in regions(rectangle("l1", meta=meta)) + regions(rectangle("l1", meta={KEY: meta})):
        kept = readings_in(found)
        assert kept is None or isinstance(kept.verdict, Verdict)


DECIDED = Decided("typed", "2", 71, 12, 3.25, ("3", "4"))


def with_notes(note: object, identity: str = "l001") -> Region:
    meta = {"twinread": {"region": identity, "decided": note, "accepted": note}}
    return Region("l001", RegionShape.RECTANGLE, None, meta=meta)


def test_what_was_decided_on_a_sheet_is_read_back() -> None:
    assert decided_in(with_notes(decided_meta(DECIDED)["decided"])) == DECIDED
    bare = Decided("A", "", 71, 12)
    assert decided_meta(bare) == {"decided": {"verdict": "A", "by": "", "sheet": 71, "annotation": 12}}
    assert decided_in(with_notes(decided_meta(bare)["decided"])) == bare


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(None, id="nothing"),
        pytest.param("A", id="a text"),
        pytest.param({"verdict": "A", "by": "2"}, id="no sheet"),
        pytest.param({"verdict": None, "sheet": 71, "annotation": 12}, id="no verdict"),
        pytest.param({"verdict": "A", "sheet": True, "annotation": 12}, id="true for a sheet"),
    ],
)
def test_what_is_no_decision_is_none(note: object) -> None:
    assert decided_in(with_notes(note)) is None


def test_a_copied_region_was_neither_decided_nor_accepted() -> None:
    assert decided_in(with_notes(decided_meta(DECIDED)["decided"], identity="l002")) is None
    assert accepted_in(with_notes({"by": "1"}, identity="l002")) is None
    assert accepted_in(with_notes({"by": "1"})) == "1"


def test_a_note_is_added_once_and_the_readings_of_a_copied_region_stay_behind() -> None:
    own = {"id": "l001", "meta": {"text": "A: cat", "twinread": {"region": "l001", "verdict": "disputed"}}}
    copied = {"id": "l001", "meta": {"twinread": {"region": "l007", "verdict": "disputed"}}}
    parts = with_note("l001", [own, {"id": "l001"}], {"accepted": {"by": "1"}})
    assert parts == [
        {
            "id": "l001",
            "meta": {
                "text": "A: cat",
                "twinread": {"region": "l001", "verdict": "disputed", "accepted": {"by": "1"}},
            },
        },
        {"id": "l001"},
    ]
    assert with_note("l001", [copied], {"accepted": {"by": "1"}})[0]["meta"] == {
        "twinread": {"region": "l001", "accepted": {"by": "1"}}
    }
    assert "accepted" not in own["meta"]["twinread"]
