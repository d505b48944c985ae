"""PaddleOCR's own trainer and exporter, with a network of a few lines.

The source distribution has `tools/train.py`, `tools/export_model.py`, the loader and the decoders, and lacks
`ppocr.modeling`, `.losses`, `.optimizer` and `.metrics`. This program, run by `.venv-paddle`'s Python in the
unpacked distribution, puts the least that is needed in their places: how configs, lists, dictionaries,
checkpoints and exported models are written and read is PaddleOCR's; what the network is, is not.
"""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.parts.paddle_loader import PYTHON, ROOT, SOURCE


def train_and_export(config: Path, model: Path, **settings: Any) -> str:
    """Train with a config as `tools/train.py` takes it, export the best model; returns the log.

    Args:
        config: the training config, whole.
        model: where to save; the exported model goes into its folder `inference`.
        settings: what stands behind -o, `__` for each dot.
    """
    behind = [f"{name.replace('__', '.')}={value}" for name, value in settings.items()]
    command = [PYTHON, "-W", "ignore", "-m", "tests.parts.paddle_trainer", config, model, *behind]
    place = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "HOME": str(model)}
    done = subprocess.run(command, cwd=SOURCE, env=place, capture_output=True, text=True, timeout=240)
    if done.returncode:
        raise RuntimeError(f"PaddleOCR's trainer failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout + done.stderr


def _stand_in() -> None:
    """Give `ppocr` the four packages that its distribution leaves out."""
    import paddle
    from paddle import nn

    class Recogniser(nn.Layer):
        """Crops 48 high to one step in eight pixels of width, as PP-OCR's recognisers."""

        def __init__(self, out_channels: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2D(3, 32, 4, stride=4), nn.BatchNorm2D(32), nn.ReLU(),
                nn.Conv2D(32, 64, 2, stride=2), nn.BatchNorm2D(64), nn.ReLU(),
                nn.Conv2D(64, 128, (6, 3), padding=(0, 1)), nn.BatchNorm2D(128), nn.ReLU(),
                nn.Conv2D(128, 128, (1, 9), padding=(0, 4)), nn.BatchNorm2D(128), nn.ReLU(),
            )  # fmt: skip
            self.head = nn.Linear(128, out_channels)

        def forward(self, images: Any, data: Any = None) -> Any:
            steps = self.head(self.body(images).squeeze(2).transpose([0, 2, 1]))
            return steps if self.training else nn.functional.softmax(steps, axis=2)

    def loss(steps: Any, batch: Any) -> dict[str, Any]:
        lengths = paddle.full([steps.shape[0]], steps.shape[1], "int64")
        many = nn.functional.ctc_loss(
            steps.transpose([1, 0, 2]),
            batch[1].astype("int32"),
            lengths,
            batch[3].astype("int64"),
            reduction="none",
        )
        return {"loss": many.mean()}

    class Exact:
        """Share of lines that are read to the letter."""

        main_indicator = "acc"

        def __init__(self) -> None:
            self.seen: list[bool] = []

        def __call__(self, said: Any, batch: Any, **_: Any) -> None:
            read, true = said
            self.seen += [one[0] == other[0] for one, other in zip(read, true, strict=True)]

        def get_metric(self) -> dict[str, float]:
            share = sum(self.seen) / max(1, len(self.seen))
            self.seen = []
            return {"acc": share}

    def optimizer(config: Any, epochs: int, step_each_epoch: int, model: Any) -> tuple[Any, Any, None]:
        rate = config["lr"]["learning_rate"]
        return paddle.optimizer.Adam(rate, parameters=model.parameters()), rate, None

    parts: dict[str, dict[str, Any]] = {
        "ppocr.modeling": {},
        "ppocr.modeling.architectures": {
            "build_model": lambda config: Recogniser(config["Head"]["out_channels"]),
            "apply_to_static": lambda model, config, logger: model,
        },
        "ppocr.losses": {"build_loss": lambda config: loss},
        "ppocr.optimizer": {"build_optimizer": optimizer},
        "ppocr.metrics": {"build_metric": lambda config: Exact()},
    }
    for name, contents in parts.items():
        module = ModuleType(name)
        module.__dict__.update(contents)
        sys.modules[name] = module


def _main() -> None:
    config, model, *behind = sys.argv[1:]
    sys.path.insert(0, str(SOURCE))
    _stand_in()
    sys.argv = ["train.py", "-c", config, "-o", f"Global.save_model_dir={model}", *behind]
    runpy.run_path(str(SOURCE / "tools/train.py"), run_name="__main__")
    saved = [f"Global.pretrained_model={model}/best_accuracy", f"Global.save_inference_dir={model}/inference"]
    sys.argv = ["export_model.py", "-c", f"{model}/config.yml", "-o", *saved]
    runpy.run_path(str(SOURCE / "tools/export_model.py"), run_name="__main__")


if __name__ == "__main__":
    _main()
