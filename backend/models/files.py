"""The files of a PaddleOCR model, and whether they are all there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

EngineName = Literal["onnxruntime", "paddle"]

WEIGHTS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "onnxruntime": (("inference.onnx",),),
    # inference.pdmodel is the form that PaddlePaddle 2 wrote
    "paddle": (("inference.json", "inference.pdiparams"), ("inference.pdmodel", "inference.pdiparams")),
}
"""The files of which an engine needs one group, beside inference.yml."""


def complete(directory: Path, engine: EngineName) -> bool:
    """Whether a folder holds all that an engine needs."""
    return (directory / "inference.yml").is_file() and any(
        all((directory / file).is_file() for file in files) for files in WEIGHTS[engine]
    )


def sha256_of(files: Sequence[Path]) -> str:
    """The hex SHA-256 of files, one after the other, a piece at a time."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
