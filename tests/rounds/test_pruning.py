"""Which runs of old rounds are removed, and that nothing promoted ever is."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.models.locate import find_model
from backend.models.promoted import PromotedModel, Promotions
from backend.rounds import Rounds
from converters.rounds.pruning import prune


def trained(cache: Path, count: int, *, project: int = 3) -> list[Path]:
    """Rounds that trained, each with a run and a model of its own."""
    folders = []
    for number in range(1, count + 1):
        folder = Rounds(cache).round_folder(project, number)
        (folder / "run" / "checkpoints").mkdir(parents=True)
        (folder / "run" / "checkpoints" / "latest.pdparams").write_bytes(b"weights")
        model = folder / "model"
        model.mkdir()
        (model / "inference.yml").write_text("Global: {model_name: eslav_PP-OCRv5_mobile_rec}\n")
        (model / "inference.onnx").write_bytes(b"network %d" % number)
        (folder / "evaluation.html").write_text("figures")
        folders.append(folder)
    return folders


def promote(cache: Path, folder: Path) -> None:
    """As `twinread promote` does: a copy reads, which its fingerprint tells."""
    found = find_model(None, folder / "model")
    Promotions.under(cache).promote(
        PromotedModel(
            directory=cache / "models" / "promoted" / found.fingerprint,
            fingerprint=found.fingerprint,
            name=found.name,
            languages=("ru",),
            promoted_at="2026-11-26T10:00:00+00:00",
            by="rule",
            why="better",
        )
    )


def with_run(folders: list[Path]) -> list[int]:
    return [int(folder.name) for folder in folders if (folder / "run" / "checkpoints").is_dir()]


@pytest.mark.parametrize(
    ("promoted", "kept"),
    [
        pytest.param([], [4, 5], id="nothing promoted: the last two"),
        pytest.param([2], [2, 4, 5], id="the promoted one, too"),
        pytest.param([1, 2], [1, 2, 4, 5], id="and the one before, which --undo brings back"),
        pytest.param([1, 2, 3], [2, 3, 4, 5], id="not the one before that"),
        pytest.param([5], [4, 5], id="the last is the promoted one"),
    ],
)
def test_runs_stay_of_the_last_two_rounds_and_of_what_is_promoted(
    tmp_path: Path, promoted: list[int], kept: list[int]
) -> None:
    folders = trained(tmp_path, 5)
    for number in promoted:
        promote(tmp_path, folders[number - 1])
    prune(Rounds(tmp_path), 3)
    assert with_run(folders) == kept
    # what people read, and what can be promoted by hand, stays of all
    assert all((folder / "model" / "inference.onnx").exists() for folder in folders)
    assert all((folder / "evaluation.html").exists() for folder in folders)


def test_rounds_that_never_trained_do_not_count_as_the_last_two(tmp_path: Path) -> None:
    folders = trained(tmp_path, 3)
    (tmp_path / "rounds/3/4").mkdir()
    (tmp_path / "rounds/3/5").mkdir()
    assert prune(Rounds(tmp_path), 3) == [folders[0] / "run"]


def test_other_projects_are_left_alone(tmp_path: Path) -> None:
    trained(tmp_path, 4)
    others = trained(tmp_path, 4, project=4)
    prune(Rounds(tmp_path), 3)
    assert with_run(others) == [1, 2, 3, 4]


def test_nothing_is_removed_where_nobody_knows_what_is_promoted(tmp_path: Path) -> None:
    folders = trained(tmp_path, 5)
    promote(tmp_path, folders[0])
    Promotions.under(tmp_path).path.write_text("{")
    assert prune(Rounds(tmp_path), 3) == []
    assert with_run(folders) == [1, 2, 3, 4, 5]
