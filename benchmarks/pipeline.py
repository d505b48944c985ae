"""Pages per second of the local pipeline, against the same at an earlier commit.

Detection and two local readings of the demo pages go through `/predict`, on all cores, without a server of
ERNIE. Each side is the code of its commit in a process of its own, in the same environment, taking turns. Run
it alone with `python -m benchmarks.pipeline`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.detection import pages, served
from benchmarks.table import Row

ROOT = Path(__file__).resolve().parent.parent
BEFORE = "6279bc2"
"""The commit whose speed was measured before anything was done about it."""
PAGES = 13
TIMES = 3

PIPELINE = """
import json, os, sys, time
try:
    from backend.settings.settings import Settings
    from backend.pipeline.assembly import service
    from backend.server.app import create_app
    from backend.label_studio.default_config import default_config
except ModuleNotFoundError:
    # modules had other names then
    from importlib.resources import files
    from backend.settings import Settings
    from backend.compose import service
    from backend.app import create_app
    def default_config():
        return files("backend").joinpath("default_config.xml").read_text("utf-8")
given = json.loads(sys.argv[1])
values = Settings(_env_file=None, cache_dir=given["cache"], allowed_image_hosts=("127.0.0.1",),
    detection_model="PP-OCRv5_mobile_det", model_source="packages", device="cpu", image_cache_bytes=0,
    readers=("paddle", "tesseract"), ocr_language="en", page_workers=4, predict_deadline_s=600)
running = service(values)
try:
    running.engines(300)
    client = create_app(running, values).test_client()
    def predict(addresses):
        tasks = [{"id": number, "data": {"image": address}} for number, address in enumerate(addresses, 1)]
        asked = {"tasks": tasks, "label_config": default_config(), "project": "1.1"}
        return client.post("/predict", json=asked).get_json()["results"]
    predict([given["pages"][0] + "?first"])
    wall, cpu = time.perf_counter(), time.process_time()
    results = predict(given["pages"])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
finally:
    running.close()
lines = sum(len({part["id"] for part in one["result"]}) for one in results)
print(json.dumps([wall, cpu, sum(bool(one["result"]) for one in results), lines]))
"""


@contextmanager
def checkout(commit: str) -> Iterator[Path | None]:
    """The files of a commit in a folder of their own; None where git lacks it (a shallow clone)."""
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name) / "files.tar"
        try:
            subprocess.run(
                ["git", "archive", "--output", str(archive), commit],
                cwd=ROOT,
                capture_output=True,
                check=True,
            )
        except (subprocess.CalledProcessError, FileNotFoundError):
            yield None
            return
        folder = Path(name) / "checkout"
        folder.mkdir()
        subprocess.run(["tar", "-xf", str(archive), "-C", str(folder)], check=True)
        yield folder


def measured(code: Path, addresses: list[str]) -> tuple[float, float, int]:
    """Seconds and processor seconds for the pages, and their lines, by the code in a folder."""
    with tempfile.TemporaryDirectory() as cache:
        given = json.dumps({"pages": addresses, "cache": cache})
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PIPELINE, given],
            cwd=code,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(code)},
        )
    wall, cpu, with_lines, lines = json.loads(done.stdout.splitlines()[-1])
    assert with_lines == len(addresses), "a page has no lines"
    return wall, cpu, lines


def rows(times: int = TIMES) -> list[Row]:
    """Both sides, in turns."""
    what = f"pages/s of the local pipeline ({PAGES} pages, detection, two readings), against commit {BEFORE}"
    expected = "at least 1.5 times"
    with checkout(BEFORE) as earlier, tempfile.TemporaryDirectory() as name:
        if earlier is None:
            told = f"not measured: git has no commit {BEFORE} here (shallow clone?)"
            return [Row(what, told, expected, well=True)]
        folder = Path(name)
        paths = pages(folder, PAGES)
        took = []
        with served(folder) as address:
            addresses = [f"{address}/{path.name}" for path in paths]
            for _ in range(times):
                # in turns, so that a machine that slows down slows both
                ours, our_cpu, lines = measured(ROOT, addresses)
                theirs, their_cpu, then = measured(earlier, addresses)
                took.append((ours, theirs, our_cpu, their_cpu, theirs / ours, our_cpu / their_cpu))
    ours, theirs, our_cpu, their_cpu, faster, cost = np.median(took, axis=0).tolist()
    return [
        Row(what, f"{faster:.2f} times ({PAGES / ours:.2f} / {PAGES / theirs:.2f})", expected, faster >= 1.5),
        Row(
            f"CPU s per page of the same ({lines} lines, then {then})",
            f"{our_cpu / PAGES:.2f} : {their_cpu / PAGES:.2f} = {cost:.2f}",
            "at most 0.75",
            cost <= 0.75,
        ),
    ]


if __name__ == "__main__":
    for row in rows():
        print(f"{'ok ' if row.well else 'NOT'} {row.what}: {row.measured}; expected {row.expected}")
