"""The files of a dataset beside its images: label files, manifest, what was left out, dictionary, report.

A layout says which rows there are and in which file; here they are written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO, Any

from converters.export import html, layouts, manifest
from converters.export.layouts.layout import LabelRow
from converters.export.page_records import STATE, PageRecord, record_line
from converters.export.staging import DICTIONARY, LEFT_OUT, MANIFEST, REPORT, Staging
from converters.export.totals import ExportTotals
from converters.export.write_page import PageOptions
from converters.paddleocr import dictionaries


class DatasetFiles:
    """The files of one dataset while they are written; use it in a `with` block."""

    def __init__(self, staging: Staging, options: PageOptions, rule: str, totals: ExportTotals) -> None:
        """Prepare; label files appear with their first row, because PaddleOCR fails on empty ones.

        Args:
            staging: the dataset's folder.
            options: what is written.
            rule: the rule by which annotations were chosen, for the manifest.
            totals: of the export; rows are counted in them.
        """
        self._staging = staging
        self._options = options
        self._layout = layouts.layout_of(options.layout)
        self._totals = totals
        self._rule = rule
        self._opened = ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        self._characters: Counter[str] = Counter()
        self._samples = html.PageSamples()

    def __enter__(self) -> DatasetFiles:
        return self

    def __exit__(self, *exit_of_with: object) -> None:
        self._opened.close()

    def add(self, record: PageRecord) -> None:
        """Write the rows of a page."""
        self._line(STATE, record_line(record))
        texts = []
        for row in self._layout.rows(record, self._staging.out.name):
            self._line(row.file, row.content.encode())
            if row.trains:
                self._totals.rows[row.file] += 1
                self._json(MANIFEST, self._manifest_row(row, record))
            if row.line is not None:
                texts.append(row.line.text)
        for left_out in manifest.left_out_rows(record):
            self._json(LEFT_OUT, left_out)
        self._samples.add(record)
        self._characters.update(dictionaries.dictionary_of(texts).counts)

    def finish(self) -> None:
        """Write the dictionary, which holds every character of the exported texts, and the report."""
        if self._characters:
            content = dictionaries.dictionary_file(sorted(self._characters))
            self._staging.write(DICTIONARY, content.encode())
        report = html.page(self._totals, self._options, self._samples, self._characters)
        self._staging.write(REPORT, report.encode())
        self._opened.close()

    def _manifest_row(self, row: LabelRow, record: PageRecord) -> dict[str, Any]:
        return manifest.manifest_row(row, record, self._rule, self._totals.guarantee)

    def _json(self, name: str, row: Mapping[str, Any]) -> None:
        self._line(name, (json.dumps(row, ensure_ascii=False) + "\n").encode())

    def _line(self, name: str, line: bytes) -> None:
        if name not in self._files:
            self._files[name] = self._opened.enter_context((self._staging.folder / name).open("wb"))
        self._files[name].write(line)
