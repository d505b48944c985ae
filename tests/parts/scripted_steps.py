"""Sub-commands of a round that do as a script says: they write what the real ones write, in no time.

Run as a program: `python scripted_steps.py SCRIPT export --project 3 ...`. The script is JSON. For each step
it may say `code`, `says` (lines to print), `summary` (for machines), `waits` (until it is ended), `kills`
(itself, by that signal) and `tries` (only in these tries of the step, from 1). What was run stands in
`calls.jsonl` beside the script, and `STEP.began` appears when a step is at its work.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USUAL: dict[str, dict[str, Any]] = {
    "export": {"written": True, "rows": {"rec_gt_train.txt": 40, "rec_gt_test.txt": 12}, "difference": {}},
    "check": {"files": []},
    "train": {},
    "export-model": {},
    "evaluate": {},
    "promote": {
        "promoted": True,
        "sentence": "It is better: it misreads 9.1 of 100 characters, the present one 12.4.",
        "difference": {"pages": 23, "lines": 310, "cer_old": 0.124, "cer_new": 0.0912},
    },
}


def main(script: Path, step: str, arguments: list[str]) -> int:
    told = json.loads(script.read_text("utf-8")).get(step, {})
    calls = script.with_name("calls.jsonl")
    earlier = calls.read_text("utf-8").splitlines() if calls.exists() else []
    with calls.open("a", encoding="utf-8") as file:
        file.write(json.dumps([step, *arguments]) + "\n")
    tries = sum(json.loads(line)[0] == step for line in earlier) + 1
    if tries not in told.get("tries", [tries]):
        told = {}
    if step == "train":
        run = Path(arguments[arguments.index("--out") + 1])
        run.mkdir(parents=True, exist_ok=True)
        for name in ("run.json", "config.yml", "base.pdparams"):
            (run / name).touch()
    for line in told.get("says", []):
        print(line, flush=True)
    script.with_name(f"{step}.began").touch()
    if told.get("waits"):
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            print("Stopped as Ctrl-C stops it.")
            return 1
    if "kills" in told:
        os.kill(os.getpid(), told["kills"])
    code = int(told.get("code", 0))
    summary = told.get("summary", USUAL[step] if code == 0 else None)
    if summary is not None:
        Path(arguments[arguments.index("--summary-json") + 1]).write_text(json.dumps(summary), "utf-8")
    return code


@dataclass(frozen=True)
class ScriptedSteps:
    """The script of a test, and what came of it."""

    script: Path

    @classmethod
    def in_folder(cls, folder: Path, **steps: dict[str, Any]) -> ScriptedSteps:
        """Write a script; a step's name has `_` for `-`."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder / "script.json")
        made.tell(**steps)
        return made

    def tell(self, **steps: dict[str, Any]) -> None:
        """Let the steps do otherwise from now on."""
        named = {name.replace("_", "-"): does for name, does in steps.items()}
        self.script.write_text(json.dumps(named), "utf-8")

    def __call__(self, step: str) -> tuple[str, ...]:
        """The program of a step."""
        return (sys.executable, __file__, str(self.script))

    @property
    def calls(self) -> list[list[str]]:
        """What was run: the step's name and its arguments."""
        calls = self.script.with_name("calls.jsonl")
        return [json.loads(line) for line in calls.read_text("utf-8").splitlines()] if calls.exists() else []

    @property
    def ran(self) -> list[str]:
        """The steps, in the order in which they were run."""
        return [call[0] for call in self.calls]

    def wait_for(self, step: str) -> None:
        """Return when the step is at its work."""
        end = time.monotonic() + 60
        while not self.script.with_name(f"{step}.began").exists():
            assert time.monotonic() < end, f"{step} did not begin"
            time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
