"""Ctrl-C, as a terminal sends it to all processes of `twinread export`, is one sentence at every moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from converters.export.page_records import SPILL, EarlierPages
from converters.shared.interrupts import held, stoppable
from tests.parts.http_script import says, serving
from tests.parts.reviewed_tasks import annotation, page_pixels, png, rectangle, task

ROOT = Path(__file__).resolve().parents[2]
AS_IT_WAS = "Stopped. The dataset is as it was; run the same command again"


def test_ctrl_c_comes_when_what_it_would_tear_is_done():
    done = False
    with pytest.raises(KeyboardInterrupt), held():
        signal.raise_signal(signal.SIGINT)
        done = True
    assert done


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_ways_to_ask_for_the_end_are_taken_as_ctrl_c(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), stoppable():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


@contextmanager
def exporting(folder: Path, *more: str, **settings: str):
    """`twinread export` of `folder/export.json` in a process group of its own, as a shell starts it."""
    command = [sys.executable, "-m", "backend", "export", "--jobs", "2", "--json", "export.json"]
    with subprocess.Popen(
        [*command, "--out", "set", *more],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CACHE_DIR": str(folder / "cache"), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def write_export(folder: Path, tasks: int) -> None:
    """An export and its image; many tasks are not done before a busy machine sends Ctrl-C."""
    (folder / "images").mkdir()
    (folder / "images" / "1.png").write_bytes(png(page_pixels(1)))
    written = [
        task(number, annotation(rectangle("a", f"Счёт {number}")), image="/data/upload/1/1.png")
        for number in range(1, tasks + 1)
    ]
    (folder / "export.json").write_text(json.dumps(written), "utf-8")


def until(true):
    """Wait for something that another process does."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def has_loaded(pid: int, library: str) -> bool:
    try:
        return library in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False


def waits(pid: int) -> bool:
    """Whether the process sleeps in the kernel, as in reading from a pipe with nothing in it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("S")


def fork_server_of(pid: int) -> int:
    """The process that is copied for each core; 0 while there is none."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if "forkserver" in Path(f"/proc/{child}/cmdline").read_text():
            return int(child)
    return 0


def ended(process: subprocess.Popen[str]) -> tuple[str, str, int]:
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return " ".join(out.split()), err, process.returncode


def test_while_it_imports(tmp_path):
    write_export(tmp_path, tasks=2000)
    with exporting(tmp_path, "--images", "images") as process:
        until(lambda: has_loaded(process.pid, "numpy"))
        out, err, code = ended(process)
    assert (out[: len(AS_IT_WAS)], err, code) == (AS_IT_WAS, "", 1)


def test_while_tasks_are_counted(tmp_path):
    os.mkfifo(tmp_path / "export.json")
    with exporting(tmp_path) as process, (tmp_path / "export.json").open("w") as pipe:
        pipe.write("[")
        pipe.flush()
        # a signal just before a read that then waits is seen when that read ends: here never
        until(lambda: waits(process.pid))
        assert ended(process) == (f"{AS_IT_WAS}.", "", 1)
    assert not (tmp_path / "set").exists()


def test_while_processes_start(tmp_path):
    write_export(tmp_path, tasks=2000)
    with exporting(tmp_path, "--images", "images") as process:
        until(lambda: has_loaded(fork_server_of(process.pid), "numpy"))
        out, err, code = ended(process)
    assert (out[: len(AS_IT_WAS)], err, code) == (AS_IT_WAS, "", 1)


def test_while_pages_are_made(tmp_path):
    stopped = threading.Event()

    def too_late(handler):
        stopped.wait(60)
        handler.answer(404)

    pages = {f"/{number}.png": says(png(page_pixels(number))) for number in range(20)}
    with serving({**pages, **{f"/{number}.png": too_late for number in range(20, 40)}}) as server:
        tasks = [
            task(number, annotation(rectangle("a")), image=f"{server.url}/{number}.png")
            for number in range(40)
        ]
        (tmp_path / "export.json").write_text(json.dumps(tasks), "utf-8")
        part = tmp_path / ".set.part"
        with exporting(tmp_path, ALLOWED_IMAGE_HOSTS="127.0.0.1") as process:
            until(lambda: (part / SPILL).exists() and (part / SPILL).stat().st_size)
            os.killpg(process.pid, signal.SIGINT)
            stopped.set()
            out, err = process.communicate(timeout=60)
    assert (err, process.returncode) == ("", 1)
    assert out == (
        f"{AS_IT_WAS} to go on from here. Until then the pages made so far wait in {part}; delete that to be "
        "rid of them.\n"
    )
    assert len(EarlierPages(part, SPILL)) >= 1
    assert not (tmp_path / "set").exists()


def test_when_the_dataset_is_in_its_place(tmp_path):
    write_export(tmp_path, tasks=8)
    os.mkfifo(tmp_path / "pipe")
    with exporting(tmp_path, "--images", "images", "--summary-json", "pipe") as process:
        assert process.stdout.readline() == "Tasks\n"
        out, err, code = ended(process)
    assert (err, code) == ("", 1)
    assert out.endswith("Stopped when set was whole already: it is the new dataset.")
    assert (tmp_path / "set" / "summary.json").exists()
