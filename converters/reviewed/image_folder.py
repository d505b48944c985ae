"""Images of a project that lie in a folder on this machine."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, unquote, urlsplit

from backend.errors import ImageRefused, ImageUnreachable
from backend.fetching.references import LOCAL_FILES, cleaned, inline_image, leaves_folder, redacted


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
        self._one_at_a_time = Lock()

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        """The bytes of an image: the file whose path ends most like the reference.

        Args:
            reference: of the image, as the task's data has it.
            task_id: of no use here; the file lies on this machine.

        Raises:
            ImageRefused: the reference leads out of the folder or is none, the file is too large, or is
                what another reference came to as well.
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
        for start in range(len(parts)):
            path = self._folder.joinpath(*parts[start:])
            try:
                if not path.is_file():
                    continue
                if path.stat().st_size > self._max_bytes:
                    raise ImageRefused(
                        f"The image file {name} is larger than the limit of MAX_IMAGE_BYTES.", reference=name
                    )
                self._check_alone(path, "/".join(parts))
                return path.read_bytes()
            except OSError as error:
                raise ImageUnreachable(
                    f"The image file {name} cannot be read: {error.strerror}.", reference=name
                ) from error
        raise ImageUnreachable(
            f"There is no file for the image {name} in the folder of images.", reference=name
        )

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


def _path_of(reference: str) -> str:
    address = urlsplit(reference)
    if LOCAL_FILES.rstrip("/") in address.path:
        return parse_qs(address.query).get("d", [""])[0]
    return unquote(address.path)
