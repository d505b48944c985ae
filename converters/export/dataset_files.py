"""The files of a dataset beside its images: label files, manifest, what was left out, dictionary, account.

`labels` says how a row is written; here it is said which rows there are and in which file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO, Any

from converters.export import detection_rows, html, manifest
from converters.export.manifest import PageRecord
from converters.export.page_records import STATE, record_line
from converters.export.staging import LEFT_OUT, MANIFEST, Staging
from converters.export.totals import ExportTotals
from converters.export.write_page import PageOptions
from converters.paddleocr import dictionaries, label_rows
from converters.reviewed.reasons import LeftOutReason

DICTIONARY = "dict.txt"
REPORT = "report.html"


class Rows:
    """The label files, manifest, account of what was left out, and dictionary of one dataset."""

    def __init__(self, staging: Staging, options: PageOptions, rule: str, account: ExportTotals) -> None:
        """Prepare; label files appear with their first row, because PaddleOCR fails on empty ones."""
        self._staging = staging
        self._options = options
        self._account = account
        self._rule = rule
        self._opened = ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        self._characters: Counter[str] = Counter()
        self._shown = html.PageSamples()

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *exit_of_with: object) -> None:
        self._opened.close()

    def add(self, record: PageRecord) -> None:
        """Write the rows of a page."""
        self._line(STATE, record_line(record))
        crops, pages = self._names(record.part)
        texts = []
        if self._options.recognition:
            for row in manifest.line_rows(record, self._rule, crops):
                self._row(crops, label_rows.recognition_row(row["image"], row["text"]))
                self._json(MANIFEST, row)
                texts.append(row["text"])
        if record.image is not None:
            image = record.image
            if self._options.layout == "ppocrlabel":
                image = f"{self._staging.out.name}/{image}"
                self._line("fileState.txt", label_rows.file_state_row(image).encode())
            regions = [
                (line.points, line.text, LeftOutReason[line.why] if line.why else None)
                for line in record.lines
                if line.points
            ]
            written = detection_rows.page_row(image, regions)
            if written is not None:
                self._row(pages, written)
                self._json(MANIFEST, {**manifest.page_row(record, self._rule, pages), "image": image})
        for row in manifest.left_out_rows(record):
            self._json(LEFT_OUT, row)
        self._shown.add(record)
        self._characters.update(dictionaries.dictionary_of(texts).counts)

    def finish(self) -> None:
        """Write the dictionary, which holds every character of the exported texts, and the account."""
        if self._options.recognition and self._characters:
            content = dictionaries.dictionary_file(sorted(self._characters))
            self._staging.write(DICTIONARY, content.encode())
        told = html.page(self._account, self._options, self._shown, self._characters)
        self._staging.write(REPORT, told.encode())
        self._opened.close()

    def _names(self, part: str | None) -> tuple[str, str]:
        if self._options.layout == "ppocrlabel":
            return "rec_gt.txt", "Label.txt"
        return f"rec_gt_{part}.txt", f"det_gt_{part}.txt"

    def _row(self, name: str, row: str) -> None:
        self._account.rows[name] += 1
        self._line(name, row.encode())

    def _json(self, name: str, row: Mapping[str, Any]) -> None:
        self._line(name, (json.dumps(row, ensure_ascii=False) + "\n").encode())

    def _line(self, name: str, line: bytes) -> None:
        if name not in self._files:
            self._files[name] = self._opened.enter_context((self._staging.folder / name).open("wb"))
        self._files[name].write(line)
