"""Runs PaddleOCR's own tools with a few changes in memory; its files stay as they are.

By the trainer's Python: `python launch.py --source FOLDER [--freeze backbone] [--columns width]
tools/train.py -c config.yml`. The changes:

- the optimiser module of the package in the registry gives two values where PaddleOCR 3.7's trainer wants
  three;
- the learning rate follows from the step alone. Paddle's goes on from the last one, so that a run whose
  schedule had ended, and that was given more epochs, would train at a rate of 0 and say nothing;
- `--freeze backbone`: the network that sees the picture keeps its weights and its statistics, only the part
  that turns its features into characters learns: small sets do not spoil it, and a step costs a third;
- `--columns width`: in training as in reading, one column of features for each eight pixels. PaddleOCR
  squeezes every line into 40 columns in training alone, so that a line of more than 40 characters teaches
  nothing.

Imports nothing of twinread: the two live in different environments.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import runpy
import sys
from pathlib import Path
from typing import Any

FREEZE = ("backbone", "none")
COLUMNS = ("width", "fixed")
POOLED = ("rec_lcnetv3", "rec_lcnetv4", "rec_hgnet", "rec_pphgnetv2")
"""Modules of `ppocr.modeling.backbones` that pool every line to 40 columns in training."""


def prepare(source: Path, *, freeze: str = "none", columns: str = "fixed") -> None:
    """Make `ppocr` of a source importable, with the changes.

    Args:
        source: folder that holds ppocr/ and tools/.
        freeze: one of FREEZE.
        columns: one of COLUMNS.
    """
    sys.path.insert(0, str(source))
    _three_values()
    _rate_by_step()
    if freeze == "backbone":
        _freeze_backbone()
    if columns == "width":
        _columns_by_width()


def _three_values() -> None:
    """`build_optimizer` gives an optimiser, a schedule of learning rates, and one of weight decay or None."""
    optimizer: Any = importlib.import_module("ppocr.optimizer")
    original = optimizer.build_optimizer

    def build_optimizer(*arguments: Any, **named: Any) -> tuple[Any, Any, Any]:
        built = original(*arguments, **named)
        return built if len(built) == 3 else (*built, None)

    optimizer.build_optimizer = build_optimizer


def _rate_by_step() -> None:
    """Cosine decay by its formula, with which a resumed run may have another length (Paddle's own method)."""
    schedules: Any = importlib.import_module("paddle.optimizer.lr")
    cosine = schedules.CosineAnnealingDecay
    cosine.get_lr = cosine._get_closed_form_lr


def _freeze_backbone() -> None:
    architectures: Any = importlib.import_module("ppocr.modeling.architectures")
    original = architectures.build_model

    def build_model(config: Any) -> Any:
        model = original(config)
        for parameter in model.backbone.parameters():
            parameter.stop_gradient = True
        # the trainer calls train() on the whole network before each step, and several cards wrap it in
        # another layer: so the backbone itself goes back, each time it is asked
        model.backbone.register_forward_pre_hook(_stays_in_evaluation)
        return model

    architectures.build_model = build_model


def _stays_in_evaluation(layer: Any, inputs: Any) -> None:
    layer.eval()  # gives the layer back, which a hook would hand on as its input


class _PooledByWidth:
    """`paddle.nn.functional`, but for the pooling to 40 columns."""

    def __init__(self, functional: Any) -> None:
        self._functional = functional

    def __getattr__(self, name: str) -> Any:
        return getattr(self._functional, name)

    def adaptive_avg_pool2d(self, x: Any, output_size: Any, *arguments: Any, **named: Any) -> Any:
        if list(output_size) == [1, 40]:
            return self._functional.avg_pool2d(x, [3, 2])  # as the same networks pool when they read
        return self._functional.adaptive_avg_pool2d(x, output_size, *arguments, **named)


def _columns_by_width() -> None:
    for name in POOLED:
        module = f"ppocr.modeling.backbones.{name}"
        if importlib.util.find_spec(module):
            backbone: Any = importlib.import_module(module)
            backbone.F = _PooledByWidth(backbone.F)


def _only_gpu(number: int) -> None:
    """Show Paddle one GPU alone, by its number among those that this process may see."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else []
    os.environ["CUDA_VISIBLE_DEVICES"] = names[number] if number < len(names) else str(number)


def main() -> None:
    """Run the tool that the command line names, with the rest of it as its own."""
    parser = argparse.ArgumentParser(description="Runs a tool of PaddleOCR with changes in memory.")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--freeze", choices=FREEZE, default="none")
    parser.add_argument("--columns", choices=COLUMNS, default="fixed")
    parser.add_argument("--gpu", help="number of the one to use; without it all that Paddle chooses")
    parser.add_argument("tool")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    if asked.gpu is not None:
        _only_gpu(int(asked.gpu))
    # this folder, which Python put there, has nothing for PaddleOCR
    sys.path.pop(0)
    prepare(asked.source, freeze=asked.freeze, columns=asked.columns)
    tool = asked.source / asked.tool
    sys.argv = [str(tool), *asked.arguments]
    runpy.run_path(str(tool), run_name="__main__")


if __name__ == "__main__":
    main()
