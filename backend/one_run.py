"""One run at a time on a project, as far as this machine goes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from backend.errors import OperatorError

FOLDER = "preannotate"
"""In CACHE_DIR; holds the locks of runs that read a project, and the notes of their imports."""


class RunUnderWay(OperatorError):
    """Another run works on the same project."""

    status = 409
    exit_code = 1


@contextmanager
def only_run(
    cache_dir: Path,
    label_studio: str,
    project: int,
    *,
    folder: str = FOLDER,
    command: str = "twinread preannotate",
) -> Iterator[None]:
    """Let no other run of a command and this CACHE_DIR work on a project while the block does.

    Two that do so from different machines store nothing twice, and pay nothing twice with one store; each
    reads a part of what the other one reads, too.

    Args:
        cache_dir: CACHE_DIR.
        label_studio: its address.
        project: the id of the project.
        folder: in CACHE_DIR, of this command's locks.
        command: as people call it, for the error.

    Raises:
        RunUnderWay: another one does.
        OperatorError: CACHE_DIR cannot be written.
    """
    name = f"{hashlib.sha256(label_studio.encode()).hexdigest()[:8]}-{project}.lock"
    place = cache_dir / folder
    lock = FileLock(place / name, timeout=0)
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise RunUnderWay(
            f"Another `{command}` works on project {project} already. Wait for its end, or "
            "stop it with Ctrl-C: the next one goes on from there."
        ) from None
    except OSError as error:
        raise OperatorError(
            f"CACHE_DIR cannot be written ({error.strerror or error}), so nothing was begun. Set it to a "
            "folder of twinread's own."
        ) from error
    try:
        yield
    finally:
        lock.release()
