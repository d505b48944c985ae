"""What an export keeps of each page, one line of JSON a page, and how the next one finds it again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter

from converters.export.manifest import PageRecord

STATE = "state.jsonl"
"""All pages with all regions: what a later export compares with."""

SPILL = "pages.part"
"""The same while an export runs; it is gone just before the dataset takes its place."""

_RECORDS = TypeAdapter(PageRecord)
_BEGINS = b'{"key":'
_DECODER = json.JSONDecoder()


def record_line(page: PageRecord) -> bytes:
    """A page as one line of JSON; half a surrogate pair, which no file can hold, becomes U+FFFD."""
    text = json.dumps(_RECORDS.dump_python(page), ensure_ascii=False, separators=(",", ":"))
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.encode() + b"\n"


def record_of(line: bytes) -> PageRecord:
    """The page that a line holds.

    Raises:
        ValueError: the line is not whole, or of another version.
    """
    return _RECORDS.validate_json(line)


def files_of(page: PageRecord) -> list[str]:
    """The images of a page in its dataset: its own and its crops'."""
    names = (page.image, *(line.crop for line in page.lines))
    return [name for name in names if name is not None]


class Earlier:
    """Pages of an earlier dataset or of a stopped export, looked up by key; memory holds offsets alone."""

    def __init__(self, folder: Path, name: str = STATE) -> None:
        """Index a folder's state file; a folder without one holds no pages."""
        self.folder = folder
        self._file = folder / name
        self._offsets: dict[str, int] = {}
        self.damaged = 0
        """Lines that are no page: the torn last one of a stopped export, bytes that a disk turned."""
        with contextlib.suppress(FileNotFoundError), self._file.open("rb") as file:
            while line := file.readline():
                key = _key_in(line)
                if key is not None:
                    self._offsets[key] = file.tell() - len(line)
                elif line != b"\n":
                    self.damaged += 1

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[str]:
        return iter(self._offsets)

    def page(self, key: str) -> PageRecord | None:
        """The page of that key; None where there is none, or an older version of twinread wrote it."""
        if key not in self._offsets:
            return None
        with self._file.open("rb") as file:
            file.seek(self._offsets[key])
            try:
                return record_of(file.readline())
            except ValueError:
                return None


def _key_in(line: bytes) -> str | None:
    """The key of the page that a line holds; None where the line is not whole."""
    if not (line.startswith(_BEGINS) and line.endswith(b"}\n")):
        return None
    try:
        key, _ = _DECODER.raw_decode(line[len(_BEGINS) :].decode())
    except ValueError:
        return None
    return key if isinstance(key, str) else None
