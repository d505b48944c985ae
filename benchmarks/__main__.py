"""`make bench`: every benchmark, one after the other, in one table."""

from importlib import import_module
from pathlib import Path

from benchmarks.table import Row, show

APART = {"__init__", "__main__", "ray", "table"}

if __name__ == "__main__":
    table: list[Row] = []
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in APART:
            print(f"measuring {path.stem} ...", flush=True)
            table += import_module(f"benchmarks.{path.stem}").rows()
    show(table)
