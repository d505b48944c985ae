"""From lines to a model that reads, for real: a trainer out of the registry, PaddleOCR's own network."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from rapidfuzz.distance import Levenshtein

from backend.commands.cli import twinread
from backend.models.locate import find_model
from backend.page.lines import Pixels
from converters.training.early_stop import EarlyStop
from converters.training.export_model import ExportedModel, export_model, open_run
from converters.training.history import History
from converters.training.parity import read_with_twinread
from converters.training.run_folder import RunFolder
from converters.training.trainer import calls
from converters.training.trainer_process import Limits, TrainerProcess
from converters.training.training_loop import Standing
from converters.training.training_loop import Trained as EndedTraining
from converters.training.training_loop import train as run_training
from tests.parts.trainer import CACHE, PYTHON, ROOT, TRAINER
from tests.parts.training_run import (
    OTHER_FONTS,
    TRAINED_FONTS,
    rendered,
    train_with,
    write_lines,
)

# three CPU minutes, on cores that other tests use at the same time
pytestmark = [pytest.mark.xdist_group("paddle loader"), pytest.mark.timeout(1500)]

STEPS, BATCH = 16, 16

READ = """
import json, sys
from pathlib import Path
# twinread beside paddlepaddle, as on a machine with a GPU: PaddlePaddle's environment comes first
sys.path += [sys.argv[1], sys.argv[2]]
import numpy as np
from PIL import Image
from backend.models.paddle_engine import EngineOptions
from backend.readers.paddle import PaddleReader, RecognitionOptions
engine = EngineOptions(engine="paddle", device="cpu", cpu_threads=1)
reader = PaddleReader("ru", RecognitionOptions(engine=engine), model_dir=Path(sys.argv[3]))
reader.start()
reader.wait(300)
crops = [np.asarray(Image.open(path).convert("RGB")) for path in sys.argv[4:]]
said = [future.result(300) for future in reader.submit(crops)]
reader.stop()
print(json.dumps([[one.reader, one.text, one.error] for one in said]))
"""


@dataclass(frozen=True)
class Trained:
    """A run's folder, what the trainer said, the model of it, and lines in fonts that it never saw."""

    run: Path
    summary: dict[str, Any]
    log: str
    model: ExportedModel
    lines: list[tuple[Pixels, str]]
    files: list[Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("training")
    dataset, run = folder / "набор", folder / "runs" / "1"
    write_lines(rendered(STEPS * BATCH, TRAINED_FONTS, seed=1), dataset, "train")
    write_lines(rendered(32, TRAINED_FONTS, seed=2), dataset, "val")
    lines = rendered(60, OTHER_FONTS, seed=3)
    write_lines(lines, dataset, "test")
    arguments = ["train", str(dataset), "--out", str(run), "--summary-json", str(folder / "summary.json")]
    options = ["--language", "ru", "--epochs", "1", "--batch", str(BATCH), "--device", "cpu"]
    settings = {"CACHE_DIR": str(CACHE), "MODEL_SOURCE": "packages"}
    done = CliRunner().invoke(twinread, [*arguments, *options], env=settings, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    model = export_model(open_run(run), folder / "models" / "ru-1", TRAINER, language="ru")
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    log = (run / "train.log").read_text("utf-8")
    return Trained(run, summary, log, model, lines, [dataset / f"test/{number}.png" for number in range(60)])


def character_errors(read: list[str], true: list[str]) -> float:
    """Characters that are wrong, as a share of those that are there."""
    wrong = sum(Levenshtein.distance(one, other) for one, other in zip(read, true, strict=True))
    return wrong / sum(map(len, true))


def test_sixteen_small_steps_make_a_model_that_reads_fonts_it_never_saw(trained: Trained) -> None:
    crops, true = [crop for crop, _ in trained.lines], [text for _, text in trained.lines]
    stock = find_model(
        "PP-OCRv5_mobile_rec", engine="onnxruntime", source="packages", cache_dir=CACHE / "models"
    )
    # it writes hardly any Cyrillic letter, so it is asked as a reader of English
    before = [text for text, _ in read_with_twinread(stock.directory, crops, "en")]
    after = [text for text, _ in read_with_twinread(trained.model.directory, crops, "ru")]
    assert character_errors(after, true) <= character_errors(before, true) - 0.25, list(
        zip(true, after, strict=True)
    )


def test_the_trainer_takes_every_starting_weight_and_learns_from_every_line(trained: Trained) -> None:
    assert f"load pretrain successful from {trained.run / 'base'}" in trained.log
    assert not [line for line in trained.log.splitlines() if any(words in line for words in calls.NOT_LOADED)]
    losses = [float(loss) for loss in re.findall(r"CTCLoss: ([0-9.]+)", trained.log)]
    assert len(losses) == STEPS
    assert losses[0] > losses[-1] > 0
    (nearness,) = re.findall(r"cur metric, acc: [0-9.]+, norm_edit_dis: ([0-9.]+)", trained.log)
    assert float(nearness) > 0.4
    assert (trained.summary["steps"], trained.summary["state"]) == (STEPS, "done")
    assert trained.summary["best"]["norm_edit_dis"] == float(nearness)


def test_the_exported_model_reads_as_the_checkpoint_does(trained: Trained) -> None:
    parity = trained.model.parity
    assert (parity.lines, parity.equal) == (32, 32)
    assert parity.largest_score_difference < 1e-4
    written = json.loads((trained.model.directory / "model.json").read_text("utf-8"))
    assert written["name"] == "eslav_PP-OCRv5_mobile_rec"
    assert written["versions"] == {
        "twinread": "0.1.0",
        "paddleocr": "3.7.0",
        "paddlepaddle": "3.3.1",
        "paddle2onnx": "2.1.0",
    }
    assert sorted(path.name for path in trained.model.directory.iterdir()) == [
        "inference.json",
        "inference.onnx",
        "inference.pdiparams",
        "inference.yml",
        "model.json",
    ]


def test_on_paddles_engine_the_model_reads_the_same(trained: Trained) -> None:
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", READ, sysconfig.get_path("purelib"), ROOT, trained.model.directory,
         *trained.files[:10]],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert {error for _, _, error in said} == {None}
    assert {reader.split("@")[0] for reader, _, _ in said} == {"eslav_PP-OCRv5_mobile_rec"}
    crops = [crop for crop, _ in trained.lines[:10]]
    onnx = [text for text, _ in read_with_twinread(trained.model.directory, crops, "ru")]
    assert [text for _, text, _ in said] == onnx


def test_the_config_that_check_writes_is_one_that_paddleocr_trains_with(
    trained: Trained, tmp_path: Path
) -> None:
    config: dict[str, Any] = yaml.safe_load((trained.run / "config.yml").read_text("utf-8"))
    config["Train"]["dataset"]["label_file_list"] = ["./train_data/train_list.txt"]
    config["Global"]["save_model_dir"] = str(tmp_path / "model")
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config), "utf-8")
    lines = rendered(12, TRAINED_FONTS, seed=4)
    dataset = tmp_path / "набор"
    write_lines([*lines[:9], (lines[9][0], "ά ό")], dataset, "train")
    write_lines(lines[10:], dataset, "val")
    arguments = ["check", str(dataset), "--config", str(tmp_path / "config.yml"), "--fix"]
    arguments += ["--dict", str(trained.run / "dict.txt")]
    done = CliRunner().invoke(twinread, arguments, catch_exceptions=False)
    checked = dataset / "check.train.yml"
    assert f"python tools/train.py -c '{checked}'" in done.output
    log = train_with(checked)
    assert "train dataloader has 1 iters" in log
    assert "ERROR" not in log
    # the two Greek letters that --fix added: the head of the base has two rows too few
    assert sum("not matched" in line for line in log.splitlines()) == 4


