"""Tasks out of files, and images out of folders."""

from __future__ import annotations

import json

import pytest

from backend.errors import BadRequest, ImageRefused, ImageUnreachable
from backend.label_studio.labeling_config import LabelingConfig
from converters.reviewed.image_folder import ImageFolder
from converters.reviewed.task_sources import from_file
from converters.reviewed.tasks import as_task, references_of
from tests.parts.reviewed_tasks import CONFIG, annotation, task

LONE = task(1, annotation([]))


def read(tmp_path, content):
    path = tmp_path / "export.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return list(from_file(path))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(json.dumps([LONE, 5]), [LONE, 5], id="a list"),
        pytest.param("\ufeff " + json.dumps([LONE], indent=1), [LONE], id="with a byte order mark"),
        pytest.param(json.dumps(LONE), [LONE], id="one task"),
        pytest.param(json.dumps({"tasks": [LONE], "total": 1}), [LONE], id="an answer of the API"),
        pytest.param("[]", [], id="an empty project"),
    ],
)
def test_tasks_are_read_however_they_are_wrapped(tmp_path, content, found):
    assert read(tmp_path, content) == found


def test_an_annotation_with_its_task_inside_is_that_task():
    inside = {"id": 4, "data": {"image": "/a.png"}}
    assert as_task({"id": 9, "result": [], "task": inside}) == {
        **inside,
        "annotations": [{"id": 9, "result": []}],
    }


def test_the_completions_of_label_studio_before_1_0_are_annotations(tmp_path):
    done = {"id": 1001, "result": [{"id": "a"}], "created_at": 1_592_000_000, "lead_time": 4.2}
    old = {"id": 1, "data": {"image": "/a.png"}, "completions": [done, {**done, "id": 1002, "skipped": True}]}
    (item,) = read(tmp_path, json.dumps([old]))
    first, second = as_task(item)["annotations"]
    assert (first["id"], first["was_cancelled"], second["was_cancelled"]) == (1001, False, True)
    assert first["created_at"] == "2020-06-12T22:13:20+00:00"


def test_the_folder_of_a_target_storage_is_read_and_the_annotations_of_a_task_come_together(tmp_path):
    storage = tmp_path / "storage"
    storage.mkdir()
    for number, of_task in ((9, 1), (10, 2), (11, 1)):
        stored = {"id": number, "result": [], "task": {"id": of_task, "data": {"image": f"/{of_task}.png"}}}
        (storage / str(number)).write_text(json.dumps(stored), "utf-8")
    tasks = {item["id"]: [one["id"] for one in item["annotations"]] for item in from_file(storage)}
    assert tasks == {1: [11, 9], 2: [10]}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param({}, "storage is an empty folder", id="empty"),
        pytest.param({"a.png": b"picture"}, "because a.png in it is no JSON of an annotation", id="pictures"),
        pytest.param({"1": b"[1]"}, "because 1 in it is no JSON of an annotation", id="other JSON"),
    ],
)
def test_another_folder_is_no_target_storage(tmp_path, files, words):
    (tmp_path / "storage").mkdir()
    for name, content in files.items():
        (tmp_path / "storage" / name).write_bytes(content)
    with pytest.raises(BadRequest, match=words):
        list(from_file(tmp_path / "storage"))


def test_two_annotations_of_one_task_that_come_one_by_one_are_refused_by_the_tasks_name(tmp_path):
    alone = [{"id": 9 + number, "result": [], "task": {"id": number, "data": {}}} for number in (1, 2)]
    assert read(tmp_path, json.dumps(alone)) == alone
    with pytest.raises(BadRequest, match=r"more than one of task 2.*export the project as JSON"):
        read(tmp_path, json.dumps([*alone, {**alone[1], "id": 12}]))


