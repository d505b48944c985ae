"""What `twinread check` says about a dataset before PaddleOCR sees it."""

from __future__ import annotations

import copy
import io
import json
import os

import numpy as np
import pytest
import yaml
from PIL import Image
from rich.console import Console

from backend.errors import BadRequest, OperatorError
from converters.check.command import check, run
from converters.check.fixes import FIXED_CONFIG, FIXED_DICTIONARY, FIXED_SETTINGS
from converters.check.list_check import list_problems
from converters.paddleocr import label_rows
from converters.paddleocr.dictionaries import Dictionary
from converters.paddleocr.findings import FileCheck, Finding, Outcome, Picture, PictureState
from converters.paddleocr.images import look_at
from converters.paddleocr.label_rows import RowRegion
from converters.paddleocr.row_check import check_detection_row, check_recognition_row, images_of
from converters.paddleocr.training_config import DetectionRules, RecognitionRules
from tests.paddleocr.test_training_config import CONFIG

CYRILLIC = Dictionary(tuple("абвгдежзийклмнопрстуфхцчшщъыьэюяёp"))
GOOD = Picture(PictureState.GOOD, 160, 48, "digest")
QUAD = ((10.0, 10.0), (100.0, 10.0), (100.0, 40.0), (10.0, 40.0))


def foretold(row, picture=GOOD, dictionary=CYRILLIC, training=True):
    rules = RecognitionRules()
    return check_recognition_row(row.encode(), 7, rules, dictionary, lambda name: picture, training=training)


@pytest.mark.parametrize(
    ("text", "outcome", "trained", "findings"),
    [
        pytest.param("слово", Outcome.KEPT, "слово", [], id="plain"),
        pytest.param("два слова\r", Outcome.KEPT, "два слова", [], id="CRLF"),
        pytest.param("а\u00a0б", Outcome.ALTERED, "аб", [Finding.SOME_OUTSIDE], id="no-break space"),
        pytest.param("при\tвет", Outcome.ALTERED, "при", [Finding.CUT_AT_TAB], id="tab"),
        pytest.param("", Outcome.DROPPED, None, [Finding.EMPTY_TEXT], id="empty"),
        pytest.param("日本", Outcome.DROPPED, None, [Finding.ALL_OUTSIDE], id="nothing inside"),
        pytest.param(
            "аб" * 12, Outcome.DROPPED, None, [Finding.TOO_LONG, Finding.FEW_STEPS], id="24 characters"
        ),
        pytest.param(
            "и\u0306", Outcome.ALTERED, "и", [Finding.SOME_OUTSIDE, Finding.DECOMPOSED], id="decomposed"
        ),
        pytest.param(
            "пpивет", Outcome.KEPT, "пpивет", [Finding.MIXED_SCRIPTS], id="Latin p in a Cyrillic word"
        ),
        pytest.param(" а", Outcome.KEPT, " а", [Finding.EDGE_BLANKS], id="blank at the edge"),
        pytest.param("###", Outcome.DROPPED, None, [Finding.ALL_OUTSIDE, Finding.HASHES], id="hashes"),
    ],
)
def test_a_text_has_its_outcome_and_its_reasons(text, outcome, trained, findings):
    told = foretold(f"1.png\t{text}\n")
    assert (told.outcome, told.trained, list(told.findings)) == (outcome, trained, findings)
    assert told.line == 7


@pytest.mark.parametrize(
    "text",
    ["USB-кабель", "3D печать", "Wi-Fi и дом", "Ελληνικά а"],
    ids=["hyphen", "digit", "words", "Greek"],
)
def test_scripts_side_by_side_are_no_mixed_word(text):
    assert Finding.MIXED_SCRIPTS not in foretold(f"1.png\t{text}", dictionary=None).findings


def test_without_a_dictionary_every_character_counts_as_inside():
    told = foretold("1.png\t日本", dictionary=None)
    assert (told.outcome, told.trained) == (Outcome.KEPT, "日本")


@pytest.mark.parametrize(
    ("size", "text", "finding"),
    [
        pytest.param((160, 48), "слово", None, id="ordinary"),
        pytest.param((641, 48), "слово", Finding.SQUEEZED, id="under half its width"),
        pytest.param((640, 48), "слово", None, id="half its width"),
        pytest.param((24, 48), "слово", Finding.TALL, id="standing"),
        pytest.param((20, 48), "я", None, id="one letter may stand"),
        pytest.param((40, 48), "слово!", Finding.FEW_STEPS, id="six letters on five steps"),
        pytest.param((40, 48), "слово", None, id="five letters on five steps"),
        pytest.param((40, 48), "длинн", Finding.FEW_STEPS, id="two equal letters want a step between"),
    ],
)
def test_the_shape_of_a_crop_is_looked_at(size, text, finding):
    told = foretold(f"1.png\t{text}", Picture(PictureState.GOOD, *size, "d"), dictionary=None)
    assert list(told.findings) == ([finding] if finding else [])


