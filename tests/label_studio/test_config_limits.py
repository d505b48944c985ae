"""No labeling config costs more than about a second, and every real one is read."""

import pytest

from backend.errors import BadRequest
from backend.label_studio.labeling_config import LabelingConfig

ONE_IMAGE = '<Image name="i" value="$i"/>'
LINES = '<RectangleLabels name="l" toName="i"><Label value="Text"/></RectangleLabels>'
TEXT = '<TextArea name="t" toName="i" perRegion="true"/>'


def config(inner: str) -> str:
    return f"<View>{inner}</View>"


def images(count: int) -> str:
    return "".join(
        f'<Image name="i{n}" value="$i{n}"/><RectangleLabels name="l{n}" toName="i{n}"><Label value="Text"/>'
        f'</RectangleLabels><TextArea name="t{n}" toName="i{n}" perRegion="true"/>'
        for n in range(count)
    )


def drawing(rectangles: int, labels_tags: int, labels: int) -> str:
    return (
        ONE_IMAGE
        + "".join(f'<Rectangle name="r{n}" toName="i"/>' for n in range(rectangles))
        + "".join(
            f'<Labels name="l{n}" toName="i">' + '<Label value="Text"/>' * labels + "</Labels>"
            for n in range(labels_tags)
        )
        + TEXT
    )


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(
            "<Repeater on='$p'>" * 2000 + ONE_IMAGE + "</Repeater>" * 2000, "100 tags inside", id="Repeaters"
        ),
        pytest.param("<View>" * 50_000 + ONE_IMAGE + "</View>" * 50_000, "100 tags inside", id="deep"),
        pytest.param(ONE_IMAGE + "<Header/>" * 60_000, "more than 50,000 tags", id="tags"),
        pytest.param(images(1001), "1,001 Image tags", id="images"),
        pytest.param(drawing(300, 300, 10), "comparisons", id="each rectangle with each label"),
        pytest.param(
            ONE_IMAGE * 900 + LINES + "<TextArea name='t' toName='i' perRegion='true'/>" * 900,
            "comparisons",
            id="each image with each text",
        ),
        pytest.param(
            f'<View visibleWhen="region-selected" whenLabelValue="{"a," * 2000}">'
            + ONE_IMAGE
            + LINES
            + TEXT * 200
            + "</View>",
            "comparisons",
            id="each text with each name around it",
        ),
        pytest.param(
            f'{ONE_IMAGE}<RectangleLabels name="l" toName="i"><Label value="{"x" * 5000}" '
            'predicted_values="Text"/></RectangleLabels>' + TEXT,
            "name of 5,000 characters in a label tag",
            id="a label that each line would repeat",
        ),
        pytest.param(
            f'<Image name="i" value="${"x" * 5000}"/>{LINES}{TEXT}', "name of 5,001 characters", id="source"
        ),
    ],
)
def test_a_config_that_costs_too_much_is_refused_in_one_sentence(inner, expected):
    with pytest.raises(BadRequest) as refused:
        LabelingConfig.parse(config(inner))
    assert expected in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(images(500), id="500 images with their own tags"),
        pytest.param(drawing(5, 3, 200), id="five ways to draw, 600 labels"),
        pytest.param(
            ONE_IMAGE
            + LINES
            + TEXT
            + '<Taxonomy name="x" toName="i">'
            + "".join(f'<Choice value="{n}"/>' for n in range(20_000))
            + "</Taxonomy>",
            id="a taxonomy of 20,000",
        ),
        pytest.param("<View>" * 60 + ONE_IMAGE + LINES + TEXT + "</View>" * 60, id="60 Views around it"),
    ],
)
def test_a_config_as_large_as_any_real_one_is_read(inner):
    assert LabelingConfig.parse(config(inner)).control.labels.text == "Text"


def test_a_message_names_a_few_of_many_text_areas():
    areas = "".join(f'<TextArea name="{n}{"t" * 900}" toName="i" perRegion="true"/>' for n in range(50))
    with pytest.raises(BadRequest, match="45 more") as refused:
        LabelingConfig.parse(config(ONE_IMAGE + LINES + areas))
    assert len(str(refused.value)) < 700


@pytest.mark.parametrize(
    ("xml", "data"),
    [
        pytest.param(
            config('<Image name="i" valueList="$i"/>' + LINES + TEXT), {"i": ["a"] * 10_001}, id="list"
        ),
        pytest.param(
            config(
                '<Repeater on="$p" indexFlag="{{n}}"><Image name="i" value="$p[{{n}}].url"/>'
                + LINES
                + TEXT
                + "</Repeater>"
            ),
            {"p": [{"url": "a"}] * 10_001},
            id="Repeater",
        ),
    ],
)
def test_a_task_of_too_many_images_is_refused(xml, data):
    with pytest.raises(BadRequest, match="10,001 images"):
        LabelingConfig.parse(xml).references(data)
