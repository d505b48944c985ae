"""Programs of the trainer's environment: imported here for what needs no Paddle, run there for the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType
from typing import Any

from converters.training.trainer import calls
from tests.parts.trainer import TRAINER


def program(name: str) -> ModuleType:
    """A program as a module; none of them imports Paddle before it is run."""
    folder = str(calls.PROGRAMS)
    if folder not in sys.path:
        sys.path.append(folder)
    return __import__(name)


def in_trainer(code: str, *arguments: object) -> Any:
    """Run a few lines in the trainer's environment; what they call `answer` comes back."""
    text = "\n".join(
        [
            "import json, sys",
            f"sys.path.append({str(calls.PROGRAMS)!r})",
            "import launch",
            code,
            "print(json.dumps(answer))",
        ]
    )
    done = subprocess.run(
        [TRAINER.python, "-W", "ignore", "-c", text, TRAINER.source, *arguments],
        env=calls.environment_of(TRAINER),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
