"""How languages are written, from the data files of `hyperglot`, one file per language asked for.

The package itself is never imported: that takes seconds and leaves a cache in the working directory.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import langcodes
import regex
import yaml

from backend.errors import SettingsWrong
from backend.text import language_tables


def _data() -> Path:
    found = importlib.util.find_spec("hyperglot")
    if found is None or not found.submodule_search_locations:
        raise SettingsWrong(
            "The package hyperglot is not installed, so no alphabet is known. Install twinread again."
        )
    return Path(found.submodule_search_locations[0])


@cache
def known_names() -> dict[str, str]:
    """Codes of languages by English name in lower case, for a message.

    From the head of each file, unparsed: parsing all of them takes seconds.
    """
    names: dict[str, str] = {}
    for path in sorted((_data() / "data").glob("*.yaml")):
        iso = path.stem.removesuffix("_")
        if name := regex.search(r"(?m)^name: (\S.*)$", path.read_text("utf-8")):
            code = langcodes.standardize_tag(iso, macro=True)
            names.setdefault(name[1].lower(), code)
    return names


@cache
def language_file(iso: str) -> dict[str, Any]:
    """The file of a language by its ISO 639-3 code; empty where there is none."""
    for stem in (iso, f"{iso}_"):
        path = _data() / "data" / f"{stem}.yaml"
        if path.is_file():
            content = yaml.safe_load(path.read_text("utf-8"))
            return content if isinstance(content, dict) else {}
    return {}


@cache
def script_of_name(name: str) -> str:
    """The ISO 15924 code of a script by hyperglot's name of it; empty where it has none."""
    table = yaml.safe_load((_data() / "extra_data" / "script-names.yaml").read_text("utf-8"))
    code = str(table[name]["iso_15924"]) if name in table else ""
    return language_tables.SCRIPTS.get(code, (code,))[0]
