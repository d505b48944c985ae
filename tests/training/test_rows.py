"""Every row of a dataset is kept, cut into pieces, or left out with its place and reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from backend.errors import BadRequest, OperatorError
from backend.models import locate
from backend.page.lines import Pixels
from converters.export.run import ExportOptions
from converters.shared.manifest import page_key
from converters.training.alignment import Aligner, CtcAligner
from converters.training.dataset import Dataset, DatasetRow, NothingToTrain, Why, read_dataset
from converters.training.dictionary import compose_dictionary
from converters.training.rows import ComposedRows, compose_rows, long_rows
from tests.parts import exported, paddle_loader
from tests.parts.paddle_loader import Job

MOBILE = "PP-OCRv5_mobile_rec"
ARABIC = "arabic_PP-OCRv5_mobile_rec"
MONO = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
LONG = "Мастерская часов и фотоаппаратов, вход со двора"
ADDRESS = "https://example.org/справка/42"
INVISIBLE = "it has a control or invisible character"
BLOCK = 12
"""Pixels of each character in a drawn crop."""


class EvenAligner:
    """Lays a text of letters of one width along a crop that it fills."""

    def align(self, crop: Pixels, text: str) -> list[float] | None:
        return [(number + 0.5) * crop.shape[1] / len(text) for number in range(len(text))]


@dataclass
class NoFitAligner:
    """Fits no text, and remembers which were asked about."""

    asked: list[str]

    def align(self, crop: Pixels, text: str) -> list[float] | None:
        self.asked.append(text)
        return None


def draw(path: Path, text: str) -> None:
    """A crop with letters of one width, from edge to edge."""
    font = ImageFont.truetype(MONO, 20)
    image = Image.new("RGB", (round(BLOCK * len(text)), 32), "white")
    for number, char in enumerate(text):
        ImageDraw.Draw(image).text((number * BLOCK, 4), char, font=font, fill="black")
    image.save(path)


def dataset(folder: Path, train: list[str], val: list[str] | None = None) -> Path:
    """A dataset with a crop for each text, without a manifest."""
    (folder / "crops").mkdir(parents=True)
    for part, texts in {"train": train, "val": ["оценка"] if val is None else val}.items():
        rows = []
        for number, text in enumerate(texts):
            name = f"crops/{part}{number}.png"
            draw(folder / name, text or "?")
            rows.append(f"{name}\t{text}\n")
        (folder / f"rec_gt_{part}.txt").write_text("".join(rows), "utf-8", newline="")
    return folder


def composed(
    folder: Path, out: Path, aligner: Aligner | None = None, model: str = MOBILE
) -> tuple[Dataset, ComposedRows]:
    found = read_dataset(folder, model_name=model)
    dictionary = compose_dictionary("абв", found.texts)
    return found, compose_rows(found, dictionary, aligner, lists=out / "lists", pieces=out / "pieces")


def listed(path: Path) -> list[tuple[str, str]]:
    return [tuple(row.split("\t")) for row in path.read_text("utf-8").splitlines()]


def records(path: Path) -> list[dict]:
    return [json.loads(row) for row in path.read_text("utf-8").splitlines()]


def test_short_lines_stay_as_they_are_by_their_full_paths(tmp_path):
    source = dataset(tmp_path / "данные =1", ["да", "нет, спасибо"])
    _, made = composed(source, tmp_path / "run")
    assert listed(made.train) == [
        (f"{source}/crops/train0.png", "да"),
        (f"{source}/crops/train1.png", "нет, спасибо"),
    ]
    assert made.counts["train"].summary() == {
        "rows": 2,
        "kept": 2,
        "changed": 0,
        "cut": 0,
        "pieces": 0,
        "left_out": {},
        "written": 2,
    }


def test_a_long_line_becomes_pieces_that_show_what_they_say(tmp_path):
    source = dataset(tmp_path / "data", ["да", LONG])
    found, made = composed(source, tmp_path / "run", EvenAligner())
    assert long_rows(found) == 1
    rows = listed(made.train)
    assert [text for _, text in rows] == ["да", "Мастерская часов", "и фотоаппаратов,", "вход со двора"]
    for image, text in rows[1:]:
        start = LONG.index(text)
        shown = np.asarray(Image.open(image))
        whole = np.asarray(Image.open(source / "crops/train1.png"))
        expected = whole[:, start * BLOCK : (start + len(text)) * BLOCK]
        # with a part of the gap at either side
        assert abs(shown.shape[1] - expected.shape[1]) <= 2 * BLOCK
        assert (shown < 128).sum() == (expected < 128).sum()
    counts = made.counts["train"]
    assert (counts.kept, counts.cut, counts.pieces, counts.written) == (1, 1, 3, 4)


def test_lines_for_evaluation_are_cut_too(tmp_path):
    source = dataset(tmp_path / "data", ["да"], ["нет", LONG])
    _, made = composed(source, tmp_path / "run", EvenAligner())
    assert [text for _, text in listed(made.val)] == [
        "нет",
        "Мастерская часов",
        "и фотоаппаратов,",
        "вход со двора",
    ]


def test_where_each_piece_comes_from_is_written_down(tmp_path):
    source = dataset(tmp_path / "data", ["да", LONG])
    _, made = composed(source, tmp_path / "run", EvenAligner())
    second = records(made.train.with_name("rows.jsonl"))[2]
    assert second["from"] == "crops/train1.png"
    assert (second["file"], second["line"], second["piece"]) == ("rec_gt_train.txt", 2, [2, 3])
    left, right = second["columns"]
    assert left <= LONG.index("и фото") * BLOCK < LONG.index(" вход") * BLOCK <= right


@pytest.mark.parametrize(
    ("text", "aligner", "why", "detail"),
    [
        pytest.param(ADDRESS, EvenAligner(), "long_word", ADDRESS, id="one long word"),
        pytest.param(LONG, NoFitAligner([]), "no_fit", None, id="the crop shows another text"),
        pytest.param(LONG, None, "no_aligner", None, id="nobody says where to cut"),
    ],
)
def test_a_long_line_that_cannot_be_cut_is_left_out_with_its_place(tmp_path, text, aligner, why, detail):
    source = dataset(tmp_path / "data", ["да", text])
    _, made = composed(source, tmp_path / "run", aligner)
    (lost,) = records(made.train.with_name("left_out.jsonl"))
    assert (lost["file"], lost["line"], lost["image"], lost["text"]) == (
        "rec_gt_train.txt",
        2,
        "crops/train1.png",
        text,
    )
    assert (lost["why"], lost.get("detail")) == (why, detail)
    assert [text for _, text in listed(made.train)] == ["да"]
    assert not list((tmp_path / "run/pieces/train").iterdir())


def test_only_long_lines_are_laid_along_their_crops(tmp_path):
    aligner = NoFitAligner([])
    composed(dataset(tmp_path / "data", ["да", LONG, "нет"]), tmp_path / "run", aligner)
    assert aligner.asked == [LONG]


@pytest.mark.parametrize(
    ("written", "trained"),
    [
        pytest.param("\u0438\u0306од", "йод", id="decomposed й"),
        pytest.param("12\u00a0000", "12 000", id="no-break space"),
        pytest.param("12\u2009000", "12 000", id="thin space"),
        pytest.param(" да ", "да", id="blanks at the edges"),
    ],
)
def test_what_paddleocr_would_delete_is_written_so_that_it_does_not(tmp_path, written, trained):
    _, made = composed(dataset(tmp_path / "data", [written]), tmp_path / "run")
    assert [text for _, text in listed(made.train)] == [trained]
    assert made.counts["train"].changed == 1


@pytest.mark.parametrize(
    ("row", "why", "detail"),
    [
        pytest.param("crops/train0.png\tа\u200bб", Why.TEXT, INVISIBLE, id="invisible"),
        pytest.param("crops/train0.png\t###", Why.TEXT, "it is an ignore mark", id="ignore mark"),
        pytest.param("crops/train0.png\t ", Why.TEXT, "it is empty", id="blanks alone"),
        pytest.param("crops/train0.png", Why.NO_ROW, "it has no tab between image and label", id="no tab"),
        pytest.param("crops/train0.png\tа\tб", Why.NO_ROW, "it has more than one tab", id="two tabs"),
        pytest.param("crops/none.png\tа", Why.IMAGE, "image is missing", id="missing image"),
        pytest.param("crops/empty.png\tа", Why.IMAGE, "image has zero bytes", id="image of zero bytes"),
        pytest.param("crops/broken.png\tа", Why.IMAGE, "image cannot be decoded", id="broken image"),
        pytest.param("crops\tа", Why.IMAGE, "image cannot be opened", id="a folder"),
        pytest.param("crops/sliver.png\tа", Why.LOST, "at risk: image is a sliver", id="a sliver"),
        pytest.param("crops/train0.png\tשלום", Why.RIGHT_TO_LEFT, "", id="Hebrew"),
    ],
)
def test_a_row_that_paddleocr_would_replace_or_change_is_left_out_with_its_place(tmp_path, row, why, detail):
    source = dataset(tmp_path / "data", ["да"])
    (source / "crops/empty.png").write_bytes(b"")
    (source / "crops/broken.png").write_bytes(b"\x89PNG no picture")
    Image.new("RGB", (1, 200)).save(source / "crops/sliver.png")
    with (source / "rec_gt_train.txt").open("a", encoding="utf-8") as file:
        file.write(f"{row}\n")
    _, made = composed(source, tmp_path / "run")
    (lost,) = made.left_out
    assert (lost.file, lost.line, lost.why, lost.detail) == ("rec_gt_train.txt", 2, why, detail)
    counts = made.counts["train"]
    assert counts.left_out == {why: 1}
    assert counts.rows == counts.kept + counts.cut + sum(counts.left_out.values()) == 2


def test_all_rows_are_accounted_for(tmp_path):
    texts = ["да", LONG, "###", ADDRESS, "нет", "\u0438\u0306од", "а\u200b"]
    _, made = composed(dataset(tmp_path / "data", texts), tmp_path / "run", EvenAligner())
    assert made.counts["train"].summary() == {
        "rows": 7,
        "kept": 3,
        "changed": 1,
        "cut": 1,
        "pieces": 3,
        "left_out": {"text": 2, "long_word": 1},
        "written": 6,
    }
    assert len(listed(made.train)) == 6


def test_text_from_right_to_left_is_trained_as_it_is_seen(tmp_path):
    logical = "سلام 12"
    _, made = composed(dataset(tmp_path / "data", [logical]), tmp_path / "run", model=ARABIC)
    assert [text for _, text in listed(made.train)] == ["12 " + "سلام"[::-1]]


def test_a_long_line_from_right_to_left_is_cut_from_the_left_of_the_picture(tmp_path):
    words = ["سلام", "کتاب", "مدرسه", "خیابان", "دوست"]
    _, made = composed(dataset(tmp_path / "data", [" ".join(words)]), tmp_path / "run", EvenAligner(), ARABIC)
    # the first word of the line stands at the right, so it is in the last piece
    assert [text for _, text in listed(made.train)] == [
        " ".join(word[::-1] for word in reversed(words[3:])),
        " ".join(word[::-1] for word in reversed(words[:3])),
    ]


@pytest.mark.parametrize(
    ("train", "val", "message"),
    [
        pytest.param([], None, "train.txt has no row to train on; .*--split", id="nothing to train on"),
        pytest.param(["да"], [], "val.txt has no row to evaluate on; .*--split", id="no evaluation"),
        pytest.param(
            ["###", "###"],
            None,
            r"None of the 2 rows of rec_gt_train.txt can be used to train on; of 2 PaddleOCR would change or "
            r"drop the text \(rec_gt_train.txt:1 crops/train0.png: it is an ignore mark\)\. Correct the text",
            id="no row that can be used",
        ),
        pytest.param([LONG], None, "no recogniser is at hand .*--base", id="all too long"),
    ],
)
def test_an_empty_list_is_refused_with_what_to_do(tmp_path, train, val, message):
    with pytest.raises(NothingToTrain, match=message):
        composed(dataset(tmp_path / "data", train, val), tmp_path / "run")


def test_images_that_are_all_missing_are_found_before_a_trainer_hangs_on_them(tmp_path):
    source = dataset(tmp_path / "data", ["да", "нет"])
    for image in (source / "crops").glob("train*"):
        image.unlink()
    with pytest.raises(NothingToTrain, match=r"of 2 the image cannot .*image is missing\)\. Export again"):
        read_dataset(source, model_name=MOBILE)


@pytest.mark.parametrize("name", ["rec_gt_train.txt", "rec_gt_val.txt"])
def test_a_dataset_without_a_list_is_refused(tmp_path, name):
    source = dataset(tmp_path / "data", ["да"])
    (source / name).unlink()
    with pytest.raises(BadRequest, match=f"has no {name}.*--split 8:1:1"):
        read_dataset(source, model_name=MOBILE)


def test_a_folder_that_is_not_there_is_not_taken_for_an_empty_one(tmp_path):
    with pytest.raises(BadRequest, match="There is no folder"):
        read_dataset(tmp_path / "none", model_name=MOBILE)


def test_pages_that_were_trained_on_are_named_as_in_the_manifest(tmp_path):
    out = tmp_path / "dataset"
    exported.run(out, exported.PROJECT, ExportOptions(jobs=1, ratio=(0.6, 0.2, 0.2)))
    found, made = composed(out, tmp_path / "run")
    rows = exported.manifest(out)
    expected = {page_key(row) for row in rows if row["part"] in ("train", "val")}
    tested = {page_key(row) for row in rows if row["part"] == "test"}
    assert expected
    assert tested
    assert set(made.pages) == expected
    assert not set(made.pages) & tested
    assert sum(counts.written for counts in made.counts.values()) == len(found.texts)


def test_crops_without_a_manifest_are_pages_of_their_own(tmp_path):
    _, made = composed(dataset(tmp_path / "data", ["да"]), tmp_path / "run")
    assert made.pages == ("crops/train0.png", "crops/val0.png")


def test_a_manifest_that_is_not_whole_is_refused(tmp_path):
    source = dataset(tmp_path / "data", ["да"])
    (source / "manifest.jsonl").write_text('{"kind": "recognition", "ima', "utf-8")
    with pytest.raises(BadRequest, match=r"manifest.jsonl .*line 1 .*Export again"):
        read_dataset(source, model_name=MOBILE)


def test_the_same_dataset_gives_the_same_files(tmp_path):
    source = dataset(tmp_path / "data", ["да", LONG, "###"])
    each = []
    for _ in range(2):
        composed(source, tmp_path / "run", EvenAligner())
        each.append(exported.contents(tmp_path / "run"))
    assert each[0] == each[1]


def test_pieces_of_an_earlier_try_do_not_stay(tmp_path):
    old = tmp_path / "run/pieces/train/000009-1.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    composed(dataset(tmp_path / "data", ["да"]), tmp_path / "run")
    assert not old.exists()


def test_a_folder_for_pieces_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "run").write_text("a file in its place", "utf-8")
    with pytest.raises(OperatorError, match=r"cannot be written .*--out"):
        composed(dataset(tmp_path / "data", ["да"]), tmp_path / "run")


def test_paths_that_a_list_cannot_name_are_refused(tmp_path):
    source = dataset(tmp_path / "da\tta", ["да"])
    with pytest.raises(BadRequest, match="tab or a line break"):
        read_dataset(source, model_name=MOBILE)
    with pytest.raises(BadRequest, match="another --out"):
        composed(dataset(tmp_path / "data", ["да"]), tmp_path / "r\tun")


def test_with_the_real_recogniser_pieces_of_real_letters_show_their_words(tmp_path):
    """DejaVu Sans Mono draws each letter in the same width, so the true columns are known."""
    source = dataset(tmp_path / "data", [LONG])
    aligner = CtcAligner(locate.find_model(MOBILE, source="packages").directory)
    _, made = composed(source, tmp_path / "run", aligner)
    columns = [row["columns"] for row in records(made.train.with_name("rows.jsonl")) if "columns" in row]
    # the gaps after "часов" and after the comma
    assert len(columns) == 3
    for (_, cut), space in zip(columns, [16, 33], strict=False):
        assert space * BLOCK - 3 <= cut <= (space + 1) * BLOCK + 3


def test_a_row_knows_its_page_and_picture(tmp_path):
    found = read_dataset(dataset(tmp_path / "data", ["да"]), model_name=MOBILE)
    (row,) = found.lists["train"]
    assert isinstance(row, DatasetRow)
    assert (row.line, row.image, row.text) == (1, "crops/train0.png", "да")
    assert (row.picture.width, row.picture.height) == (24, 32)


@pytest.mark.xdist_group("paddle loader")
def test_paddleocrs_own_loader_trains_every_row_as_it_is_written(tmp_path):
    texts = ["да", LONG, "\u0438\u0306од 12\u00a0000", "№ 5 — «ёж»", ADDRESS, "###"]
    found, made = composed(dataset(tmp_path / "д =1", texts, ["нет", LONG]), tmp_path / "run", EvenAligner())
    dictionary = tmp_path / "dict.txt"
    dictionary.write_text(compose_dictionary("абв", found.texts).content, "utf-8")
    config = {"character_dict_path": str(dictionary), "max_text_length": 25, "use_space_char": True}
    # with this seed no row is joined with a neighbour
    jobs = [
        Job("recognition", str(path), "/nowhere", config, train=train, seeds=[0])
        for path, train in ((made.train, True), (made.val, False))
    ]
    trained, evaluated = paddle_loader.ask(jobs, tmp_path)
    assert [answer["text"] for answer in trained] == [text for _, text in listed(made.train)]
    assert [answer["text"] for answer in evaluated] == [text for _, text in listed(made.val)]
