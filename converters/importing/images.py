"""The images of label files: found, decoded once, and made ready to be uploaded.

They are uploaded as they are. What neither Label Studio's upload nor a browser takes is written anew: a
TIFF as PNG (its first page), a file whose name does not say what it is under a name that does, and a file
that a browser turns otherwise than PaddleOCR so that both show the picture in which the corners stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.errors import BadImage, OutOfMemory
from backend.page import image_files
from backend.page.lines import Reason, ReasonKind
from converters.importing import new_tasks
from converters.importing.options import ImageLimits
from converters.paddleocr import image_names, page_files
from converters.paddleocr.label_files import Labelled, LeftOut, RowReason
from converters.shared.image_bytes import read_image

SUFFIXES = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "WebP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
}
"""What Label Studio and browsers take, with the names that it may have."""


@dataclass(frozen=True, slots=True)
class PreparedRow:
    """A row whose image is ready to be uploaded.

    path: the file to upload.
    page_size: width and height of the upright image that is uploaded, pixels.
    key: as `new_tasks.key_of` gives it.
    notes: what people must know of the image, such as further pages in its file.
    converted: the file is not the one in the set.
    source: the image's own file.
    moved: that file is found by the end of the image's name alone.
    """

    row: Labelled
    path: Path
    page_size: tuple[int, int]
    key: tuple[str, str]
    notes: tuple[Reason, ...]
    converted: bool
    source: Path
    moved: bool


def prepare(
    row: Labelled, file: str, base: tuple[Path, ...], scratch: Path, limits: ImageLimits
) -> PreparedRow | LeftOut:
    """Find a row's image, decode it once, and write it anew where Label Studio would not take it.

    Args:
        row: names the image.
        file: the label file's name.
        base: folders that image names may be relative to, the label file's own first.
        scratch: a folder that is made where the image has to be written anew.
        limits: what the image may cost.

    Returns:
        The row, ready to be uploaded; or why it makes no task.
    """

    def without(why: RowReason, sentence: str) -> LeftOut:
        return LeftOut(file, row.line, row.image, why, sentence, len(row.regions))

    try:
        path, moved = _find(row.image, base)
        if path is None:
            return without(
                RowReason.OUTSIDE,
                "it lies outside of the label file's folder, and might be anything; pass --images FOLDER",
            )
        content = read_image(path, limits.max_bytes)
    except FileNotFoundError:
        return without(RowReason.MISSING, "there is no such file; pass --images FOLDER if they lie elsewhere")
    except OSError as error:
        return without(RowReason.UNREADABLE, f"its file cannot be opened: {error.strerror}")
    except ValueError as error:
        return without(RowReason.UNREADABLE, f"no file can have that name ({error})")
    try:
        page = image_files.decode(content, max_pixels=limits.max_pixels, max_scans=limits.max_scans)
    except (BadImage, OutOfMemory) as error:
        return without(RowReason.UNREADABLE, str(error))
    source = path
    key = new_tasks.key_of(row, content)
    name = image_files.format_of(content)
    alike = page_files.opened_alike(content, name, page)
    if alike is not None:
        content, page = alike
        name = image_files.format_of(content)
    known = SUFFIXES.get(name, ())
    converted = alike is not None or path.suffix.lower() not in known
    if converted:
        scratch.mkdir()
        path = scratch / f"{path.stem}{known[0] if known else '.png'}"
        path.write_bytes(content if known else image_files.encode(page.pixels, "png"))
    # whatever could not be shown was written as PNG
    notes = tuple(note for note in page.notes if note.kind is not ReasonKind.NOT_SHOWN)
    return PreparedRow(row, path, (page.width, page.height), key, notes, converted, source, moved)


def _find(image: str, base: tuple[Path, ...]) -> tuple[Path | None, bool]:
    """The file of an image name, and whether only the end of its name leads there.

    None for one outside of every folder that is looked in.

    Raises:
        FileNotFoundError: it is in none of them.
    """
    inside = False
    for place, folder in enumerate(base):
        path = (folder / image).resolve()
        # seen from the parent, only the label file's own folder is looked in
        if not path.is_relative_to(base[0] if place else folder):
            continue
        inside = True
        if path.is_file():
            return path, False
    found = image_names.found_by_end(image, base[0])
    if found is not None:
        return found, True
    if inside:
        raise FileNotFoundError(image)
    return None, False
