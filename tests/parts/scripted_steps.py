"""Sub-commands of a round that do as a script says: they write what the real ones write, in no time.

Run as a program: `python scripted_steps.py SCRIPT export --project 3 ...`. The script is JSON; for each step it
may say `code`, `says` (lines to print), `summary` (for machines), `waits` (until it is ended) and `rounds`
(from this try on it does so, counted from 1; before that it does what is usual). What was run stands in
`calls.jsonl` beside the script.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

USUAL: dict[str, dict[str, Any]] = {
    "export": {"written": True, "rows": {"rec_gt_train.txt": 40, "rec_gt_test.txt": 12}, "difference": {}},
    "check": {"files": []},
    "train": {},
    "export-model": {},
    "evaluate": {},
    "promote": {"promoted": True, "sentence": "promoted: CER 12.4 -> 9.1 % on 23 pages."},
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
    out = [Path(arguments[at + 1]) for at, name in enumerate(arguments) if name == "--out"]
    if step == "train":
        out[0].mkdir(parents=True, exist_ok=True)
        (out[0] / "run.json").write_text("{}")
    for line in told.get("says", []):
        print(line, flush=True)
    if told.get("stubborn"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    script.with_name(f"{step}.began").touch()
    if told.get("waits"):
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            print("Stopped as Ctrl-C stops it.")
            return 1
    code = int(told.get("code", 0))
    summary = told.get("summary", USUAL[step] if code == 0 else None)
    if summary is not None:
        Path(arguments[arguments.index("--summary-json") + 1]).write_text(json.dumps(summary), "utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
