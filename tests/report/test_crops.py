"""The crops that a report shows, and the sentence where there is none."""

from __future__ import annotations

import pytest

from backend.errors import BadRequest, LabelStudioFailed
from backend.label_studio.labeling_config import LabelingConfig
from converters.report import html
from converters.report.crops import AT_ONCE, crops_of
from converters.report.html import CropImage
from converters.report.report import Report
from converters.reviewed.line_rules import Rules
from tests.parts.reviewed_work import CONFIG, Work, reported, task, without_id
from tests.parts.samples import sample


class Files:
    """Gives the sample page, unless told to have lost it."""

    def fetch(self, reference, *, task_id):
        if "lost" in reference:
            raise BadRequest("gone")
        return sample("syn_067").path.read_bytes()


@pytest.mark.parametrize(
    "turned", [pytest.param(lambda made: made, id="by id"), pytest.param(without_id, id="without ids")]
)
def test_a_line_whose_picture_is_gone_says_so_and_the_others_are_shown(turned):
    size = (900, 700)
    made = [
        task(1, [Work(("one", "one"), "one")], size=size),
        task(2, [Work(("two", "two"), "two")], size=size, image="/data/upload/1/lost.png"),
    ]
    found = reported(*(turned(each) for each in made))
    shown = html.sample_lines(found)
    crops = crops_of(shown, Files(), CONFIG, max_pixels=10**7)

    by_text = {line.text: crops[id(line)] for line in shown}
    assert isinstance(by_text["one"], CropImage)
    assert by_text["one"].url.startswith("data:image/jpeg;base64,")
    assert by_text["two"] == "gone"
    assert "Some pictures are missing: gone" in html.page(found, "a project", crops)


def test_without_label_studio_the_numbers_are_told_and_nobody_is_asked_twice(tmp_path):
    class Gone:
        """Label Studio does not answer."""

        asked = 0

        def fetch(self, reference, *, task_id):
            self.asked += 1
            raise LabelStudioFailed("Label Studio does not answer.")

    source = Gone()
    found = reported(*(task(number, [Work(("one", "one"), "one")]) for number in range(20)))
    crops = crops_of(html.sample_lines(found), source, CONFIG, max_pixels=10**7)

    assert set(crops.values()) == {"Label Studio does not answer."}
    assert len(crops) == 20
    assert source.asked <= AT_ONCE
    assert "100.0 %" in html.page(found, "a project", crops)


def test_a_line_is_cut_from_the_image_that_it_is_on():
    two = LabelingConfig.parse(
        """<View><Image name="l" value="$front"/><Image name="image" value="$image"/>
        <RectangleLabels name="label" toName="l,image"><Label value="Text"/></RectangleLabels>
        <TextArea name="transcription" toName="l,image" perRegion="true"/></View>"""
    )
    asked = []

    class Asked(Files):
        """Notes which image is wanted."""

        def fetch(self, reference, *, task_id):
            asked.append(reference)
            return super().fetch(reference, task_id=task_id)

    made = task(1, [Work(("one", "one"), "one")], size=(900, 700))
    made["data"]["front"] = "/data/upload/1/front.png"
    found = Report()
    found.add(made, Rules(config=two))
    crops = crops_of(html.sample_lines(found), Asked(), two, max_pixels=10**7)

    assert [type(crop) for crop in crops.values()] == [CropImage]
    assert asked == ["/data/upload/1/page.png"]
