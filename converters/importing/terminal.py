"""What an import came to, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from backend.outputs import printable
from converters.importing.totals import ImportTotals
from converters.paddleocr.label_files import LabelFile

MOST_SHOWN = 20
"""Rows and regions left out that the terminal names; the summary for machines has them all."""


def tell(totals: ImportTotals, files: Sequence[LabelFile], console: Console) -> None:
    """Print what an import came to, with the first rows that were left out.

    Args:
        totals: of all files together.
        files: that were imported.
        console: where to print.
    """
    summary = totals.summary()
    sets = ", ".join(f"{file.name} ({file.kind if file.count else 'empty'})" for file in files)
    rows: list[tuple[str, int]] = [
        ("tasks made", totals.made),
        ("already in the project", totals.already_there),
    ]
    rows += [(f"left out: {why}", count) for why, count in summary["rows_left_out"].items()]
    console.print(f"{printable(sets)}: {_count(totals.rows, 'row')}", markup=False, highlight=False)
    for what, count in rows:
        console.print(f"  {count:>7,}  {what}", markup=False, highlight=False)
    done = totals.made + totals.already_there + len(totals.rows_left_out)
    if done < totals.rows:
        console.print(f"  {totals.rows - done:>7,}  not reached", markup=False, highlight=False)
    console.print(f"{_count(totals.lines, 'line')} on the new tasks", end="", markup=False, highlight=False)
    notes = [f"{count} left out: {why}" for why, count in summary["regions_left_out"].items()]
    notes += [f"{totals.reshaped} drawn as the rectangle around their polygon"] * bool(totals.reshaped)
    console.print("".join(f"; {note}" for note in notes) + ".", markup=False, highlight=False)
    if totals.moved:
        image, file = totals.moved[0]
        console.print(
            f"{_count(len(totals.moved), 'image')} found by the end of the name alone ({printable(file)} for "
            f"{printable(image)}, for example): names with the backslashes of Windows, of another "
            "machine, or of a folder that was renamed. Look whether they are the right ones.",
            markup=False,
            highlight=False,
        )
    if totals.converted:
        console.print(
            f"{_count(totals.converted, 'image')} uploaded as another file: TIFF as PNG, renamed to what "
            "it is, or without an EXIF tag that PaddleOCR and a browser take differently.",
            markup=False,
        )
    if totals.noted:
        console.print(f"{_count(len(totals.noted), 'note')} on images, for their reviewers.", markup=False)
    if totals.changed:
        console.print(
            f"{_count(totals.changed, 'row')} already there now say something else; their tasks are left "
            "as they are.",
            markup=False,
        )
    if totals.still_predictions:
        console.print(
            f"{_count(totals.still_predictions, 'row')} already there stay predictions that wait for "
            "review, because no import changes a task that is in the project; confirm them in Label Studio, "
            "or delete their tasks there and import again with --as-annotations.",
            markup=False,
        )
    told = [(row.file, row.line, row.image, row.sentence) for row in totals.in_order]
    told += [(note.file, note.line, note.image, note.note) for note in totals.noted]
    for file, line, image, sentence in told[:MOST_SHOWN]:
        about = f"{file}, row {line}" + (f", {image}" if image else "")
        sentence = " ".join(sentence.split())
        what = printable(f"{about}: {sentence.removesuffix('.')}.")
        console.print(f"  {what}", markup=False, highlight=False)
    more = len(told) - MOST_SHOWN
    if more > 0:
        console.print(f"  and {more:,} more; --summary-json FILE lists them all.", markup=False)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
