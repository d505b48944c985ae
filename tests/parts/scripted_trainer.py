"""A trainer that speaks as PaddleOCR's does and follows a script: `SOURCE/tools/train.py -c config.yml`.

It reads the config as PaddleOCR does (epochs, where to save, what to go on from), writes the same lines and
checkpoint files with the same names, and takes no time. A script is a list of actions:

    say(text)        write a line as it stands
    train(curve)     epochs with steps, evaluations and checkpoints; norm_edit_dis follows the curve
    child(file)      start a loader process that ignores SIGTERM, and write its number into a file
    hang()           say nothing any more
    leave(code)      end with an exit code, negative for a signal
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HEAD = "[2026/11/26 12:00:00] ppocr"

RUN = """
import sys
sys.path.insert(0, {root!r})
from tests.parts.scripted_trainer import main
main(sys.argv[1:])
"""

Action = dict[str, Any]


def say(*lines: str) -> Action:
    return {"say": list(lines)}


def train(
    curve: Sequence[float],
    *,
    steps: int = 2,
    ctc: float | str = 160.0,
    step_s: float = 0.0,
    until: int | None = None,
    half: bool = False,
) -> Action:
    """Epochs as the config wants them.

    Args:
        curve: norm_edit_dis after each epoch; the last one stays.
        steps: of an epoch.
        ctc: CTCLoss of the first step; later ones are smaller. A text is written as it stands.
        step_s: seconds that a step takes.
        until: do no more after this epoch, as if something came between.
        half: what is saved in the last epoch is cut off in the middle, as a kill leaves it.
    """
    return {
        "train": {
            "curve": list(curve),
            "steps": steps,
            "ctc": ctc,
            "step_s": step_s,
            "until": until,
            "half": half,
        }
    }


def child(file: Path) -> Action:
    return {"child": str(file)}


def hang() -> Action:
    return {"hang": True}


def leave(code: int) -> Action:
    return {"leave": code}


def scripted(source: Path, *actions: Action) -> list[str]:
    """Write a trainer that does this; returns the command that runs it, but for the config."""
    root = str(Path(__file__).resolve().parents[2])
    program = source / "tools" / "train.py"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(RUN.format(root=root), "utf-8")
    (source / "script.json").write_text(json.dumps(actions), "utf-8")
    return [sys.executable, str(program), "-c"]


def main(arguments: Sequence[str]) -> None:
    """Follow the script beside `tools/`."""
    import yaml

    script = json.loads((Path(sys.argv[0]).parents[1] / "script.json").read_text("utf-8"))
    overall = yaml.safe_load(Path(arguments[arguments.index("-c") + 1]).read_text("utf-8"))["Global"]
    for action in script:
        ((name, value),) = action.items()
        _ACTIONS[name](value, overall)


def _say(lines: list[str], overall: dict[str, Any]) -> None:
    for line in lines:
        print(line, flush=True)


def _info(text: str) -> None:
    print(f"{HEAD} INFO: {text}", flush=True)


def _train(how: dict[str, Any], overall: dict[str, Any]) -> None:
    folder, start = Path(overall["save_model_dir"]), 1
    folder.mkdir(parents=True, exist_ok=True)
    _info(f"train dataloader has {how['steps']} iters")
    _info("valid dataloader has 1 iters")
    best: dict[str, float] = {"acc": 0.0}
    if overall.get("checkpoints"):
        states = pickle.loads(Path(f"{overall['checkpoints']}.states").read_bytes())
        start = states["epoch"] + 1
        _info(f"resume from {overall['checkpoints']}")
    _info(
        "During the training process, after the 0th iteration, an evaluation is run every "
        f"{how['steps']} iterations"
    )
    step = 0
    for epoch in range(start, overall["epoch_num"] + 1):
        for _ in range(how["steps"]):
            step += 1
            time.sleep(how["step_s"])
            ctc = how["ctc"] if isinstance(how["ctc"], str) else f"{how['ctc'] / step:x<6f}"
            _info(
                f"epoch: [{epoch}/{overall['epoch_num']}], global_step: {step}, lr: 0.001000, "
                f"CTCLoss: {ctc}, NRTRLoss: 4.125000, loss: {ctc}, avg_reader_cost: 0.00100 s, "
                "avg_batch_cost: 0.01000 s, avg_samples: 32.0, ips: 3200.00000 samples/s, eta: 0:00:00"
            )
        right = how["curve"][min(epoch, len(how["curve"])) - 1]
        _info(f"cur metric, acc: {right / 2}, norm_edit_dis: {right}, fps: 21.35")
        last = epoch == how["until"]
        if right / 2 >= best["acc"]:
            # PaddleOCR's own best: after a resume it begins at 0 again
            best = {"acc": right / 2, "norm_edit_dis": right}
            _save(folder / "best_accuracy", epoch, right, best, half=last and how["half"])
            _info(f"save best model is to {folder / 'best_accuracy'}")
        _info(f"best metric, acc: {best['acc']}, is_float16: False, best_epoch: {epoch}")
        _save(folder / "latest", epoch, right, best, half=last and how["half"])
        if last and how["half"]:
            return
        _info(f"save model in {folder / 'latest'}")
        if last:
            return
    _info(f"best metric, acc: {best['acc']}, start_epoch: {start}")


def _save(prefix: Path, epoch: int, right: float, best: dict[str, float], *, half: bool = False) -> None:
    """Weights that say how good they are, so that a test sees which ones were kept."""
    files = {
        ".pdopt": {"epoch": epoch, "moment": b"\1" * 4000},
        ".pdparams": {"epoch": epoch, "norm_edit_dis": right, "fc": b"\0" * 4000},
        ".states": {"best_model_dict": best, "epoch": epoch, "global_step": epoch},
    }
    for ending, content in files.items():
        written = pickle.dumps(content, protocol=4)
        Path(f"{prefix}{ending}").write_bytes(
            written[: len(written) // 2] if half and ending == ".pdparams" else written
        )


def _child(file: str, overall: dict[str, Any]) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)"
    loader = subprocess.Popen([sys.executable, "-c", f"{deaf}; time.sleep(600)"], stdout=subprocess.PIPE)
    assert loader.stdout is not None
    loader.stdout.readline()
    Path(file).write_text(str(loader.pid), "utf-8")


def _hang(value: bool, overall: dict[str, Any]) -> None:
    # as PaddleOCR's loaders do, it is deaf to SIGTERM
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(600)


def _leave(code: int, overall: dict[str, Any]) -> None:
    if code < 0:
        os.kill(os.getpid(), -code)
        time.sleep(60)
    os._exit(code)


_ACTIONS = {"say": _say, "train": _train, "child": _child, "hang": _hang, "leave": _leave}
