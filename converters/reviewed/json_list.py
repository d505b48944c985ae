"""A large JSON list, read one item at a time, so that memory stays flat."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1024**2
"""Characters that are read at once."""


def items_of(path: Path, *, chunk: int = CHUNK) -> Iterator[object]:
    """The items of a JSON list, one at a time.

    (ijson would do it, but writes "?" in place of half a surrogate pair without a word.)

    Args:
        path: the file.
        chunk: characters that are read at once.

    Raises:
        ValueError: the list is not whole, or no JSON.
    """
    decoder = json.JSONDecoder()
    number = 0
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
        buffer = _past_bracket(file, chunk)
        size = chunk
        while True:
            place, fault = _skip(buffer, 0), "it has no end"
            while place < len(buffer):
                if buffer[place] == "]":
                    _check_end(buffer[place + 1 :], file, number)
                    return
                try:
                    item, end = decoder.raw_decode(buffer, _skip(buffer, place + 1) if number else place)
                except (json.JSONDecodeError, IndexError) as error:
                    fault = str(error).partition(":")[0]
                    break
                end = _skip(buffer, end)
                if buffer[end : end + 1] not in (",", "]"):
                    # a number may go on in the next chunk
                    fault = "a comma or ] is missing"
                    break
                number += 1
                yield item
                size = chunk
                place = end
            more = file.read(size)
            if not more:
                raise ValueError(f"after {number} items: {fault}")
            # a large item is read in steps that double, so that it is not parsed again for each chunk
            size *= 2
            buffer = buffer[place:] + more


def _check_end(rest: str, file: io.TextIOWrapper, number: int) -> None:
    """Nothing may follow the list: two exports in one file would lose the second without a word."""
    while not rest.strip(" \t\r\n"):
        rest = file.read(CHUNK)
        if not rest:
            return
    raise ValueError(f"after {number} items: something follows the end of the list")


def _past_bracket(file: io.TextIOWrapper, chunk: int) -> str:
    buffer = ""
    while not buffer.lstrip():
        buffer = file.read(chunk)
    return buffer.lstrip()[1:]


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place
