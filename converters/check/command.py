"""`twinread check`: reads a dataset's label files and opens its images; the judging is `converters.check`'s.

Nothing is changed: `--fix` writes a dictionary and a training config beside the label files, never a text.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from backend.errors import BadRequest
from backend.outputs import check_writable, write_summary
from converters.check import terminal
from converters.check.fixes import FIXED, FIXED_DICTIONARY, beside, places_of, read_config, write_fixes
from converters.check.list_check import compare_pictures, list_problems, lists_missing
from converters.check.result import CheckResult
from converters.paddleocr import dictionaries, training_config
from converters.paddleocr.dictionaries import Dictionary
from converters.paddleocr.encodings import other_encoding
from converters.paddleocr.findings import FileCheck, Part
from converters.paddleocr.images import pictures_of
from converters.paddleocr.label_files import Kind, kind_of
from converters.paddleocr.row_check import check_detection_row, check_recognition_row, images_of
from converters.paddleocr.training_config import DetectionRules, RecognitionRules, TrainingRules

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
    """Check a dataset, print the result, and write what was asked for.

    Args:
        dataset: a folder with label files, or one label file.
        config: PaddleOCR's training config, YAML.
        dictionary: its dictionary; by default the config's, or `dict.txt` in the dataset.
        data_dir: what image names are relative to; by default the label file's folder.
        fix: write `check.dict.txt` into the dataset where a larger dictionary would help, and with a config
            for recognition `check.train.yml`, a whole config to train with; without one
            `check.override.yml`, the settings that it would have to change, if there are any.
        summary_json: where to write the result for machines.
        console: where to print.

    Returns:
        The exit code: 0 when PaddleOCR would train on every row as it stands, else 1.

    Raises:
        BadRequest: there is no label file, or config or dictionary cannot be read.
        OperatorError: a file cannot be written.
    """
    if summary_json:
        check_writable(summary_json)
    result = check(dataset, config=config, dictionary=dictionary, data_dir=data_dir, console=console)
    written = write_fixes(result, _folder(dataset), config, dictionary, data_dir) if fix else []
    terminal.tell(result, console, fixes=written if fix else None)
    used = [path.name for path in written] + [Path(result.rules.dictionary or "").name]
    for name in FIXED if fix else ():
        if name not in used and (_folder(dataset) / name).exists():
            console.print(f"{name} is of an earlier check; this one has no use for it.", style="yellow")
    if summary_json:
        summary = {"dataset": dataset.name, **result.summary(), "written": [path.name for path in written]}
        write_summary(summary_json, summary)
    return result.exit_code


def check(
    dataset: Path,
    *,
    config: Path | None = None,
    dictionary: Path | None = None,
    data_dir: Path | None = None,
    console: Console | None = None,
) -> CheckResult:
    """Say what PaddleOCR would do with each row of a dataset; arguments and errors as for `run`."""
    rules = training_config.rules_of(read_config(config)) if config else None
    recognition = rules if isinstance(rules, RecognitionRules) else RecognitionRules()
    detection = rules if isinstance(rules, DetectionRules) else DetectionRules()
    files = _label_files(dataset)
    kinds = {kind for _, kind in files}
    characters: Dictionary | None = None
    notes: list[str] = []
    if "recognition" in kinds:
        own = config if rules is recognition else None
        characters, notes = _dictionary(dictionary, own, recognition, _folder(dataset))
    notes += _assumed(kinds, rules, recognition)
    if config is not None:
        notes += _other_lists(config, files, "recognition" if rules is recognition else "detection")
    checked = []
    encodings: dict[str, str | None] = {}
    for path, kind in files:
        rows = _rows(path)
        encodings[path.name] = other_encoding(b"".join(rows))
        folder = data_dir or _base(path, rows)
        pictures = pictures_of(folder, rows, path.name, console)
        part = _part(path.name)
        training = part in {"train", ""}
        judged = (
            check_recognition_row(row, line, recognition, characters, pictures.__getitem__, training=training)
            if kind == "recognition"
            else check_detection_row(row, line, detection, pictures.__getitem__, training=training)
            for line, row in enumerate(rows, start=1)
        )
        checked.append(FileCheck(path.name, kind, part, tuple(judged)))
    by_kind: dict[Kind, TrainingRules] = {"recognition": recognition, "detection": detection}
    compared = compare_pictures(checked)
    to_train = Counter[Kind]()
    for file in compared:
        to_train[file.kind] += len(file.rows) if file.part in {"train", ""} else 0
    complete = tuple(
        replace(
            file,
            problems=list_problems(file, by_kind[file.kind], to_train[file.kind], encodings[file.name]),
        )
        for file in compared
    )
    if dataset.is_dir():
        notes += lists_missing(complete)
    return CheckResult(complete, recognition, characters, tuple(notes))


def _assumed(kinds: set[Kind], rules: TrainingRules | None, recognition: RecognitionRules) -> list[str]:
    """Which settings no config gave; a config is for recognition or for detection, never for both."""
    without = "No --config" if rules is None else "The config is for the other kind of rows"
    notes = []
    if "recognition" in kinds and rules is not recognition:
        notes.append(
            f"{without}: for recognition the settings of PP-OCRv5's multi-language configs are assumed "
            f"(max_text_length {recognition.max_text_length}, {recognition.widest} pixels wide)."
        )
    if "detection" in kinds and not isinstance(rules, DetectionRules):
        notes.append(f"{without}: for detection the settings of PP-OCRv5's configs are assumed.")
    return notes


def _other_lists(config: Path, files: list[tuple[Path, Kind]], kind: Kind) -> list[str]:
    """What a config trains and evaluates on that is none of these files."""
    here = {path.resolve() for path, of_kind in files if of_kind == kind}
    notes = []
    for part, verb in (("Train", "train"), ("Eval", "evaluate")):
        named = training_config.lists_of(read_config(config), part)
        found = {name: next(filter(Path.is_file, places_of(config, name)), None) for name in named}
        if not here or not named or any(path and path.resolve() in here for path in found.values()):
            continue
        lost = [name for name, path in found.items() if path is None]
        where = f"{lost[0]}, which is not there" if lost else named[0]
        cure = "--fix writes a config that names these" if kind == "recognition" else "name these in it"
        notes.append(
            f"As it stands, the config would {verb} on another list than was checked "
            f"({part}.dataset.label_file_list: {where}); {cure}."
        )
    return notes


def _label_files(dataset: Path) -> list[tuple[Path, Kind]]:
    if dataset.is_file():
        kind = _kind(dataset)
        content = b"".join(_rows(dataset))
        if _is_json(content) or (kind is None and content.strip()):
            raise BadRequest(
                f"{dataset.name} is no label file, because it has no rows of image<TAB>label; pass one that "
                "has, or the folder of a dataset."
            )
        return [(dataset, kind or "recognition")]
    if not dataset.is_dir():
        raise BadRequest(f"{dataset} does not exist. Pass the folder of a dataset, or one label file.")
    found = []
    for path in sorted(file for file in dataset.glob("*.txt") if file.is_file()):
        kind = _kind(path) if path.name not in _NO_LABELS else None
        if kind:
            found.append((path, kind))
    if not found:
        raise BadRequest(
            f"{dataset} holds no label file: none named rec_gt*.txt, det_gt*.txt or Label.txt, and no other "
            ".txt with rows of image<TAB>label. Pass the folder into which the dataset was exported."
        )
    return found


def _rows(path: Path) -> list[bytes]:
    """The lines of a label file, which end at LF alone."""
    try:
        return io.BytesIO(path.read_bytes()).readlines()
    except OSError as error:
        raise BadRequest(f"The label file {path} cannot be read: {error.strerror}.") from error


def _kind(path: Path) -> Kind | None:
    if path.name.startswith("rec"):
        return "recognition"
    if path.name.startswith(("det", "Label")):
        return "detection"
    return kind_of(b"".join(_rows(path)))


def _is_json(content: bytes) -> bool:
    """Whether a file as a whole is JSON, whatever its name says; a row of a label file begins with a name."""
    try:
        return isinstance(json.loads(content), (dict, list))
    except (ValueError, RecursionError):
        return False


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


def _dictionary(
    given: Path | None, config: Path | None, rules: RecognitionRules, folder: Path
) -> tuple[Dictionary | None, list[str]]:
    path = given
    if path is None and config is not None:
        if rules.dictionary is None:
            return dictionaries.BUILT_IN, [
                "The config names no dictionary: PaddleOCR keeps digits and small Latin letters."
            ]
        path = beside(config, rules.dictionary)
    if path is None:
        path = folder / "dict.txt"
        if not path.exists():
            return None, ["No --dict, and no dict.txt in the dataset: characters were not checked."]
    try:
        dictionary = dictionaries.parse_dictionary(path.read_bytes(), use_space_char=rules.use_space_char)
    except OSError as error:
        raise BadRequest(f"The dictionary {path} cannot be read. Pass --dict with the right path.") from error
    odd = dictionaries.flaws(dictionary)
    notes = []
    if given and rules.dictionary and Path(rules.dictionary).name != given.name:
        notes.append(
            f"The config names another dictionary ({rules.dictionary}); {given.name} was checked. Train with "
            "Global.character_dict_path set to it."
        )
    if odd.byte_order_mark:
        notes.append(
            f"{path.name} begins with a byte order mark, which costs its first character. Save it without."
        )
    if odd.blank:
        lines = (
            "an empty line; it takes"
            if len(odd.blank) == 1
            else f"{len(odd.blank):,} empty lines; each takes"
        )
        notes.append(f"{path.name} has {lines} a place in the model and matches nothing.")
    if odd.several:
        some = ", ".join(odd.several[:3]) + (", ..." if len(odd.several) > 3 else "")
        entries = "an entry" if len(odd.several) == 1 else f"{len(odd.several):,} entries"
        notes.append(
            f"{path.name} has {entries} of several characters ({some}), which PaddleOCR finds in no text."
        )
    if odd.repeated:
        some = ", ".join(odd.repeated[:3]) + (", ..." if len(odd.repeated) > 3 else "")
        notes.append(
            f"{path.name} has more than once: {some}. Each repeat takes a place in the model for nothing."
        )
    if not rules.use_space_char and " " not in dictionary.characters:
        notes.append("use_space_char is off: PaddleOCR deletes every space from the labels.")
    return dictionary, notes
