"""An evaluation on the terminal: what could be mistaken, and what a terminal must not obey."""

from __future__ import annotations

import io

from rich.console import Console

from converters.evaluation import terminal
from converters.evaluation.evaluation import Evaluation, compared
from converters.evaluation.forgetting import CharacterMemory, Forgetting
from converters.evaluation.judged import Judged
from tests.evaluation.lines import line, pages


def told(results, others=(), forgot=None, notes=()):
    console = Console(file=io.StringIO(), width=150, highlight=False)
    found = Evaluation(
        "models/ru-1", "PP-OCRv5@01234567", "dataset", "test", "en", tuple(results), tuple(notes)
    )
    terminal.tell(Judged(found, tuple(others), forgot), console)
    return console.file.getvalue()


def test_letters_that_look_alike_are_named_by_their_script():
    said = told([line("со", "cо"), line("7", "9", crop="b.png"), line("a b", "ab", crop="c.png")])
    assert "Cyrillic с read as Latin c (1)" in said
    assert "7 read as 9 (1)" in said
    assert "space left out (1)" in said


def test_nothing_of_a_foreign_text_is_obeyed():
    said = told([line("[red]\x1b[31m", "\\[/]")], notes=["[bold]"])
    assert "\x1b" not in said
    assert "[red]\\x1b[31m" in said
    assert "[bold]" in said


def test_characters_that_are_forgotten_stand_as_they_are():
    memories = tuple(CharacterMemory(char, 4, 4, 0) for char in "[\\]")
    said = told([line("a", "a")], forgot=Forgetting("base", 3, (), 0, (), (), memories, 1))
    assert "No longer read: [ \\ ]" in said


def test_a_difference_is_said_with_its_interval_and_in_words():
    new, old = pages([1, 0] * 12), pages([5, 4] * 12)
    said = told(new, [compared(new, old, "stock", "PP-OCRv5")])
    assert (
        "CER 45.0 % -> 5.0 %, \u221240.00 points; exact 0 -> 12. Fewer errors than it, and not by chance."
        in said
    )
