"""Forgetting: characters that PaddleOCR's own model reads, and a trained one does not read any longer.

A training on a team's labels shows the model the letters of those labels alone, and what it is not shown it
unlearns (M. McCloskey and N. J. Cohen, "Catastrophic interference in connectionist networks", Psychology of
Learning and Motivation 24 (1989), 109-165). The test set cannot show that, because it lacks these characters,
too; so both models read rendered lines of them.
"""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from backend.page.lines import Pixels
from backend.rendering.fonts import font_package, font_with
from backend.rendering.lines import rendered_line, why_not_rendered
from backend.rendering.texts import texts_of
from backend.seams import LineReader
from backend.text import languages
from backend.text.cleaning import plain_text
from backend.text.look_alikes import script_of
from converters.evaluation.characters import confusions_in
from converters.evaluation.line_results import LineResult, read_crops

MOST = 240
"""Characters that are tested; of more, a sample. They take two models some 10 s on a quiet machine."""
TIMES = 4
"""How often each character is shown."""
PER_LINE = 12
"""Characters that a line of `texts_of` shows."""
KNEW = 0.75
"""From this recall on PaddleOCR's model reads a character."""
LOST = 0.5
"""Below this recall the new model does not read it."""
SEED = 1

FindFont = Callable[[Iterable[str]], Path | None]


@dataclass(frozen=True, slots=True)
class CharacterMemory:
    """How often two models read one character.

    shown: times.
    stock, new: times that each read it.
    """

    character: str
    shown: int
    stock: int
    new: int

    @property
    def known(self) -> bool:
        """PaddleOCR's model reads it."""
        return self.stock >= KNEW * self.shown

    @property
    def forgotten(self) -> bool:
        """PaddleOCR's model reads it, and the new one does not."""
        return self.known and self.new < LOST * self.shown


@dataclass(frozen=True)
class Forgetting:
    """What a trained model forgot.

    base: PaddleOCR's own model, by its identity.
    unlabelled: characters of its dictionary that the team did not label.
    outside: those of them that the new model's dictionary lacks, so that it cannot write them at all.
    not_chosen: those that both could write and that were not tested, because there are too many.
    no_font: those that no font of this machine has.
    not_rendered: those that cannot be laid out on this machine.
    tested: the others, each with how often it was read.
    lines: rendered lines.
    """

    base: str
    unlabelled: int
    outside: tuple[str, ...]
    not_chosen: int
    no_font: tuple[str, ...]
    not_rendered: tuple[str, ...]
    tested: tuple[CharacterMemory, ...]
    lines: int

    @cached_property
    def forgotten(self) -> list[CharacterMemory]:
        """Those that PaddleOCR's model reads and the new one does not."""
        return [one for one in self.tested if one.forgotten]

    @property
    def known(self) -> int:
        """How many of the tested ones PaddleOCR's model reads."""
        return sum(one.known for one in self.tested)

    def summary(self) -> dict[str, Any]:
        """For machines."""
        return {
            "base": self.base,
            "unlabelled": self.unlabelled,
            "outside_the_new_dictionary": len(self.outside),
            "not_chosen": self.not_chosen,
            "no_font": "".join(self.no_font),
            "not_rendered": "".join(self.not_rendered),
            "tested": len(self.tested),
            "lines": self.lines,
            "known_to_base": self.known,
            "forgotten": [
                {"character": one.character, "shown": one.shown, "base": one.stock, "new": one.new}
                for one in self.forgotten
            ],
        }


@dataclass(frozen=True, slots=True)
class ForgettingPlan:
    """Which lines are rendered, and which characters they cannot show; the fields are those of `Forgetting`.

    lines: text and font of each.
    """

    lines: tuple[tuple[str, Path], ...]
    chosen: tuple[str, ...]
    unlabelled: int
    outside: tuple[str, ...]
    not_chosen: int
    no_font: tuple[str, ...]
    not_rendered: tuple[str, ...]


