"""What each engine, each pair and a witness beside one engine asked twice are worth, on recorded lines.

    python -m benchmarks.score FOLDER                  records what the engines at hand read, with the truth
    python -m benchmarks.who_reads FOLDER/lines.jsonl  prints the tables of docs/what-an-agreement-is-worth.md

No ERNIE runs here: Tesseract asked twice, and then PaddleOCR's recogniser, stand in for ERNIE's two prompts.
Texts are compared as `twinread report` does, without the guards and the score.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from backend.page.lines import Reading
from backend.readers.families import TESSERACT
from converters.report.families import Worth
from converters.report.family_words import short_name
from converters.report.html import interval, share
from converters.shared.rates import Share

NAMES = {
    ("Tesseract", 0): "tesseract-5(data,line)",
    ("Tesseract", 1): "tesseract-5(data,raw)",
    ("PP-OCR", 0): "PP-OCRv5_mobile_rec",
    ("PP-OCR", 1): "PP-OCRv5_mobile_rec(margin=.2)",
}
"""Identities of the recorded readers, by family and turn."""

Recorded = Mapping[str, Any]


def worth_of(lines: Iterable[Recorded]) -> Worth:
    """What the readers of recorded lines are worth."""
    worth = Worth(tuple(NAMES.values()))
    for line in lines:
        readings = [
            Reading(NAMES[each["family"], each["turn"]], each["text"] or "") for each in line["readings"]
        ]
        worth.add(readings, line["truth"], None, line["language"], reviewed=True, blind=False)
    return worth


def main(file: Path) -> None:
    """Print the tables."""
    lines = [json.loads(row) for row in file.read_text("utf-8").splitlines()]
    both = [line for line in lines if len({each["family"] for each in line["readings"]}) == 2]
    alone = [line for line in lines if {each["family"] for each in line["readings"]} == {TESSERACT}]
    sets = {"English, both engines": both}
    sets |= {f"{code}, Tesseract alone": [line for line in alone if line["language"] == code]
             for code in sorted({line["language"] for line in alone})}  # fmt: skip
    readers, pairs = Table("lines", "reader", "right"), Table("lines", "pair", "agree", "right", "yield")
    witnesses = Table("asked twice", "witness", "agreed, right", "it assents", "it dissents", "settles")
    for name, chosen in sets.items():
        worth = worth_of(chosen)
        called = f"{name}: {len(chosen):,}"
        for one in worth.each_reader():
            if one.right.of:
                readers.add_row(called, short_name(one.reader), _said(one.right))
        found = {pair.readers: pair for pair in worth.each_pair() if pair.agreed.of}
        for pair in found.values():
            names = " + ".join(map(short_name, pair.readers))
            pairs.add_row(called, names, share(pair.agreed), _said(pair.right), share(pair.ready))
        for third in worth.each_third():
            pair = found[third.readers]
            if len(set(pair.families)) == 1:
                names = " + ".join(map(short_name, third.readers))
                settles = f"{share(third.settled)}, rightly {share(third.rightly)}"
                witnesses.add_row(names, short_name(third.third), _said(pair.right), _said(third.assents),
                                  _said(third.dissents), settles)  # fmt: skip
    for table in (readers, pairs, witnesses):
        Console(width=170).print(table)


def _said(one: Share) -> str:
    return f"{share(one)} of {one.of:,} ({interval(one.interval)})"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
