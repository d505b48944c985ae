"""What PaddleOCR would make of label files as wholes, beside what it makes of each row; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from converters.paddleocr.encodings import save_as_utf8
from converters.paddleocr.findings import LOST, FileCheck, Finding, ListProblem, Outcome, Part, RowCheck
from converters.paddleocr.label_files import Kind
from converters.paddleocr.training_config import DetectionRules, RecognitionRules


def list_problems(
    file: FileCheck,
    rules: RecognitionRules | DetectionRules,
    of_kind: int | None = None,
    encoding: str | None = None,
) -> tuple[ListProblem, ...]:
    """What PaddleOCR makes of a label file as a whole.

    Args:
        file: with every row checked.
        rules: what the training config says of this kind of file.
        of_kind: the rows of all lists of this kind to train on; None where this is the only one.
        encoding: of the file, where it is not UTF-8.
    """
    fix = " (--fix does it)" if file.kind == "recognition" else ""
    trains = file.part in {"train", ""}
    told = []
    if encoding is not None:
        bad = sum(Finding.NOT_UTF8 in row.findings for row in file.rows)
        told.append(
            ListProblem(
                f"It is not UTF-8 and looks like {encoding}: PaddleOCR loses "
                f"{'every row' if bad in (0, len(file.rows)) else _rows(bad)}. Have a copy of it and "
                f"{save_as_utf8(encoding)}.",
                stops=encoding == "UTF-16",
                loses=True,
            )
        )
    usable = [row for row in file.rows if row.outcome not in LOST]
    if not file.rows:
        what = "says so, trains nothing and reports success" if trains else "stops when it comes to evaluate"
        return (
            *told,
            ListProblem(f"It has no rows: PaddleOCR {what}.", stops=True),
        )
    if not usable:
        return (
            *told,
            ListProblem("None of its rows can be used: PaddleOCR looks for a good one for ever.", stops=True),
        )
    problems = told
    beyond = sum(Finding.UNLEARNABLE in row.findings for row in file.rows)
    if trains and beyond and isinstance(rules, RecognitionRules):
        problems.append(
            ListProblem(
                f"{beyond:,} of its {_rows(len(file.rows))} {_plural(beyond, 'takes', 'take')} more than "
                f"{rules.most_steps} CTC steps (one a character, one more between two alike), and the "
                "network has no more in training: PaddleOCR's loss for such a line is 0, so nothing is "
                "learned from it, and nothing is said. Wider scales or a higher max_text_length do not help; "
                "cut these lines between words into shorter ones.",
                stops=all(row.outcome is Outcome.UNLEARNED for row in usable),
                loses=True,
            )
        )
    pasted = trains and rules.draws_neighbours
    if file.kind == "detection" and pasted and not any(row.four_points for row in usable):
        problems.append(
            ListProblem(
                "No page has regions of four points only: PaddleOCR looks for one to paste from for ever. "
                "Write at least one page with quads.",
                stops=True,
            )
        )
    infecting = sum(row.infects for row in file.rows)
    if infecting:
        problems.append(
            ListProblem(
                f"{_rows(infecting)} also {_plural(infecting, 'makes', 'make')} good rows fail: whenever "
                "PaddleOCR draws such a row as a neighbour, the good row is replaced too.",
                stops=False,
            )
        )
    rows = len(file.rows) if of_kind is None else of_kind
    if trains and not rules.samples and rules.drop_last and rows < rules.batch:
        problems.append(
            ListProblem(
                f"{_rows(rows)} to train on, fewer than one batch of {rules.batch}, and the config leaves a "
                "batch out that is not full (Train.loader.drop_last): PaddleOCR trains nothing and reports "
                f"success. Lower Train.loader.batch_size_per_card{fix}.",
                stops=True,
            )
        )
    elif trains and file.kind == "recognition" and rules.samples and len(usable) < rules.batch:
        problems.append(
            ListProblem(
                f"{_rows(len(usable))} can be used, fewer than one batch of {rules.batch}: "
                f"batches are filled up with repeats. Lower Train.sampler.first_bs{fix}.",
                stops=False,
            )
        )
    return tuple(problems)


def lists_missing(files: Sequence[FileCheck]) -> list[str]:
    """What a dataset lacks as a whole: PaddleOCR wants a list to train on and another to evaluate on."""
    notes = []
    for kind in dict.fromkeys(file.kind for file in files):
        parts = {file.part for file in files if file.kind == kind}
        filled = {file.part for file in files if file.kind == kind and file.rows}
        if "train" in filled and "val" not in parts:
            notes.append(
                f"For {kind} there are rows to train on and no list for evaluation (a name with 'val'): "
                "PaddleOCR cannot tell which of its models is the best. Give val a share when you export "
                "(--split 8:1:1), or name a list of your own under Eval in the config."
            )
        if "val" in filled and not parts & {"train", ""}:
            notes.append(
                f"For {kind} there are rows for evaluation and no list to train on (a name with 'train'): "
                "PaddleOCR has nothing to learn from. Export again with more for train (--split 8:1:1)."
            )
    return notes


def compare_pictures(files: Sequence[FileCheck]) -> tuple[FileCheck, ...]:
    """Add to each row what its picture's other rows say: twice the same, another text, another part.

    Rows that are lost anyway are neither compared nor counted.
    """
    parts: dict[tuple[Kind, str], set[Part]] = defaultdict(set)
    texts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for file in files:
        for digest, row in _comparable(file.rows):
            parts[file.kind, digest].add(file.part)
            texts[file.name, digest][row.text] += 1
    compared = []
    for file in files:
        rows = []
        for row in file.rows:
            digest = row.picture.digest if row.picture and row.outcome not in LOST else ""
            more = []
            if digest:
                here = texts[file.name, digest]
                if len(here) > 1:
                    more.append(Finding.CONTRADICTION)
                elif here[row.text] > 1:
                    more.append(Finding.TWICE)
                if file.part and len(parts[file.kind, digest] - {""}) > 1:
                    more.append(Finding.LEAK)
            rows.append(replace(row, findings=(*row.findings, *more)) if more else row)
        compared.append(replace(file, rows=tuple(rows)))
    return tuple(compared)


def _comparable(rows: Iterable[RowCheck]) -> Iterable[tuple[str, RowCheck]]:
    return (
        (row.picture.digest, row)
        for row in rows
        if row.picture and row.picture.digest and row.outcome not in LOST
    )


def _rows(count: int) -> str:
    return f"{count:,} {_plural(count, 'row', 'rows')}"


def _plural(count: int, one: str, several: str) -> str:
    return one if count == 1 else several
