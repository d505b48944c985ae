"""Keeps fetched image files in a folder of limited size, which any number of processes may share.

A file's name is the hash of its key, so a key may have any length. A file appears only when it is whole.
Its modification time is the time of the download, its access time the time of the last use. (diskcache
would do the same, but it is not maintained and unpickles what it finds in its folder.)
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

PARTIAL_PREFIX = "part-"
PARTIAL_MAX_AGE_S = 3600
SCAN_AFTER = 0.05  # share of the limit: after so many new bytes, also count what other processes wrote
SHRINK_TO = 0.9  # share of the limit that is kept when the folder was too large


class ImageCache:
    """Bytes by key; safe between threads and processes. A failure of the cache never fails a page."""

    def __init__(self, folder: Path, max_bytes: int, *, now: Callable[[], float] = time.time) -> None:
        """Use a folder; it is made when something is first kept.

        Args:
            folder: for this cache alone.
            max_bytes: limit of its size, exceeded by a twentieth per process at most; 0 keeps nothing.
            now: the wall clock, seconds.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._now = now
        self._lock = threading.Lock()
        self._bytes_since_scan = float(max_bytes)  # as if much had been written, so the first write scans

    def get(self, key: str, *, max_age_s: float | None = None) -> bytes | None:
        """The bytes under a key.

        Args:
            key: as given to `put`.
            max_age_s: longest time since the download, seconds; None for any time.

        Returns:
            None when there are none, or they are too old.
        """
        path = self._path(key)
        try:
            fetched = path.stat().st_mtime
            if not self._fresh(fetched, max_age_s):
                return None
            content = path.read_bytes()
            os.utime(path, (self._now(), fetched))
        except OSError:
            return None  # not there, or evicted by another process just now
        return content or None  # a crash of the machine may leave an empty file

    def has(self, key: str, *, max_age_s: float | None = None) -> bool:
        """Whether `get` would most likely give bytes; nothing is read. Arguments as there."""
        try:
            found = self._path(key).stat()
        except OSError:
            return False
        return found.st_size > 0 and self._fresh(found.st_mtime, max_age_s)

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes under a key; where the folder cannot be written, this is logged and nothing is raised.

        Args:
            key: any text, such as an address.
            content: at least one byte; more than the limit of the cache is not kept.
        """
        if len(content) > self._max_bytes:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(prefix=PARTIAL_PREFIX, dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                os.utime(partial, (self._now(), self._now()))
                Path(partial).replace(self._path(key))
            except BaseException:
                Path(partial).unlink(missing_ok=True)
                raise
            self._count(len(content))
        except OSError as error:
            logger.warning(
                "An image was not kept in the cache (%s); it will be fetched again.", error.strerror
            )

    def _fresh(self, fetched: float, max_age_s: float | None) -> bool:
        return max_age_s is None or 0 <= self._now() - fetched <= max_age_s

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

    def _count(self, length: int) -> None:
        with self._lock:
            self._bytes_since_scan += length
            if self._bytes_since_scan < self._max_bytes * SCAN_AFTER:
                return
            self._bytes_since_scan = 0
            self._shrink()

    def _shrink(self) -> None:
        """Remove the files that were used longest ago, until the folder is small enough."""
        files: list[tuple[float, int, Path]] = []
        for entry in os.scandir(self._folder):
            with contextlib.suppress(FileNotFoundError):  # another process may remove files, too
                stat = entry.stat()
                if not entry.name.startswith(PARTIAL_PREFIX):
                    files.append((stat.st_atime, stat.st_size, Path(entry.path)))
                elif self._now() - stat.st_mtime > PARTIAL_MAX_AGE_S:
                    Path(entry.path).unlink(missing_ok=True)  # its writer was killed
        size = sum(length for _, length, _ in files)
        if size <= self._max_bytes:
            return
        for _, length, path in sorted(files):
            path.unlink(missing_ok=True)
            size -= length
            if size <= self._max_bytes * SHRINK_TO:
                return
