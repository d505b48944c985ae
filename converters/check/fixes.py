"""What `twinread check --fix` writes: a dictionary, and a config with which PaddleOCR trains on the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from backend.errors import BadRequest
from backend.outputs import write_file
from converters.check.result import CheckResult
from converters.paddleocr import dictionaries, training_config
from converters.paddleocr.findings import Part
from converters.paddleocr.training_config import RecognitionRules

FIXED_DICTIONARY = "check.dict.txt"
FIXED_CONFIG = "check.train.yml"
FIXED_SETTINGS = "check.override.yml"
FIXED = (FIXED_DICTIONARY, FIXED_CONFIG, FIXED_SETTINGS)


def write_fixes(
    result: CheckResult,
    folder: Path,
    config: Path | None = None,
    dictionary: Path | None = None,
    data_dir: Path | None = None,
) -> list[Path]:
    """Write a dictionary that fits the rows, and with a config for recognition one to train with.

    Args:
        result: what was found.
        folder: the dataset's, to write into; files of the same names are replaced.
        config: the training config to begin with; one for detection has nothing that would be changed.
        dictionary: the dictionary that was checked, where it is not the config's own.
        data_dir: what image names are relative to; by default the folder.

    Returns:
        The files that were written; a config names everything by its full path.

    Raises:
        OperatorError: a file cannot be written.
    """
    written = []
    grown = result.fitting_dictionary
    if grown and result.texts:
        written.append((folder / FIXED_DICTIONARY).resolve())
        write_file(written[0], dictionaries.dictionary_file(grown.entries))
    parsed: Any = read_config(config) if config else None
    whole = bool(result.texts and config and isinstance(training_config.rules_of(parsed), RecognitionRules))
    settings = training_config.override(
        parsed if whole else None,
        result.rules,
        max_text_length=result.fitting_length,
        width=result.fitting_width,
        dictionary=str(written[0]) if written else None,
        rows=result.rows_to_train if whole else None,
    )
    if whole and config:
        named = written[0] if written else dictionary
        if named is None and result.rules.dictionary is not None:
            named = beside(config, result.rules.dictionary)
        settings = training_config.complete(
            parsed,
            settings,
            data_dir=str((data_dir or folder).resolve()),
            dictionary=str(named.resolve()) if named else None,
            train=_lists(result, folder, "train", ""),
            val=_lists(result, folder, "val"),
        )
        head = f"# Written by `twinread check --fix` from {config.name}: python tools/train.py -c THIS_FILE\n"
    else:
        head = "# Written by `twinread check --fix`: settings to change in the training config.\n"
    if settings != {"Global": {}}:
        path = folder / (FIXED_CONFIG if whole else FIXED_SETTINGS)
        write_file(path, head + yaml.safe_dump(settings, allow_unicode=True, sort_keys=False))
        written.append(path.resolve())
    return written


def _lists(result: CheckResult, folder: Path, *parts: Part) -> list[str]:
    """The full paths of the recognition lists of these parts."""
    files = [file.name for file in result.files if file.kind == "recognition" and file.part in parts]
    return [str((folder / name).resolve()) for name in files]


def read_config(path: Path) -> Any:
    """A training config, parsed.

    Raises:
        BadRequest: it cannot be read.
    """
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadRequest(f"{path} does not exist. Pass the YAML file of the training config.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadRequest(
            f"{path} cannot be read as YAML: {error}. Pass PaddleOCR's training config."
        ) from error


def places_of(config: Path, named: str) -> list[Path]:
    """Where a file that a config names may lie: PaddleOCR runs in its checkout, somewhere above it."""
    return [Path(named), *(parent / named for parent in config.resolve().parents)]


def beside(config: Path, named: str) -> Path:
    """The dictionary that a config names, which is relative to PaddleOCR's checkout.

    Args:
        config: the training config's file.
        named: its `character_dict_path`.

    Raises:
        BadRequest: it is not found.
    """
    found = next((path for path in places_of(config, named) if path.is_file()), None)
    if found is None:
        raise BadRequest(
            f"The config's dictionary {named} is neither here nor beside the config, so characters cannot be "
            "checked. Pass --dict with its path."
        )
    return found
