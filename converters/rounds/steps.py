"""The steps of a round: what is run, and which of its ends let the round go on; pure.

A step is a sub-command of twinread. What it did is known by its exit code and by its summary for machines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.paddleocr.findings import Finding, Weight

SPLIT = "7:1:2"
"""Twice as many pages to judge by as `export` gives by itself: a model is promoted on 20 pages or more that
nobody trained on, which a project then has when it has 100 reviewed pages, and not only at 200."""

CURED_BY_TRAINING = frozenset(
    {
        Finding.TOO_LONG,
        Finding.UNLEARNABLE,
        Finding.ALL_OUTSIDE,
        Finding.SOME_OUTSIDE,
    }
)
"""Rows that PaddleOCR loses under the settings that `check` assumes, and that `train` learns from: it cuts
long lines at gaps between words and appends characters to the dictionary."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a round reads and writes.

    folder: of the round.
    dataset: of the project.
    """

    project: int
    folder: Path
    dataset: Path

    @property
    def run(self) -> Path:
        """What `train` writes."""
        return self.folder / "run"

    @property
    def model(self) -> Path:
        """What `export-model` writes."""
        return self.folder / "model"

    @property
    def evaluation(self) -> Path:
        """The page that `evaluate` writes."""
        return self.folder / "evaluation.html"

    def log(self, step: str) -> Path:
        """All that a step prints."""
        return self.folder / f"{step}.log"

    def summary(self, step: str) -> Path:
        """What a step says of its work, for machines."""
        return self.folder / f"{step}.json"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a step came to.

    goes_on: the next step can follow.
    sentence: why it cannot; for the last step, what it decided.
    notes: what people should know though the round goes on.
    """

    goes_on: bool
    sentence: str = ""
    notes: tuple[str, ...] = ()


LASTING = ("--minutes", "--epochs", "--patience", "--device")
"""Options of `train` that it takes with --resume; all others are the run's own from its beginning."""

Judge = Callable[[int, Mapping[str, Any], str], Judged]
"""Takes exit code, summary and the sentence of the log."""


@dataclass(frozen=True, slots=True)
class Step:
    """One sub-command of a round.

    arguments: what it is given, but for its summary.
    judge: what its end comes to.
    again: its arguments where it is to take up its own unfinished work; the same where it needs no word.
    """

    name: str
    arguments: Callable[[Places], Sequence[object]]
    judge: Judge = field(default=lambda code, summary, said: Judged(code == 0, said))
    again: Callable[[Places, list[str]], list[str]] = field(default=lambda places, arguments: arguments)

    def command(self, places: Places, options: Sequence[str] = ()) -> list[str]:
        """Its arguments behind `twinread`; those of the round win over a person's `options`."""
        given = map(str, (*self.arguments(places), "--summary-json", places.summary(self.name)))
        return [self.name, *options, *given]


def judge_export(code: int, summary: Mapping[str, Any], said: str) -> Judged:
    """Images that could not be had leave out their pages; nothing approved leaves nothing to train on."""
    if not summary.get("written"):
        read = (summary.get("tasks") or {}).get("read")
        if read is None:
            return Judged(False, said)
        return Judged(
            False, f"no line is approved yet in the {read:,} tasks of the project, so nothing can be learned."
        )
    rows = summary.get("rows") or {}
    notes = [f"{sum(rows.values()):,} lines, {new_lines(summary):,} of them new or changed."]
    if lacking := summary.get("pages_without_image"):
        notes.append(f"The images of {lacking:,} pages could not be had; the log says why.")
    return Judged(True, notes=tuple(notes))


def new_lines(summary: Mapping[str, Any]) -> int:
    """Lines that an export brought and that the dataset before did not have so."""
    difference = summary.get("difference") or {}
    if not difference:
        return sum((summary.get("rows") or {}).values())
    return int(difference.get("added", 0)) + int(difference.get("changed", 0))


def judge_check(code: int, summary: Mapping[str, Any], said: str) -> Judged:
    """Go on where `train` cures what PaddleOCR alone would do to rows; stop where the dataset is damaged.

    `check` ends with exit code 1 for any row that would be lost or changed. Most of those are too long or
    have a character that the dictionary lacks. What is left (images that are gone or broken, files that are
    not UTF-8) is nothing that an export writes, so somebody or a disk changed the folder, and a training on
    it would not say which rows are missing. What `check` says of lists as wholes (batches, a missing part) is
    about PaddleOCR's own config, and `train` writes another.
    """
    if code == 0:
        return Judged(True)
    files = summary.get("files")
    if not isinstance(files, list):
        return Judged(False, said)
    damage: Counter[Finding] = Counter()
    cured = 0
    for file in files:
        for row in file.get("telling", ()):
            found = {Finding[name] for name in row.get("findings", ()) if name in Finding.__members__}
            weighty = {one for one in found if one.weight > Weight.DOUBT}
            damage.update(weighty - CURED_BY_TRAINING)
            cured += bool(weighty) and weighty <= CURED_BY_TRAINING
    if damage:
        named = ", ".join(f"{count} x {one.title}" for one, count in damage.most_common(3))
        return Judged(
            False,
            f"the dataset was damaged since it was exported ({named}), and rows of it would be lost. "
            "'twinread check' names the files: remove them, and the next round writes them anew.",
        )
    return Judged(True, notes=(f"Long, or with new characters: {cured:,} rows; train cures them.",))


def judge_promotion(code: int, summary: Mapping[str, Any], said: str) -> Judged:
    """Both answers of the rule are good ends; anything but an answer is a failure."""
    if "promoted" not in summary:
        return Judged(False, said)
    compared = summary.get("difference")
    figures = ""
    if compared is not None:
        old, new = (f"{100 * compared[name]:.1f}" for name in ("cer_old", "cer_new"))
        pages = "page" if compared["pages"] == 1 else "pages"
        figures = f"CER {old} -> {new} % on {compared['pages']} {pages}"
    if summary["promoted"]:
        return Judged(True, f"promoted: {figures or summary['sentence']}")
    return Judged(True, f"not promoted: {summary['sentence']}{f' ({figures}.)' if figures else ''}")


def train_again(places: Places, arguments: list[str]) -> list[str]:
    """Go on with a run that was composed; what was stopped before that begins anew."""
    if not all((places.run / name).exists() for name in ("config.yml", "base.pdparams")):
        return arguments
    kept = []
    at = 1
    while at < len(arguments):
        name, equals, _ = arguments[at].partition("=")
        takes = 1 if equals or not name.startswith("--") else 2
        if not name.startswith("--") or name in (*LASTING, "--out", "--summary-json"):
            kept += arguments[at : at + takes]
        at += takes
    return [arguments[0], *kept, "--resume"]


STEPS: tuple[Step, ...] = (
    Step(
        "export",
        lambda places: (
            *("--project", places.project, "--out", places.dataset),
            *("--format", "recognition", "--split", SPLIT, "--incremental"),
        ),
        judge_export,
    ),
    Step("check", lambda places: (places.dataset,), judge_check),
    Step("train", lambda places: (places.dataset, "--out", places.run), again=train_again),
    Step("export-model", lambda places: (places.run, "--out", places.model, "--replace")),
    Step(
        "evaluate",
        lambda places: (
            *(places.model, places.dataset, "--part", "test", "--against", "current"),
            *("--html", places.evaluation),
        ),
    ),
    Step("promote", lambda places: (places.model, "--dataset", places.dataset), judge_promotion),
)
"""In order; each is `twinread NAME ARGUMENTS`."""

NAMES = tuple(step.name for step in STEPS)
