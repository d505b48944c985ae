"""From lines to a model that reads, for real: trainer out of the registry, PaddleOCR's network and weights."""

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
from converters.training.export_model import ExportedModel, export_model, open_run
from converters.training.parity import read_with_twinread
from converters.training.run_plan import Wishes
from converters.training.trainer import calls
from tests.parts.trainer import CACHE, PYTHON, ROOT, TRAINER
from tests.parts.training_run import (
    OTHER_FONTS,
    TRAINED_FONTS,
    SmallRun,
    compose_run,
    rendered,
    write_lines,
)

pytestmark = pytest.mark.xdist_group("paddle loader")

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
    """A run, what it said, the model of it, and lines in fonts that it never saw."""

    run: SmallRun
    log: str
    model: ExportedModel
    lines: list[tuple[Pixels, str]]
    files: list[Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("training")
    dataset = folder / "набор"
    train = write_lines(rendered(STEPS * BATCH, TRAINED_FONTS, seed=1), dataset, "train")
    val = write_lines(rendered(32, TRAINED_FONTS, seed=2), dataset, "val")
    lines = rendered(60, OTHER_FONTS, seed=3)
    write_lines(lines, dataset, "test")
    run = compose_run(
        folder / "run", dataset, train=train, val=val, wishes=Wishes(epochs=1, batch=BATCH, lr=1e-3)
    )
    calls.starting_weights(TRAINER, run.base, run.config, run.folder / "base.pdparams")
    log = run.train()
    run.keep_best()
    model = export_model(open_run(run.folder), folder / "models" / "ru-1", TRAINER, language="ru")
    return Trained(run, log, model, lines, [dataset / f"test/{number}.png" for number in range(60)])


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
    assert f"load pretrain successful from {trained.run.folder / 'base'}" in trained.log
    assert not [line for line in trained.log.splitlines() if any(words in line for words in calls.NOT_LOADED)]
    losses = [float(loss) for loss in re.findall(r"CTCLoss: ([0-9.]+)", trained.log)]
    assert len(losses) == STEPS
    assert losses[0] > losses[-1] > 0
    (nearness,) = re.findall(r"cur metric, acc: [0-9.]+, norm_edit_dis: ([0-9.]+)", trained.log)
    assert float(nearness) > 0.4


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
    config: dict[str, Any] = yaml.safe_load(trained.run.config.read_text("utf-8"))
    config["Train"]["dataset"]["label_file_list"] = ["./train_data/train_list.txt"]
    config["Global"]["save_model_dir"] = str(tmp_path / "model")
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config), "utf-8")
    lines = rendered(12, TRAINED_FONTS, seed=4)
    dataset = tmp_path / "набор"
    write_lines([*lines[:9], (lines[9][0], "ά ό")], dataset, "train")
    write_lines(lines[10:], dataset, "val")
    arguments = ["check", str(dataset), "--config", str(tmp_path / "config.yml"), "--fix"]
    arguments += ["--dict", str(trained.run.folder / "dict.txt")]
    done = CliRunner().invoke(twinread, arguments, catch_exceptions=False)
    checked = dataset / "check.train.yml"
    assert f"python tools/train.py -c '{checked}'" in done.output
    log = trained.run.train(checked)
    assert "train dataloader has 1 iters" in log
    assert "ERROR" not in log
    # the two Greek letters that --fix added: the head of the base has two rows too few
    assert sum("not matched" in line for line in log.splitlines()) == 4
