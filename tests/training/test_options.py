"""Options of `twinread train` that cannot work are refused in one sentence, before anything is begun."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from backend.commands.cli import twinread
from backend.errors import BadRequest
from converters.training.options import gpus_of


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--device", "tpu"], "--device 'tpu' is no device", id="device"),
        pytest.param(["--device", "gpu:a"], "is no device", id="a GPU without a number"),
        pytest.param(["--minutes", "0"], "--minutes 0.0 is no number above 0", id="no time"),
        pytest.param(["--minutes", "nan"], "--minutes nan is no number", id="time that is no number"),
        pytest.param(["--lr", "-1"], "--lr -1.0 is no number above 0", id="learning rate"),
        pytest.param(["--language", "klingonese"], "klingonese' is no language", id="language"),
        pytest.param(["--summary-json", "run/s.json"], "lies in the run's", id="summary in the run"),
        pytest.param(["--summary-json", "no/s.json"], "cannot be written", id="summary nowhere"),
        pytest.param(["--resume", "--lr", "0.1"], "--lr does not go with --resume", id="resumed"),
        pytest.param(["--resume", "--base", "x"], "--base does not go with --resume", id="and its base"),
        pytest.param(["--resume"], "no run in .* to go on with", id="nothing to resume"),
        pytest.param(["--out", "set"], "names the dataset's own folder", id="the dataset as the run"),
    ],
)  # fmt: skip
def test_refused(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set").mkdir()
    done = CliRunner().invoke(twinread, ["train", "set", "--out", "run", *arguments])
    with pytest.raises(Exception, match=words) as raised:
        raise done.exception
    assert raised.value.exit_code in (2, 3)
    assert not (tmp_path / "run").exists()


def test_a_dataset_that_is_none_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(twinread, ["train", "nowhere", "--out", "run"])
    with pytest.raises(BadRequest, match="nowhere is no folder"):
        raise done.exception


@pytest.mark.parametrize(
    ("device", "seen", "numbers"),
    [
        pytest.param("auto", 0, (), id="no GPU"),
        pytest.param("auto", 2, (0,), id="the first one by itself"),
        pytest.param("cpu", 2, (), id="the CPU although there are GPUs"),
        pytest.param("gpu", 2, (0,), id="a GPU"),
        pytest.param("gpu:1,0", 2, (1, 0), id="both"),
        pytest.param("gpu:1,1", 2, (1,), id="one that is named twice"),
    ],
)
def test_the_gpus_of_a_device(device, seen, numbers):
    assert gpus_of(device, seen) == numbers


@pytest.mark.parametrize(("device", "seen"), [("gpu", 0), ("gpu:0,1", 1)])
def test_a_gpu_that_paddle_does_not_see_is_refused(device, seen):
    with pytest.raises(BadRequest, match=f"asks for GPU {seen}, and Paddle sees"):
        gpus_of(device, seen)