@pytest.mark.parametrize(
    ("state", "outcome", "infects"),
    [
        (PictureState.GOOD, Outcome.KEPT, False),
        (PictureState.MISSING, Outcome.REPLACED, False),
        (PictureState.NOT_A_FILE, Outcome.REPLACED, False),
        (PictureState.EMPTY, Outcome.REPLACED, True),
        (PictureState.UNDECODABLE, Outcome.DROPPED, False),
        (PictureState.REFUSED, Outcome.REPLACED, True),
        (PictureState.REMOTE, Outcome.AT_RISK, False),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_an_image_decides_before_its_text(state, outcome, infects):
    told = foretold("1.png\tслово", Picture(state))
    assert (told.outcome, told.infects) == (outcome, infects)
    assert told.findings == ((state.finding,) if state.finding else ())
    assert not foretold("1.png\tслово", Picture(state), training=False).infects


@pytest.mark.parametrize(
    ("row", "names"),
    [
        (b"a.png\tx", ["a.png"]),
        (b'["a.png", "b.png"]\tx', ["a.png", "b.png"]),
        (b"[a].png\tx", ["[a].png"]),
        (b"[]\tx", ["[]"]),
        (b"no tab", []),
        (b"\xff\tx", []),
    ],
)
def test_the_images_of_a_row_are_those_that_paddleocr_may_open(row, names):
    assert images_of(row) == names


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        pytest.param(PictureState.GOOD, Outcome.KEPT, id="both good"),
        pytest.param(PictureState.MISSING, Outcome.AT_RISK, id="one is missing"),
    ],
)
def test_of_a_list_of_images_one_is_drawn(second, outcome):
    pictures = {"a.png": GOOD, "b.png": Picture(second)}
    row = b'["a.png", "b.png"]\t\xd0\xb1'
    told = check_recognition_row(row, 1, RecognitionRules(), CYRILLIC, pictures.__getitem__)
    assert told.outcome is outcome
    assert Finding.LISTED_IMAGE in told.findings


def detected(regions, training=True):
    row = f"1.png\t{json.dumps(regions)}".encode()
    return check_detection_row(row, 1, DetectionRules(), lambda name: GOOD, training=training)


def test_a_page_tells_which_regions_are_trained_and_which_ignored():
    told = detected([{"transcription": text, "points": QUAD} for text in ("а", "###", "*", None, ["б"])])
    # a list is no text, but PaddleOCR does not look
    assert told.regions == (("а", False), ("###", True), ("*", True), ("", False), ("['б']", False))
    assert (told.outcome, told.findings, told.four_points) == (Outcome.KEPT, (Finding.STAR,), True)


def test_a_triangle_is_lost_in_training_only():
    triangle = [{"transcription": "а", "points": QUAD[:3]}]
    assert detected(triangle).outcome is Outcome.AT_RISK
    assert detected(triangle, training=False).outcome is Outcome.KEPT


def rows_of(kind, part, rows):
    return FileCheck(f"{part}.txt", kind, part, tuple(rows))


BAD = foretold("1.png\t")
FINE = foretold("1.png\tслово")
INFECTING = foretold("no tab")
FIVE = detected([{"transcription": "а", "points": [*QUAD, (5, 20)]}])


@pytest.mark.parametrize(
    ("file", "rules", "words", "stops"),
    [
        pytest.param(
            rows_of("recognition", "train", []),
            RecognitionRules(),
            "trains nothing",
            True,
            id="empty training list",
        ),
        pytest.param(
            rows_of("recognition", "val", []), RecognitionRules(), "to evaluate", True, id="empty val"
        ),
        pytest.param(
            rows_of("recognition", "val", [BAD, BAD]),
            RecognitionRules(),
            "for ever",
            True,
            id="only bad rows",
        ),
        pytest.param(
            rows_of("detection", "train", [FIVE]), DetectionRules(), "four points", True, id="no quads"
        ),
        pytest.param(
            rows_of("recognition", "train", [FINE, INFECTING]),
            RecognitionRules(batch=1),
            "1 row also makes good rows fail",
            False,
            id="a row that infects",
        ),
        pytest.param(
            rows_of("recognition", "train", [FINE, INFECTING, INFECTING]),
            RecognitionRules(batch=1),
            "2 rows also make good rows fail",
            False,
            id="two rows that infect",
        ),
        pytest.param(
            rows_of("recognition", "train", [FINE]),
            RecognitionRules(),
            "one batch of 128",
            False,
            id="under a batch",
        ),
    ],
)
def test_a_list_as_a_whole_is_looked_at(file, rules, words, stops):
    (problem,) = list_problems(file, rules)
    assert words in problem.sentence
    assert problem.stops is stops


@pytest.mark.parametrize(
    ("file", "rules"),
    [
        (rows_of("recognition", "train", [FINE]), RecognitionRules(batch=1)),
        (rows_of("recognition", "val", [FINE]), RecognitionRules()),
        (rows_of("detection", "val", [FIVE]), DetectionRules()),
    ],
)
def test_a_list_that_trains_has_no_problem(file, rules):
    assert list_problems(file, rules) == ()


# --- whole folders ---


@pytest.fixture
def dataset(tmp_path):
    """Four good crops and a page; a test writes the rows it needs."""
    (tmp_path / "crops").mkdir()
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 255, (48, 160, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"crops/{number}.png")
    Image.fromarray(np.full((200, 300, 3), 255, np.uint8)).save(tmp_path / "page.png")
    (tmp_path / "dict.txt").write_text("".join(f"{char}\n" for char in CYRILLIC.entries), "utf-8")
    return tmp_path


def write(path, *rows):
    path.write_text("".join(rows), "utf-8")


