"""The trainer's environment: Paddle and what PaddleOCR's trainer imports, apart from twinread's own packages.

It is made once in the cache folder, from a lock that travels with twinread, with uv where uv is at hand
(seconds with a warm cache), else with pip (minutes). The name of the folder holds the digest of the lock,
so that another version of twinread makes its own, and nothing is ever changed in one that is in use.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Final

from filelock import FileLock

from converters.training.trainer.packages import (
    NoRoomForTrainer,
    TrainerMissing,
    find_uv,
    run_installer,
)

LOCK: Final = Path(__file__).with_name("requirements.txt")
"""Every package with its version and the hashes of its files; `scripts/lock` writes it."""
ROOM: Final = 2 * 1024**3
"""Bytes: 1.3 GB installed, and the archives while they are unpacked."""
_COMPLETE: Final = "complete"
"""A file that is written last: without it the folder is a leftover of a process that was stopped."""


def environment_folder(cache: Path) -> Path:
    """Where the environment for this Python is, or would be made.

    Args:
        cache: twinread's cache folder.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    return cache / "trainer" / f"python{sys.version_info[0]}.{sys.version_info[1]}-{digest}"


def python_in(folder: Path) -> Path:
    """The Python of an environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def make_environment(
    cache: Path, say: Callable[[str], None], install: Callable[[Path], None] | None = None
) -> Path:
    """The Python of the trainer's environment, which is made where there is none; a second call is instant.

    Args:
        cache: twinread's cache folder.
        say: is given a sentence before work that takes long.
        install: fills a folder; uv or pip, where none is given.

    Raises:
        TrainerMissing: the packages cannot be had.
        NoRoomForTrainer: the disk has too little room.
    """
    folder = environment_folder(cache)
    if (folder / _COMPLETE).exists():
        return python_in(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if not (folder / _COMPLETE).exists():
                shutil.rmtree(folder, ignore_errors=True)
                check_room(folder.parent)
                say(
                    "Making the environment of PaddleOCR's trainer: about 500 MB to download, 1.3 GB on "
                    "disk, once."
                )
                (install or _install)(folder)
                (folder / _COMPLETE).touch()
    except OSError as error:
        raise TrainerMissing(
            f"The trainer's environment could not be made in CACHE_DIR ({error.strerror or error}). Set "
            "CACHE_DIR to a folder that can be written and has 2 GB of room."
        ) from error
    return python_in(folder)


def check_room(
    folder: Path, free_in: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
) -> None:
    """Make sure that the disk has room for the environment.

    Args:
        folder: on that disk; it exists.
        free_in: bytes that are free where a path lies.

    Raises:
        NoRoomForTrainer: it has not.
    """
    free = free_in(folder)
    if free < ROOM:
        raise NoRoomForTrainer(
            f"The trainer's environment takes {ROOM / 1e9:.1f} GB, and the disk of CACHE_DIR has "
            f"{free / 1e9:.1f} GB left. Make room, or set CACHE_DIR to a folder on another disk.",
            free=free,
        )


def _install(folder: Path) -> None:
    what = "The environment of PaddleOCR's trainer"
    uv = find_uv()
    if uv is not None:
        run_installer([uv, "venv", "--quiet", "--python", sys.executable, folder], what)
        locked: list[str | Path] = ["--no-deps", "--require-hashes", "-r", LOCK]
        run_installer([uv, "pip", "install", "--quiet", "--python", python_in(folder), *locked], what)
        return
    try:
        venv.EnvBuilder(with_pip=True, symlinks=sys.platform != "win32").create(folder)
    except (subprocess.CalledProcessError, OSError) as error:
        raise TrainerMissing(
            f"{what} could not be made: this Python cannot make virtual environments. On Debian and Ubuntu, "
            "install python3-venv; or install uv."
        ) from error
    pip: list[str | Path] = [
        python_in(folder),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    run_installer([*pip, "--no-deps", "--require-hashes", "-r", LOCK], what)
