"""What a check came to: all label files of a dataset together, and what would mend them; pure."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from converters.paddleocr import dictionaries, training_config
from converters.paddleocr.dictionaries import Dictionary
from converters.paddleocr.findings import FileCheck, Finding, Outcome, RowCheck
from converters.paddleocr.training_config import RecognitionRules, steps_needed

EXAMPLES = 3
"""Images that are named for a character outside the dictionary."""


@dataclass(frozen=True, slots=True)
class OutsideCharacter:
    """A character outside the dictionary: how often it occurs, and some images that show it."""

    character: str
    count: int
    images: tuple[str, ...]

    @property
    def extendable(self) -> bool:
        """It can go into a dictionary; else the text wants correcting."""
        return dictionaries.belongs_in_dictionary(self.character)


@dataclass(frozen=True)
class CheckResult:
    """All that a check found.

    rules: for recognition, as the config or the defaults have them.
    dictionary: None where none is known; then characters were not looked at.
    notes: what was assumed or could not be looked at.
    """

    files: tuple[FileCheck, ...]
    rules: RecognitionRules
    dictionary: Dictionary | None
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when PaddleOCR would train on every row as it stands, else 1."""
        whole = all(row.outcome is Outcome.KEPT for row in self.every_row)
        return (
            0 if whole and not any(problem.stops for file in self.files for problem in file.problems) else 1
        )

    @cached_property
    def every_row(self) -> tuple[RowCheck, ...]:
        """The rows of all files."""
        return tuple(row for file in self.files for row in file.rows)

    @cached_property
    def texts(self) -> tuple[RowCheck, ...]:
        """The recognition rows that have a text."""
        return tuple(
            row for file in self.files if file.kind == "recognition" for row in file.rows if row.text
        )

    @cached_property
    def findings(self) -> dict[Finding, list[tuple[FileCheck, RowCheck]]]:
        """The rows behind each finding with their files, weightiest finding first."""
        found: dict[Finding, list[tuple[FileCheck, RowCheck]]] = defaultdict(list)
        for file in self.files:
            for row in file.rows:
                for finding in dict.fromkeys(row.findings):
                    found[finding].append((file, row))
        return dict(sorted(found.items(), key=lambda item: (-item[0].weight, -len(item[1]), item[0].name)))

    @cached_property
    def outside(self) -> tuple[OutsideCharacter, ...]:
        """The characters outside the dictionary, most frequent first."""
        counts: Counter[str] = Counter()
        images: dict[str, dict[str, None]] = defaultdict(dict)
        for row in self.texts:
            for char in row.outside:
                counts[char] += 1
                if len(images[char]) < EXAMPLES:
                    images[char][row.image] = None
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(OutsideCharacter(char, count, tuple(images[char])) for char, count in ordered)

    @cached_property
    def lengths(self) -> Counter[int]:
        """How many texts have how many characters."""
        return Counter(len(row.text) for row in self.texts)

    @cached_property
    def widths(self) -> list[int]:
        """The widths of all crops, in pixels, at the height at which the model reads."""
        pictures = (row.picture for row in self.texts if row.picture and row.picture.width)
        return [self.rules.natural_width(picture.width, picture.height) for picture in pictures]

    @property
    def rows_to_train(self) -> int:
        """The rows of training lists that have a text and an image, which other settings can keep."""
        lists = (file for file in self.files if file.kind == "recognition" and file.part in ("train", ""))
        return sum(
            bool(row.text and row.picture and row.picture.width) and Finding.UNLEARNABLE not in row.findings
            for file in lists
            for row in file.rows
        )

    @property
    def fitting_length(self) -> int | None:
        """A `max_text_length` that no text exceeds; None when the one in force fits."""
        long = [len(row.text) for _, row in self.findings.get(Finding.TOO_LONG, [])]
        return max(long) + self.rules.reserved if long else None

    @property
    def fitting_width(self) -> int | None:
        """A training width into which crops and labels fit; None when the one in force does.

        None, too, where the network has as many steps at any width: a wider crop gives a label none more,
        and squeezes what the network sees in a step.
        """
        if self.rules.most_steps is not None or not self.findings.keys() & {
            Finding.SQUEEZED,
            Finding.FEW_STEPS,
            Finding.TOO_LONG,
        }:
            return None
        needed = max((steps_needed(row.text) for row in self.texts), default=0)
        width = training_config.fitting_width(self.rules, self.widths, needed)
        return width if width > self.rules.widest else None

    @property
    def fitting_dictionary(self) -> Dictionary | None:
        """A dictionary that can write all that people can see; None when the one in force does."""
        if self.dictionary is None:
            made = dictionaries.dictionary_of(row.text for row in self.texts)
            return Dictionary(made.entries, self.rules.use_space_char) if made.entries else None
        # decomposed letters want composing, not a dictionary with accents in it
        composed = (unicodedata.normalize("NFC", row.text) for row in self.texts if row.outside)
        grown = dictionaries.extended(self.dictionary, (char for text in composed for char in text))
        return grown if grown != self.dictionary else None

    def summary(self) -> dict[str, Any]:
        """The same for machines: plain JSON values; kept rows without a finding are only counted."""
        return {
            "exit_code": self.exit_code,
            "notes": list(self.notes),
            "files": [_file_summary(file) for file in self.files],
            "outside": [
                {
                    "character": one.character,
                    "name": dictionaries.character_name(one.character),
                    "count": one.count,
                }
                | {"images": list(one.images), "extendable": one.extendable}
                for one in self.outside
            ],
            "dictionary_checked": self.dictionary is not None,
            "lengths": {str(length): count for length, count in sorted(self.lengths.items())},
            "longest_label": self.rules.longest_label,
            "max_text_length": self.fitting_length,
            "width": self.fitting_width,
        }


def _file_summary(file: FileCheck) -> dict[str, Any]:
    remarkable = [row for row in file.rows if row.outcome is not Outcome.KEPT or row.findings]
    return {
        "name": file.name,
        "kind": file.kind,
        "part": file.part,
        "rows": len(file.rows),
        "outcomes": {
            outcome.value: count for outcome, count in sorted(file.outcomes.items(), key=lambda o: o[0].rank)
        },
        "problems": [{"sentence": problem.sentence, "stops": problem.stops} for problem in file.problems],
        "telling": [
            {"line": row.line, "image": row.image, "text": row.text, "outcome": row.outcome.value}
            | {"trained": row.trained, "findings": [finding.name for finding in row.findings]}
            for row in remarkable
        ],
    }
