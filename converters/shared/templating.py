"""Templates of HTML pages, in `templates/`: strict about names, and every text is escaped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def template(name: str, **filters: Callable[..., Any]) -> Template:
    """A template, which knows these filters and `count`, a number with its thousands apart."""
    environment = Environment(
        loader=PackageLoader("converters.shared"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": lambda number: f"{number:,}", **filters}
    return environment.get_template(name)
