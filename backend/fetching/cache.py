"""Image files that were fetched already: a folder of bounded size, shared by any number of processes.

A file's name is the hash of its key, so that a key may be as long as it likes; a file appears only when
it is whole. Its modification time says when it was fetched, its access time when it was last wanted.
(diskcache would do the same, but it is not maintained and unpickles what it finds in its folder.)
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

PART = "part-"
PART_FORGOTTEN_AFTER_S = 3600
LOOK_AFTER = 0.05  # of the limit written here: then see what other processes wrote
SHRINK_TO = 0.9


class ImageCache:
    """Bytes by key; safe between threads and processes, and never a reason for a page to fail."""

    def __init__(self, folder: Path, max_bytes: int, *, now: Callable[[], float] = time.time) -> None:
        """Use a folder, made when it is missing.

        Args:
            folder: for nothing else.
            max_bytes: size that it is kept under, give or take a twentieth per process; 0 keeps nothing.
            now: the wall clock, seconds.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._now = now
        self._lock = threading.Lock()
        self._unseen = float(max_bytes)  # as if much had been written: look at the first chance

    def get(self, key: str, *, max_age_s: float | None = None) -> bytes | None:
        """What is kept under a key; None when it is not there or was fetched longer than `max_age_s` ago."""
        path = self._path(key)
        try:
            fetched = path.stat().st_mtime
            if max_age_s is not None and not 0 <= self._now() - fetched <= max_age_s:
                return None
            content = path.read_bytes()
            os.utime(path, (self._now(), fetched))
        except OSError:
            return None  # not there, or evicted by another process just now
        return content or None  # a crash of the machine may leave an empty file

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes under a key; a folder that cannot be written costs time, not pages."""
        if len(content) > self._max_bytes:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(prefix=PART, dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                os.utime(part, (self._now(), self._now()))
                Path(part).replace(self._path(key))
            except BaseException:
                Path(part).unlink(missing_ok=True)
                raise
            self._count(len(content))
        except OSError as error:
            logger.warning(
                "An image was not kept in the cache (%s); it will be fetched again.", error.strerror
            )

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

    def _count(self, length: int) -> None:
        with self._lock:
            self._unseen += length
            if self._unseen < self._max_bytes * LOOK_AFTER:
                return
            self._unseen = 0
            self._shrink()

    def _shrink(self) -> None:
        """Remove what was wanted longest ago until the folder is small enough."""
        files: list[tuple[float, int, Path]] = []
        for entry in os.scandir(self._folder):
            with contextlib.suppress(FileNotFoundError):  # another process shrinks as well
                stat = entry.stat()
                if not entry.name.startswith(PART):
                    files.append((stat.st_atime, stat.st_size, Path(entry.path)))
                elif self._now() - stat.st_mtime > PART_FORGOTTEN_AFTER_S:
                    Path(entry.path).unlink(missing_ok=True)  # its writer was killed
        size = sum(length for _, length, _ in files)
        if size <= self._max_bytes:
            return
        for _, length, path in sorted(files):
            path.unlink(missing_ok=True)
            size -= length
            if size <= self._max_bytes * SHRINK_TO:
                return
