"""Writes the settings for people: the README's table, and `.env.example`.

`scripts/docs` puts both into their files, and tests compare the files with the code.
"""

from __future__ import annotations

import types
from collections.abc import Collection
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


LIMITS = (
    "max_request_bytes",
    "max_webhook_bytes",
    "request_timeout_s",
    "max_connections",
    "server_threads",
    "stop_s",
    "predict_deadline_s",
    "max_waiting_pages",
    "downloads_at_once",
    "downloads_per_host",
    "image_timeout_s",
    "max_image_bytes",
    "max_page_pixels",
    "max_decoding_pixels",
    "max_jpeg_scans",
    "max_languages",
    "ernie_max_answer_bytes",
    "ernie_timeout_s",
    "store_timeout_s",
    "image_cache_bytes",
)
"""The settings that bound what anybody can make a backend do, in the order of SECURITY.md."""


def markdown_table(only: Collection[str] = Settings.model_fields) -> str:
    """The README's table of settings, or that of some of them.

    Args:
        only: names of settings, in the order of the rows.
    """
    rows = ["| setting | default | kind | meaning |", "|---|---|---|---|"]
    for name in only:
        info = Settings.model_fields[name]
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
