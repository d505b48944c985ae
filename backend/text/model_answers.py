"""Takes off a model's answer what no page can hold, thoughts and control tokens, before it is stored."""

from __future__ import annotations

import regex

from backend.text.cleaning import without_invisible
from backend.text.wrapping import CONTROL_TOKEN, unwrapped

_THINK = r"(?:think|thinking|thought|thoughts|reasoning)"
_END_OF_THOUGHT = regex.compile(rf"(?i)</{_THINK}>|◁/think▷")
_UNFINISHED_THOUGHT = regex.compile(rf"(?i)^\s*(?:<{_THINK}>|◁think▷)")
_TOKENS_AT_ENDS = regex.compile(rf"^(?:\s*(?:{CONTROL_TOKEN}))+|(?:(?:{CONTROL_TOKEN})\s*)+$")


def without_thoughts(raw: str) -> str | None:
    """Take off the thoughts before an answer, such as `<think>…</think>`.

    Args:
        raw: the model's answer, any string.

    Returns:
        What follows the thoughts; None where they were not finished, so that no answer followed.
    """
    end = 0
    for thought in _END_OF_THOUGHT.finditer(raw):
        end = thought.end()
    answer = raw[end:]
    return None if _UNFINISHED_THOUGHT.match(answer) else answer


def answer_of(raw: str) -> str:
    """What a vision model answered, as its reader gives it and a store keeps it.

    Off go thoughts, invisible characters and, at both ends, the control tokens of its own vocabulary
    (`<|im_end|>`, `</s>`, boxes with coordinates): none of it can be on a page. Wrapping that a page can
    hold stays, see `wrapping.unwrapped`.

    Args:
        raw: the model's answer, any string.

    Returns:
        The answer, with its line breaks; empty for "no text", which is the answer `###`, also wrapped.
    """
    text = without_invisible(without_thoughts(raw) or "").strip()
    while (bare := _TOKENS_AT_ENDS.sub("", text).strip()) != text:
        text = bare
    (alone,) = unwrapped([text])
    return text if alone else ""


def clean(raw: str) -> str:
    """The words of an answer that is looked at alone: `answer_of`, then `unwrapped` without another reading.

    Do not use it for recognisers such as PaddleOCR's or Tesseract's, which wrap nothing: a line that
    really begins with "Текст:" or is in quotes would lose them. Use `cleaning.visible_text` there.
    """
    return unwrapped([answer_of(raw)])[0]
