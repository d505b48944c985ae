"""Which address a sheet shows a page by, and what people call the page."""

from __future__ import annotations

import base64

import pytest

from backend.label_studio.labeling_config import LabelingConfig
from backend.sheets.page_images import browser_addresses, page_name
from tests.parts.read_tasks import CONFIG

S3 = "/tasks/17/resolve/?fileuri=" + base64.urlsafe_b64encode("s3://scans/книга/лист 7.jpg".encode()).decode()
SEVERAL = LabelingConfig.parse(
    '<View><Image name="image" valueList="$pages"/>'
    '<RectangleLabels name="label" toName="image"><Label value="Text"/></RectangleLabels>'
    '<TextArea name="transcription" toName="image" perRegion="true"/></View>'
)


@pytest.mark.parametrize(
    ("image", "shown", "name"),
    [
        pytest.param("/data/upload/3/a5cf2e8a-page_1.png", None, "page_1.png", id="upload"),
        pytest.param("/data/local-files/?d=scans/лист%201.png", None, "лист 1.png", id="local file"),
        pytest.param(S3, None, "лист 7.jpg", id="cloud storage"),
        pytest.param("http://studio:8080" + S3, None, "лист 7.jpg", id="cloud storage, with a host"),
        pytest.param("https://example.org/a/b.png?size=2#top", None, "b.png", id="web"),
        pytest.param(
            "https://example.org/0123abcd-b.png", None, "0123abcd-b.png", id="a name that is no upload's"
        ),
        pytest.param("/tasks/17/resolve/?fileuri=???", None, "", id="a broken storage address"),
        pytest.param("data:image/png;base64,iVBORw0KGgo=", None, "", id="a small picture in the task"),
        pytest.param("data:image/png;base64," + "A" * 5000, "", "", id="a large one"),
        pytest.param("s3://scans/page.png", "", "", id="a storage that is not connected"),
        pytest.param(
            " /data/upload/3/a5cf2e8a-b.png\n", "/data/upload/3/a5cf2e8a-b.png", "b.png", id="blanks"
        ),
    ],
)
def test_a_page_is_shown_by_its_own_address_and_called_by_its_file(
    image: str, shown: str | None, name: str
) -> None:
    (address,) = browser_addresses(CONFIG, {"image": image})
    assert address == (image if shown is None else shown)
    assert page_name(address) == name


def test_each_image_of_a_task_has_its_address() -> None:
    pages = ["/data/upload/3/a5cf2e8a-a.png", "/data/upload/3/a5cf2e8a-b.png"]
    assert browser_addresses(SEVERAL, {"pages": pages}) == tuple(pages)


@pytest.mark.parametrize("data", [None, {}, {"image": 5}, {"image": ""}], ids=repr)
def test_a_task_without_an_image_has_none(data: object) -> None:
    assert browser_addresses(CONFIG, data) == ()
