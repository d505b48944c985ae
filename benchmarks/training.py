"""What training costs under `twinread train`, against PaddleOCR's own command line, and its model.

Processor time of the trainer and of all that it starts, for the same config on the same lines. Run it alone
with `python -m benchmarks.training`.
"""

from __future__ import annotations

import re
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from backend.models.locate import find_model
from backend.page.lines import Pixels
from backend.readers.paddle import PaddleReader
from benchmarks.table import Row
from converters.training.run_plan import Wishes
from converters.training.trainer import calls
from converters.training.trainer_process import TrainerProcess
from tests.parts.trainer import CACHE, TRAINER
from tests.parts.training_run import TRAINED_FONTS, SmallRun, compose_run, rendered, write_lines

BATCH, STEPS, LINES = 16, 12, 96


def children_cpu_s() -> float:
    """Processor seconds of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_s(work: Callable[[], None]) -> float:
    """Processor seconds that the work's processes took, and this one's own while it watched."""
    before = children_cpu_s() + time.process_time()
    work()
    return children_cpu_s() + time.process_time() - before


def own_command_line(config: Path, folder: Path) -> None:
    """`tools/train.py -c config.yml`, and nobody listens."""
    launcher = calls.train_command(TRAINER, config, freeze="none", device="cpu")
    launcher[launcher.index("--columns") + 1] = "fixed"
    with (folder / "own.log").open("wb") as log:
        subprocess.run(
            launcher, cwd=folder, env=calls.environment_of(TRAINER), stdout=log, stderr=log, check=True
        )


def watched(config: Path, folder: Path, freeze: str) -> None:
    """The same trainer as `twinread train` runs it: guarded, heard and watched."""
    command = calls.train_command(TRAINER, config, freeze=freeze, device="cpu")
    environment = calls.environment_of(TRAINER)
    with TrainerProcess(command, folder, environment, folder / f"watched-{freeze}.log") as trainer:
        for _ in trainer.events():
            pass
    if trainer.code:
        raise RuntimeError("\n".join(trainer.tail))


def steps_in(log: Path) -> int:
    """Steps that a log tells."""
    return len(re.findall(r"global_step: \d+, ", log.read_text("utf-8")))


def prepared(folder: Path) -> SmallRun:
    """A run of so many steps, with its starting weights; every step is logged."""
    dataset = folder / "dataset"
    train = write_lines(rendered(STEPS * BATCH, TRAINED_FONTS, seed=1), dataset, "train")
    val = write_lines(rendered(BATCH, TRAINED_FONTS, seed=2), dataset, "val")
    run = compose_run(folder / "run", dataset, train=train, val=val, wishes=Wishes(epochs=1, batch=BATCH))
    config = yaml.safe_load(run.config.read_text("utf-8"))
    config["Global"]["print_batch_step"] = 1
    run.config.write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    calls.starting_weights(TRAINER, run.base, run.config, run.folder / "base.pdparams")
    return run


def lines_a_second(model: Path, crops: list[Pixels], language: str) -> float:
    """Lines that a model reads in a second of this process's time, after it is loaded and warm."""
    reader = PaddleReader(language, model_dir=model)
    try:
        reader.start()
        reader.wait(300)
        for future in reader.submit(crops[:8]):
            future.result(300)
        before = time.process_time()
        for future in reader.submit(crops):
            future.result(300)
        return len(crops) / (time.process_time() - before)
    finally:
        reader.stop()


def exported(run: SmallRun, folder: Path) -> Path:
    """The model of a run's last checkpoint, as ONNX."""
    config = folder / "export.yml"
    settings = yaml.safe_load(run.config.read_text("utf-8"))
    weights = run.folder / "checkpoints" / "latest.pdparams"
    config.write_text(yaml.safe_dump(calls.export_config(settings, weights, folder / "model")), "utf-8")
    calls.export(TRAINER, config)
    calls.to_onnx(TRAINER, folder / "model")
    return folder / "model"


def rows() -> list[Row]:
    """Training and reading."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run = prepared(folder)
        own = cpu_s(lambda: own_command_line(run.config, folder))
        same = cpu_s(lambda: watched(run.config, folder, "none"))
        frozen = cpu_s(lambda: watched(run.config, folder, "backbone"))
        made = [steps_in(folder / f"{name}.log") for name in ("own", "watched-none", "watched-backbone")]
        rate = [steps / seconds for steps, seconds in zip(made, (own, same, frozen), strict=True)]
        model = exported(run, folder)
        crops = [crop for crop, _ in rendered(LINES, TRAINED_FONTS, seed=3)]
        packaged = find_model("PP-OCRv5_mobile_rec", source="packages", cache_dir=CACHE / "models").directory
        stock, trained = lines_a_second(packaged, crops, "en"), lines_a_second(model, crops, "ru")
    return [
        Row(
            "training, whole network: twinread train : PaddleOCR's command line, steps a CPU second",
            f"{rate[1]:.3f} : {rate[0]:.3f} = {rate[1] / rate[0]:.2f}",
            "at least 0.95",
            rate[1] >= 0.95 * rate[0],
        ),
        Row(
            "training, as on a CPU by default (the head alone) : PaddleOCR's command line",
            f"{rate[2]:.3f} : {rate[0]:.3f} = {rate[2] / rate[0]:.2f}",
            "more than 1",
            rate[2] > rate[0],
        ),
        Row(
            "reading: trained model : packaged PP-OCRv5_mobile_rec, lines a CPU second",
            f"{trained:.1f} : {stock:.1f} = {trained / stock:.2f}",
            "at least 1: its head has fewer characters",
            trained >= stock,
        ),
    ]


if __name__ == "__main__":
    for row in rows():
        print(row)
