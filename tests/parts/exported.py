"""Exports for tests: run one, and read back what it wrote."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

from converters.export.run import ExportOptions, export
from converters.export.staging import Staging
from converters.paddleocr import label_rows
from tests.parts.reviewed_tasks import Pictures, annotation, rectangle, task


def run(out, tasks, options=None, source=None):
    with Staging(out) as staging:
        return export(iter(tasks), source or Pictures(), staging, options or ExportOptions(jobs=1))


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows(folder, pattern="rec_gt*.txt"):
    """Image and text of every row, from all parts."""
    found = {}
    for path in sorted(folder.glob(pattern)):
        for _, row in label_rows.parse_rows(path.read_bytes(), label_rows.parse_recognition_row):
            found[row.image] = row.text
    return found


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def manifest(folder, name="manifest.jsonl"):
    path = folder / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def three_lines(identity, text="Счёт"):
    result = [
        line
        for number in range(3)
        for line in rectangle(f"l{number}", f"{text} {identity}.{number}", (20, 10 + 40 * number, 250, 26))
    ]
    return task(identity, annotation(result, identity))


PROJECT = [three_lines(identity) for identity in range(1, 13)]
