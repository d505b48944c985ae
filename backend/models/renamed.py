"""Keeps copies of models that bear a foreign name, under the name of their base.

PaddleOCR compares the name with which it is called with the one in inference.yml. The user's folder
stays as it is: a copy, in CACHE_DIR/models/renamed, says the base's name. It is made once for each state of
the files.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from backend.errors import SettingsWrong
from backend.models.files import WEIGHTS, EngineName, is_complete, sha256_of
from backend.models.locate import ModelLocation, default_cache_dir

_DESCRIPTION: Final = "inference.yml"


def under_base_name(
    location: ModelLocation, engine: EngineName, cache_dir: Path | None = None
) -> ModelLocation:
    """A model as PaddleOCR loads it.

    Args:
        location: of any model.
        engine: whose weights are copied.
        cache_dir: as `locate.find_model` takes it.

    Returns:
        `location` itself where PaddleOCR knows its name; else its copy, with the base's name.

    Raises:
        SettingsWrong: its name holds several of PaddleOCR's, or CACHE_DIR cannot be written.
    """
    base = location.base
    if base == location.name:
        return location
    try:
        copy = _copy(location, base, engine, (cache_dir or default_cache_dir()) / "renamed")
    except OSError as error:
        raise SettingsWrong(
            f"{location.name} bears a name of its own, so PaddleOCR loads only a copy of it that is named "
            f"{base}, and CACHE_DIR cannot be written ({error.strerror or type(error).__name__}). Set "
            "CACHE_DIR to a folder of twinread's own.",
            model=location.name,
            base=base,
        ) from error
    return replace(location, name=base, directory=copy)


def _copy(location: ModelLocation, base: str, engine: EngineName, kept: Path) -> Path:
    """The folder of the copy, made where it is missing, whole or not at all."""
    source = location.directory
    weights = next(
        [source / name for name in names]
        for names in WEIGHTS[engine]
        if all((source / name).is_file() for name in names)
    )
    key = sha256_of([source / _DESCRIPTION, *weights])
    target = kept / f"{key[:32]}-{base}-{engine}"
    if is_complete(target, engine):
        return target
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept) as scratch:
        fresh = Path(scratch) / target.name
        fresh.mkdir()
        for file in weights:
            shutil.copyfile(file, fresh / file.name)
        (fresh / _DESCRIPTION).write_bytes(
            _renamed((source / _DESCRIPTION).read_bytes(), location.name, base)
        )
        with suppress(FileNotFoundError):
            # one that is not whole
            target.rename(Path(scratch) / "before")
        try:
            fresh.rename(target)
        except OSError:
            # fine if another process was first
            if not is_complete(target, engine):
                raise
    return target


def _renamed(description: bytes, name: str, base: str) -> bytes:
    """inference.yml with another name in it, and byte for byte the same dictionary."""
    said = re.compile(rb"(\bmodel_name['\"]?\s*:\s*['\"]?)" + re.escape(name.encode("utf-8")))
    changed, times = said.subn(lambda match: match[1] + base.encode("utf-8"), description)
    if times != 1:
        raise SettingsWrong(
            f"inference.yml of {name} says its name in a way that twinread cannot change in a copy. Write "
            f"{base} there (Global.model_name).",
            model=name,
            base=base,
        )
    return changed
