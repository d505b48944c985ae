"""A round in a terminal: a line for each step, what the present one said last, how it ended."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console
from rich.text import Text

from backend.outputs import check_writable, printable, write_summary
from backend.rounds import Rounds, RoundState
from backend.settings import logs, settings
from converters.rounds.round import Program, RoundRequest, Watcher, run_round
from converters.rounds.step_process import STOPS
from converters.rounds.steps import NAMES, Judged


def run(
    project: int,
    program: Program,
    *,
    least_lines: int = 0,
    resume: bool = False,
    started_by: str = "a person",
    summary_json: Path | None = None,
) -> int:
    """Run a round by the settings, and print how it goes.

    Args:
        project: its id.
        program: what runs a step.
        least_lines: no training for fewer new lines than this.
        resume: take up the last round.
        started_by: who asked, in words.
        summary_json: where to write the end for machines.

    Returns:
        The exit code.

    Raises:
        RoundRunning: another one runs.
        BadRequest: there is no round to go on with.
        OperatorError: there is no room, or a file cannot be written.
    """
    values = settings.load()
    logs.configure(values.log_level)
    if summary_json:
        check_writable(summary_json)
    request = RoundRequest(project, values.round_options, least_lines, started_by, resume)
    rounds = Rounds(values.cache_dir)
    console = Console(highlight=False, soft_wrap=True)
    # a service manager and a closed terminal end a round as Ctrl-C does; and a step that is started from here
    # hears Ctrl-C even where a shell told this process to ignore it
    for sign in STOPS:
        signal.signal(sign, signal.default_int_handler)
    with console.status("") as status:

        def show(line: Text) -> None:
            status.update(line)

        state, code = run_round(rounds, request, program, _watcher(console, show))
    style = "green" if state.promoted else "yellow" if state.state == "done" else "red"
    console.print(printable(f"Round {state.number} {state.outcome}"), style=style, markup=False)
    if state.state == "failed" and state.finished:
        console.print(
            f"When that is mended, 'twinread round --project {project} --resume' goes on at {state.step}; "
            "without --resume a new round begins with a new export."
        )
    console.print(f"Logs and results: {rounds.round_folder(project, state.number)}", markup=False)
    if summary_json:
        write_summary(summary_json, asdict(state))
    return code


def _watcher(console: Console, show: Callable[[Text], None]) -> Watcher:
    """Prints a line for each step that has ended, and shows the last line of the one that runs."""
    present = [""]

    def begins(state: RoundState) -> None:
        place = NAMES.index(state.step) + 1
        present[0] = f"{place}/{len(NAMES)} {state.step:<12}"
        show(Text(present[0]))

    def says(line: str) -> None:
        show(Text(f"{present[0]} {printable(line)}"[: console.width - 4]))

    def ends(state: RoundState, judged: Judged) -> None:
        spent = datetime.now(timezone.utc) - datetime.fromisoformat(state.step_since)
        minutes, seconds = divmod(int(spent.total_seconds()), 60)
        how = "done" if judged.goes_on else "FAILED"
        console.print(f"{present[0]} {how} in {minutes}:{seconds:02}", markup=False)
        for note in judged.notes:
            console.print(f"{'':17}{printable(note)}", markup=False)

    return Watcher(begins, says, ends)
