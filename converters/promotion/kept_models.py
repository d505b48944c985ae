"""Copies of promoted models in CACHE_DIR/models/promoted, each in a folder named by its fingerprint.

The backend reads with a copy, so that cleaning up old runs never takes its model away. A copy is written
beside its place and moved there when it is whole; the present and the previous one stay, others are removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from backend.errors import BadRequest, OperatorError
from backend.models.files import WEIGHTS
from backend.models.locate import fingerprint_of
from backend.models.promoted import Promotions
from converters.shared.model_card import MODEL_CARD

SPARE_BYTES = 64 * 1024**2
"""Disk that stays free beside the copy."""

_PARTIAL = ".partial"


@contextmanager
def one_at_a_time(promotions: Promotions) -> Iterator[None]:
    """Keep other promotions away from the copies while the block runs.

    Raises:
        OperatorError: another one runs, or CACHE_DIR cannot be written.
    """
    try:
        promotions.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(promotions.folder / ".lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise OperatorError(
            "Another promotion is under way in this CACHE_DIR, so nothing was begun. Wait for its end."
        ) from error
    except OSError as error:
        raise OperatorError(
            f"CACHE_DIR cannot be written ({error.strerror or error}), so nothing was promoted. Set it to a "
            "folder of twinread's own."
        ) from error
    try:
        yield
    finally:
        lock.release()


def files_of(directory: Path) -> list[Path]:
    """The files that make a model: its description, the weights of every engine, and what is known of it."""
    names = {
        "inference.yml",
        MODEL_CARD,
        *(name for groups in WEIGHTS.values() for group in groups for name in group),
    }
    return [directory / name for name in sorted(names) if (directory / name).is_file()]


def keep(promotions: Promotions, directory: Path, fingerprint: str) -> Path:
    """Copy a model to where the backend reads it; the caller is alone (`one_at_a_time`).

    Args:
        promotions: know the place.
        directory: the model's folder.
        fingerprint: of its files.

    Returns:
        The folder of the copy.

    Raises:
        OperatorError: there is no room, or it cannot be written.
        BadRequest: the model's files changed meanwhile.
    """
    place = promotions.folder / fingerprint
    if _is(place, fingerprint):
        return place
    partial = promotions.folder / f"{fingerprint}{_PARTIAL}"
    files = files_of(directory)
    try:
        needed = sum(file.stat().st_size for file in files) + SPARE_BYTES
        free = shutil.disk_usage(promotions.folder).free
        if free < needed:
            raise OperatorError(
                f"CACHE_DIR has {free / 1024**2:,.0f} MB free, and a copy of the model wants "
                f"{needed / 1024**2:,.0f} MB, so nothing was promoted. Make room, or set CACHE_DIR elsewhere."
            )
        _remove(partial)
        partial.mkdir()
        for file in files:
            shutil.copyfile(file, partial / file.name)
        if not _is(partial, fingerprint):
            raise BadRequest("The files of the model changed while they were copied; promote it again.")
        # what stands there is no whole copy
        _remove(place)
        partial.rename(place)
    except OSError as error:
        raise OperatorError(
            f"The model cannot be copied into CACHE_DIR ({error.strerror or error}), so nothing was "
            "promoted. Make room, or make it writable."
        ) from error
    return place


def remove_others(promotions: Promotions) -> None:
    """Remove copies that neither read nor read before; the caller is alone (`one_at_a_time`)."""
    stay = {model.fingerprint for model in (promotions.current(), promotions.previous()) if model}
    for folder in promotions.folder.iterdir():
        if folder.is_dir() and folder.name not in stay:
            _remove(folder)


def _is(directory: Path, fingerprint: str) -> bool:
    """Whether a folder holds this very model, whole."""
    return directory.is_dir() and fingerprint_of(directory) == fingerprint


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
