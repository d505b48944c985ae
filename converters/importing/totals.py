"""What an import came to, for people and machines; it adds up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from converters.paddleocr.label_files import LeftOut, RegionReason, RowReason


@dataclass(frozen=True, slots=True)
class RowNote:
    """What people must know of the image of a row that became a task.

    note: a sentence without its full stop.
    """

    file: str
    line: int
    image: str
    note: str


@dataclass
class ImportTotals:
    """What an import came to: rows = made + already there + left out, regions = on pages + left out.

    already_there: rows whose task the project has already.
    changed: of those, rows that now say something else; the tasks are left as they are.
    still_predictions: of those, rows that should be annotations now, and whose tasks have none.
    moved: images found by the end of their names alone: the name in the file, and the file's.
    converted: images that were uploaded as another file than the one in the set.
    noted: new tasks whose image has a note, such as further pages in its file.
    regions_unreadable: where each of the regions left out is that could not be read.
    """

    rows: int = 0
    made: int = 0
    already_there: int = 0
    changed: int = 0
    still_predictions: int = 0
    converted: int = 0
    noted: list[RowNote] = field(default_factory=list)
    lines: int = 0
    reshaped: int = 0
    moved: list[tuple[str, str]] = field(default_factory=list)
    rows_left_out: list[LeftOut] = field(default_factory=list)
    regions_left_out: list[RegionReason] = field(default_factory=list)
    regions_unreadable: list[LeftOut] = field(default_factory=list)

    @property
    def in_order(self) -> list[LeftOut]:
        """The rows left out and the regions that cannot be read, file by file and row by row."""
        return sorted([*self.rows_left_out, *self.regions_unreadable], key=lambda out: (out.file, out.line))

    def summary(self) -> dict[str, Any]:
        """Everything, for machines."""
        by_why = {why: sum(row.why is why for row in self.rows_left_out) for why in RowReason}
        regions = {why: self.regions_left_out.count(why) for why in RegionReason}
        return {
            "rows": self.rows,
            "tasks_made": self.made,
            "already_there": self.already_there,
            "already_there_with_other_labels": self.changed,
            "already_there_and_still_predictions": self.still_predictions,
            "rows_left_out": {why.value: count for why, count in by_why.items() if count},
            "lines": self.lines,
            "lines_reshaped": self.reshaped,
            "regions_left_out": {why.value: count for why, count in regions.items() if count},
            "images_converted": self.converted,
            "images_found_by_end_of_name": [{"image": image, "file": file} for image, file in self.moved],
            "notes": [
                {"file": note.file, "row": note.line, "image": note.image, "note": note.note}
                for note in self.noted
            ],
            "problems": [
                {"file": row.file, "row": row.line, "image": row.image, "why": row.why.value}
                | {"sentence": row.sentence, "regions": row.regions}
                for row in self.in_order
            ],
        }
