"""Images of a project that lie in a folder on this machine."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, unquote, urlsplit

from backend.errors import ImageRefused, ImageUnreachable
from backend.fetching.references import LOCAL_FILES, cleaned, inline_image, leaves_folder, redacted
from backend.seams import PageSource
from converters.paddleocr.image_names import parts_of
from converters.shared.image_bytes import read_image


class ImageFolder:
    """Finds images on this machine by the names that tasks give them."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Name the folder.

        Args:
            folder: where the images lie, also in folders of their own.
            max_bytes: largest file.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._asked: dict[Path, str] = {}
        self._found: dict[str, dict[str, str]] = {}
        self._one_at_a_time = Lock()

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        """The bytes of an image: the file whose path ends most like the reference.

        Where there is none, the folder is searched for the file that the person had before the reference
        was made of it: on Windows, or before Label Studio named an upload. `notes` says so.

        Args:
            reference: of the image, as the task's data has it.
            task_id: of no use here; the file lies on this machine.

        Raises:
            ImageRefused: the reference leads out of the folder (the file may be a link) or is none, the file
                is too large, or is what another reference came to as well.
            ImageUnreachable: there is no such file.
        """
        inline = inline_image(reference, self._max_bytes)
        if inline is not None:
            return inline
        reference = cleaned(reference)
        name = redacted(reference)
        if leaves_folder(reference) or "\0" in unquote(reference):
            raise ImageRefused(f"The image reference {name} leads out of its folder.", reference=name)
        try:
            parts = [part for part in _path_of(reference).split("/") if part not in ("", ".")]
        except ValueError as error:
            raise ImageRefused(f"The image reference {name} is no address.", reference=name) from error
        for end, found_by in self._ends(parts):
            path = self._folder.joinpath(*end)
            try:
                if not path.is_file():
                    continue
                content = self._read(path, name)
            except OSError as error:
                raise ImageUnreachable(
                    f"The image file {name} cannot be read: {error.strerror}.", reference=name
                ) from error
            self._check_alone(path, "/".join(parts))
            if found_by:
                with self._one_at_a_time:
                    self._found.setdefault(found_by, {})[name] = path.name
            return content
        raise ImageUnreachable(
            f"There is no file for the image {name} in the folder of images.", reference=name
        )

    @property
    def notes(self) -> list[str]:
        """How images were found that lie under other names than tasks give them; a sentence for each way."""
        notes = []
        for found_by, images in self._found.items():
            asked, name = next(iter(images.items()))
            count = "1 image was" if len(images) == 1 else f"{len(images):,} images were"
            notes.append(f"{count} found {found_by}: {name} for {asked}, for example.")
        return notes

    def _ends(self, parts: list[str]) -> Iterator[tuple[list[str], str]]:
        """The ends of a path, the longest first; then of what it is called on the machine of the person.

        Yields:
            An end of the path, and in which way it differs from what the task says; empty for not at all.
        """
        yield from ((parts[start:], "") for start in range(len(parts)))
        plain = parts_of("/".join(parts))
        if plain != parts:
            by = 'with "/" in place of the backslashes of Windows'
            yield from ((plain[start:], by) for start in range(len(plain)))
        if len(plain) > 1 and "upload" in plain[:-1] and _UPLOAD.match(plain[-1]):
            own = _UPLOAD.sub("", plain[-1])
            by = "without the eight characters that Label Studio puts before the name of an upload"
            yield [own], by
            # an upload has lost its folder, its spaces and its signs, too
            uploads = self._uploads.get(_upload_name(own), [])
            yield from ((list(path.parts), by) for path in uploads[: len(uploads) == 1])

    @cached_property
    def _uploads(self) -> Mapping[str, list[Path]]:
        """The files of the folder and of those in it, by the names that uploads of them would have."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self._folder.rglob("*")):
            if path.is_file():
                found.setdefault(_upload_name(path.name), []).append(path.relative_to(self._folder))
        return found

    def _read(self, path: Path, name: str) -> bytes:
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise ImageRefused(
                f"The image {name} is a link that leads out of the folder of images, and might be anything. "
                "Copy the file into the folder, or pass the folder that it lies in.",
                reference=name,
            )
        try:
            return read_image(path, self._max_bytes)
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            raise ImageRefused(
                f"The image file {name} is larger than the limit of MAX_IMAGE_BYTES.", reference=name
            ) from error

    def _check_alone(self, path: Path, asked: str) -> None:
        """Of a/1.png and b/1.png only one can be the 1.png that is there: the other's texts do not fit it."""
        with self._one_at_a_time:
            # 1.png may be short for a/1.png
            short, long = sorted((self._asked.get(path, asked), asked), key=len)
            if f"/{long}".endswith(f"/{short}"):
                self._asked[path] = long
                return
        raise ImageRefused(
            f"The images {short} and {long} would both be the one file {path.name} in the folder of images. "
            "Pass a folder with --images that tells them apart, such as the one above.",
            reference=asked,
        )


def notes_of(source: PageSource) -> list[str]:
    """What a command says at its end of how images were found; nothing where they lie in no folder."""
    return source.notes if isinstance(source, ImageFolder) else []


_UPLOAD = re.compile("[0-9a-f]{8}-")
"""What Label Studio puts before the name of an uploaded file."""


def _upload_name(name: str) -> str:
    """What Label Studio makes of a file's name, after those characters."""
    return re.sub(r"[^-\w.]", "", name.strip().replace(" ", "_"))


def _path_of(reference: str) -> str:
    address = urlsplit(reference)
    if LOCAL_FILES.rstrip("/") in address.path:
        return parse_qs(address.query).get("d", [""])[0]
    return unquote(address.path)
