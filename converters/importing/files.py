"""The label files that a path stands for, and where their images may lie."""

from __future__ import annotations

from pathlib import Path

from backend.errors import BadRequest
from converters.paddleocr import label_files
from converters.paddleocr.encodings import other_encoding, save_as_utf8
from converters.paddleocr.label_files import LabelFile


def files_in(path: Path) -> list[Path]:
    """The label files that a path stands for.

    A file is itself. In a folder that is `Label.txt`, where there is one: PPOCRLabel's `rec_gt.txt`
    repeats the same lines as crops. Else its detection files (`det*.txt`), else its recognition files
    (`rec*.txt`).

    Raises:
        BadRequest: there is none.
    """
    if path.is_file():
        return [path]
    for pattern in ("Label.txt", "det*.txt", "rec*.txt"):
        found = sorted(file for file in path.glob(pattern) if file.is_file())
        if found:
            return found
    what = "holds no Label.txt, det*.txt or rec*.txt" if path.is_dir() else "does not exist"
    raise BadRequest(
        f"{path} {what}. Pass a label file with rows of image<TAB>label, or a folder of PPOCRLabel."
    )


def read_file(path: Path) -> LabelFile:
    """Read a label file.

    Raises:
        BadRequest: it cannot be read, or is UTF-16.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from error
    if other_encoding(content) == "UTF-16":
        raise BadRequest(
            f"{path.name} is UTF-16, which PaddleOCR and this import take for rubbish. To import it, "
            f"{save_as_utf8('UTF-16')}."
        )
    return label_files.read(path.name, content)


def folders_of(path: Path, images_dir: Path | None) -> tuple[Path, ...]:
    """Folders that image names may be relative to, the likelier one first.

    Args:
        path: the label file.
        images_dir: the folder that was named for them; None for the label file's own and its parent.
    """
    if images_dir is not None:
        return (images_dir.resolve(),)
    folder = path.resolve().parent
    # PPOCRLabel names pages FOLDER/NAME, seen from the folder that holds the folder
    return folder, folder.parent
