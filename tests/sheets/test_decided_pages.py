"""A page whose lines are decided becomes what a person would have submitted, under any labeling config."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from backend.label_studio import predictions
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.region_notes import Decided, decided_in
from backend.label_studio.regions import regions
from backend.page.lines import Line, Reading, ReadLine, ReadPage
from backend.sheets.decided_pages import NewAnnotation, decided_page, says_the_same
from backend.sheets.decisions import Decision, LineVerdict
from backend.sheets.doubtful_lines import page_lines
from backend.sheets.offered_texts import TextRules
from backend.sheets.sheet_tasks import SheetLine
from backend.text.verdicts import judge
from converters.reviewed.line_rules import Rules, review
from converters.reviewed.reasons import LeftOutReason
from tests.parts.reviewed_work import quad_at

SIZE = (1000, 1400)
AT = datetime(2026, 11, 27, tzinfo=timezone.utc)
IMAGE, TEXT = '<Image name="page" value="$image"/>', '<TextArea name="said" toName="page" perRegion="true"/>'
ALL = '<Label value="Text"/><Label value="Check"/><Label value="Illegible"/><Label value="Not text"/>'

FOUR_LABELS = f'<View>{IMAGE}<RectangleLabels name="box" toName="page">{ALL}</RectangleLabels>{TEXT}</View>'
POLYGONS = f'<View>{IMAGE}<PolygonLabels name="box" toName="page">{ALL}</PolygonLabels>{TEXT}</View>'
LABELS_APART = (
    f'<View>{IMAGE}<Rectangle name="box" toName="page"/>'
    f'<Labels name="kind" toName="page">{ALL}</Labels>{TEXT}</View>'
)
TWO_LABELS = (
    f'<View>{IMAGE}<RectangleLabels name="box" toName="page"><Label value="Text"/><Label value="Check"/>'
    f"</RectangleLabels>{TEXT}</View>"
)
NO_LABELS = f'<View>{IMAGE}<Rectangle name="box" toName="page"/>{TEXT}</View>'


def predicted(config: LabelingConfig, *said: tuple[str, str]) -> dict[str, Any]:
    """A prediction of lines, each read twice."""
    read = []
    for row, texts in enumerate(said):
        readings = [Reading(f"reader {number}", text) for number, text in enumerate(texts)]
        judged = judge(readings, crop_size=(2000, 40), language="en")
        read.append(ReadLine(Line(quad_at(row)), tuple(readings), judged))
    return {"id": 5, **predictions.prediction(ReadPage(*SIZE, read), config, model_version="v1")}


def doubtful(made: dict[str, Any], config: LabelingConfig) -> list[SheetLine]:
    task = {"id": 17, "predictions": [made], "annotations": []}
    return [each.line for each in page_lines(task, 3, config, "v1", TextRules("en")).doubtful]


def decision(line: SheetLine, verdict: LineVerdict, text: str = "", user: str = "2") -> Decision:
    return Decision(line, verdict, text, user, sheet=71, annotation=12, at=AT, seconds=3.25)


def decided(xml: str, verdict: LineVerdict, text: str = "") -> tuple[LabelingConfig, NewAnnotation]:
    """A page with a doubtful line and an agreed one, after the decision."""
    config = LabelingConfig.parse(xml)
    made = predicted(config, ("cat", "cot"), ("Total", "Total"))
    (line, *_) = doubtful(made, config)
    return config, decided_page(made, [(line, decision(line, verdict, text), ())], config)


def lines(config: LabelingConfig, new: NewAnnotation) -> list[tuple[str, LeftOutReason | None]]:
    """What the export makes of it."""
    reviewed = review({"result": new.result}, Rules(config=config), page_size=SIZE)
    return [(line.written.text if line.why is None else "", line.why) for line in reviewed]


@pytest.mark.parametrize("xml", [FOUR_LABELS, POLYGONS, LABELS_APART, TWO_LABELS])
def test_a_decided_text_is_approved(xml: str) -> None:
    config, new = decided(xml, LineVerdict.SECOND, "cot")
    assert lines(config, new) == [("cot", None), ("Total", None)]
    assert [region.labels for region in regions(new.result)] == [("Text",), ("Text",)]


@pytest.mark.parametrize("xml", [FOUR_LABELS, POLYGONS, LABELS_APART])
@pytest.mark.parametrize(
    ("verdict", "why"),
    [(LineVerdict.ILLEGIBLE, LeftOutReason.ILLEGIBLE), (LineVerdict.NOT_TEXT, LeftOutReason.NOT_TEXT)],
)
def test_a_line_without_a_text_gets_its_label_and_keeps_its_place(
    xml: str, verdict: LineVerdict, why: LeftOutReason
) -> None:
    config, new = decided(xml, verdict)
    assert lines(config, new) == [("", why), ("Total", None)]
    assert regions(new.result)[0].texts == ()


def test_where_the_config_has_no_such_labels_a_person_would_empty_the_line_or_remove_it() -> None:
    config, new = decided(TWO_LABELS, LineVerdict.ILLEGIBLE)
    assert lines(config, new) == [("", LeftOutReason.NO_TEXT), ("Total", None)]
    config, new = decided(TWO_LABELS, LineVerdict.NOT_TEXT)
    assert lines(config, new) == [("Total", None)]


def test_without_labels_a_line_that_nobody_read_gets_the_text_that_was_typed() -> None:
    config = LabelingConfig.parse(NO_LABELS)
    made = predicted(config, ("", ""), ("Total", "Total"))
    (line,) = doubtful(made, config)
    new = decided_page(made, [(line, decision(line, LineVerdict.TYPED, "cat"), ())], config)
    assert lines(config, new) == [("cat", None), ("Total", None)]


def test_the_text_stands_in_the_projects_own_text_area_where_that_was_renamed() -> None:
    config = LabelingConfig.parse(FOUR_LABELS)
    made = predicted(config, ("cat", "cot"))
    (line,) = doubtful(made, config)
    renamed = LabelingConfig.parse(FOUR_LABELS.replace('name="said"', 'name="words"'))
    new = decided_page(made, [(line, decision(line, LineVerdict.SECOND, "cot"), ())], renamed)
    (region,) = regions(new.result)
    assert [(answer.from_name, answer.texts) for answer in region.answers] == [("words", ("cot",))]


def test_a_line_of_the_second_image_of_a_task_stays_there() -> None:
    xml = (
        '<View><Image name="a" value="$one"/><Image name="b" value="$two"/>'
        f'<RectangleLabels name="box" toName="a">{ALL}</RectangleLabels>'
        '<TextArea name="said" toName="a" perRegion="true"/>'
        f'<RectangleLabels name="box2" toName="b">{ALL}</RectangleLabels>'
        '<TextArea name="said2" toName="b" perRegion="true"/></View>'
    )
    config = LabelingConfig.parse(xml)
    pages = []
    for texts in (("Total", "Total"), ("cat", "cot")):
        readings = [Reading(f"reader {number}", text) for number, text in enumerate(texts)]
        judged = judge(readings, crop_size=(2000, 40), language="en")
        pages.append(ReadPage(*SIZE, [ReadLine(Line(quad_at(0)), tuple(readings), judged)]))
    made = {"id": 5, **predictions.prediction_of_pages(pages, config, model_version="v1")}
    (line,) = doubtful(made, config)
    assert line.page == 1
    new = decided_page(made, [(line, decision(line, LineVerdict.SECOND, "cot"), ())], config)
    rules = Rules(config=config)
    on_second = review({"result": new.result}, rules, page=1, page_size=SIZE)
    assert [(each.written.text, each.region.answers[0].from_name) for each in on_second] == [("cot", "said2")]
    assert len(review({"result": new.result}, rules, page=0, page_size=SIZE)) == 1


def test_who_decided_where_and_how_long_stands_in_the_line() -> None:
    config = LabelingConfig.parse(FOUR_LABELS)
    made = predicted(config, ("cat", "cot"), ("dog", "dig"))
    first, second = doubtful(made, config)
    chosen = [
        (first, decision(first, LineVerdict.FIRST, "cat"), ("3",)),
        (second, decision(second, LineVerdict.SECOND, "dig", user="4"), ()),
    ]
    new = decided_page(made, chosen, config)
    notes = [decided_in(region) for region in regions(new.result)]
    assert notes == [Decided("A", "2", 71, 12, 3.25, ("3",)), Decided("B", "4", 71, 12, 3.25)]
    assert (new.lead_time, new.parent_prediction, new.completed_by) == (6.5, 5, 2)


def test_a_copy_of_a_line_is_not_taken_for_a_decided_one() -> None:
    _, new = decided(FOUR_LABELS, LineVerdict.SECOND, "cot")
    copies = [{**part, "id": "copy"} for part in new.result[:2]]
    assert [decided_in(region) is None for region in regions(new.result + copies)] == [False, True, True]


def test_the_same_answers_make_the_same_annotation_whatever_time_they_took() -> None:
    config = LabelingConfig.parse(FOUR_LABELS)
    made = predicted(config, ("cat", "cot"))
    (line,) = doubtful(made, config)

    def new(verdict: LineVerdict, text: str, seconds: float) -> list[dict[str, Any]]:
        answer = Decision(line, verdict, text, "2", 71, 12, AT, seconds)
        return decided_page(made, [(line, answer, ())], config).result

    first = new(LineVerdict.FIRST, "cat", 3.0)
    assert says_the_same(first, new(LineVerdict.FIRST, "cat", 5.0))
    assert not says_the_same(first, new(LineVerdict.SECOND, "cot", 3.0))
    assert not says_the_same(first, new(LineVerdict.TYPED, "cut", 3.0))
