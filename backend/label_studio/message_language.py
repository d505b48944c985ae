"""The languages in which annotators are spoken to: hints, instructions, and what is said of a line."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

MessageLanguage: TypeAlias = Literal["en", "ru"]
"""English or Russian; pages may be in any language."""

MESSAGE_LANGUAGES: tuple[MessageLanguage, ...] = get_args(MessageLanguage)
"""All of them, to be offered as a choice."""
