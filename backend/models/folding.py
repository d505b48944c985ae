"""Keeps folded copies of PP-OCR's mobile models, which give the same answers for two thirds of the time.

A copy is made once, when a model is first loaded, and lies in CACHE_DIR/models/folded, in a folder that is
named by the hash of its source. Where none can be made, the model runs as it came.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from backend.models.files import is_complete, sha256_of
from backend.models.locate import ModelLocation, default_cache_dir

log = logging.getLogger(__name__)

_WITH_AFFINE_BLOCKS: Final = re.compile(r"(\w+_)?PP-OCRv[45]_mobile_(det|rec)")
"""PaddleOCR's names of the models on PP-LCNetV3, and of those that were trained from them: PaddleOCR loads no
other names. PP-OCRv6's blocks are others: folded it is slower by an eighth. The server models have none."""

VERSION: Final = 1
"""Counts up when a folded model comes out otherwise, so that copies of before are not used."""

_MOST_OFF: Final = 0.005
"""Largest difference between answers, which are probabilities. Measured: 0.0003."""

_KEPT_DAYS: Final = 60
"""How long a copy that no process loads is kept; each training that is loaded once leaves one."""

_SHAPES: Final = {"det": (1, 3, 96, 320), "rec": (1, 3, 48, 320)}
"""Of the picture that both look at, by the end of the model's name."""

_ONNX: Final = "inference.onnx"
_DESCRIPTION: Final = "inference.yml"
_DIGEST: Final = "inference.onnx.sha256"
_ONE_AT_A_TIME: Final = threading.Lock()


def folded(location: ModelLocation, cache_dir: Path | None = None) -> ModelLocation:
    """The folded copy of a model, made where it is missing; takes a second then.

    Any number of processes may make it at once: each writes a folder of its own, and the first that is whole
    stays.

    Args:
        location: of a model in ONNX.
        cache_dir: as `locate.find_model` takes it.

    Returns:
        The same model in another folder; `location` itself for a model without affine blocks, and, with one
        line in the log, where no copy can be made or kept.
    """
    if not _WITH_AFFINE_BLOCKS.fullmatch(location.name):
        return location
    try:
        with _ONE_AT_A_TIME:
            return replace(location, directory=_copy(location, (cache_dir or default_cache_dir()) / "folded"))
    except OSError as error:
        why = f"CACHE_DIR cannot be written ({error.strerror or type(error).__name__})"
    except ValueError as error:
        why = str(error)
    except Exception as error:
        # whatever onnx raises, the original is as good, and only slower
        log.debug("%s was not folded", location.identity, exc_info=error)
        why = f"its file cannot be understood ({type(error).__name__})"
    log.warning("%s runs as it came, and slower than it could, not folded: %s.", location.identity, why)
    return location


def _copy(location: ModelLocation, kept: Path) -> Path:
    """The folder of the copy, made where it is missing or damaged."""
    source = location.directory
    key = sha256_of([source / _ONNX, source / _DESCRIPTION])
    target = kept / f"{key[:32]}-v{VERSION}"
    if _is_whole(target):
        with suppress(OSError):
            (target / _DIGEST).touch()
        return target
    # imported late: who has a copy needs no onnx
    from backend.models import affine_blocks

    content = affine_blocks.folded(source / _ONNX)
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept) as scratch:
        fresh = Path(scratch) / target.name
        fresh.mkdir()
        (fresh / _ONNX).write_bytes(content)
        shutil.copyfile(source / _DESCRIPTION, fresh / _DESCRIPTION)
        (fresh / _DIGEST).write_text(hashlib.sha256(content).hexdigest(), "ascii")
        _check_the_same(source / _ONNX, fresh / _ONNX, _SHAPES[location.name[-3:]])
        _put(fresh, target, Path(scratch))
    _forget_unused(kept)
    log.info("%s was folded for speed; the copy is kept in CACHE_DIR.", location.identity)
    return target


def _is_whole(copy: Path) -> bool:
    try:
        return is_complete(copy, "onnxruntime") and (copy / _DIGEST).read_text("ascii") == sha256_of(
            [copy / _ONNX]
        )
    except (OSError, UnicodeDecodeError):
        return False


def _put(fresh: Path, target: Path, scratch: Path) -> None:
    """Let a copy that is whole have its name, unless another process was first."""
    if _is_whole(target):
        return
    with suppress(FileNotFoundError):
        # a damaged one
        target.rename(scratch / "before")
    try:
        fresh.rename(target)
    except OSError:
        if not _is_whole(target):
            raise


def _check_the_same(original: Path, copy: Path, shape: tuple[int, ...]) -> None:
    """Let both networks look at one picture, because a training may come to numbers that nobody foresaw.

    Raises:
        ValueError: their answers differ.
    """
    picture = np.ones(shape, np.float32)
    # ink on paper: strokes of many widths, upright and across
    for number, left in enumerate(range(8, shape[3] - 16, 24)):
        picture[:, :, 8 + number % 5 : shape[2] - 12, left : left + 2 + number % 7] = -0.8
        picture[:, :, shape[2] // 2 : shape[2] // 2 + 3, left : left + 16] = -0.6
    for expected, found in zip(_answers(original, picture), _answers(copy, picture), strict=True):
        if expected.shape != found.shape or not np.allclose(expected, found, rtol=0, atol=_MOST_OFF):
            raise ValueError("the folded network gives other answers")


def _answers(network: Path, picture: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
    [given] = session.get_inputs()
    answers: list[npt.NDArray[np.float32]] = session.run(None, {given.name: picture})
    return answers


def _forget_unused(kept: Path) -> None:
    """Remove copies that no process has loaded for long, and what was left by one that was killed."""
    oldest = time.time() - _KEPT_DAYS * 24 * 3600
    for folder in kept.iterdir():
        with suppress(OSError):
            mark = folder / _DIGEST
            used = mark.stat().st_mtime if mark.exists() else folder.stat().st_mtime
            if used < oldest:
                shutil.rmtree(folder)
