"""Writes an exported model as ONNX: `python to_onnx.py FOLDER`; prints the converter's version."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

OPSET = 14
"""Of ONNX; the one of the models that PaddleOCR publishes."""


def main() -> None:
    """Convert inference.json and inference.pdiparams of a folder into inference.onnx beside them."""
    import paddle2onnx

    folder = Path(sys.argv[1])
    model, weights = folder / "inference.json", folder / "inference.pdiparams"
    paddle2onnx.export(str(model), str(weights), str(folder / "inference.onnx"), opset_version=OPSET)
    print(version("paddle2onnx"))


if __name__ == "__main__":
    main()
