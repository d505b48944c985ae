"""What a run shows fits the terminal, and adds up."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from backend.bulk.counts import Counts
from backend.bulk.terminal import RunBar, duration, figures, summary
from backend.bulk.uploads import Stored
from backend.pipeline.read_task import Prediction

VERSION = "Scripted x2 for Russian (a model) 1f3a9c07"


def counts() -> Counts:
    """Ten tasks: four stored, one already, one gone, one dropped, two failed, one left."""
    made = Counts(10)
    for task in range(6):
        made.note_read(Prediction(task, tuple({"id": str(line)} for line in range(4)), 0.75, VERSION))
    made.note_stored(Stored((1, 2, 3, 4), already=(5,), gone=(6,), dropped={7: "does not fit"}))
    made.note_failed(8, "This is a PDF file.")
    made.note_failed(9, "This is a PDF file.")
    return made


def test_the_summary_names_what_became_of_every_task() -> None:
    assert list(summary(counts(), VERSION, 120, "24 calls, 900 tokens, 0.0012 USD")) == [
        f"4 of 10 tasks read and stored in 2 min, 3 a minute, as '{VERSION}'. 75% of 24 lines are agreed.",
        "It cost 24 calls, 900 tokens, 0.0012 USD.",
        "1 task was not stored: it got a prediction of this version from elsewhere meanwhile.",
        "1 task was deleted meanwhile.",
        "2 tasks could not be read:",
        "    tasks 8, 9: This is a PDF file.",
        "1 task was read, but Label Studio does not take its prediction:",
        "    task 7: does not fit",
        "1 task is left.",
    ]


def test_the_figures_for_machines_add_up() -> None:
    shown = figures(counts(), VERSION, 120)
    parts = ("stored", "already", "gone", "left")
    named = len(shown["failed"]) + len(shown["dropped"])  # type: ignore[arg-type]
    assert sum(int(shown[name]) for name in parts) + named == shown["total"] == 10  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(4.4, "4 s"), (99, "99 s"), (130, "2 min"), (9000, "2 h 30 min")]
)
def test_times_are_for_people(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize("width", [20, 36, 60, 100])
def test_the_bar_never_takes_a_second_line(width: int) -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=True, color_system=None, highlight=False)
    bar = RunBar(console, counts(), lambda: "0.0012 USD")
    with bar.shown():
        bar.update()
        bar.say("ERNIE does not answer.")
    shown = [line for part in screen.getvalue().split("\r") for line in part.split("\n")]
    plain = ["".join(char for char in line.replace("\x1b[2K", "") if char.isprintable()) for line in shown]
    lines = [line for line in plain if "/10" in line]
    assert lines
    assert max(map(len, lines)) <= width
    assert ("0.0012 USD" in "".join(lines)) == (width > 20)


def test_where_nobody_watches_only_sentences_are_written() -> None:
    written = io.StringIO()
    bar = RunBar(Console(file=written, width=80, highlight=False), counts(), lambda: "")
    with bar.shown():
        bar.update()
        bar.say("ERNIE does not answer.")
    assert written.getvalue() == "ERNIE does not answer.\n"
