"""How sure a model was of what it read, by the probabilities of its tokens (`logprobs` of OpenAI's API).

The lowest one counts: a line is wrong by one letter more often than by all, and a mean hides that letter.
Whatever cannot be right, or cannot be laid over the text, is no score; a reading never fails for it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from backend.text.cleaning import without_invisible
from backend.text.model_answers import answer_of

LEAST = -1e6
"""What no logarithm of a probability is below; vLLM's least is -9999."""

TOLERANCE = 1e-3
"""How far over 0 a logarithm may lie by rounding."""

_WRAPPING = frozenset("\"'`*“”‘’ \n\t")
"""What a model may have put around a line: its first and last token are not looked at where they are nothing
else."""
_UNREADABLE = ("bytes:", "<0x")
"""How FastDeploy and others name a token that holds a part of a letter; vLLM puts U+FFFD for that part."""


def lowest_probability(raw: str, text: str) -> float | None:
    """The probability of the token that a model was least sure of, of those that make up a reading.

    Thoughts before the reading, what ends an answer, and wrapping are not looked at.

    Args:
        raw: the body of a chat completion.
        text: the reading in it, as `model_answers.answer_of` gives it.

    Returns:
        0 to 1; None where the server gave no probabilities, or none that fit the text, and for "no text".
    """
    try:
        found = json.loads(raw)["choices"][0]["logprobs"]["content"]
        tokens = [(token["token"], token["logprob"]) for token in found]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if not text or not all(isinstance(token, str) for token, _ in tokens):
        return None
    logarithms = _of_text(tokens, text)
    if not logarithms or not all(map(_is_logarithm, logarithms)):
        return None
    return math.exp(min(0.0, *logarithms))


def _is_logarithm(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and LEAST <= value <= TOLERANCE


def _of_text(tokens: Sequence[tuple[str, Any]], text: str) -> list[Any]:
    """The logarithms of the tokens that spell a text; empty where none do."""
    letters_of = [_letters(token) for token, _ in tokens]
    ends = [0, *accumulate(map(len, letters_of))]
    joined = "".join(letters_of)
    # thoughts stand before a reading, and may hold the same words
    begin, length = joined.rfind(text), len(text)
    if begin < 0:
        spelt = answer_of(joined)
        hidden = sum(map(_is_part, (token for token, _ in tokens)))
        letters = iter(text)
        if not (0 < len(text) - len(spelt) <= hidden and all(letter in letters for letter in spelt)):
            return []
        begin, length = joined.rfind(spelt), len(spelt)
    end = begin + length
    # a part of a letter may stand beyond the blanks that are no part of what is spelt
    while begin and joined[begin - 1].isspace():
        begin -= 1
    while joined[end : end + 1].isspace():
        end += 1
    used = [
        pair
        for pair, first, last in zip(tokens, ends, ends[1:], strict=False)
        if (first < end and last > begin) or (_is_part(pair[0]) and begin <= first <= end)
    ]
    while len(used) > 1 and set(used[0][0]) <= _WRAPPING:
        del used[0]
    while len(used) > 1 and set(used[-1][0]) <= _WRAPPING:
        del used[-1]
    return [logarithm for _, logarithm in used]


def _letters(token: str) -> str:
    return "" if _is_part(token) else without_invisible(token)


def _is_part(token: str) -> bool:
    """Whether a token is a part of a letter, so that nobody can tell which."""
    return token.startswith(_UNREADABLE) or "\ufffd" in token
