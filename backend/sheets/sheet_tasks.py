"""The data of a sheet, a task of the line project: written and read here, and nowhere else; pure.

    {"lines": [{"a": "Счёт 12", "b": "Счет 12",
                "page": {"project": 3, "task": 17, "region": "l008-e72ce6", "page": 0, "prediction": 5,
                         "model_version": "...", "quad": [[132.0, 421.0], ...]},
                "strip": "<div ...>", "options": [{"value": ..., "alias": "A", "hotkey": "1", "html": ...}]}],
     "pages": "book_016.png, book_017.png", "count": 10, "twinread_sheet": 1, "twinread_batch": "9f2c..."}

- `a`, `b`: what two readers read, as it would become the line's text; `b` is empty where only one text was
  read, both are where none was.
- `audit`: true for an audit line, an agreed one that is shown blind: `a` and `b` are empty, and no text of it
  stands anywhere in the task. Other lines have no such field.
- `page`: which line of the page project that is. `page.page` is the place of the image in its task, from 0.
- `strip`, `options`: what the editor shows; not read again.
- `pages`, `count`: for people who look for a sheet in the Data Manager.
- `twinread_sheet`: the number of this form.
- `twinread_batch`: the import that made it, so that one whose answer was lost can be looked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.label_studio.annotations import Json

FORM = 1
"""The number of the form of the data; another one is not read."""

KEY = "twinread_sheet"
"""The field that says that a task is a sheet, and in which form."""

BATCH = "twinread_batch"
"""The field that names the import that made a sheet."""

Corners = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class LineKey:
    """Which line of which page.

    project, task: the page's, in Label Studio.
    region: Label Studio's id of the line's region.
    """

    project: int
    task: int
    region: str


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A line as it is put on a sheet: a doubtful one, or an agreed one to be typed blind.

    key: which line it is.
    a, b: the texts that are offered; empty where there is none.
    page: the place of the image in the page's task, from 0.
    prediction: the id of the prediction that the line was taken from.
    model_version: of that prediction.
    quad: four corners, page pixels of the upright page, clockwise from the text's own top-left.
    place: of the line on its sheet, from 0; the name of its answer ends with it (`verdict_0`).
    audit: its readings agree, and it is shown without them.
    """

    key: LineKey
    a: str
    b: str
    page: int
    prediction: int
    model_version: str
    quad: Corners
    place: int = 0
    audit: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that are offered, one or two or none."""
        return tuple(text for text in (self.a, self.b) if text)


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line with what the editor shows of it.

    strip: HTML with the line's picture.
    options: of its Choices, as Label Studio takes them from a task's data.
    """

    line: SheetLine
    strip: str
    options: tuple[Mapping[str, str], ...]


def sheet_data(shown: Sequence[ShownLine], pages: Iterable[str], batch: str = "") -> dict[str, Any]:
    """The data of a sheet.

    Args:
        shown: its lines, in the order in which they stand on it.
        pages: the names of their pages as people know them; each is named once.
        batch: names the import that makes it.
    """
    return {
        "lines": [_line_data(each) for each in shown],
        "pages": ", ".join(dict.fromkeys(pages)),
        "count": len(shown),
        KEY: FORM,
        BATCH: batch,
    }


def is_sheet(task: Json) -> bool:
    """Whether a task is a sheet in the form that is read here."""
    data = task.get("data")
    return isinstance(data, Mapping) and data.get(KEY) == FORM and isinstance(data.get("lines"), list)


def sheet_lines(task: Json) -> list[SheetLine]:
    """The lines of a sheet.

    Args:
        task: of the line project, as it stands in an export or in an answer of Label Studio.

    Returns:
        The lines with their places; empty for a task that is no sheet. A line that somebody changed so
        that it cannot be read is left out, and the others keep their places.
    """
    if not is_sheet(task):
        return []
    read = (_line_of(entry, place) for place, entry in enumerate(task["data"]["lines"]))
    return [line for line in read if line is not None]


def _line_data(shown: ShownLine) -> dict[str, Any]:
    line = shown.line
    return {
        "a": line.a,
        "b": line.b,
        **({"audit": True} if line.audit else {}),
        "page": {
            "project": line.key.project,
            "task": line.key.task,
            "region": line.key.region,
            "page": line.page,
            "prediction": line.prediction,
            "model_version": line.model_version,
            "quad": [[x, y] for x, y in line.quad],
        },
        "strip": shown.strip,
        "options": [dict(option) for option in shown.options],
    }


def _line_of(entry: object, place: int) -> SheetLine | None:
    """One line as it was written; None where it was not written by us, or changed."""
    if not isinstance(entry, Mapping) or not isinstance(page := entry.get("page"), Mapping):
        return None
    texts = [entry.get("a"), entry.get("b"), page.get("model_version"), page.get("region")]
    numbers = [page.get(name) for name in ("project", "task", "page", "prediction")]
    quad = _corners(page.get("quad"))
    # bool is an int, and no id
    if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in numbers):
        return None
    a, b, version, region = map(str, texts)
    project, task, image, prediction = (int(number) for number in numbers if number is not None)
    if quad is None or not region or image < 0:
        return None
    key, audit = LineKey(project, task, region), entry.get("audit") is True
    return SheetLine(key, a, b, image, prediction, version, quad, place, audit)


def _corners(quad: object) -> Corners | None:
    if not isinstance(quad, list) or len(quad) != 4:
        return None
    if not all(isinstance(point, list) and len(point) == 2 for point in quad):
        return None
    if not all(type(number) in (int, float) and math.isfinite(number) for point in quad for number in point):
        return None
    return tuple((float(x), float(y)) for x, y in quad)
