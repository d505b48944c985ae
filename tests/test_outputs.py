"""Single files, written whole or not at all."""

from __future__ import annotations

import json
import os
import threading

import pytest

from backend.errors import OperatorError
from converters.outputs import write_file, write_summary


def test_a_summary_is_json_that_people_can_read(tmp_path):
    write_summary(tmp_path / "summary.json", {"причина": "табуляция"})
    written = (tmp_path / "summary.json").read_text("utf-8")
    assert json.loads(written) == {"причина": "табуляция"}
    assert "табуляция" in written
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OperatorError, match=r"page\.html cannot be written \(No such file.*everything else"):
        write_file(tmp_path / "nowhere" / "page.html", "x")
    with pytest.raises(OperatorError, match=r"folder cannot be written"):
        write_file(tmp_path / "folder", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_pipe_gets_the_summary_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text("utf-8")), daemon=True)
    reader.start()
    write_file(pipe, "numbers")
    reader.join(10)
    assert read == ["numbers"]
    assert pipe.is_fifo()
