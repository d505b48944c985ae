"""`make torture`: every part in a process of its own, one after the other, in one table.

A part that runs too long is ended, one that fails is a row that was not held; neither stops the others, and
no process is left. Exit code 1 where a promise was broken, 2 for a wrong command.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import psutil
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.torture import figures
from tests.torture.row import Part, Row, Run

LIMITS_S = {
    "fuzz": 1500,
    "ssrf": 900,
    "kill": 3000,
    "bulk": 3600,
    "many": 6000,
    "slow": 700,
    "memory": 1500,
    "fair": 900,
    "mixed": 600,
}
"""What a part may take, seconds; `mixed` takes its minutes beside it."""

NEW_NAMESPACES = ["unshare", "--net", "--mount"]
"""A network and a mount table of its own, for the part that changes what names mean."""

PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    options = _options()
    if options.alone:
        return _alone(options)
    # begun in the background, a program has Ctrl-C ignored; and being stopped clears up as well
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what a part leaves behind becomes our child
    table: dict[str, list[Row]] = {}
    for name in options.parts or LIMITS_S:
        print(f"{name}:", flush=True)
        begun = time.monotonic()
        table[name] = _part(name, options)
        seconds = time.monotonic() - begun
        print(f"{name}: {len(table[name])} rows in {seconds:.0f} s", flush=True)
        if options.write:
            figures.keep("before" if options.before else "after", name, table[name], options.code, seconds)
            figures.write_page()
    _show(table)
    if options.json:
        told = {name: [asdict(row) for row in rows] for name, rows in table.items()}
        options.json.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return 0 if all(row.held for rows in table.values() for row in rows) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="row", help=f"which: {', '.join(LIMITS_S)}; default: all")
    parser.add_argument("--minutes", type=float, default=30, help="length of the mixed load")
    parser.add_argument("--bodies", type=int, default=10_000, help="how many fuzzed bodies")
    parser.add_argument("--kills", type=int, default=50, help="how many kills for each kind of store")
    parser.add_argument("--code", type=Path, default=figures.ROOT, help="the checkout that is attacked")
    parser.add_argument("--json", type=Path, metavar="F", help="write the rows to this file, too")
    parser.add_argument("--write", action="store_true", help="keep the figures and write docs/reliability.md")
    parser.add_argument("--before", action="store_true", help="with --write: these are the figures of before")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.parts) - set(LIMITS_S)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(LIMITS_S)}")
    options.code = options.code.resolve()
    return options


def _part(name: str, options: argparse.Namespace) -> list[Row]:
    """Run a part in a process of its own, and clear up behind it."""
    folder = Path(tempfile.mkdtemp(prefix=f"twinread-torture-{name}-"))
    folder.chmod(0o711)  # PostgreSQL's user must get to its own folder inside
    rows = folder / "rows"
    limit_s = LIMITS_S[name] + (options.minutes * 60 if name == "mixed" else 0)
    command = [
        *(NEW_NAMESPACES if name == "ssrf" else []),
        *(sys.executable, "-m", "tests.torture", "--alone", name, "--rows", str(rows)),
        *("--code", str(options.code), "--minutes", str(options.minutes)),
        *("--bodies", str(options.bodies), "--kills", str(options.kills)),
    ]
    environment = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(figures.ROOT)}
    running = subprocess.Popen(command, cwd=figures.ROOT, env=environment)
    problem = ""
    try:
        if running.wait(limit_s) != 0:
            problem = f"failed (exit code {running.returncode})"
    except subprocess.TimeoutExpired:
        problem = f"was ended after {limit_s:.0f} s"
    finally:
        _clear_up()
        measured = _rows_in(rows)
        shutil.rmtree(folder, ignore_errors=True)
    if problem:
        measured.append(Row("the part itself", "runs to its end", f"{problem}; see what it printed", False))
    return measured


def _alone(options: argparse.Namespace) -> int:
    """One part, in this process; each row is written as soon as it is known."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    folder = options.rows.parent / "work"
    folder.mkdir()
    folder.chmod(0o711)
    part: Part = import_module(f"tests.torture.{options.alone}").rows
    run = Run(options.code, folder, options.minutes, options.bodies, options.kills)
    try:
        for row in part(run):
            with options.rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            print(
                f"  {'held' if row.held else 'BROKEN'}: {row.what}: {row.measured} ({row.promised})",
                flush=True,
            )
    except Exception:  # noqa: BLE001 - the other parts go on, and whoever mends this one needs to see it
        traceback.print_exc()
        return 3
    return 0


def _rows_in(file: Path) -> list[Row]:
    if not file.exists():
        return []
    return [Row(**json.loads(line)) for line in file.read_text("utf-8").splitlines()]


def _clear_up() -> None:
    """End whatever a part has left; its orphans are our children."""
    for _ in range(20):
        left = psutil.Process().children(recursive=True)
        if not left:
            return
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, 3)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _show(parts: dict[str, Sequence[Row]] | dict[str, list[Row]]) -> None:
    table = Table("what", "limit promised", "measured", "held?")
    for name, rows in parts.items():
        table.add_section()
        for row in rows:
            held = "yes" if row.held else "NO"
            table.add_row(*map(escape, (f"{name}: {row.what}", row.promised, row.measured, held)))
    Console(width=200, highlight=False).print(table)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        sys.exit(130)
