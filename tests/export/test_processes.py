"""Pages made in other processes come out the same, and a process that dies is one sentence."""

from __future__ import annotations

import os

import pytest

from converters.export.processes import WorkerDied, workers
from converters.export.run import ExportOptions
from tests.parts.exported import PROJECT, contents, run


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (9,)


def test_several_processes_write_what_one_writes(tmp_path):
    run(tmp_path / "one", PROJECT[:4], ExportOptions(jobs=1))
    run(tmp_path / "two", PROJECT[:4], ExportOptions(jobs=2))
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_a_process_that_is_ended_from_outside_is_one_sentence():
    with workers(2) as work, pytest.raises(WorkerDied, match=r"lack of memory.*smaller --jobs"):
        work(Deadly(), None, "", b"", "")