def plan(
    base: frozenset[str],
    new: frozenset[str],
    labelled: frozenset[str],
    language: str,
    seed: int = SEED,
    *,
    find_font: FindFont = font_with,
) -> ForgettingPlan:
    """Choose what is rendered.

    Args:
        base: dictionary of PaddleOCR's own model.
        new: dictionary of the trained one.
        labelled: characters that the team labelled.
        language: whose letters are tested first, with ASCII; of the others a sample.
        seed: of the sample.
        find_font: gives a font that has all these characters; None where there is none.
    """
    unlabelled = sorted(char for char in base - labelled if _is_testable(char))
    outside = tuple(char for char in unlabelled if char not in new)
    both = [char for char in unlabelled if char in new]
    own = {part for letter in languages.letters(language) for part in letter}
    first = [char for char in both if char.isascii() or char in own]
    others = sorted(set(both) - set(first))
    random.Random(str(seed)).shuffle(others)  # noqa: S311 - nothing here is a secret
    chosen = sorted([*first, *others][:MOST])
    not_rendered = tuple(char for char in chosen if why_not_rendered(char) is not None)
    lines: list[tuple[str, Path]] = []
    shown: list[str] = []
    for _, alike in groupby(sorted(set(chosen) - set(not_rendered), key=_order), key=_kind):
        for font, chars in _fonts(list(alike), find_font):
            count = -(-len(chars) * TIMES // PER_LINE)
            lines += [(text, font) for text in texts_of(chars, count, seed)]
            shown += chars
    no_font = tuple(char for char in chosen if char not in shown and char not in not_rendered)
    return ForgettingPlan(
        tuple(lines), tuple(shown), len(unlabelled), outside, len(both) - len(chosen), no_font, not_rendered
    )


def _kind(char: str) -> str:
    """Characters of one kind stand together in a line: a strange sign beside a letter spoils its reading."""
    return "ASCII" if char.isascii() else script_of(char)


def _order(char: str) -> tuple[str, str]:
    return _kind(char), char


def _fonts(chars: Sequence[str], find_font: FindFont) -> list[tuple[Path, list[str]]]:
    """Fonts and the characters that each has; what no font has is left out."""
    font = find_font(chars)
    if font is not None:
        return [(font, list(chars))]
    if len(chars) == 1:
        return []
    middle = len(chars) // 2
    return [*_fonts(chars[:middle], find_font), *_fonts(chars[middle:], find_font)]


def forgetting(
    planned: ForgettingPlan,
    base: LineReader,
    new: LineReader,
    done: Callable[[int], None] = lambda count: None,
) -> Forgetting:
    """Let both models read the rendered lines.

    Args:
        planned: what is rendered.
        base: PaddleOCR's own model.
        new: the trained one.
        done: called with how many more lines are read; every line is read twice.

    Raises:
        ReaderUnavailable: a model did not answer.
    """
    shown: Counter[str] = Counter()
    for text, _ in planned.lines:
        shown.update(plain_text(text))
    hits = []
    for reader in (base, new):
        read = read_crops(reader, _rendered(planned.lines), done)
        hits.append(_hits([text for text, _ in planned.lines], list(read)))
    tested = tuple(
        CharacterMemory(char, shown[char], hits[0][char], hits[1][char])
        for char in planned.chosen
        if shown[char]
    )
    return Forgetting(
        base.identity,
        planned.unlabelled,
        planned.outside,
        planned.not_chosen,
        planned.no_font,
        planned.not_rendered,
        tested,
        len(planned.lines),
    )


def sentences(found: Forgetting, language: str) -> list[str]:
    """What was tested, what was forgotten and what could not be tested, for people."""
    said = []
    if found.tested:
        said.append(
            f"Of {found.unlabelled:,} characters of {found.base} that the team did not label, "
            f"{len(found.tested):,} were tested on {found.lines:,} rendered lines; {found.base} reads "
            f"{found.known:,} of them, and the new model no longer reads {len(found.forgotten):,} of these."
        )
    elif not found.unlabelled:
        said.append(f"The team labelled every character of {found.base}, so none can be forgotten unseen.")
    if found.outside:
        said.append(
            f"{len(found.outside):,} more are not in the new model's dictionary, so it can never write them."
        )
    if found.not_chosen:
        said.append(f"{found.not_chosen:,} more were not tested: the test takes a sample of {MOST:,}.")
    if found.no_font:
        own = set(found.no_font) & {part for letter in languages.letters(language) for part in letter}
        cure = f"apt-get install {font_package(language)}" if own else "install one that does"
        said.append(
            f"{len(found.no_font):,} could not be tested, because no font of this machine has them "
            f"({_few(found.no_font)}); {cure}."
        )
    if found.not_rendered:
        said.append(
            f"{len(found.not_rendered):,} could not be tested ({_few(found.not_rendered)}). "
            f"{why_not_rendered(found.not_rendered[0])}."
        )
    return said


def _few(characters: Sequence[str]) -> str:
    return " ".join(characters[:20]) + (" …" if len(characters) > 20 else "")


def _rendered(lines: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, Pixels]]:
    for text, font in lines:
        yield f"the rendered line {text!r}", rendered_line(text, font)


def _hits(truths: Sequence[str], read: Sequence[str]) -> Counter[str]:
    """How often each character was read."""
    found: Counter[str] = Counter()
    for truth, said in zip(truths, read, strict=True):
        line = LineResult("", "", plain_text(truth), plain_text(said))
        found.update(line.truth)
        found.subtract(confusion.truth for confusion in confusions_in(line) if confusion.truth)
    return found


def _is_testable(char: str) -> bool:
    """Whether it is one visible character in the form in which texts are compared."""
    return len(char) == 1 and plain_text(char) == char and unicodedata.category(char)[0] not in "CZ"
