"""`twinread train` from its options to its end with a scripted trainer; killed at any moment, and resumed."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from backend.errors import BadRequest, ProjectError, TwinreadError
from backend.settings.settings import Settings
from converters.training import best
from converters.training.options import TrainRequest
from converters.training.rehearsal import RehearsalFailed
from converters.training.run import TrainingFailed, run
from converters.training.run_folder import RunFolder
from converters.training.trainer.calls import train_command
from converters.training.trainer_failures import PREVENTED
from converters.training.trainer_process import Limits
from tests.parts.scripted_tools import ScriptedTools, small_dataset
from tests.parts.scripted_trainer import hang, leave, say, train
from tests.parts.trainer import TRAINER

ROOT = Path(__file__).resolve().parents[2]
QUICK = Limits(start_s=3, silence_s=2, stop_s=0.3, look_every_s=0.01)


@pytest.fixture
def dataset(tmp_path):
    return small_dataset(tmp_path / "dataset")


def training(dataset: Path, tools: ScriptedTools, **options: object) -> tuple[int, str, RunFolder]:
    """Run it; returns the exit code, what was printed, and the folder."""
    out = dataset.parent / "runs" / "1"
    told = io.StringIO()
    request = TrainRequest(**{"dataset": dataset, "out": out, "epochs": 3, **options})
    code = run(
        request,
        Settings(_env_file=None),
        Console(file=told, width=160, soft_wrap=True),
        get_tools=lambda *_: tools,
        limits=QUICK,
    )
    return code, told.getvalue(), RunFolder(out)


def kept_epoch(folder: RunFolder) -> int:
    return pickle.loads((folder.best / "best.pdparams").read_bytes())["epoch"]


def test_from_a_dataset_to_a_model_that_is_kept(tmp_path, dataset):
    tools = ScriptedTools(tmp_path / "source", train([0.4, 0.9, 0.6]))
    code, told, folder = training(dataset, tools, summary_json=tmp_path / "summary.json")

    assert code == 0
    assert "The best model is of epoch 2: 90.0 % of the characters" in told
    assert f"Next: twinread export-model {folder.path} --out models/1" in told
    assert "1 new ones at the end: x" in told
    assert kept_epoch(folder) == 2
    assert folder.dictionary.read_text("utf-8").split("\n") == [*"abcdefgh", "x", ""]
    config = yaml.safe_load(folder.config.read_text("utf-8"))
    assert config["Global"]["pretrained_model"] == str(folder.base_weights.with_suffix(""))
    record = folder.read()
    assert (record["state"], record["reason"], record["why"]) == ("done", "all epochs are done", None)
    assert record["best"] == {"epoch": 2, "acc": 0.45, "norm_edit_dis": 0.9}
    assert record["dataset"]["path"] == str(dataset)
    assert record["dictionary"]["appended"] == ["x"]
    assert len(record["trained_pages"]) == 12
    summary = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert (summary["steps"], summary["evaluations"], summary["state"]) == (6, 3, "done")
    counts = summary["counts"]["train"]
    assert counts["rows"] == counts["kept"] + counts["cut"] + sum(counts["left_out"].values()) == 8
    # the rehearsal leaves its log alone
    assert sorted(path.name for path in folder.rehearsal.iterdir() if path.is_file()) == [
        "config.yml", "progress.jsonl", "run.json", "train.log",
    ]  # fmt: skip
    assert "refresh" not in folder.curves_html.read_text("utf-8")
    assert "90.0 %" in folder.curves_html.read_text("utf-8")
    assert folder.curves_svg.read_text("utf-8").lstrip().startswith("<svg")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        pytest.param(
            {"rehearsal": [say("KeyError: 'NRTRLabelDecode'"), leave(1)]}, "no NRTRLabelDecode", id="training"
        ),
        pytest.param({"rehearsal": [hang()]}, "before its first step", id="a trainer that hangs"),
        pytest.param({"rehearsal": [train([0.1], ctc="0.000000")]}, "40 steps", id="nothing to learn"),
        pytest.param({"export": "It left out 4 tensors."}, "The export failed in .* 4 tensors", id="export"),
        pytest.param({"reads": []}, "gave 0 texts for 3 lines", id="reading"),
    ],
)
def test_what_fails_in_the_rehearsal_ends_the_run_before_its_training(tmp_path, dataset, how, words):
    with pytest.raises(RehearsalFailed, match=words) as raised:
        training(
            dataset, ScriptedTools(tmp_path / "source", train([0.9]), **how), summary_json=tmp_path / "s.json"
        )
    assert raised.value.exit_code == 1
    folder = RunFolder(tmp_path / "runs" / "1")
    assert folder.read()["state"] == "failed"
    assert folder.read()["why"] == str(raised.value)
    assert json.loads((tmp_path / "s.json").read_text("utf-8"))["why"] == str(raised.value)
    assert not folder.checkpoints.exists()
    # mended, the same command may be given again
    assert training(dataset, ScriptedTools(tmp_path / "source", train([0.9])))[0] == 0


def test_a_training_that_fails_says_why_and_its_best_model_stays(tmp_path, dataset):
    tools = ScriptedTools(tmp_path / "source", train([0.9, 0.5], until=2), leave(-9))
    with pytest.raises(TrainingFailed, match="memory ran out"):
        training(dataset, tools)
    folder = RunFolder(tmp_path / "runs" / "1")
    assert (folder.read()["state"], kept_epoch(folder)) == ("failed", 1)
    code, told, _ = training(
        dataset, ScriptedTools(tmp_path / "source", train([0.9, 0.5, 0.6])), epochs=None, resume=True
    )
    assert (code, folder.read()["state"], kept_epoch(folder)) == (0, "done", 1)
    assert "The best model is of epoch 1" in told
    assert folder.read()["why"] is None


def test_no_time_for_all_epochs_makes_fewer_of_them(tmp_path, dataset):
    # a step of 0.05 s at least; 0.01 minutes hold 12 of them, 8 rows make one step an epoch of the plan
    rehearsal = [train([0.1], steps=3, step_s=0.05)]
    tools = ScriptedTools(tmp_path / "source", train([0.9]), rehearsal=rehearsal)
    _, _, folder = training(dataset, tools, epochs=None, minutes=0.01)
    plan = folder.read()["plan"]
    assert plan["why"]["epochs"] == "what fits into 0.01 minutes"
    assert plan["epochs"] < 12
    assert yaml.safe_load(folder.config.read_text("utf-8"))["Global"]["epoch_num"] == plan["epochs"]


def test_what_a_composed_run_cannot_have(tmp_path, dataset):
    with (dataset / "rec_gt_train.txt").open("a", encoding="utf-8") as file:
        file.write(f"train_0.png\t{'abc ' * 12}abc\n")
    _, _, folder = training(dataset, ScriptedTools(tmp_path / "source", train([0.9])))
    config = yaml.safe_load(folder.config.read_text("utf-8"))
    kept = {
        # weights are a file on this machine
        "4.3": Path(config["Global"]["pretrained_model"]).is_absolute(),
        "4.15": folder.config.suffix == ".yml",
        "4.29": isinstance(config["Train"]["dataset"]["label_file_list"], list)
        and isinstance(config["Eval"]["dataset"]["label_file_list"], list),
    }
    command = train_command(TRAINER, folder.config, freeze="backbone", device="cpu")
    kept |= dict.fromkeys(("4.4", "4.5", "4.28"), "-o" not in command and command[-1] == str(folder.config))
    texts = [row.partition("\t")[2] for row in folder.train_list.read_text("utf-8").splitlines()]
    kept["A6.8"] = len(texts) == 8 and max(map(len, texts)) <= config["Global"]["max_text_length"] - 2
    characters = folder.dictionary.read_text("utf-8").split("\n")[:-1]
    kept["A6.21"] = characters[:8] == list("abcdefgh")
    kept["A6.26"] = len(characters) == len(set(characters)) == 9
    assert kept == dict.fromkeys(PREVENTED, True)


def resumable(tmp_path: Path, dataset: Path, **options: object) -> RunFolder:
    """A run whose trainer was killed after two epochs of three, the first of which was the best."""
    with pytest.raises(TrainingFailed):
        training(
            dataset, ScriptedTools(tmp_path / "source", train([0.9, 0.5], until=2), leave(-9)), **options
        )
    return RunFolder(tmp_path / "runs" / "1")


def test_a_config_that_was_changed_is_not_gone_on_with(tmp_path, dataset):
    folder = resumable(tmp_path, dataset)
    folder.config.write_text(folder.config.read_text("utf-8").replace("0.001", "0.1"), "utf-8")
    with pytest.raises(BadRequest, match="was changed since the run began"):
        training(dataset, ScriptedTools(tmp_path / "source", train([0.9])), epochs=None, resume=True)


def test_a_run_that_is_finished_says_so(tmp_path, dataset):
    tools = ScriptedTools(tmp_path / "source", train([0.4, 0.6, 0.7, 0.8]))
    training(dataset, tools)
    with pytest.raises(BadRequest, match=r"All 3 epochs of this run are done already.* --resume --epochs 6"):
        training(dataset, tools, epochs=None, resume=True)
    code, told, folder = training(dataset, tools, epochs=4, resume=True)
    assert (code, kept_epoch(folder)) == (0, 4)
    assert "4 epochs now, after 3: the learning rate" in told


def test_a_torn_latest_gives_way_to_the_best(tmp_path, dataset):
    folder = resumable(tmp_path, dataset)
    weights = Path(f"{folder.latest}.pdparams")
    weights.write_bytes(weights.read_bytes()[:-9])
    training(dataset, ScriptedTools(tmp_path / "source", train([0.9, 0.5, 0.6])), epochs=None, resume=True)
    assert f"resume from {folder.best}/best" in folder.log.read_text("utf-8")
    assert kept_epoch(folder) == 1


def test_another_trainer_on_resume_is_said(tmp_path, dataset):
    resumable(tmp_path, dataset)
    tools = ScriptedTools(tmp_path / "source", train([0.9]), digest="another")
    assert "another one than this run began with" in training(dataset, tools, epochs=None, resume=True)[1]


def test_a_resume_on_another_device_is_refused(tmp_path, dataset):
    resumable(tmp_path, dataset)
    with pytest.raises(ProjectError, match="composed for no GPU, and --device means gpu:0"):
        training(
            dataset,
            ScriptedTools(tmp_path / "source", train([0.9]), gpus=1),
            epochs=None,
            resume=True,
            device="gpu",
        )


OWNER = """
import sys
from pathlib import Path
from rich.console import Console
from backend.settings.settings import Settings
from converters.training.options import TrainRequest
from converters.training.run import run
from converters.training.trainer_process import Limits
from tests.parts.scripted_tools import ScriptedTools
from tests.parts.scripted_trainer import hang, say, train
moment, folder = sys.argv[1], Path(sys.argv[2])
scripts = {
    "rehearsing": dict(actions=[], rehearsal=[hang()]),
    "before the first step": dict(actions=[say("Backbone :"), hang()]),
    "with a best model": dict(actions=[train([0.9, 0.5], until=2), hang()]),
    "training": dict(actions=[train([0.9, 0.5], step_s=0.02)]),
}
script = scripts[moment]
tools = ScriptedTools(folder / "source", *script.pop("actions"), **script)
request = TrainRequest(dataset=folder / "dataset", out=folder / "runs" / "1", epochs=60)
limits = Limits(start_s=600, silence_s=600, stop_s=0.3, look_every_s=0.01)
values, console = Settings(_env_file=None), Console(soft_wrap=True)
sys.exit(run(request, values, console, get_tools=lambda *_: tools, limits=limits))
"""


def alive(group: int) -> bool:
    """A process of the group runs; zombies that nobody asks about do not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if fields[2] == str(group) and fields[0] != "Z":
            return True
    return False


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def reached(folder: RunFolder, moment: str) -> bool:
    """The run is at that moment."""
    if moment == "rehearsing":
        return bool(re.search(r'"pgid": \d', text_of(RunFolder(folder.rehearsal).record)))
    if moment == "before the first step":
        return "Backbone" in text_of(folder.log)
    if moment == "with a best model":
        return text_of(folder.log).count("save model in") == 2 and (folder.best / "best.json").exists()
    return text_of(folder.log).count("save model in") > 20


