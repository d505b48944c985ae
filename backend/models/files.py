"""Names the files of a PaddleOCR model, and checks that they are all there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

EngineName = Literal["onnxruntime", "paddle"]

WEIGHTS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "onnxruntime": (("inference.onnx",),),
    # PaddlePaddle 2 wrote inference.pdmodel
    "paddle": (("inference.json", "inference.pdiparams"), ("inference.pdmodel", "inference.pdiparams")),
}
"""For each engine, the groups of files of which it needs one, beside inference.yml."""


def is_complete(directory: Path, engine: EngineName) -> bool:
    """Whether a folder holds inference.yml and the weights that an engine loads."""
    return (directory / "inference.yml").is_file() and any(
        all((directory / file).is_file() for file in files) for files in WEIGHTS[engine]
    )


def sha256_of(files: Sequence[Path]) -> str:
    """The hex SHA-256 of the contents of files, one after the other; reads them in small parts."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
