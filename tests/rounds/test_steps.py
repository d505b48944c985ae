"""Which ends of `export` and `check` let a round go on, judged by what the real `check` says."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from converters.check.command import check
from converters.rounds.steps import NAMES, judge_check, judge_promotion, new_lines


def dataset(folder: Path, *rows: tuple[str, str]) -> Path:
    """A label file, with an image for each name but those that end with "gone"."""
    folder.mkdir()
    for place, (name, _) in enumerate(rows):
        if not name.endswith("gone"):
            # all unlike, or they would be called leaks
            Image.new("RGB", (320, 48), (place, 99, 99)).save(folder / name, "PNG")
    (folder / "rec_gt_train.txt").write_text("".join(f"{name}\t{text}\n" for name, text in rows), "utf-8")
    (folder / "dict.txt").write_text("\n".join("abcdefghijklmnopqrstuvwxyz") + "\n", "utf-8")
    return folder


@pytest.mark.parametrize(
    ("row", "goes_on", "says"),
    [
        pytest.param(("b.png", "fine"), True, "", id="all is well"),
        pytest.param(
            ("b.png", "a" + "bc" * 30), True, "new characters: 1 rows", id="a line too long to be learned"
        ),
        pytest.param(("b.png", "ёжик"), True, "new characters: 1 rows", id="only characters that are new"),
        pytest.param(("b.png", "a ё"), True, "new characters: 1 rows", id="one character that is new"),
        pytest.param(("gone", "fine"), False, "1 x image is missing", id="an image that is gone"),
        pytest.param(("b.png", "a\tb"), False, "1 x cut at a second tab", id="a tab in a text"),
    ],
)
def test_a_round_goes_on_where_training_cures_what_check_found_and_stops_where_the_dataset_is_damaged(
    tmp_path: Path, row: tuple[str, str], goes_on: bool, says: str
) -> None:
    found = check(dataset(tmp_path / "set", ("a.png", "fine"), row))
    judged = judge_check(found.exit_code, found.summary(), "what the log says")
    assert judged.goes_on is goes_on
    assert says in (judged.sentence or " ".join(judged.notes))


def test_a_broken_image_stops_the_round(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "set", ("a.png", "fine"), ("b.png", "fine too"))
    (folder / "b.png").write_bytes(b"")
    found = check(folder)
    assert found.exit_code == 1
    assert "1 x image has zero bytes" in judge_check(1, found.summary(), "").sentence


def test_a_check_that_could_not_look_is_no_check_that_found_nothing() -> None:
    judged = judge_check(2, {}, "dataset holds no label file.")
    assert (judged.goes_on, judged.sentence) == (False, "dataset holds no label file.")


@pytest.mark.parametrize(
    ("difference", "new"),
    [
        pytest.param({}, 52, id="the first export: all lines"),
        pytest.param({"added": 7, "changed": 2, "removed": 4}, 9, id="added and changed"),
        pytest.param({"added": 0, "changed": 0, "removed": 0}, 0, id="nothing new"),
    ],
)
def test_new_lines_are_those_that_the_dataset_did_not_have_so(difference: dict[str, int], new: int) -> None:
    rows = {"rec_gt_train.txt": 40, "rec_gt_val.txt": 4, "rec_gt_test.txt": 8}
    assert new_lines({"written": True, "rows": rows, "difference": difference}) == new


def test_a_promotion_without_an_answer_is_a_failure_and_no_refusal() -> None:
    assert not judge_promotion(3, {}, "The model cannot be loaded.").goes_on
    assert judge_promotion(1, {"promoted": False, "sentence": "worse"}, "").goes_on


def test_the_end_of_a_round_is_said_with_the_figures() -> None:
    figures = {"pages": 1, "lines": 2, "cer_old": 0.904762, "cer_new": 0.428571}
    told = {"promoted": False, "sentence": "1 page is too few.", "difference": figures}
    said = judge_promotion(1, told, "").sentence
    assert said == "not promoted: 1 page is too few. (CER 90.5 -> 42.9 % on 1 page.)"
    said = judge_promotion(0, {**told, "promoted": True}, "").sentence
    assert said == "promoted: CER 90.5 -> 42.9 % on 1 page"
    said = judge_promotion(1, {**told, "difference": None}, "").sentence
    assert said == "not promoted: 1 page is too few."


def test_the_steps_are_commands_of_twinread() -> None:
    assert NAMES == ("export", "check", "train", "export-model", "evaluate", "promote")
