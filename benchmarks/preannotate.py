"""What `preannotate` gains over Label Studio's own retrieval, and how near it comes to its slowest stage.

`rows()` runs both beside one real Label Studio, with tiny drawn pages of two lines, PP-OCRv5_mobile_det and a
server of readings that takes 0.2 s for each call, so that waiting for it is what costs time. As many
calls may be in flight on both sides; the backend that Label Studio asks has its models loaded, while
`preannotate` loads them first. Everything shares this machine: Label Studio, the server of readings, the
host of the images. Run it alone with `python -m benchmarks.preannotate [TASKS]`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from backend.fetching.sources import Sources
from backend.label_studio.default_config import default_config
from backend.page import crops, image_files
from backend.page.lines import Pixels
from backend.pipeline.assembly import detector
from backend.projects.backend_connection import connect_backend
from backend.readers.ernie.prompts import prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieServer
from backend.settings.settings import Settings
from benchmarks.reading import MODEL, read_all, stand_in
from benchmarks.table import Row, show
from tests.parts.backend_process import RunningBackend, backend_process
from tests.parts.bulk_runs import BulkRun, Studio, preannotate, studio, summary_of
from tests.parts.drawn_pages import drawn_page, file_of
from tests.torture.asking import drawn_box, task
from tests.torture.image_host import ImageHost, image_host

TASKS = 1000
RETRIEVED = 104
"""Tasks that Label Studio retrieves, whose rate is compared: all of them would take too long."""
BATCH = 8
"""Tasks in one request of Label Studio's, which gives up after 100 s: as many as `setup-project
--retrieve` asked for, so that they came through on large pages and slow servers, too."""
LATENCY_S = 0.2
IN_FLIGHT = 64
"""Calls in flight on either side: the default of `ERNIE_CONCURRENCY`."""
NARROW = 4
"""Calls in flight where reading is to be the slowest stage; the run is a quarter as long."""
BOXES = 12


@dataclass(frozen=True)
class Bench:
    """What both sides work with."""

    folder: Path
    labels: Studio
    host: ImageHost
    settings: dict[str, object]

    def references(self, first: int, tasks: int) -> list[str]:
        """Pages that nobody has read yet."""
        # drawn now, not while somebody is timed
        for number in range(first, first + tasks):
            lines = [f"Счёт {number}", f"Лист {number * 7}"]
            self.host.files[f"{number}.png"] = file_of(drawn_page(lines, (260, 110), 20)[0])
        return [self.host.file(f"{number}.png") for number in range(first, first + tasks)]


def retrieved_per_s(bench: Bench, tasks: int) -> float:
    """Tasks a second by "Retrieve predictions", in a project of so many, in batches that it survives."""
    project = bench.labels.project(bench.references(100_000, tasks), "retrieved")
    with backend_process(bench.folder / "served", **bench.settings) as backend:
        connect_backend(bench.labels.api, project, backend.url, "twinread")
        rows = bench.labels.api.tasks(project, fields="task_only")
        ids = [row["id"] for row, _ in zip(rows, range(RETRIEVED), strict=False)]
        begun = time.perf_counter()
        for start in range(0, len(ids), BATCH):
            bench.labels.api.retrieve_predictions(project, ids[start : start + BATCH])
        seconds = time.perf_counter() - begun
    (stored,) = bench.labels.api.model_versions(project).values()
    assert stored == len(ids), f"{stored} of {len(ids)} are stored"
    return len(ids) / seconds


def preannotated(
    bench: Bench, tasks: int, in_flight: int, first: int = 0
) -> tuple[BulkRun, dict[str, Any], float]:
    """A whole run: the ended process, its summary, and the seconds from its start to its end."""
    settings = {**bench.settings, "ernie_concurrency": in_flight}
    project = bench.labels.project(bench.references(first, tasks), "preannotated")
    arguments = ("--project", project, "--summary-json", "summary.json")
    with preannotate(bench.folder / "run", *arguments, settings=settings) as run:
        code = run.wait(3600)
        assert code == 0, run.text[-3000:]
    (stored,) = bench.labels.api.model_versions(project).values()
    assert stored == tasks, f"{stored} of {tasks} are stored"
    return run, summary_of(bench.folder / "run"), run.seconds


def stages_alone(bench: Bench, tasks: int) -> dict[str, float]:
    """Seconds of finding the lines of so many pages, and of reading their crops, each with all else done."""
    values = Settings(
        **bench.settings, cache_dir=bench.folder / "alone", model_source="packages", _env_file=None
    )
    finder, source = detector(values), Sources.of(values, None)
    files = [source.fetch(reference, task_id=None) for reference in bench.references(200_000, tasks)]
    finder.start()
    finder.wait()

    def cut(file: bytes) -> list[Pixels]:
        page = image_files.decode(file, max_pixels=10**8)
        return [crops.crop_line(page.pixels, line.quad, "auto") for line in finder.detect(page).lines]

    try:
        cut(files[0])
        with ThreadPoolExecutor(8) as pool:
            begun = time.perf_counter()
            found = [crop for some in pool.map(cut, files) for crop in some]
            finding = time.perf_counter() - begun
    finally:
        finder.stop()
    server = ErnieServer(ErnieOptions(str(values.ernie_base_url), MODEL, concurrency=NARROW))
    try:
        read_all(server, found[:10], prompts())
        begun = time.perf_counter()
        assert read_all(server, found, prompts()) == 2 * len(found)
        reading = time.perf_counter() - begun
    finally:
        server.close()
    return {"finding lines": finding, "reading": reading}


def boxes_meanwhile(bench: Bench, tasks: int) -> tuple[list[float], list[float]]:
    """Seconds from drawn boxes to their texts, alone and while a run reads so many pages."""
    project = bench.labels.project(bench.references(300_000, tasks), "boxes")
    with backend_process(bench.folder / "run", **bench.settings) as backend:
        _box(bench, backend, 0)
        alone = [_box(bench, backend, number) for number in range(1, 1 + BOXES)]
        with preannotate(bench.folder / "run", "--project", project, settings=bench.settings) as run:
            while not _reads(run, bench):
                assert run.process.poll() is None, run.text
            busy = [_box(bench, backend, number) for number in range(100, 100 + BOXES)]
            assert run.process.poll() is None, "the run ended before the boxes did"
    return alone, busy


def _reads(run: BulkRun, bench: Bench) -> bool:
    """Whether a run has come to its pages; its models load before."""
    before = bench.host.asked["file"]
    time.sleep(0.5)
    return bench.host.asked["file"] > before + 2


def _box(bench: Bench, backend: RunningBackend, number: int) -> float:
    drawn = task(400_000 + number, bench.references(400_000 + number, 1)[0])
    begun = time.perf_counter()
    (answer,) = backend.predict([drawn], default_config(), [drawn_box()], project=9)
    assert len(answer["result"]) == 2, answer
    return time.perf_counter() - begun


def rows(tasks: int = TASKS) -> list[Row]:
    """Everything measured here."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="twinread-bulk-")))
        host = opened.enter_context(image_host())
        labels = opened.enter_context(studio(folder))
        url = opened.enter_context(stand_in(LATENCY_S))
        settings: dict[str, object] = {
            **labels.settings,
            "ernie_base_url": url,
            "witness": "off",
            "ernie_model": MODEL,
            "ernie_concurrency": IN_FLIGHT,
            "detection_model": "PP-OCRv5_mobile_det",
            "detection_enlarge_below": 0,  # tiny pages stay tiny
            "ocr_language": "ru",
            "allowed_image_hosts": "127.0.0.1",
        }
        bench = Bench(folder, labels, host, settings)
        return _rows(bench, tasks)


def _rows(bench: Bench, tasks: int) -> list[Row]:
    said = _saying()
    theirs = retrieved_per_s(bench, tasks)
    said(f"Label Studio's own: {theirs:.2f} tasks/s")
    run, whole, seconds = preannotated(bench, tasks, IN_FLIGHT)
    ours, loaded = tasks / seconds, tasks / whole["seconds"]
    said(f"preannotate: {seconds:.0f} s")
    fewer = max(tasks // 4, 1)
    alone = stages_alone(bench, fewer)
    said(f"stages alone, {fewer} tasks: {alone}")
    _, summary, _ = preannotated(bench, fewer, NARROW, 50_000)
    said(f"together: {summary['seconds']:.0f} s after the models are loaded")
    slowest = max(alone, key=lambda name: alone[name])
    ratio = summary["seconds"] / alone[slowest]
    quiet, busy = boxes_meanwhile(bench, tasks)
    return [
        Row(
            f"preannotate of {tasks} tasks, {LATENCY_S * 1000:g} ms a call, {IN_FLIGHT} in flight on both "
            f"sides, against Label Studio's retrieval ({RETRIEVED} of {tasks} tasks, {BATCH} a request)",
            f"{ours / theirs:.1f} times ({ours:.2f} / {theirs:.2f} tasks a second, loading included; "
            f"{loaded:.2f} without it)",
            "at least 5 times",
            ours >= 5 * theirs,
        ),
        Row(
            f"preannotate of {fewer} tasks, {NARROW} calls in flight, without loading, against its slowest "
            f"stage alone ({slowest})",
            f"{ratio:.2f} times ({summary['seconds']:.0f} s / "
            + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in alone.items())
            + ")",
            "at most 1.10 times",
            ratio <= 1.1,
        ),
        Row(
            f"most resident memory of a run of {tasks} tasks",
            f"{run.most_kb / 1000:,.0f} MB",
            "the same for any number of tasks (flat)",
            True,
        ),
        Row(
            "drawn box to its text while preannotate runs",
            f"median {median(busy):.2f} s, worst {max(busy):.2f} s (alone {median(quiet):.2f} s)",
            f"within 0.5 s, {LATENCY_S} s of it the reader's",
            max(busy) <= 0.5,
        ),
    ]


def _saying() -> Callable[[str], None]:
    begun = time.perf_counter()
    return lambda words: print(f"  {time.perf_counter() - begun:.0f} s: {words}", flush=True)


if __name__ == "__main__":
    show(rows(int(sys.argv[1]) if len(sys.argv) > 1 else TASKS))
