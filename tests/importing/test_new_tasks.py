"""Label files become tasks whose lines are to be reviewed, and every row is accounted for."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from backend.commands.cli import twinread
from backend.errors import BadRequest
from backend.label_studio.config_tags import LabelNames
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import regions
from backend.label_studio.uploads import Upload
from backend.page.image_files import decode
from converters.importing import new_tasks
from converters.importing.command import known_language
from converters.importing.command import run as import_run
from converters.importing.files import files_in
from converters.importing.images import PreparedRow, prepare
from converters.importing.options import ImageLimits, ImportOptions
from converters.importing.terminal import tell
from converters.importing.totals import ImportTotals, RowNote
from converters.paddleocr import label_files, label_rows
from converters.paddleocr.label_files import Labelled, LeftOut, RegionReason, RowReason
from converters.reviewed.approval import Approval, choose
from converters.reviewed.line_rules import Rules, review
from tests.page.test_orientation import shown_orientation
from tests.parts.exif_encodings import encodings

DATA = Path(__file__).resolve().parents[1] / "data" / "paddle"
OURS = LabelingConfig.parse(default_config())
STOCK = LabelingConfig.parse(
    """<View><Image name="image" value="$ocr"/>
    <Labels name="label" toName="image"><Label value="Text"/><Label value="Handwriting"/></Labels>
    <Polygon name="poly" toName="image"/>
    <TextArea name="transcription" toName="image" perRegion="true"/></View>"""
)
LIMITS = ImageLimits(max_bytes=10**6, max_pixels=10**6)


def row(*regions, image="page.png"):
    return Labelled(1, image, tuple(label_rows.RowRegion(*region) for region in regions))


def box(x, y, width, height):
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def imported(labelled, size=(1000, 700), config=OURS, notes=(), **options):
    key = new_tasks.key_of(labelled, b"picture")
    address = "/data/upload/1/page.png"
    return new_tasks.task_of(
        labelled, size, address, config, ImportOptions(**options), file="Label.txt", key=key, notes=notes
    )


def predicted(made):
    return regions(made.task["predictions"][0]["result"])


def picture(kind, size=(60, 20)):
    file = io.BytesIO()
    Image.new("RGB", size, "white").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("folder", "file", "kind", "rows", "regions"),
    [
        pytest.param("paddle_from_dev", "Label.txt", "detection", 22, 215, id="pages"),
        pytest.param("paddle_from_dev", "rec_gt.txt", "recognition", 32, 32, id="PPOCRLabel's crops"),
        pytest.param("rec_pdx", "rec_gt_train.txt", "recognition", 20, 20, id="a real training set"),
        pytest.param("rec_greek", "rec_gt.txt", "recognition", 12, 12, id="polytonic Greek"),
        pytest.param("rec_words", "rec_gt.txt", "recognition", 8, 8, id="eight scripts"),
    ],
)
def test_label_files_of_others_are_read_to_the_last_row(folder, file, kind, rows, regions):
    found = label_files.read(file, (DATA / folder / file).read_bytes())

    assert (found.kind, len(found.rows), found.left_out) == (kind, rows, ())
    assert sum(len(labelled.regions) for labelled in found.rows) == regions


def test_a_line_comes_as_a_prediction_that_waits_for_a_decision():
    made = imported(row(("Счёт № 12", box(100, 70, 300, 35))), language="ru")

    (region,) = predicted(made)
    assert (region.labels, region.texts) == (("Check",), ("Счёт № 12",))
    assert region.points.tolist() == [[100, 70], [400, 70], [400, 105], [100, 105]]
    assert region.meta["text"] == ("A: Счёт № 12\nwhy: only one reader has read it, nothing confirms it")
    assert "annotations" not in made.task
    assert made.task["predictions"][0]["model_version"] == "imported:Label.txt"
    data = made.task["data"]
    assert (data["image"], data["imported_from"], data["imported_image"], data["language"]) == (
        "/data/upload/1/page.png",
        "Label.txt",
        "page.png",
        "ru",
    )


def test_a_trusted_set_comes_as_an_annotation_that_the_export_takes():
    made = imported(row(("one", box(10, 10, 90, 20)), ("", box(10, 50, 90, 20))), approved=True)

    assert "predictions" not in made.task
    (annotation,) = made.task["annotations"]
    assert annotation["ground_truth"] is False
    assert annotation["was_cancelled"] is False
    # nobody read it, so no report may count it as read
    assert readings_in(*regions(annotation["result"])) is None
    chosen = choose({"annotations": [annotation]}, Approval()).annotation
    lines = review(chosen, Rules(config=OURS), page_size=(1000, 700))
    assert sorted((line.written.text, line.why is None) for line in lines) == [("", False), ("one", True)]


@pytest.mark.parametrize("mark", ["###", "*"])
@pytest.mark.parametrize("approved", [False, True])
def test_what_paddleocr_ignores_arrives_as_illegible_and_its_neighbours_do_not(mark, approved):
    content = json.dumps(
        [
            {"transcription": "first", "points": box(10, 10, 90, 20)},
            {"transcription": mark, "points": box(10, 50, 90, 20)},
            {"transcription": "third", "points": box(10, 90, 90, 20)},
        ]
    )
    (labelled,) = label_files.read("Label.txt", f"a.png\t{content}\n".encode()).rows
    made = imported(labelled, approved=approved)

    result = made.task["annotations" if approved else "predictions"][0]["result"]
    found = {round(region.points[0][1]): (region.labels, region.texts) for region in regions(result)}
    other = "Text" if approved else "Check"
    assert found == {
        10: ((other,), ("first",)),
        50: (("Illegible",), ()),
        90: ((other,), ("third",)),
    }
    assert all(
        "meta" not in part or "text" not in part["meta"] for part in result if "Illegible" in str(part)
    )


def test_a_recognition_row_is_one_box_over_the_whole_image():
    found = label_files.read("rec_gt.txt", "crop_img/a.jpg\tслово\nb.jpg\t###\n".encode())

    first, second = (imported(labelled, size=(320, 48)) for labelled in found.rows)
    (region,) = predicted(first)
    assert region.points.tolist() == [[0, 0], [320, 0], [320, 48], [0, 48]]
    assert region.texts == ("слово",)
    assert [region.labels for region in predicted(second)] == [("Illegible",)]


@pytest.mark.parametrize(
    ("points", "config", "corners", "reshaped"),
    [
        pytest.param(
            ((100, 40), (100, 10), (10, 10), (10, 40)), OURS, [[100, 40], [10, 40], [10, 10], [100, 10]], 0,
            id="clockwise, begins where the text begins upside down",
        ),
        pytest.param(
            ((10, 10), (10, 40), (100, 40), (100, 10)), OURS, [[10, 10], [100, 10], [100, 40], [10, 40]], 0,
            id="against the clock",
        ),
        pytest.param(
            ((10, 10), (60, 10), (100, 10), (100, 40), (10, 40)), OURS,
            [[10, 10], [100, 10], [100, 40], [10, 40]], 1, id="five points, drawn as a rectangle",
        ),
        pytest.param(
            ((10, 10), (60, 5), (100, 10), (100, 40), (10, 40)), STOCK,
            [[10, 10], [60, 5], [100, 10], [100, 40], [10, 40]], 0, id="five points, drawn as a polygon",
        ),
    ],
)  # fmt: skip
def test_corners_keep_the_direction_of_the_text(points, config, corners, reshaped):
    if config is OURS and len(points) == 4 and points[0] == (100, 40):
        points = (points[0], (10, 40), (10, 10), (100, 10))
    made = imported(row(("x y", points)), config=config)

    (region,) = predicted(made)
    np.testing.assert_allclose(region.points, corners, atol=0.01)
    assert made.reshaped == reshaped


def test_a_region_that_cannot_be_a_line_is_named_and_the_page_still_comes():
    made = imported(
        row(
            ("good", box(10, 10, 90, 20)),
            ("flat", box(10, 10, 90, 0)),
            ("off", box(950, 10, 200, 20)),
            ("crossed", ((0, 0), (50, 50), (50, 0), (0, 50))),
            ("beyond float32", ((0, 0), (1e300, 0), (1e300, 20), (0, 20))),
        )
    )

    assert [region.texts for region in predicted(made)] == [("good",)]
    assert made.regions == 1
    assert Counter(made.left_out) == {RegionReason.TOO_SMALL: 3, RegionReason.OFF_PAGE: 1}


def test_rows_that_make_no_task_are_left_out_by_name():
    content = b'a.png\tone\na.png\tother\nno tab\n\tname\nb.png\t\n["c.png"]\tlist\nd.png\ttwo\n'
    found = label_files.read("rec_gt.txt", content)

    assert [labelled.image for labelled in found.rows] == ["a.png", "d.png"]
    assert [(out.line, out.why) for out in found.left_out] == [
        (2, RowReason.REPEATED),
        (3, RowReason.NOT_A_ROW),
        (4, RowReason.NOT_A_ROW),
        (5, RowReason.NOT_A_ROW),
        (6, RowReason.NOT_A_ROW),
    ]
    assert "row 1 is about the same image" in found.left_out[0].sentence


BOX = "[[1, 1], [9, 1], [9, 9]]"
GOOD = f'{{"transcription": "good", "points": {BOX}}}'


@pytest.mark.parametrize(
    ("row_bytes", "image", "sentence"),
    [
        pytest.param(
            b"a.png\tnot json", "a.png",
            "the label 'not json' is no JSON list of regions, so the row was left out; mend it and import "
            "again", id="no JSON",
        ),
        pytest.param(
            b"", "", "the row is blank, so the row was left out; if one is missing here, write it and import "
            "again", id="blank",
        ),
        pytest.param(
            b"a.png", "", "the row 'a.png' has no tab between image and label, so the row was left out; put "
            "one tab between image and label and import again", id="no tab",
        ),
        pytest.param(
            b"a.png\t[]\t", "a.png", "the row has more than one tab, so the row was left out; keep only the "
            "tab between image and label and import again", id="two tabs",
        ),
        pytest.param(
            f"a.png\t[{GOOD}]b.png\t[{GOOD}]".encode(), "a.png",
            "the row holds two rows that run together, so the row was left out; begin a new line before the "
            "second image's name and import again", id="two rows that run together",
        ),
        pytest.param(
            f"a.png\t[{GOOD}]\rb.png\t[{GOOD}]".encode(), "a.png",
            "the row holds several rows, which end with CR alone, U+2028 or the like, so the row was left "
            "out; save the file with LF (Unix) line ends and import again", id="CR",
        ),
        pytest.param(
            "a.png\tй".encode("cp1251"), "",
            "the row 'a.png\\t\\\\xe9' is not UTF-8, so the row was left out; the file looks like cp1251 "
            "(Cyrillic), so save it as UTF-8 without a byte order mark (iconv -f cp1251 -t UTF-8 OLD > NEW) "
            "and import again", id="cp1251",
        ),
        pytest.param(
            b"http://x/a.png\t[]", "http://x/a.png", "the image name is a web address, so the row was left "
            "out; download the image and name its file and import again", id="a web address",
        ),
        pytest.param(
            f'a.png\t[{{"transcription": 5, "points": {BOX}}}]'.encode(), "a.png",
            "no region can be read (region 1 of 1: its transcription 5 is no text), so the row was left out; "
            "mend it and import again", id="nothing but a bad region",
        ),
    ],
)  # fmt: skip
def test_a_row_left_out_says_once_what_is_wrong_what_was_done_and_what_mends_it(row_bytes, image, sentence):
    (out,) = label_files.read("det.txt", row_bytes + f"\nz.png\t[{GOOD}]\nz2.png\t[{GOOD}]".encode()).left_out

    assert (out.line, out.image, out.why, out.sentence) == (1, image, RowReason.NOT_A_ROW, sentence)
    # an importer learns what import did; what training would do with the row is for `check` to say
    assert "PaddleOCR" not in out.sentence


@pytest.mark.parametrize(
    ("region", "what"),
    [
        pytest.param(f'{{"transcription": 5, "points": {BOX}}}', "its transcription 5 is no text", id="text"),
        pytest.param('{"transcription": "a", "points": [[1, 2], "x"]}',
                     'its points [[1, 2], "x"] are no list of [x, y]', id="points"),
        pytest.param('{"text": "a"}', '{"text": "a"} lacks transcription or points', id="other keys"),
        pytest.param('{"transcription": "a", "points": [[1, 2], [3, 4]]}', "it has fewer than three points",
                     id="two points"),
        pytest.param('{"transcription": "a", "points": [[1, NaN], [3, 4], [5, 6]]}',
                     "it has a coordinate that is not a finite number", id="not a number"),
    ],
)  # fmt: skip
def test_one_bad_region_costs_its_page_nothing_else_and_is_listed(region, what):
    (labelled,) = label_files.read("det.txt", f"a.png\t[{GOOD}, {region}, {GOOD}]\n".encode()).rows
    made = imported(labelled)

    assert [region.texts for region in predicted(made)] == [("good",), ("good",)]
    assert (made.regions, made.left_out) == (2, (RegionReason.UNREADABLE,))
    (out,) = labelled.unreadable
    assert (out.line, out.image, out.why, out.regions) == (1, "a.png", RegionReason.UNREADABLE, 1)
    assert out.sentence == (
        f"region 2 of 3: {what}, so the page came without it; draw it in Label Studio, or mend the file, "
        "delete the task and import again"
    )


def test_of_two_rows_one_may_be_bad_and_the_file_is_still_one_of_pages():
    found = label_files.read("labels.txt", f"a.png\t[{GOOD}]\nb.png\tbroken\n".encode())

    assert (found.kind, len(found.rows), len(found.left_out)) == ("detection", 1, 1)


TEXTS = st.sampled_from(["слово", "", "###", "*", "  ", "\0", "日本語", '"true"'])
CORNERS = st.integers(-200, 1200)
POINTS = st.lists(st.tuples(CORNERS, CORNERS), min_size=3, max_size=6)


@given(
    st.lists(st.tuples(TEXTS, POINTS), max_size=6),
    st.booleans(),
    st.sampled_from([OURS, STOCK]),
    st.tuples(st.integers(1, 1500), st.integers(1, 1500)),
)
def test_lines_and_regions_left_out_are_all_regions_of_the_row(found, approved, config, size):
    labelled = row(*((text, tuple(points), text in label_rows.IGNORE_MARKS) for text, points in found))
    made = imported(labelled, size=size, config=config, approved=approved)

    result = made.task["annotations" if approved else "predictions"][0]["result"]
    assert len({part["id"] for part in result}) == made.regions
    assert made.regions + len(made.left_out) == len(found)
    json.dumps(made.task, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("name", "kind", "suffix", "converted"),
    [
        pytest.param("a.png", "PNG", ".png", False, id="as it is"),
        pytest.param("a.JPEG", "JPEG", ".JPEG", False, id="capitals"),
        pytest.param("a.tif", "TIFF", ".png", True, id="TIFF becomes PNG"),
        pytest.param("a.jfif", "JPEG", ".jpg", True, id="a name that Label Studio does not take"),
        pytest.param("a.png", "JPEG", ".jpg", True, id="a name that says something else"),
        pytest.param("ЫЫЫ", "WEBP", ".webp", True, id="no suffix"),
    ],
)
def test_an_image_is_uploaded_as_what_label_studio_takes(tmp_path, name, kind, suffix, converted):
    (tmp_path / name).write_bytes(picture(kind))

    found = prepare(row(("x", ()), image=name), "rec_gt.txt", (tmp_path,), tmp_path / "scratch", LIMITS)

    assert isinstance(found, PreparedRow)
    assert (found.path.suffix, found.converted, found.page_size) == (suffix, converted, (60, 20))
    if kind == "TIFF":
        assert found.path.read_bytes().startswith(b"\x89PNG")
    else:
        assert found.path.read_bytes() == (tmp_path / name).read_bytes()


def test_of_a_tiff_of_three_pages_the_first_comes_and_its_lines_and_the_summary_say_so(tmp_path):
    first, *others = [Image.new("RGB", (60, 20), "white")] * 3
    first.save(tmp_path / "scan.tif", save_all=True, append_images=others)

    found = prepare(row(("x", ()), image="scan.tif"), "rec_gt.txt", (tmp_path,), tmp_path / "made", LIMITS)

    assert isinstance(found, PreparedRow)
    made = imported(found.row, found.page_size, notes=found.notes)
    assert "page: only the first of the 3 pages (pictures)" in predicted(made)[0].meta["text"]
    account = ImportTotals(
        rows=1, made=1, noted=[RowNote("rec_gt.txt", 1, "scan.tif", "only the first of 3")]
    )
    assert told(account).splitlines()[-2:] == [
        "1 note on images, for their reviewers.",
        "  rec_gt.txt, row 1, scan.tif: only the first of 3.",
    ]
    assert account.summary()["notes"][0]["image"] == "scan.tif"


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", sorted(encodings().keys() - {"GIF", "WebP 6 that moves"}))
def test_the_picture_on_the_screen_is_the_one_in_which_paddleocr_s_corners_stand(tmp_path, name):
    """PaddleOCR's decoder turns some files otherwise than a browser; corners follow the decoder.

    What moves, its decoder does not open at all.
    """
    data = encodings()[name]
    opened = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    (tmp_path / "page").write_bytes(data)

    found = prepare(row(("x", ()), image="page"), "Label.txt", (tmp_path,), tmp_path / "scratch", LIMITS)

    assert isinstance(found, PreparedRow)
    uploaded = decode(found.path.read_bytes(), max_pixels=10_000)
    assert shown_orientation(uploaded.pixels) == shown_orientation(opened)
    assert found.page_size == (uploaded.width, uploaded.height) == (opened.shape[1], opened.shape[0])


@pytest.mark.parametrize(
    ("image", "why"),
    [
        pytest.param("none.png", RowReason.MISSING, id="not there"),
        pytest.param("folder", RowReason.MISSING, id="a folder"),
        pytest.param("text.png", RowReason.UNREADABLE, id="no image"),
        pytest.param("cut.png", RowReason.UNREADABLE, id="cut off"),
        pytest.param("empty.png", RowReason.UNREADABLE, id="empty"),
        pytest.param("big.png", RowReason.UNREADABLE, id="more pixels than allowed"),
        pytest.param("heavy.png", RowReason.UNREADABLE, id="more bytes than allowed"),
        pytest.param("x" * 300, RowReason.UNREADABLE, id="a name longer than names can be"),
        pytest.param("nul\0.png", RowReason.UNREADABLE, id="no file can have that name"),
        pytest.param("../secret.png", RowReason.OUTSIDE, id="climbs"),
        pytest.param("/etc/hostname", RowReason.OUTSIDE, id="absolute"),
        pytest.param("link.png", RowReason.OUTSIDE, id="a link that leads out"),
    ],
)  # fmt: skip
def test_an_image_that_cannot_come_is_left_out_with_its_reason(tmp_path, image, why):
    folder = tmp_path / "set"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(picture("PNG"))
    (folder / "text.png").write_text("no image")
    (folder / "cut.png").write_bytes(picture("PNG")[:-20])
    (folder / "empty.png").touch()
    (folder / "big.png").write_bytes(picture("PNG", (2000, 600)))
    (folder / "heavy.png").write_bytes(bytes(10**6 + 1))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")

    found = prepare(
        row(("x", ()), ("y", ()), image=image), "a.txt", (folder, tmp_path), tmp_path / "scratch", LIMITS
    )

    assert isinstance(found, LeftOut)
    assert (found.why, found.regions) == (why, 2)
    assert str(tmp_path) not in found.sentence
    assert image not in found.sentence


def test_ppocrlabel_names_its_pages_from_the_folder_above(tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture("PNG"))

    base = (folder, tmp_path)
    assert isinstance(
        prepare(row(image="pages/a.png"), "Label.txt", base, tmp_path / "scratch", LIMITS), PreparedRow
    )
    (tmp_path / "b.png").write_bytes(picture("PNG"))
    assert isinstance(prepare(row(image="b.png"), "Label.txt", base, tmp_path / "scratch", LIMITS), LeftOut)


@pytest.mark.parametrize(
    ("name", "moved"),
    [
        pytest.param("a.png", False, id="as it stands"),
        pytest.param("pages\\\\a.png", True, id="PPOCRLabel on Windows"),
        pytest.param("C:/Users/me/pages/a.png", True, id="a full path of Windows"),
        pytest.param("/home/me/pages/a.png", True, id="of another machine"),
        pytest.param("old/a.png", True, id="a folder that was renamed"),
        pytest.param("crop_img\\\\b.png", True, id="crops"),
    ],
)
def test_an_image_beside_its_label_file_is_found_by_the_end_of_its_name(tmp_path, name, moved):
    folder = tmp_path / "pages"
    (folder / "crop_img").mkdir(parents=True)
    for place in ("a.png", "crop_img/b.png"):
        (folder / place).write_bytes(picture("PNG"))
    found = prepare(row(image=name), "Label.txt", (folder, tmp_path), tmp_path / "scratch", LIMITS)
    assert isinstance(found, PreparedRow)
    assert (found.moved, found.source.name) == (moved, name[-5:])


class Project:
    """A Label Studio of one project, which keeps what it is given."""

    def __init__(self):
        self.made = []

    def project(self, number):
        return {"label_config": default_config()}

    def tasks(self, number, **_):
        return iter(())

    def upload_files(self, number, paths):
        return [Upload(path, 1, f"/data/upload/1/{path.name}") for path in paths]

    def import_tasks(self, number, tasks):
        self.made += tasks


def test_of_two_names_for_one_file_the_second_is_left_out_and_the_first_is_told(tmp_path):
    points = "[[10, 10], [100, 10], [100, 40], [10, 40]]"
    rows = [
        f'{name}\t[{{"transcription": "да", "points": {points}}}]' for name in ("old\\a.png", "new\\a.png")
    ]
    (tmp_path / "Label.txt").write_text("\n".join(rows), "utf-8")
    (tmp_path / "a.png").write_bytes(picture("PNG"))
    project, told = Project(), io.StringIO()
    code = import_run(
        [tmp_path], project, 1,
        names=LabelNames(), options=ImportOptions(), limits=LIMITS,
        console=Console(file=told, soft_wrap=True),
    )  # fmt: skip
    assert code == 1
    assert [made["data"]["imported_image"] for made in project.made] == [r"old\a.png"]
    assert r"1 image found by the end of the name alone (a.png for old\a.png, for example)" in told.getvalue()
    assert "would both be the one file a.png" in told.getvalue()


@pytest.mark.parametrize(
    ("files", "taken"),
    [
        pytest.param(["Label.txt", "rec_gt.txt", "fileState.txt"], ["Label.txt"], id="PPOCRLabel"),
        pytest.param(["det_gt_val.txt", "det_gt_train.txt", "rec_gt_train.txt"],
                     ["det_gt_train.txt", "det_gt_val.txt"], id="an exported dataset"),
        pytest.param(["rec_gt.txt", "dict.txt"], ["rec_gt.txt"], id="crops alone"),
    ],
)  # fmt: skip
def test_of_a_folder_the_same_lines_are_taken_once(tmp_path, files, taken):
    for name in files:
        (tmp_path / name).touch()

    assert [path.name for path in files_in(tmp_path)] == taken


UNREACHABLE = {"LABEL_STUDIO_URL": "http://127.0.0.1:1", "LABEL_STUDIO_API_KEY": "none"}


@pytest.mark.parametrize(
    "content", [b"", b"\xef\xbb\xbf", b"\n\r\n"], ids=["empty", "byte order mark", "blank"]
)
def test_a_label_file_without_rows_is_nothing_to_import(tmp_path, content):
    (tmp_path / "rec_gt.txt").write_bytes(content)
    summary = tmp_path / "summary.json"

    done = CliRunner(env=UNREACHABLE).invoke(
        twinread, ["import", str(tmp_path), "--project", "3", "--summary-json", str(summary)]
    )

    assert (done.exit_code, done.output) == (
        1,
        "There is nothing to import: no row in rec_gt.txt. Pass a label file with rows of image<TAB>label.\n",
    )
    assert json.loads(summary.read_text("utf-8"))["rows"] == 0


@pytest.mark.parametrize(
    "name", [pytest.param("klingon", id="no such language"), pytest.param("qaa", id="without known letters")]
)
def test_a_language_that_no_reading_can_be_judged_by_is_refused_before_anything_is_made(tmp_path, name):
    (tmp_path / "rec_gt.txt").write_text("a.png\ttext\n", "utf-8")

    done = CliRunner(env=UNREACHABLE).invoke(
        twinread, ["import", str(tmp_path), "--project", "3", "--language", name]
    )

    assert isinstance(done.exception, BadRequest)
    assert str(done.exception).startswith(f"--language: {name!r} is no language")


def test_a_summary_that_has_no_place_is_refused_before_anything_is_made(tmp_path):
    (tmp_path / "rec_gt.txt").write_text("a.png\ttext\n", "utf-8")

    done = CliRunner(env=UNREACHABLE).invoke(
        twinread, ["import", str(tmp_path), "--project", "3", "--summary-json", str(tmp_path / "no/s.json")]
    )

    assert "nothing was begun" in str(done.exception)


def test_any_usual_name_of_a_language_becomes_its_code():
    assert [known_language(name) for name in ("ru", "rus", "ru-RU", "ch")] == ["ru", "ru", "ru", "zh"]


def told(account, *files):
    file = io.StringIO()
    tell(account, files, Console(file=file, soft_wrap=True))
    return file.getvalue()


def test_what_was_left_out_is_told_in_one_line_each_in_the_order_of_the_file():
    content = f'a.png\t[{GOOD}, {{"transcription": 5, "points": {BOX}}}]\nb.png\tbroken\nc.png\t[{GOOD}]\n'
    file = label_files.read("det.txt", content.encode())
    account = ImportTotals(rows=3, made=2, rows_left_out=list(file.left_out))
    account.regions_left_out += [RegionReason.UNREADABLE]
    account.regions_unreadable += file.rows[0].unreadable

    output = told(account, file)

    assert "0 lines on the new tasks; 1 left out: no text with points that can be read." in output
    assert output.splitlines()[-2:] == [
        "  det.txt, row 1, a.png: region 2 of 2: its transcription 5 is no text, so the page came without "
        "it; draw it in Label Studio, or mend the file, delete the task and import again.",
        "  det.txt, row 2, b.png: the label 'broken' is no JSON list of regions, so the row was left out; "
        "mend it and import again.",
    ]
    assert [(out["row"], out["regions"]) for out in account.summary()["problems"]] == [(1, 1), (2, 0)]


def test_a_folder_without_label_files_is_refused(tmp_path):
    with pytest.raises(BadRequest, match=r"holds no Label\.txt"):
        files_in(tmp_path)