def test_a_good_dataset_passes_in_one_sentence(dataset):
    write(dataset / "rec_gt_train.txt", *(f"crops/{n}.png\tслово\n" for n in range(3)))
    write(dataset / "rec_gt_val.txt", "crops/3.png\tслово\n")
    write(dataset / "det_gt_train.txt", label_rows.detection_row("page.png", [RowRegion("а", QUAD)]))
    told = io.StringIO()
    assert run(dataset, console=Console(file=told, width=200)) == 0
    assert "PaddleOCR would train on all 5 rows as they stand." in told.getvalue()
    assert not (dataset / FIXED_SETTINGS).exists()


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("missing.png\tслово\n", id="replaced"),
        pytest.param("crops/0.png\t\n", id="dropped"),
        pytest.param("crops/0.png\tа\u00a0б\n", id="altered"),
        pytest.param("http://127.0.0.1/1.png\tа\n", id="at risk"),
    ],
)
def test_one_row_that_is_not_trained_as_it_stands_gives_exit_code_1(dataset, bad):
    write(dataset / "rec_gt_train.txt", "crops/1.png\tслово\n", bad)
    assert check(dataset).exit_code == 1


def test_the_report_names_characters_with_counts_and_crops(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tок, ок\n", "crops/1.png\tда,\u00a0ага\n")
    comma, space = check(dataset).outside
    assert (comma.character, comma.count, comma.images) == (",", 2, ("crops/0.png", "crops/1.png"))
    assert comma.extendable
    assert (space.character, space.extendable) == ("\u00a0", False)
    told = io.StringIO()
    run(dataset, console=Console(file=told, width=200))
    assert "U+002C COMMA" in told.getvalue()
    assert "correct the texts: U+00A0 NO-BREAK SPACE" in told.getvalue()


def test_pictures_are_compared(dataset):
    (dataset / "crops/copy.bmp").write_bytes(b"")
    Image.open(dataset / "crops/0.png").save(dataset / "crops/copy.bmp")
    write(
        dataset / "rec_gt_train.txt", "crops/0.png\tда\n", "crops/copy.bmp\tнет\n", *["crops/1.png\tда\n"] * 2
    )
    write(dataset / "rec_gt_val.txt", "crops/0.png\tда\n", "crops/2.png\tда\n")
    found = {
        finding: [(file.part, row.line) for file, row in rows]
        for finding, rows in check(dataset).findings.items()
    }
    assert found == {
        Finding.CONTRADICTION: [("train", 1), ("train", 2)],
        Finding.TWICE: [("train", 3), ("train", 4)],
        Finding.LEAK: [("train", 1), ("train", 2), ("val", 1)],
    }


def test_fix_writes_a_dictionary_and_a_whole_config_with_which_nothing_is_lost(dataset):
    before = ["crops/0.png\tдлинное предложение, которое поместится\n", "crops/1.png\tёж и\u0306\n"]
    write(dataset / "rec_gt_train.txt", *before)
    write(dataset / "rec_gt_val.txt", "crops/2.png\tёж\n")
    (dataset / "config.yml").write_text(yaml.safe_dump(CONFIG), "utf-8")
    told = io.StringIO()
    console = Console(file=told, soft_wrap=True)
    options = {"dictionary": dataset / "dict.txt", "console": console}
    assert run(dataset, config=dataset / "config.yml", fix=True, **options) == 1
    assert (dataset / "rec_gt_train.txt").read_text("utf-8") == "".join(before)
    entries = (dataset / FIXED_DICTIONARY).read_text("utf-8").splitlines()
    assert entries == [*CYRILLIC.entries, ","]
    assert not (dataset / FIXED_SETTINGS).exists()
    assert f"python tools/train.py -c {dataset / FIXED_CONFIG}\n" in told.getvalue()
    # PaddleOCR takes this one file, from a folder of its own
    again = check(dataset, config=dataset / FIXED_CONFIG)
    assert [row.outcome for row in again.every_row] == [Outcome.KEPT, Outcome.ALTERED, Outcome.KEPT]
    assert again.every_row[1].outside == ("\u0306",)
    made = yaml.safe_load((dataset / FIXED_CONFIG).read_text("utf-8"))
    told.seek(0)
    run(dataset, config=dataset / FIXED_CONFIG, fix=True, console=console)
    assert yaml.safe_load((dataset / FIXED_CONFIG).read_text("utf-8")) == made
    assert "of an earlier check" not in told.getvalue()
    assert made["Global"]["character_dict_path"] == str(dataset / FIXED_DICTIONARY)
    assert made["Train"]["dataset"]["data_dir"] == made["Eval"]["dataset"]["data_dir"] == str(dataset)
    assert made["Train"]["dataset"]["label_file_list"] == [str(dataset / "rec_gt_train.txt")]
    assert made["Eval"]["dataset"]["label_file_list"] == [str(dataset / "rec_gt_val.txt")]
    # 39 characters are learned at 40 steps whatever the width, so the scales stay as they are
    assert made["Global"]["max_text_length"] == 39 + 2
    assert made["Train"]["sampler"]["scales"] == CONFIG["Train"]["sampler"]["scales"]
    assert made["Global"]["d2s_train_image_shape"] == [3, 48, 320]
    assert made["Train"]["sampler"]["first_bs"] == made["Train"]["loader"]["batch_size_per_card"] == 2


LONG = "в чащах юга жил бы цитрус да но фальшивый экземпляр"


@pytest.mark.parametrize(
    ("text", "max_text_length", "outcome", "findings"),
    [
        pytest.param(LONG[:23], 25, Outcome.KEPT, (), id="short"),
        pytest.param(LONG[:40], 25, Outcome.DROPPED, (Finding.TOO_LONG,), id="40: the limit of the config"),
        pytest.param(LONG[:40], 42, Outcome.KEPT, (), id="40: all steps are used"),
        pytest.param(LONG[:41], 63, Outcome.UNLEARNED, (Finding.UNLEARNABLE,), id="41: loaded, loss 0"),
        pytest.param(LONG[:41], 25, Outcome.DROPPED, (Finding.UNLEARNABLE,), id="41: no limit helps"),
        pytest.param("ш" * 21, 25, Outcome.UNLEARNED, (Finding.UNLEARNABLE,), id="equal letters"),
    ],
)
def test_a_line_of_more_steps_than_the_network_has_is_never_learned(text, max_text_length, outcome, findings):
    rules = RecognitionRules(max_text_length=max_text_length, scales=((1408, 48),))
    wide = Picture(PictureState.GOOD, 1408, 48, "d")
    told = check_recognition_row(f"1.png\t{text}".encode(), 1, rules, None, lambda name: wide)
    assert (told.outcome, told.findings) == (outcome, findings)
    # evaluation pools by width, so there such a line counts
    if outcome is Outcome.UNLEARNED:
        again = check_recognition_row(
            f"1.png\t{text}".encode(), 1, rules, None, lambda name: wide, training=False
        )
        assert again.outcome is Outcome.KEPT


def test_lines_that_are_never_learned_are_told_loudly_and_fix_promises_no_cure(dataset):
    rows = [f"crops/0.png\t{LONG}\n", f"crops/1.png\t{LONG[:41]}\n", "crops/2.png\tслово\n"]
    write(dataset / "rec_gt_train.txt", *rows)
    write(dataset / "rec_gt_val.txt", "crops/3.png\tслово\n")
    raised = {**CONFIG, "Global": {**CONFIG["Global"], "max_text_length": 63}}
    (dataset / "config.yml").write_text(yaml.safe_dump(raised), "utf-8")
    told = io.StringIO()
    options = {"config": dataset / "config.yml", "dictionary": dataset / "dict.txt"}
    assert run(dataset, fix=True, console=Console(file=told, soft_wrap=True), **options) == 1
    assert "rec_gt_train.txt: 2 of its 3 rows take more than 40 CTC steps" in told.getvalue()
    assert "Of 4 rows 2 would never be learned" in told.getvalue()
    assert "Crops and labels fit with" not in told.getvalue()
    made = yaml.safe_load((dataset / FIXED_CONFIG).read_text("utf-8"))
    assert made["Train"]["sampler"]["scales"] == CONFIG["Train"]["sampler"]["scales"]
    summary = check(dataset, **options).summary()
    assert summary["files"][0]["outcomes"] == {"kept": 1, "not learned": 2}


def test_a_list_of_nothing_but_lines_that_are_never_learned_trains_nothing(dataset):
    write(dataset / "rec_gt_train.txt", f"crops/0.png\t{'ш' * 21}\n")
    (problem, _) = check(dataset).files[0].problems
    assert problem.stops


def test_fix_writes_a_config_for_good_rows_too_with_the_dictionary_s_full_path(dataset):
    write(dataset / "rec_gt_train.txt", *(f"crops/{n}.png\tслово\n" for n in range(4)))
    (dataset / "config.yml").write_text(yaml.safe_dump(CONFIG), "utf-8")
    named = dataset / CONFIG["Global"]["character_dict_path"]
    named.parent.mkdir(parents=True)
    (dataset / "dict.txt").rename(named)
    told = io.StringIO()
    run(dataset, config=dataset / "config.yml", fix=True, console=Console(file=told, width=200))
    made = yaml.safe_load((dataset / FIXED_CONFIG).read_text("utf-8"))
    assert made["Global"]["character_dict_path"] == str(named)
    assert made["Global"]["max_text_length"] == 25
    assert "no list for evaluation" in told.getvalue()
    assert not (dataset / FIXED_DICTIONARY).exists()


DETECTION_CONFIG = {
    "Global": {},
    "Train": {
        "dataset": {"transforms": [{"DecodeImage": None}, {"DetLabelEncode": None}, {"CopyPaste": None}]},
        "loader": {"batch_size_per_card": 4},
    },
}


def test_a_config_for_detection_says_nothing_about_recognition_rows(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tдлинное предложение которое поместится\n")
    write(dataset / "det_gt_train.txt", label_rows.detection_row("page.png", [RowRegion("а", QUAD)]))
    (dataset / "det.yml").write_text(yaml.safe_dump(DETECTION_CONFIG), "utf-8")
    told = io.StringIO()
    run(dataset, config=dataset / "det.yml", fix=True, console=Console(file=told, width=200))
    assert "digits and small Latin letters" not in told.getvalue()
    assert "The config is for the other kind of rows: for recognition" in told.getvalue()
    settings = yaml.safe_load((dataset / FIXED_SETTINGS).read_text("utf-8"))
    assert settings == {"Global": {"max_text_length": 38 + 2}}


def test_a_config_for_recognition_says_nothing_about_detection_rows(dataset):
    for part in ("train", "val"):
        write(dataset / f"det_gt_{part}.txt", label_rows.detection_row("page.png", [RowRegion("а", QUAD)]))
    (dataset / "config.yml").write_text(yaml.safe_dump(CONFIG), "utf-8")
    assert check(dataset, config=dataset / "config.yml").notes == (
        "The config is for the other kind of rows: for detection the settings of PP-OCRv5's configs are "
        "assumed.",
    )


def test_a_dictionary_other_than_the_configs_is_told(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tслово\n")
    (dataset / "config.yml").write_text(yaml.safe_dump(CONFIG), "utf-8")
    notes = check(dataset, config=dataset / "config.yml", dictionary=dataset / "dict.txt").notes
    assert any("names another dictionary" in note and "dict.txt was checked" in note for note in notes)


def test_a_folder_that_is_called_like_a_label_file_is_none(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tслово\n")
    (dataset / "rec_gt_old.txt").mkdir()
    assert [file.name for file in check(dataset).files] == ["rec_gt_train.txt"]


def test_fix_writes_nothing_where_nothing_can_be_mended(dataset):
    write(dataset / "rec_gt_train.txt", "missing.png\tслово\n", "crops/0.png\tслово\n")
    before = sorted(dataset.iterdir())
    told = io.StringIO()
    run(dataset, fix=True, console=Console(file=told, width=200))
    assert sorted(dataset.iterdir()) == before
    assert "no file was written" in told.getvalue()


def test_what_an_earlier_fix_left_is_told(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tёж 1\n")
    run(dataset, fix=True, console=Console(file=io.StringIO()))
    write(dataset / "rec_gt_train.txt", "crops/0.png\tёж\n")
    told = io.StringIO()
    run(dataset, fix=True, console=Console(file=told, width=200))
    for name in (FIXED_DICTIONARY, FIXED_SETTINGS):
        assert f"{name} is of an earlier check" in told.getvalue()


def test_without_any_dictionary_the_check_says_that_it_did_not_look_and_fix_makes_one(dataset):
    (dataset / "dict.txt").unlink()
    write(dataset / "rec_gt_train.txt", "crops/0.png\tёж 1\n")
    report = check(dataset)
    assert any("characters were not checked" in note for note in report.notes)
    run(dataset, fix=True, console=Console(file=io.StringIO()))
    assert (dataset / FIXED_DICTIONARY).read_text("utf-8") == "1\nж\nё\n"
    assert report.summary()["dictionary_checked"] is False


def test_the_summary_for_machines_holds_every_telling_row(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tслово\n", "crops/1.png\tпри\tвет\n", "crops/2.png\t\n")
    path = dataset / "summary.json"
    run(dataset, summary_json=path, console=Console(file=io.StringIO()))
    summary = json.loads(path.read_text("utf-8"))
    assert summary["exit_code"] == 1
    assert summary["files"][0]["outcomes"] == {"kept": 1, "altered": 1, "dropped": 1}
    assert summary["files"][0]["telling"] == [
        {
            "line": 2,
            "image": "crops/1.png",
            "text": "при\tвет",
            "outcome": "altered",
            "trained": "при",
            "findings": ["CUT_AT_TAB"],
        },
        {
            "line": 3,
            "image": "crops/2.png",
            "text": "",
            "outcome": "dropped",
            "trained": None,
            "findings": ["EMPTY_TEXT"],
        },
    ]


def test_a_ppocrlabel_folder_is_checked_from_the_folder_above(dataset):
    write(dataset / "Label.txt", label_rows.detection_row(f"{dataset.name}/page.png", [RowRegion("а", QUAD)]))
    write(dataset / "rec_gt.txt", label_rows.recognition_row("crops/0.png", "слово"))
    write(dataset / "fileState.txt", label_rows.file_state_row(f"{dataset.name}/page.png"))
    report = check(dataset)
    assert [(file.name, file.kind) for file in report.files] == [
        ("Label.txt", "detection"),
        ("rec_gt.txt", "recognition"),
    ]
    assert report.exit_code == 0


def test_a_single_file_of_any_name_is_checked_for_what_its_rows_are(dataset):
    write(dataset / "mine.txt", "crops/0.png\tслово\n")
    write(dataset / "pages.txt", label_rows.detection_row("page.png", [RowRegion("а", QUAD)]))
    assert [check(dataset / name).files[0].kind for name in ("mine.txt", "pages.txt")] == [
        "recognition",
        "detection",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("some.json", '{"a": 1}\n', id="JSON"),
        pytest.param("some.json", '{\n\t"a": 1\n}\n', id="JSON with tabs"),
        pytest.param("rec_export.json", "[1,\n2]\n", id="JSON that is named like a label file"),
        pytest.param("manifest.jsonl", '{"a": 1}\n{"a": 2}\n', id="JSON lines"),
        pytest.param("README.md", "no tab\n", id="a text"),
    ],
)
def test_a_file_without_a_row_of_image_and_label_is_refused_in_one_sentence(dataset, name, content):
    write(dataset / name, content)
    with pytest.raises(BadRequest) as refused:
        check(dataset / name)
    assert str(refused.value) == (
        f"{name} is no label file, because it has no rows of image<TAB>label; pass one that has, or the "
        "folder of a dataset."
    )


def test_a_label_file_by_name_is_checked_though_it_has_lost_its_tabs_or_its_rows(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png слово\n")
    write(dataset / "empty.txt", "")
    assert [row.findings for row in check(dataset / "rec_gt_train.txt").every_row] == [(Finding.NO_LABEL,)]
    (empty,) = check(dataset / "empty.txt").files
    assert [problem.stops for problem in empty.problems] == [True]


@pytest.mark.parametrize(
    ("files", "noted"),
    [
        pytest.param(["rec_gt_train"],
                     ["For recognition there are rows to train on and no list for evaluation"],
                     id="no val"),
        pytest.param(["rec_gt_val"],
                     ["For recognition there are rows for evaluation and no list to train on"],
                     id="no train"),
        pytest.param(["rec_gt_train", "rec_gt_val", "det_gt_train"],
                     ["For detection there are rows to train on and no list for evaluation"],
                     id="no val for one kind"),
        pytest.param(["rec_gt_train", "rec_gt_val", "det_gt_train", "det_gt_val"], [], id="both"),
        pytest.param(["rec_gt", "rec_gt_val"], [], id="a list without a part trains"),
        pytest.param(["Label", "rec_gt"], [], id="PPOCRLabel, whose lists are not split yet"),
    ],
)  # fmt: skip
def test_a_dataset_without_a_list_that_paddleocr_needs_is_noted(dataset, files, noted):
    for name in files:
        page = label_rows.detection_row("page.png", [RowRegion("а", QUAD)])
        write(dataset / f"{name}.txt", "crops/0.png\tслово\n" if name.startswith("rec") else page)
    found = [note.partition(" (")[0] for note in check(dataset).notes if note.startswith("For ")]
    assert found == noted
    # one list alone is what was asked for
    assert not [note for note in check(dataset / f"{files[0]}.txt").notes if note.startswith("For ")]


def test_an_empty_list_for_evaluation_is_a_problem_of_its_own_and_said_once(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tслово\n")
    write(dataset / "rec_gt_val.txt", "")
    report = check(dataset)
    assert [problem.stops for problem in report.files[1].problems] == [True]
    assert not [note for note in report.notes if note.startswith("For ")]


def test_the_rows_of_one_kind_are_none_of_the_other(dataset):
    for part in ("train", "val"):
        write(dataset / f"det_gt_{part}.txt", label_rows.detection_row("page.png", [RowRegion("а", QUAD)]))
    write(dataset / "rec_gt_train.txt", "")
    assert not [note for note in check(dataset).notes if note.startswith("For ")]


def test_images_may_lie_elsewhere(dataset, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("lists")
    write(elsewhere / "rec_gt_train.txt", "crops/0.png\tслово\n")
    assert check(elsewhere, data_dir=dataset).exit_code == 0
    assert check(elsewhere).exit_code == 1


@pytest.mark.parametrize(
    ("prepare", "word"),
    [
        pytest.param(lambda folder: {"dataset": folder / "nowhere"}, "does not exist", id="no folder"),
        pytest.param(lambda folder: {"dataset": folder / "crops"}, "no label file", id="no label file"),
        pytest.param(lambda folder: {"config": folder / "no.yml"}, "does not exist", id="no config"),
        pytest.param(
            lambda folder: {"config": folder / "dict.txt"}, "not a PaddleOCR training config", id="no YAML"
        ),
        pytest.param(
            lambda folder: {"config": folder / "page.png"}, "cannot be read as YAML", id="a picture"
        ),
        pytest.param(lambda folder: {"dictionary": folder / "no.txt"}, "cannot be read", id="no dictionary"),
        pytest.param(
            lambda folder: {"dictionary": folder / "page.png"}, "not UTF-8", id="dictionary of bytes"
        ),
        pytest.param(
            lambda folder: {"config": folder / "config.yml"}, "--dict", id="the config's dictionary is away"
        ),
    ],
)
def test_what_cannot_be_checked_is_refused_with_what_to_do(dataset, prepare, word):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tслово\n")
    (dataset / "config.yml").write_text(yaml.safe_dump(CONFIG), "utf-8")
    with pytest.raises(BadRequest, match=word):
        check(**{"dataset": dataset, **prepare(dataset)})


def test_the_dictionary_of_a_config_is_found_from_the_checkout_above_it(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tёж\n")
    (dataset / "dict.txt").unlink()
    (dataset / "configs/rec").mkdir(parents=True)
    (dataset / "configs/rec/my.yml").write_text(yaml.safe_dump(CONFIG), "utf-8")
    named = dataset / CONFIG["Global"]["character_dict_path"]
    named.parent.mkdir(parents=True)
    named.write_text("ж\n", "utf-8")
    assert check(dataset, config=dataset / "configs/rec/my.yml").every_row[0].trained == "ж"


def test_a_summary_that_cannot_be_written_is_an_error_with_a_place(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tслово\n")
    with pytest.raises(OperatorError, match=r"summary\.json cannot be written"):
        run(
            dataset,
            fix=True,
            summary_json=dataset / "nowhere/summary.json",
            console=Console(file=io.StringIO()),
        )
    assert not list(dataset.glob("check.*"))


def test_an_image_is_opened_as_paddleocr_opens_it(dataset):
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.open(dataset / "page.png").save(dataset / "turned.jpg", exif=turned)
    seen = look_at(str(dataset / "turned.jpg"))
    assert (seen.state, seen.width, seen.height) == (PictureState.GOOD, 200, 300)
    assert look_at(str(dataset / "crops")).state is PictureState.NOT_A_FILE
    assert look_at(str(dataset / "a\x00b")).state is PictureState.MISSING
    assert look_at("https://host/1.png").state is PictureState.REMOTE


def test_texts_with_markup_are_shown_as_they_are(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\t[bold]слово[/bold]\n", "crops/[red].png\tда\n")
    told = io.StringIO()
    run(dataset, console=Console(file=told, width=200))
    assert "[bold]слово[/bold]" in told.getvalue()
    assert "crops/[red].png" in told.getvalue()


def test_the_names_and_texts_of_a_foreign_set_do_nothing_to_the_terminal(dataset):
    write(
        dataset / "rec_gt_train.txt",
        "crops/0.png\tда\x1b[31mнет\x1b]0;owned\x07\n",
        "miss\x1b[2Jing.png\tда\n",
        "\x1b[5mno tab\n",
        "crops/\u202e1.png\tда\n",
    )
    told = io.StringIO()
    run(dataset, console=Console(file=told, width=200))
    assert "\x1b" not in told.getvalue()
    assert "\u202e" not in told.getvalue()
    assert r"miss\x1b[2Jing.png" in told.getvalue()


def test_a_device_a_pipe_and_an_image_too_large_are_never_opened(dataset):
    os.mkfifo(dataset / "pipe.png")
    Image.new("1", (20_000, 20_000)).save(dataset / "bomb.png")
    with (dataset / "long.png").open("wb") as file:
        file.truncate(100 * 1024**2 + 1)
    write(
        dataset / "rec_gt_train.txt",
        "pipe.png\tда\n", "/dev/zero\tда\n", "bomb.png\tда\n", "long.png\tда\n", "crops\tда\n",
    )  # fmt: skip
    rows = check(dataset).every_row
    assert [row.findings for row in rows] == [
        (Finding.ENDLESS_IMAGE,),
        (Finding.ENDLESS_IMAGE,),
        (Finding.TOO_LARGE,),
        (Finding.TOO_LARGE,),
        (Finding.NOT_A_FILE,),
    ]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"P5\n# made by\n2 1\n255\nab", id="PNM"),
        pytest.param(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\nabcd", id="HDR"),
        pytest.param(b"\x59\xa6\x6a\x95" + (1).to_bytes(4, "big") * 7, id="Sun raster"),
        pytest.param(b"\0\0\0\x0cjP  \r\n\x87\n", id="JPEG 2000"),
        pytest.param(b"\xff\x4f\xff\x51\x00\x29", id="JPEG 2000 without its boxes"),
        pytest.param(b"\x76\x2f\x31\x01\x02\0\0\0", id="OpenEXR"),
    ],
)
def test_a_format_that_only_old_codecs_decode_is_never_decoded(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    assert look_at(str(tmp_path / "a.png")).state is PictureState.UNTRUSTED


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "jpg"])
def test_a_known_format_is_opened(tmp_path, suffix):
    Image.new("L", (300, 200)).save(tmp_path / f"a.{suffix}")
    seen = look_at(str(tmp_path / f"a.{suffix}"))
    assert (seen.state, seen.width, seen.height) == (PictureState.GOOD, 300, 200)


def test_an_image_of_which_a_part_is_missing_is_told_and_not_trusted_to_another_decoder(dataset):
    whole = (dataset / "page.png").read_bytes()
    (dataset / "crops/0.png").write_bytes(whole[: len(whole) // 2])
    write(dataset / "rec_gt_train.txt", "crops/0.png\tда\n")
    (row,) = check(dataset).every_row
    assert (row.outcome, row.findings[0]) == (Outcome.AT_RISK, Finding.DAMAGED_IMAGE)


@pytest.mark.parametrize("way", ["absolute", "above", "link"])
def test_an_image_outside_of_the_folder_is_opened_as_paddleocr_does_and_told(dataset, tmp_path_factory, way):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.png"
    Image.open(dataset / "crops/0.png").save(elsewhere)
    (dataset / "link.png").symlink_to(elsewhere)
    name = {"absolute": str(elsewhere), "above": os.path.relpath(elsewhere, dataset), "link": "link.png"}[way]
    write(dataset / "rec_gt_train.txt", f"{name}\tда\n")
    (row,) = check(dataset).every_row
    assert (row.outcome, Finding.OUTSIDE_IMAGE in row.findings) == (Outcome.KEPT, True)


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        pytest.param("crops\\0.png", Finding.BACKSLASH, id="Windows"),
        pytest.param("D:\\data\\crops\\0.png", Finding.BACKSLASH, id="Windows, from the disk on"),
        pytest.param("old/crops/0.png", Finding.ELSEWHERE, id="a folder that was renamed"),
        pytest.param("/home/me/set/crops/0.png", Finding.ELSEWHERE, id="another machine"),
        pytest.param("crops/9.png", Finding.MISSING_IMAGE, id="missing"),
        pytest.param("crops\\9.png", Finding.MISSING_IMAGE, id="missing, with a backslash"),
    ],
)
def test_of_an_image_that_is_missing_check_says_why_where_it_can_be_seen(dataset, name, finding):
    write(dataset / "rec_gt_train.txt", f"{name}\tслово\n")
    (row,) = check(dataset).every_row
    assert (row.outcome, row.findings) == (Outcome.REPLACED, (finding,))


REGION = label_rows.detection_row("page.png", [RowRegion("а", QUAD)]).partition("\t")[2].strip()


@pytest.mark.parametrize(
    ("name", "rows", "finding"),
    [
        pytest.param("rec_gt.txt", "crops/0.png\tдаcrops/1.png\tнет\n", "RUN_TOGETHER", id="two lines"),
        pytest.param("Label.txt", f"page.png\t{REGION}page.png\t{REGION}\n", "RUN_TOGETHER", id="two pages"),
        pytest.param("rec_gt.txt", "crops/0.png\tда\rcrops/1.png\tнет\r", "LINE_ENDS", id="lines, CR"),
        pytest.param("Label.txt", f"page.png\t{REGION}\rpage.png\t{REGION}\r", "LINE_ENDS", id="pages, CR"),
        pytest.param("rec_gt.txt", "crops/0.png\tда\u2028crops/1.png\tнет\u2028", "LINE_ENDS", id="U+2028"),
        pytest.param("rec_gt.txt", "crops/0.png\tда\tнет\n", "CUT_AT_TAB", id="a tab inside a text"),
        pytest.param("rec_gt.txt", "crops/0.png\tда\r\r\n", "", id="CRCRLF"),
        pytest.param("rec_gt.txt", "crops/0.png\tда\n\n", "BLANK_LINE", id="a blank line"),
        pytest.param("rec_gt.txt", "crops/0.png\tда\r\n\r\n", "BLANK_LINE", id="a blank line, CRLF"),
    ],
)
def test_rows_that_became_one_are_told_apart_from_bad_labels(dataset, name, rows, finding):
    (dataset / name).write_text(rows, "utf-8", newline="")
    found = [found.name for found in check(dataset).findings if found is not Finding.SOME_OUTSIDE]
    assert found == [finding] * bool(finding)


@pytest.mark.parametrize(
    ("encoding", "text", "looks"),
    [
        pytest.param("utf-16", "слово", "UTF-16", id="UTF-16 with its mark"),
        pytest.param("utf-16-le", "word", "UTF-16", id="UTF-16 without it"),
        pytest.param("gbk", "发票号码和日期", "GB18030 (Chinese)", id="GBK"),
        pytest.param("cp1251", "Съешь ещё этих мягких булок", "cp1251 (Cyrillic)", id="cp1251"),
        pytest.param("latin-1", "na\xefve caf\xe9, 5\xb0, 2\xb2", "another encoding", id="Latin-1"),
    ],
)
def test_a_file_that_is_not_utf8_is_told_with_what_it_looks_like(dataset, encoding, text, looks):
    (dataset / "rec_gt_train.txt").write_bytes(f"crops/0.png\t{text}\n".encode(encoding))
    report = check(dataset)
    assert f"looks like {looks}" in report.files[0].problems[0].sentence
    assert report.exit_code == 1


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        pytest.param(
            ["crops/0.png\tда\n"], "PaddleOCR would train on the one row as it stands.", id="one good"
        ),
        pytest.param(
            ["no.png\tда\n"], "The one row would be lost. The training would not run.", id="one bad"
        ),
        pytest.param(["no.png\tда\n", "crops/0.png\tда\n"], "Of 2 rows 1 would be lost.", id="one of two"),
    ],
)
def test_the_closing_sentence_counts_in_the_right_number(dataset, rows, sentence):
    write(dataset / "rec_gt_train.txt", *rows)
    told = io.StringIO()
    run(dataset, console=Console(file=told, width=200))
    assert told.getvalue().rstrip().endswith(sentence)


def test_entries_that_paddleocr_never_finds_are_told(dataset):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tда\n")
    write(dataset / "dict.txt", "д\nа\n🇺🇦\nab\nд\n\n")
    notes = " ".join(check(dataset).notes)
    assert "dict.txt has 2 entries of several characters (🇺🇦, ab)" in notes
    assert "dict.txt has more than once: д." in notes
    assert "dict.txt has an empty line; it takes a place" in notes


@pytest.mark.parametrize(
    ("lists", "noted"),
    [
        pytest.param(None, [], id="none named"),
        pytest.param(["{dataset}/rec_gt_train.txt"], [], id="this one"),
        pytest.param("rec_gt_train.txt", [], id="this one, beside the config, as a text"),
        pytest.param(
            ["./train_data/train_list.txt"],
            ["would train on another list than was checked (Train.dataset.label_file_list: "
             "./train_data/train_list.txt, which is not there); --fix writes a config that names these."],
            id="one that is not there",
        ),
        pytest.param(
            ["{dataset}/dict.txt"],
            ["would train on another list than was checked (Train.dataset.label_file_list: "
             "{dataset}/dict.txt); --fix writes a config that names these."],
            id="another one",
        ),
    ],
)  # fmt: skip
def test_a_config_with_lists_of_its_own_is_told(dataset, lists, noted):
    write(dataset / "rec_gt_train.txt", "crops/0.png\tслово\n")
    made = copy.deepcopy(CONFIG)
    if lists:
        here = json.loads(json.dumps(lists).replace("{dataset}", str(dataset)))
        made["Train"]["dataset"]["label_file_list"] = here
    (dataset / "config.yml").write_text(yaml.safe_dump(made), "utf-8")
    notes = check(dataset, config=dataset / "config.yml", dictionary=dataset / "dict.txt").notes
    said = [
        note.removeprefix("As it stands, the config ") for note in notes if note.startswith("As it stands")
    ]
    assert said == [note.replace("{dataset}", str(dataset)) for note in noted]
