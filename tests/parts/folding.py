"""Models to fold: the networks in installed packages, and folders around other networks."""

from __future__ import annotations

import shutil
from pathlib import Path

from backend.models.locate import ModelLocation, find_model


def packaged_network(model: str) -> Path:
    """The ONNX file of a published model."""
    return find_model(model, source="packages").directory / "inference.onnx"


def recogniser_around(network: bytes, folder: Path) -> ModelLocation:
    """A folder as a training would leave it, with any network in it."""
    shutil.copytree(packaged_network("PP-OCRv5_mobile_rec").parent, folder)
    (folder / "inference.onnx").write_bytes(network)
    return find_model(None, folder)
