"""Folders and files that only their owner may read: the texts of pages are in them.

A folder with the setgid bit (`chmod g+s`) is shared by a group on purpose: there the group keeps what it may
do, and all others are shut out.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def private_folder(path: Path, *holds: str) -> None:
    """Make a folder for its owner alone, or take away what others may do in one that is ours.

    Ours is a folder that an earlier start has filled, and that belongs to this process's user with all that
    lies in it. Others are left as they are: a setting may name `/etc` by mistake, and root owns all of that.

    Args:
        path: the folder; those above it are made by umask where they are missing.
        holds: names of files or folders; one of them is in a folder that is ours.

    Raises:
        OSError: it cannot be made.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any((path / name).exists() for name in holds) and _is_ours(path):
        _tighten(path, _others(path))


def private_file(path: Path) -> None:
    """Make an empty file for its owner alone; one that is there stays as it is, as it may be anybody's.

    Raises:
        OSError: it cannot be made.
    """
    others = _others(path.parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666 & ~others))


def tighten_file(path: Path) -> None:
    """Take away what others may do with a file that is ours; one that is not there stays so."""
    try:
        if path.is_file() and path.stat().st_uid == os.geteuid():
            _tighten(path, _others(path.parent))
    except FileNotFoundError:
        return


def _others(folder: Path) -> int:
    """The rights that nobody but the owner, or the group of a shared folder, shall have."""
    return 0o007 if folder.stat().st_mode & stat.S_ISGID else 0o077


def _tighten(path: Path, others: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & others:
        path.chmod(mode & ~others)


def _is_ours(folder: Path) -> bool:
    found, me = folder.stat(), os.geteuid()
    if found.st_uid != me or found.st_mode & stat.S_ISVTX or folder.resolve() in (Path("/"), Path.home()):
        return False
    try:
        with os.scandir(folder) as entries:
            return all(entry.stat(follow_symlinks=False).st_uid == me for entry in entries)
    except FileNotFoundError:
        # something was taken away meanwhile; the next start looks again
        return False