@pytest.mark.parametrize(
    "item", [None, 5, [], {}, {"data": "x"}, {"task": 5, "result": []}, {"task": {"data": {}}}]
)
def test_what_is_no_task_is_none(item):
    assert as_task(item) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param('[{"id": 1, "image": "/a.png", "annotator": 1}]', "JSON-MIN", id="JSON-MIN"),
        pytest.param(
            '[{"model_version": "m", "result": []}]', "no task.*model_version, result", id="predictions"
        ),
        pytest.param("[1, 2]", "no task.*int", id="numbers"),
        pytest.param('[{"id": 1, "data": {}}', "not whole", id="cut"),
        pytest.param('[{"id": 1, "data": {}} {"id": 2}]', "comma", id="no comma"),
        pytest.param(
            f"{json.dumps([LONE])}\n{json.dumps([LONE])}",
            "after 1 items: something follows",
            id="two exports in one file",
        ),
        pytest.param("[" * 5000, "not whole", id="deeper than Python goes"),
        pytest.param('{"id": 1', "not whole", id="an object that is cut"),
        pytest.param("<html>", "no JSON", id="a web page"),
        pytest.param("", "no JSON", id="an empty file"),
        pytest.param(b'[{"data": {"a": "\xff"}}]', "not whole", id="another encoding"),
    ],
)
def test_a_file_that_is_no_export_is_refused_in_a_sentence(tmp_path, content, words):
    with pytest.raises(BadRequest, match=words):
        read(tmp_path, content)


def test_a_csv_export_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "export.csv").write_text('"id","label"\n1,"[]"\n')
    with pytest.raises(
        BadRequest, match=r"is a CSV export, which has no region ids.*export the project as JSON"
    ):
        list(from_file(tmp_path / "export.csv"))


@pytest.mark.parametrize(
    ("data", "field", "found"),
    [
        pytest.param({"image": "/data/upload/1/a.png"}, None, ("/data/upload/1/a.png",), id="one field"),
        pytest.param(
            {"a": "s3://b/c", "n": 5, "t": "text"}, None, ("s3://b/c",), id="only one looks like an image"
        ),
        pytest.param({"ocr": "a.jpg", "thumb": "b.jpg"}, None, ("a.jpg",), id="a usual name wins"),
        pytest.param({"a": "a.jpg", "b": "b.jpg"}, "b", ("b.jpg",), id="named by the user"),
        pytest.param({"a": "scan without suffix"}, "a", ("scan without suffix",), id="named, whatever it is"),
        pytest.param({"pages": ["a.png", "b.png"]}, None, ("a.png", "b.png"), id="several pages"),
    ],
)
def test_the_image_of_a_task_is_found_without_a_labeling_config(data, field, found):
    assert references_of(data, None, field) == found


@pytest.mark.parametrize(
    "data", [{}, {"a": "a.jpg", "b": "b.jpg"}, {"text": "x"}, {"a": ["a.png", 5]}, {"a": []}]
)
def test_an_image_that_is_not_certain_is_no_image(data):
    with pytest.raises(BadRequest, match="--image-field"):
        references_of(data, None, None)


def test_a_field_that_was_named_and_is_not_there_is_told_by_its_name():
    with pytest.raises(BadRequest, match="no image in the field scan"):
        references_of({"image": "/a.png"}, None, "scan")


def test_the_labeling_config_names_the_image():
    config = LabelingConfig.parse(CONFIG)
    assert references_of({"image": "/a", "other": "b.png"}, config, None) == ("/a",)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.png").write_bytes(b"outer")
    (tmp_path / "in" / "deep" / "a.png").write_bytes(b"inner")
    (tmp_path / "in" / "скан 1.png").write_bytes(b"named")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return ImageFolder(tmp_path / "in", 10)


@pytest.mark.parametrize(
    ("reference", "content"),
    [
        pytest.param("/data/upload/3/a.png", b"outer", id="an upload"),
        pytest.param("/data/local-files/?d=dev/deep/a.png", b"inner", id="the path that is most alike"),
        pytest.param("https://host/x/%D1%81%D0%BA%D0%B0%D0%BD%201.png?sign=ature", b"named", id="an address"),
        pytest.param("s3://bucket/deep/a.png", b"inner", id="cloud storage"),
        pytest.param("a.png", b"outer", id="a name"),
    ],
)
def test_an_image_is_found_by_the_end_of_its_reference(folder, reference, content):
    assert folder.fetch(reference, task_id=None) == content


@pytest.mark.parametrize(
    "reference", ["../secret.png", "/data/local-files/?d=../secret.png", "%2e%2e/secret.png", "a\0b"]
)
def test_a_reference_never_leads_out_of_the_folder(folder, reference):
    with pytest.raises(ImageRefused, match="leads out"):
        folder.fetch(reference, task_id=None)


