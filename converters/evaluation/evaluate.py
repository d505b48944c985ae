"""Reads a part of a dataset with a model, and puts others beside it: what the command and `promote` call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from backend.errors import BadRequest
from backend.settings.settings import Settings
from backend.text.languages import language_code
from converters.evaluation.evaluation import Comparison, Evaluation, compared
from converters.evaluation.line_results import LabelledLine, LineResult, read_rows, result_of
from converters.evaluation.models import READINGS, folder_of, open_model, trained_pages
from converters.evaluation.rows import PartLines, read_part

Done = Callable[[int], None]

FILLED_IN = "what people found filled in"
PLACES = ("first", "second", "third", "fourth")


def evaluate(
    model: str | Path,
    dataset: Path,
    part: str = "test",
    *,
    settings: Settings,
    language: str | None = None,
    lines: PartLines | None = None,
    done: Done = lambda count: None,
) -> Evaluation:
    """Read a part of a dataset with a model, and count.

    Args:
        model: a model's folder; `stock`: PaddleOCR's own model for the language; `current`: the one that the
            backend reads with; `readings`: no model, but what people had found filled in.
        dataset: the folder of an exported dataset.
        part: train, val or test.
        settings: the engine, where models are, the language.
        language: of the lines; None for OCR_LANGUAGE.
        lines: of the part, where they were read already.
        done: called with how many more lines are read.

    Raises:
        BadRequest: there is no such part, model or reading.
        SettingsWrong: the folder holds no model that this engine loads.
        ReaderUnavailable: the model cannot be had, or did not answer.
        BadImage: a crop cannot be decoded.
    """
    asked, code = str(model), language_code(language or settings.ocr_language)
    found = lines if lines is not None else read_part(dataset, part)
    if asked == READINGS:
        filled_in = _filled_in(found.lines)
        if not filled_in:
            raise BadRequest(
                f"The dataset does not hold {FILLED_IN}, so there is no reading to evaluate. {_EXPORT}"
            )
        return Evaluation(asked, FILLED_IN, str(dataset), part, code, tuple(filled_in), found.notes)
    with open_model(asked, code, settings) as opened:
        results = read_rows(opened.reader, found.lines, done)
        notes = (*found.notes, *opened.notes, *_seen(folder_of(asked, code, settings), found))
        return Evaluation(asked, opened.identity, str(dataset), part, code, tuple(results), notes)


def compare(
    evaluation: Evaluation,
    against: str,
    lines: PartLines,
    *,
    settings: Settings,
    done: Done = lambda count: None,
) -> list[Comparison]:
    """Put others beside a model that was evaluated: one for a model, one for each stored reading.

    Args:
        evaluation: of the model.
        against: a model's folder, `stock`, `current` or `readings`.
        lines: that were read.
        settings: as for `evaluate`.
        done: called with how many more lines are read.

    Raises:
        BadRequest: there is no such model, or the dataset holds no reading.
        TwinreadError: as `evaluate`.
    """
    if against == READINGS:
        found = [
            compared(evaluation.results, results, name, identity)
            for name, identity, results in stored_readings(lines.lines)
        ]
        if not any(found):
            raise BadRequest(
                f"The dataset holds no readings of its lines, so there is nothing to compare. {_EXPORT}"
            )
        return [one for one in found if one is not None]
    other = evaluate(
        against, Path(evaluation.dataset), evaluation.part,
        settings=settings, language=evaluation.language, lines=lines, done=done,
    )  # fmt: skip
    notes = tuple(note for note in other.notes if note not in lines.notes)
    one = compared(evaluation.results, other.results, against, other.identity, notes)
    return [one] if one is not None else []


def stored_readings(lines: Sequence[LabelledLine]) -> list[tuple[str, str, list[LineResult]]]:
    """What was read before people decided, as the dataset keeps it: each reading, and what was filled in.

    A line on which a reader failed, or that a person drew, has no reading of it and is not in the list.

    Returns:
        For each: who it is in words, its reader, and its lines.
    """
    found = []
    for place, word in enumerate(PLACES):
        readings = [
            (line, line.readings[place])
            for line in lines
            if len(line.readings) > place and not line.readings[place].failed
        ]
        if readings:
            names = sorted({reading.reader for _, reading in readings})
            identity = names[0] if len(names) == 1 else f"{len(names)} readers, such as {names[0]}"
            found.append(
                (f"{word} reading", identity, [result_of(line, said.text) for line, said in readings])
            )
    filled_in = _filled_in(lines)
    if filled_in:
        found.append(("filled in", "what people found in the box", filled_in))
    return found


_EXPORT = "Export the project with --project, because export files mostly leave the predictions out."


def _filled_in(lines: Sequence[LabelledLine]) -> list[LineResult]:
    return [result_of(line, line.predicted) for line in lines if line.predicted is not None]


def _seen(folder: Path | None, lines: PartLines) -> list[str]:
    """Whether the model was trained on these very pages."""
    if folder is None:
        return []
    trained = trained_pages(folder)
    if trained is None:
        return [
            f"{folder.name} does not say which pages it was trained on; if it saw these, its figures are "
            "too good."
        ]
    seen = len(trained & lines.pages)
    if not seen:
        return []
    return [
        f"{seen:,} of the {len(lines.pages):,} pages were used in the training of {folder.name}, so its "
        "figures are too good. Judge it on pages that it never saw."
    ]
