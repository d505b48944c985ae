"""Our copy of the best model: whole or not at all, at every moment."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from converters.training import best
from converters.training.best import PARTS, Best, keep, kept, recover, whole
from converters.training.best import epoch_of as epoch_of_checkpoint

FIRST, SECOND = Best(1, 10, 0.5, 0.1), Best(2, 20, 0.75, 0.25)


def checkpoint(prefix: Path, epoch: int) -> Path:
    prefix.parent.mkdir(parents=True, exist_ok=True)
    for ending in PARTS:
        Path(f"{prefix}{ending}").write_bytes(pickle.dumps({"epoch": epoch, "fc": b"\0" * 100}, protocol=4))
    return prefix


def epoch_of(folder: Path) -> int:
    return pickle.loads((folder / "best.pdparams").read_bytes())["epoch"]


def test_a_better_one_takes_the_place(tmp_path):
    latest, place = tmp_path / "checkpoints" / "latest", tmp_path / "best"
    assert kept(place) is None
    assert keep(checkpoint(latest, 1), place, FIRST)
    assert keep(checkpoint(latest, 2), place, SECOND)
    assert (kept(place), epoch_of(place)) == (SECOND, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "checkpoints"]
    assert sorted(path.name for path in place.iterdir()) == [
        "best.json", "best.pdopt", "best.pdparams", "best.states",
    ]  # fmt: skip


@pytest.mark.parametrize("ending", PARTS)
def test_a_checkpoint_that_a_kill_cut_off_is_not_kept(tmp_path, ending):
    latest, place = tmp_path / "checkpoints" / "latest", tmp_path / "best"
    keep(checkpoint(latest, 1), place, FIRST)
    torn = Path(f"{checkpoint(latest, 2)}{ending}")
    torn.write_bytes(torn.read_bytes()[:-2])
    assert not whole(latest)
    assert not keep(latest, place, SECOND)
    assert (kept(place), epoch_of(place)) == (FIRST, 1)


@pytest.mark.parametrize("ending", PARTS)
def test_a_checkpoint_that_lacks_a_file_is_not_whole(tmp_path, ending):
    latest = checkpoint(tmp_path / "latest", 1)
    assert whole(latest)
    Path(f"{latest}{ending}").unlink()
    assert not whole(latest)
    assert not keep(latest, tmp_path / "best", FIRST)


def test_a_checkpoint_of_another_epoch_is_not_kept(tmp_path):
    # the trainer was faster: latest is epoch 3 by now
    latest = checkpoint(tmp_path / "checkpoints" / "latest", 3)
    assert epoch_of_checkpoint(latest) == 3
    assert not keep(latest, tmp_path / "best", SECOND)
    assert not (tmp_path / "best").exists()


def test_the_epoch_is_found_among_words_that_look_like_it(tmp_path):
    states = {
        "best_model_dict": {"acc": 0.5, "best_epoch": 7, "start_epoch": 8},
        "epoch": 300,
        "global_step": 9,
    }
    (tmp_path / "latest.states").write_bytes(pickle.dumps(states, protocol=2))
    assert epoch_of_checkpoint(tmp_path / "latest") == 300
    assert epoch_of_checkpoint(tmp_path / "nowhere") is None


def test_looking_at_a_checkpoint_runs_nothing_of_it(tmp_path):
    ran = tmp_path / "ran"

    class Dangerous:
        def __reduce__(self):
            return (Path.touch, (ran,))

    latest = checkpoint(tmp_path / "latest", 1)
    Path(f"{latest}.states").write_bytes(pickle.dumps(Dangerous()))
    assert whole(latest)
    assert not ran.exists()


def test_more_behind_the_end_is_not_whole(tmp_path):
    latest = checkpoint(tmp_path / "latest", 1)
    with Path(f"{latest}.pdopt").open("ab") as file:
        file.write(b"x")
    assert not whole(latest)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param({".best.part": None}, None, id="while it was copied"),
        pytest.param({"best": FIRST, ".best.part": None}, FIRST, id="while a second one was copied"),
        pytest.param({"best": SECOND, ".best.old": FIRST}, SECOND, id="after they changed places"),
        pytest.param({".best.old": FIRST, ".best.part": SECOND}, FIRST, id="between, without renameat2"),
    ],
)  # fmt: skip
def test_a_kill_at_any_moment_leaves_a_whole_one(tmp_path, names, expected):
    for name, about in names.items():
        folder = tmp_path / name
        checkpoint(folder / "best", about.epoch if about else 9)
        if about is not None:
            (folder / "best.json").write_text(
                json.dumps(
                    {
                        "epoch": about.epoch,
                        "step": about.step,
                        "norm_edit_dis": about.norm_edit_dis,
                        "acc": about.acc,
                    }
                )
            )
    recover(tmp_path / "best")
    assert kept(tmp_path / "best") == expected
    assert [path.name for path in tmp_path.iterdir()] == (["best"] if expected else [])
    assert expected is None or epoch_of(tmp_path / "best") == expected.epoch


def test_numbers_without_a_model_are_no_best(tmp_path):
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / best.ABOUT).write_text('{"epoch": 1, "step": 1, "norm_edit_dis": 1, "acc": 1}')
    assert kept(tmp_path / "best") is None
