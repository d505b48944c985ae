"""Whether several forms of one model may stand for each other; pure."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.shared.model_card import Parity
from converters.training.parity import ExportDiffers, check, compare, crops_of
from tests.parts.training_run import TRAINED_FONTS, rendered, write_lines


@pytest.mark.parametrize(
    ("checkpoint", "onnx", "expected"),
    [
        pytest.param([("дом", 0.9)], [("дом", 0.9)], (1, 1, 0.0), id="same"),
        pytest.param([("дом", 0.9)], [("дом", 0.8)], (1, 1, 0.1), id="another score"),
        pytest.param([("дом", 0.9)], [("дам", 0.1)], (1, 0, 0.0), id="another text, whose score counts not"),
        pytest.param([("", 0.0), ("я", 0.5)], [("", 0.0), ("я", 0.5)], (2, 2, 0.0), id="nothing read"),
    ],
)
def test_forms_are_compared_line_by_line(
    checkpoint: list[tuple[str, float]], onnx: list[tuple[str, float]], expected: tuple[int, int, float]
) -> None:
    found = compare({"checkpoint": checkpoint, "ONNX": onnx})
    assert (found.lines, found.equal, round(found.largest_score_difference, 6)) == expected


@pytest.mark.parametrize(
    ("lines", "equal", "difference", "holds"),
    [
        pytest.param(200, 200, 3e-6, True, id="as measured"),
        pytest.param(200, 199, 0.0, True, id="one of 200 differs"),
        pytest.param(200, 198, 0.0, False, id="two of 200 differ"),
        pytest.param(60, 59, 0.0, False, id="one of 60 differs"),
        pytest.param(200, 200, 0.002, False, id="scores differ"),
        pytest.param(200, 200, 0.001, False, id="scores at the limit, which promotion refuses"),
        pytest.param(0, 0, 0.0, False, id="nothing was compared"),
    ],
)
def test_a_model_that_differs_is_refused_with_the_figures(
    lines: int, equal: int, difference: float, holds: bool
) -> None:
    found = Parity(lines, equal, difference, (("checkpoint", "дом"), ("ONNX", "дам")))
    assert found.holds is holds
    if holds:
        check(found)
    else:
        with pytest.raises(ExportDiffers, match=f"of {lines} lines {equal} have" if lines else "no line"):
            check(found)


def test_crops_are_spread_over_the_list_and_blank_ones_left_out(tmp_path: Path) -> None:
    lines = rendered(10, TRAINED_FONTS, seed=6)
    lines[4] = (lines[4][0] * 0 + 255, "")
    val = write_lines(lines, tmp_path, "val")
    (tmp_path / "val" / "8.png").unlink()
    none = tmp_path / "none.txt"
    none.touch()

    def config(part: Path) -> dict[str, object]:
        dataset = {"data_dir": str(tmp_path), "label_file_list": [str(part)]}
        return {
            "Eval": {"dataset": dataset},
            "Train": {"dataset": {**dataset, "label_file_list": [str(val)]}},
        }

    assert len(crops_of(config(val))) == 8
    every_second = crops_of(config(val), limit=5)
    assert [crop.tolist() for crop in every_second] == [lines[number][0].tolist() for number in (0, 2, 6)]
    assert len(crops_of(config(none))) == 8, "the list for training, where the other is empty"
