"""`python -m benchmarks.score FOLDER [--fonts FOLDER] [--write]`: figures and plots of the score, made again.

Lines are read once into `FOLDER/lines.jsonl`; take the file away to read them again. With `--write` the
shipped weights are written as well. Plots and the table for the documentation go to `FOLDER`.
"""

from __future__ import annotations

import argparse
import datetime
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.score import figures, fit, plots
from benchmarks.score.cases import cases_of
from benchmarks.score.collect import RecordedLine, collect, recorded_lines

WEIGHTS = Path(__file__).resolve().parents[2] / "backend" / "text" / "score_weights.json"
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "images"


def main() -> None:
    """Read, fit, judge, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fonts", type=Path, help="a folder of more fonts")
    parser.add_argument(
        "--real", type=Path, nargs="*", default=[REAL], help="folders of pages with their truth"
    )
    parser.add_argument("--write", action="store_true", help="write the shipped weights")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    recorded = given.folder / "lines.jsonl"
    if not recorded.exists():
        real = [folder for folder in given.real if folder.is_dir()]
        print(f"{collect(recorded, fonts=given.fonts, real=real)} lines read")
    lines = recorded_lines(recorded)
    cases, silent = list(cases_of(lines)), list(cases_of(lines, silent=True))
    judged = figures.held_out(cases, silent)
    if given.write:
        fitted = fit.fit(cases, silent)
        scores = [fitted.probabilities(case)[0] for case in cases if case.case == "agreed"]
        fit.write(WEIGHTS, fitted, fit.threshold_that_drops(scores, fit.DROPPED), _provenance(lines))
    table = figures.tables(judged, lines, cases, silent)
    (given.folder / "score.md").write_text(table, "utf-8")
    print(table)
    plots.draw(judged, given.folder)


def _provenance(lines: Sequence[RecordedLine]) -> dict[str, object]:
    kinds = Counter("drawn" if line.kind.startswith("drawn") else "real" for line in lines)
    return {
        "made by": "python -m benchmarks.score FOLDER --write",
        "date": datetime.date.today().isoformat(),
        "lines": dict(sorted(kinds.items())),
        "languages": dict(sorted(Counter(line.language for line in lines).items())),
        "pages": len({line.page for line in lines}),
        "set by hand": fit.BY_HAND,
        "not fitted": "ERNIE and every other engine: they have the weights of an engine without a score",
    }


if __name__ == "__main__":
    main()