BACKSLASHES = 'with "/" in place of the backslashes of Windows'
UPLOAD = "without the eight characters that Label Studio puts before the name of an upload"


@pytest.mark.parametrize(
    ("reference", "content", "how"),
    [
        pytest.param("/data/local-files/?d=scans%5Cdeep%5Ca.png", b"inner", BACKSLASHES, id="local files"),
        pytest.param("C:\\scans\\deep\\a.png", b"inner", BACKSLASHES, id="a full path of Windows"),
        pytest.param("/data/upload/3/0f6142fb-a.png", b"outer", UPLOAD, id="an upload"),
        pytest.param("/data/upload/3/0f6142fb-%D1%81%D0%BA%D0%B0%D0%BD_1.png", b"named", UPLOAD,
                     id="an upload has lost its blanks"),
        pytest.param("/data/upload/3/0f6142fb-only.png", b"depth", UPLOAD, id="and its folder"),
        pytest.param("/data/upload/3/11111111-b.png", b"exact", None, id="a file of the very name wins"),
    ],
)  # fmt: skip
def test_an_image_is_found_under_the_name_that_its_person_gave_it_and_the_way_is_said(
    folder, tmp_path, reference, content, how
):
    (tmp_path / "in" / "deep" / "only.png").write_bytes(b"depth")
    (tmp_path / "in" / "11111111-b.png").write_bytes(b"exact")
    (tmp_path / "in" / "b.png").write_bytes(b"other")
    assert folder.fetch(reference, task_id=1) == content
    assert [note.partition(" found ")[2].partition(":")[0] for note in folder.notes] == [how] * (
        how is not None
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("/data/upload/3/0f6142fb-a.png", "/data/upload/3/1a2b3c4d-a.png", id="two uploads"),
        pytest.param("one\\a.png", "two\\a.png", id="two folders of Windows"),
    ],
)
def test_of_two_images_only_one_can_be_the_file_that_is_found(folder, first, second):
    assert folder.fetch(first, task_id=1) == b"outer"
    with pytest.raises(ImageRefused, match=r"would both be the one file a\.png"):
        folder.fetch(second, task_id=2)


def test_an_upload_that_could_be_either_of_two_files_is_neither(folder, tmp_path):
    for place in ("deep", "other"):
        (tmp_path / "in" / place).mkdir(exist_ok=True)
        (tmp_path / "in" / place / "two.png").write_bytes(place.encode())
    with pytest.raises(ImageUnreachable):
        folder.fetch("/data/upload/3/0f6142fb-two.png", task_id=1)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(folder, tmp_path):
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "in" / "inner.png").symlink_to(tmp_path / "in" / "a.png")
    with pytest.raises(ImageRefused, match="is a link that leads out of the folder"):
        folder.fetch("link.png", task_id=None)
    assert folder.fetch("inner.png", task_id=None) == b"outer"


def test_a_reference_that_is_no_address_is_refused(folder):
    with pytest.raises(ImageRefused, match="is no address"):
        folder.fetch("http://[half/a.png", task_id=None)


def test_two_images_of_one_name_are_not_taken_for_one(folder):
    for short_or_long in ("a.png", "/data/local-files/?d=one/a.png", "a.png", "one/a.png"):
        assert folder.fetch(short_or_long, task_id=1) == b"outer"
    with pytest.raises(ImageRefused, match=r"one/a\.png and two/a\.png would both be the one file a\.png"):
        folder.fetch("/data/local-files/?d=two/a.png", task_id=3)
    assert folder.fetch("/data/local-files/?d=dev/deep/a.png", task_id=4) == b"inner"


def test_an_image_that_is_not_there_or_too_large_is_told(folder, tmp_path):
    with pytest.raises(ImageUnreachable, match=r"no file for the image /data/upload/1/none.png"):
        folder.fetch("/data/upload/1/none.png", task_id=None)
    (tmp_path / "in" / "large.png").write_bytes(b"x" * 11)
    with pytest.raises(ImageRefused, match="MAX_IMAGE_BYTES"):
        folder.fetch("large.png", task_id=None)
