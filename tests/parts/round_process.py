"""`twinread round` as a process of its own, whose steps do as a script says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from backend.errors import TwinreadError
from converters.rounds import command
from tests.parts.scripted_steps import ScriptedSteps

ROOT = Path(__file__).resolve().parents[2]

CODE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.parts.round_process import main
main(sys.argv[1].split(","), sys.argv[2], sys.argv[4:])
"""


def program(steps: ScriptedSteps, *real: str) -> tuple[str, ...]:
    """What stands for `twinread` in `twinread round ...`; the steps in `real` are twinread's own."""
    return (sys.executable, "-c", CODE, ",".join(real), str(steps.script))


def started(steps: ScriptedSteps, cache: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a round of project 3 in the background, in a process group of its own."""
    return subprocess.Popen(
        [*program(steps), "round", "--project", "3", *arguments],
        env={**os.environ, "CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def main(real: Sequence[str], script: str, arguments: list[str]) -> None:
    """Call the command as the entry point does, with other programs for its steps."""
    steps = ScriptedSteps(Path(script))

    def chosen(step: str) -> Sequence[str]:
        return command.twinread_itself(step) if step in real else steps(step)

    try:
        command.round_.main(arguments, obj=chosen)
    except TwinreadError as error:
        print(f"twinread: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
