"""`twinread check`: reads a dataset's label files and opens its images; the judging is `converters.check`'s.

Nothing is changed: `--fix` writes a dictionary and an override for the training config beside the
label files, never a text.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from rich.console import Console
from rich.progress import track

from backend.errors import BadRequest, OperatorError
from converters import charset, check_terminal, training_rules
from converters.charset import Dictionary
from converters.check import foretell_detection, foretell_recognition, images_of
from converters.check_report import CheckReport, FileCheck, Kind, Part, compare_pictures, list_problems
from converters.findings import Picture, PictureState
from converters.training_rules import DetectionRules, RecognitionRules, Rules

FIXED_DICTIONARY = "check.dict.txt"
FIXED_SETTINGS = "check.override.yml"

# other text files that lie in such folders
_NO_LABELS = {FIXED_DICTIONARY, "dict.txt", "fileState.txt", "Cache.cach", "README.txt", "requirements.txt"}


def run(
    dataset: Path,
    *,
    config: Path | None = None,
    dictionary: Path | None = None,
    data_dir: Path | None = None,
    fix: bool = False,
    summary_json: Path | None = None,
    console: Console,
) -> int:
    """Check a dataset, tell it on the terminal, and write what was asked for.

    Args:
        dataset: a folder with label files, or one label file.
        config: PaddleOCR's training config, YAML.
        dictionary: its dictionary; by default the config's, or `dict.txt` in the dataset.
        data_dir: what image names are relative to; by default the label file's folder.
        fix: write `check.dict.txt` and `check.override.yml` into the dataset, where they would help.
        summary_json: where to write the report for machines.
        console: where to tell.

    Returns:
        The exit code: 0 when PaddleOCR would train on every row as it stands, else 1.

    Raises:
        BadRequest: there is no label file, or config or dictionary cannot be read.
        OperatorError: a file cannot be written.
    """
    report = check(dataset, config=config, dictionary=dictionary, data_dir=data_dir, console=console)
    written = write_fixes(report, _folder(dataset), config) if fix else []
    check_terminal.tell(report, console, fixes=[path.name for path in written] if fix else None)
    if summary_json:
        summary = {"dataset": dataset.name, **report.summary(), "written": [path.name for path in written]}
        _write(summary_json, json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    return report.exit_code


def check(
    dataset: Path,
    *,
    config: Path | None = None,
    dictionary: Path | None = None,
    data_dir: Path | None = None,
    console: Console | None = None,
) -> CheckReport:
    """Say what PaddleOCR would do with each row of a dataset; arguments and errors as for `run`."""
    rules = training_rules.rules_of(_config(config)) if config else None
    recognition = rules if isinstance(rules, RecognitionRules) else RecognitionRules()
    detection = rules if isinstance(rules, DetectionRules) else DetectionRules()
    files = _label_files(dataset)
    characters: Dictionary | None = None
    notes: list[str] = []
    if any(kind == "recognition" for _, kind in files):
        characters, notes = _dictionary(dictionary, config, recognition, _folder(dataset))
    if config is None:
        notes.append(
            "No --config: the settings of PP-OCRv5's multi-language configs are assumed "
            f"(max_text_length {recognition.max_text_length}, {recognition.widest} pixels wide)."
        )
    checked = []
    for path, kind in files:
        rows = io.BytesIO(path.read_bytes()).readlines()
        folder = data_dir or _base(path, rows)
        pictures = _pictures(folder, rows, path.name, console)
        part = _part(path.name)
        training = part in {"train", ""}
        foretold = (
            foretell_recognition(row, line, recognition, characters, pictures.__getitem__, training=training)
            if kind == "recognition"
            else foretell_detection(row, line, detection, pictures.__getitem__, training=training)
            for line, row in enumerate(rows, start=1)
        )
        checked.append(FileCheck(path.name, kind, part, tuple(foretold)))
    by_kind: dict[Kind, Rules] = {"recognition": recognition, "detection": detection}
    compared = compare_pictures(checked)
    complete = tuple(replace(file, problems=list_problems(file, by_kind[file.kind])) for file in compared)
    return CheckReport(complete, recognition, characters, tuple(notes))


def look_at(path: str) -> Picture:
    """Open an image with the decoder that PaddleOCR uses, the way it does.

    Args:
        path: its place; a web address is not followed.
    """
    if path.startswith(("http://", "https://")):
        return Picture(PictureState.REMOTE)
    # os.path.exists, as PaddleOCR asks: false for a name that no file can have, too
    if not os.path.exists(path):  # noqa: PTH110
        return Picture(PictureState.MISSING)
    try:
        content = Path(path).read_bytes()
    except OSError:
        return Picture(PictureState.NOT_A_FILE)
    if not content:
        return Picture(PictureState.EMPTY)
    try:
        pixels = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return Picture(PictureState.REFUSED)
    if pixels is None:
        return Picture(PictureState.UNDECODABLE)
    height, width = pixels.shape[:2]
    digest = hashlib.blake2b(
        pixels.tobytes(), digest_size=16, salt=f"{width}x{height}".encode()[:16]
    ).hexdigest()
    return Picture(PictureState.GOOD, width, height, digest)


def write_fixes(report: CheckReport, folder: Path, config: Path | None) -> list[Path]:
    """Write a dictionary and an override that fit the rows, where the ones in force do not.

    Args:
        report: what was found.
        folder: where to write; files of the same names are replaced.
        config: the training config that the override is for.

    Returns:
        The files that were written; the override names the dictionary by its full path.

    Raises:
        OperatorError: a file cannot be written.
    """
    written = []
    named = None
    grown = report.fitting_dictionary
    if grown and report.texts:
        named = (folder / FIXED_DICTIONARY).resolve()
        _write(named, charset.dictionary_file(grown.entries))
        written.append(named)
    settings = training_rules.override(
        _config(config) if config else None,
        report.rules,
        max_text_length=report.fitting_length,
        width=report.fitting_width,
        dictionary=str(named) if named else None,
    )
    if settings != {"Global": {}}:
        path = folder / FIXED_SETTINGS
        head = (
            "# Written by `twinread check --fix`: lay it over the training config; lists replace its lists.\n"
        )
        _write(path, head + yaml.safe_dump(settings, allow_unicode=True, sort_keys=False))
        written.append(path)
    return written


def _label_files(dataset: Path) -> list[tuple[Path, Kind]]:
    if dataset.is_file():
        return [(dataset, _kind(dataset) or "recognition")]
    if not dataset.is_dir():
        raise BadRequest(f"{dataset} does not exist. Pass the folder of a dataset, or one label file.")
    found = []
    for path in sorted(dataset.glob("*.txt")):
        kind = _kind(path) if path.name not in _NO_LABELS else None
        if kind:
            found.append((path, kind))
    if not found:
        raise BadRequest(
            f"{dataset} holds no label file: none named rec_gt*.txt, det_gt*.txt or Label.txt, and no other "
            ".txt with rows of image<TAB>label. Pass the folder into which the dataset was exported."
        )
    return found


def _kind(path: Path) -> Kind | None:
    if path.name.startswith("rec"):
        return "recognition"
    if path.name.startswith(("det", "Label")):
        return "detection"
    with path.open("rb") as file:
        head = [line for _, line in zip(range(100), file, strict=False)]
    labels = [fields[1] for line in head if len(fields := line.split(b"\t")) > 1]
    if not labels:
        return None
    return (
        "detection"
        if sum(label.lstrip().startswith((b"[{", b"[]")) for label in labels) * 2 > len(labels)
        else ("recognition")
    )


def _part(name: str) -> Part:
    stem = name.lower()
    if "train" in stem:
        return "train"
    if "val" in stem:
        return "val"
    return "test" if "test" in stem else ""


def _folder(dataset: Path) -> Path:
    return dataset if dataset.is_dir() else dataset.parent


def _base(path: Path, rows: Sequence[bytes]) -> Path:
    # PPOCRLabel names pages FOLDER/NAME, seen from the folder that holds the folder
    folder = path.resolve().parent
    inside = f"{folder.name}/"
    names = [name for row in rows for name in images_of(row)]
    ppocrlabel = names and all(name.startswith(inside) for name in names) and not (folder / inside).is_dir()
    return folder.parent if path.name == "Label.txt" and ppocrlabel else folder


def _pictures(
    folder: Path, rows: Sequence[bytes], name: str, console: Console | None
) -> Mapping[str, Picture]:
    names = sorted({image for row in rows for image in images_of(row)})
    # joined as PaddleOCR joins: an absolute name wins, an empty one is the folder
    paths = [image if image.startswith("http") else os.path.join(folder, image) for image in names]  # noqa: PTH118
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        looked = pool.map(look_at, paths, chunksize=1)
        if console is not None and len(names) > 500:
            looked = iter(
                track(looked, f"Opening the images of {name}", len(names), console=console, transient=True)
            )
        return dict(zip(names, looked, strict=True))


def _config(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadRequest(f"{path} does not exist. Pass the YAML file of the training config.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadRequest(
            f"{path} cannot be read as YAML: {error}. Pass PaddleOCR's training config."
        ) from error


def _dictionary(
    given: Path | None, config: Path | None, rules: RecognitionRules, folder: Path
) -> tuple[Dictionary | None, list[str]]:
    path = given
    if path is None and config is not None:
        if rules.dictionary is None:
            return charset.BUILT_IN, [
                "The config names no dictionary: PaddleOCR keeps digits and small Latin letters."
            ]
        path = _beside(config, rules.dictionary)
    if path is None:
        path = folder / "dict.txt"
        if not path.exists():
            return None, ["No --dict, and no dict.txt in the dataset: characters were not checked."]
    try:
        dictionary = charset.parse_dictionary(path.read_bytes(), use_space_char=rules.use_space_char)
    except OSError as error:
        raise BadRequest(f"The dictionary {path} cannot be read. Pass --dict with the right path.") from error
    odd = charset.flaws(dictionary)
    notes = []
    if odd.byte_order_mark:
        notes.append(
            f"{path.name} begins with a byte order mark, which costs its first character. Save it without."
        )
    if odd.blank:
        notes.append(f"{path.name} has {len(odd.blank)} empty lines; each takes a place and matches nothing.")
    if not rules.use_space_char and " " not in dictionary.characters:
        notes.append("use_space_char is off: PaddleOCR deletes every space from the labels.")
    return dictionary, notes


def _beside(config: Path, named: str) -> Path:
    # PaddleOCR runs in its checkout, somewhere above the config; seen from here that may be elsewhere
    candidates = [Path(named), *(parent / named for parent in config.resolve().parents)]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise BadRequest(
            f"The config's dictionary {named} is neither here nor beside the config, so characters cannot be "
            "checked. Pass --dict with its path."
        )
    return found


def _write(path: Path, content: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(content, "utf-8", newline="")
        # the old file's place is taken only by a whole new one
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise OperatorError(
            f"{path} cannot be written ({error.strerror}). The dataset is as it was. "
            "Make room or make its folder writable, and run the check again."
        ) from error
