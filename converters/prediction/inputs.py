"""Which images a prediction reads, and how the files are called that come of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from backend.errors import BadRequest

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
"""Files of a folder that are taken for images; a file that is named itself is always taken for one."""

RESULT = "_res"
"""What PaddleOCR puts behind an image's name for its results; never the name of an image itself."""


def find_images(paths: Iterable[Path]) -> list[Path]:
    """The images that were asked for, each once: files as they are named, folders with all below them.

    Pictures that an earlier prediction wrote into a folder are passed over.

    Args:
        paths: files and folders.

    Raises:
        BadRequest: one of them is not there, or there is no image at all.
    """
    found: dict[Path, None] = {}
    asked = list(paths)
    for path in asked:
        if path.is_dir():
            found |= dict.fromkeys(_below(path))
        elif path.exists():
            found[path] = None
        else:
            raise BadRequest(f"There is no file or folder {path}, so nothing was read.")
    if not found:
        folders = ", ".join(map(str, asked))
        raise BadRequest(f"There is no image in {folders} ({', '.join(sorted(IMAGE_SUFFIXES))}).")
    return list(found)


def output_stems(images: Sequence[Path]) -> list[str]:
    """The name under which the results of each image are written, without an ending.

    An image's own name without its ending, as PaddleOCR has it. Where two have the same, the ending or the
    folder stays in the name, so that no result replaces another's.

    Args:
        images: distinct paths.

    Returns:
        One name each, in the same order; all distinct, also where a file system ignores case.
    """
    ways: tuple[Callable[[Path], str], ...] = (
        lambda path: path.stem,
        lambda path: path.name,
        lambda path: "_".join(filter(None, (path.parent.name, path.stem))),
        lambda path: "_".join(filter(None, (path.parent.name, path.name))),
        lambda path: "_".join(part for part in path.with_suffix("").parts if part not in ("/", "..", ".")),
    )
    names = [""] * len(images)
    left = list(range(len(images)))
    taken: set[str] = set()
    for way in ways:
        wanted = {index: way(images[index]) for index in left}
        counts = Counter(name.casefold() for name in wanted.values())
        for index, name in wanted.items():
            if counts[name.casefold()] == 1 and name.casefold() not in taken:
                names[index] = name
                taken.add(name.casefold())
        left = [index for index in left if not names[index]]
    for index in left:
        number = 2
        while (name := f"{images[index].stem}_{number}").casefold() in taken:
            number += 1
        names[index] = name
        taken.add(name.casefold())
    return names


def _below(folder: Path) -> list[Path]:
    images = [path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    return sorted(path for path in images if not _is_result(path))


def _is_result(path: Path) -> bool:
    return path.stem.endswith(RESULT) and path.with_suffix(".json").exists()