def text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
@pytest.mark.parametrize("moment", ["rehearsing", "before the first step", "with a best model", "training"])
def test_twinread_may_be_ended_at_any_moment(tmp_path, dataset, moment, number):
    folder = RunFolder(tmp_path / "runs" / "1")
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, moment, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: reached(folder, moment) or owner.poll() is not None)
    owner.send_signal(number)
    told, error = owner.communicate(timeout=60)
    groups = [RunFolder(path).read().get("pgid") for path in (folder.path, folder.rehearsal)]
    until(lambda: not any(group and alive(group) for group in groups))
    begun = folder.checkpoints.exists()
    if number != signal.SIGKILL:
        assert (owner.returncode, error) == (1, "")
        assert "go on with --resume" in told
        assert folder.read()["state"] == "stopped"
    if begun:
        assert best.kept(folder.best) is not None
        assert kept_epoch(folder) == 1

    tools = ScriptedTools(tmp_path / "source", train([0.9, 0.5]))
    code, _, _ = training(dataset, tools, epochs=None, resume=True)
    assert (code, folder.read()["state"], kept_epoch(folder)) == (0, "done", 1)


def test_a_folder_that_cannot_be_written_is_one_sentence(dataset):
    with pytest.raises(TwinreadError, match="cannot be written"):
        training(dataset, None, out=Path("/proc/nowhere"))