def failing(folder: Path, trained: Trained, rows: str | None = None, **overall: object) -> EndedTraining:
    """What becomes of the same training with other rows, or with other settings of `Global`."""
    config: dict[str, Any] = yaml.safe_load((trained.run / "config.yml").read_text("utf-8"))
    run = RunFolder(folder)
    config["Global"] |= {"save_model_dir": str(run.checkpoints), **overall}
    if rows is not None:
        run.lists.mkdir()
        run.train_list.write_text(rows, "utf-8")
        config["Train"]["dataset"]["label_file_list"] = [str(run.train_list)]
    run.config.write_text(yaml.safe_dump(config), "utf-8")
    run.note(state="training")
    command = calls.train_command(TRAINER, run.config, freeze="backbone", device="cpu")
    # a hang with an error in the log is found by that error, so that nothing waits for these
    limits = Limits(start_s=300, silence_s=300, stop_s=5)
    process = TrainerProcess(command, folder, calls.environment_of(TRAINER), run.log, limits)
    return run_training(process, run, EarlyStop(0), Standing(History(), 1), [])


def test_a_gpu_that_is_not_there_is_said_for_real(tmp_path: Path, trained: Trained) -> None:
    done = failing(tmp_path, trained, use_gpu=True)
    assert done.why is not None
    assert done.why.name == "no GPU for Paddle"


def test_an_empty_list_is_said_for_real_though_the_trainer_reports_success(
    tmp_path: Path, trained: Trained
) -> None:
    done = failing(tmp_path, trained, rows="")
    assert done.why is not None
    assert done.why.name == "empty training list"


def test_texts_that_are_all_too_long_are_found_for_real_and_the_hanging_trainer_is_ended(
    tmp_path: Path, trained: Trained
) -> None:
    rows = "".join(f"{path}\t{'а' * 60}\n" for path in trained.files)
    done = failing(tmp_path, trained, rows=rows)
    assert done.why is not None
    assert done.why.name == "no usable row"
