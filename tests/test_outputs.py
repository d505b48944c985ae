"""Single files, written whole or not at all."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from backend.errors import OperatorError
from backend.outputs import check_writable, printable, write_file, write_summary


def test_a_summary_is_json_that_people_can_read(tmp_path):
    write_summary(tmp_path / "summary.json", {"причина": "табуляция"})
    written = (tmp_path / "summary.json").read_text("utf-8")
    assert json.loads(written) == {"причина": "табуляция"}
    assert "табуляция" in written
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_a_summary_is_json_for_every_program_also_with_numbers_that_json_does_not_have(tmp_path):
    write_summary(
        tmp_path / "summary.json", {"rate": float("nan"), "list": [1.5, float("inf")], "pair": (1, 2)}
    )
    assert json.loads((tmp_path / "summary.json").read_text("utf-8"), parse_constant=pytest.fail) == {
        "rate": None,
        "list": [1.5, None],
        "pair": [1, 2],
    }


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OperatorError, match=r"page\.html cannot be written \(No such file.*everything else"):
        write_file(tmp_path / "nowhere" / "page.html", "x")
    with pytest.raises(OperatorError, match=r"folder cannot be written"):
        write_file(tmp_path / "folder", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    ("place", "why"),
    [
        pytest.param("nowhere/page.html", "No such file or directory", id="no folder"),
        pytest.param("file/page.html", "Not a directory", id="a file for a folder"),
        pytest.param("/proc/page.html", "No such file or directory", id="a file system that takes no files"),
    ],
)
def test_a_place_is_found_unfit_before_the_work(tmp_path, place, why):
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(OperatorError, match=rf"page\.html cannot be written \({why}\), so nothing was begun"):
        check_writable(tmp_path / place)


def test_looking_at_a_place_leaves_nothing_there_and_what_is_there_alone(tmp_path):
    (tmp_path / "page.html").write_text("earlier", "utf-8")
    os.mkfifo(tmp_path / "pipe")
    for name in ("page.html", "new.html", "pipe"):
        check_writable(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "pipe"]
    assert (tmp_path / "page.html").read_text("utf-8") == "earlier"


def test_a_pipe_may_lie_where_no_file_can():
    reading, writing = os.pipe()
    try:
        check_writable(Path(f"/proc/self/fd/{writing}"))
    finally:
        os.close(reading)
        os.close(writing)


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Счёт № 12 «да» 日本語 ก็", "Счёт № 12 «да» 日本語 ก็", id="letters of any language"),
        pytest.param("a\x1b[31mb\x1b]0;owned\x07", r"a\x1b[31mb\x1b]0;owned\x07", id="escape sequences"),
        pytest.param("a\x9b2Jb", r"a\x9b2Jb", id="the one-byte form"),
        pytest.param("a\tb\nc\u2028d", r"a\x09b\x0ac\u2028d", id="tabs and line ends"),
        pytest.param("invoice\u202egnp.exe", r"invoice\u202egnp.exe", id="another direction of writing"),
        pytest.param("\ud800", r"\ud800", id="half of a character"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="a joiner"),
        pytest.param("\U000e0041", r"\U000e0041", id="a tag character"),
    ],
)
def test_foreign_text_does_nothing_to_a_terminal_and_is_seen(text, shown):
    assert printable(text) == shown
