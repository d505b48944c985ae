"""Writes the settings for people: the README's table, and `.env.example`.

`scripts/docs` puts both into their files, and tests compare the files with the code.
"""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from backend.settings.settings import Settings


def _kind(annotation: Any) -> str:
    """The type of a setting in a reader's words."""
    if get_origin(annotation) is Annotated:
        return "list"
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Literal:
        return " \\| ".join(str(choice) for choice in get_args(annotation))
    names = {"SecretStr": "secret", "AnyHttpUrl": "URL", "Path": "path", "str": "text", "tuple": "list"}
    name = getattr(get_origin(annotation) or annotation, "__name__", str(annotation))
    return names.get(
        name, {"int": "whole number", "float": "number", "bool": "yes or no", "dict": "JSON"}.get(name, name)
    )


def _default(name: str) -> str:
    """The default of a setting as a person would write it."""
    if name == "cpu_threads":
        return "all cores"
    if name == "cache_dir":
        return "~/.cache/twinread"
    value = Settings.model_fields[name].default
    if value is None or value == () or value == "":
        return ""
    if value == {}:
        return "{}"
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix("/")


def markdown_table() -> str:
    """The README's table of settings."""
    rows = ["| setting | default | kind | meaning |", "|---|---|---|---|"]
    for name, info in Settings.model_fields.items():
        default = _default(name)
        default_cell = f"`{default}`" if default else ""
        rows.append(f"| `{name.upper()}` | {default_cell} | {_kind(info.annotation)} | {info.description} |")
    return "\n".join(rows) + "\n"


def env_example() -> str:
    """The text of `.env.example`: every setting, commented out, with its meaning."""
    rows = ["# twinread's settings. Copy to .env and take the # away where you set one.", ""]
    for name, info in Settings.model_fields.items():
        default = "" if name in {"cpu_threads", "cache_dir"} else _default(name)
        rows += [f"# {info.description}", f"#{name.upper()}={default}", ""]
    return "\n".join(rows)
