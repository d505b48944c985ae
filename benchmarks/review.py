"""What review costs people: seconds from a drawn box to its text, keys per page.

`rows()` measures on the real backend with real PP-OCRv5 weights; the readers are a stand-in that takes
0.2 s for each line, knows the truth and misreads a planted share of the lines. Keys are those that the
browser tests count: 1 for a page, 2 for a doubtful line that is right, 4 and the typing for one that is
wrong, 2 for a missed line. Thirty doubtful lines of ten pages are decided in a real browser, in page review
and on sheets, with every key pressed. Run it alone with `python -m benchmarks.review`.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

import numpy as np
from rapidfuzz.distance import Levenshtein

from backend.label_studio.default_config import default_config
from backend.label_studio.regions import regions
from backend.page import crops, image_files
from benchmarks.table import Row, show
from tests.end_to_end.browser import Editor, running_chromium, running_stage
from tests.end_to_end.projects import iou
from tests.end_to_end.review_ways import (
    DOUBTFUL,
    person_at,
    planted,
    review_pages,
    review_sheets,
    sheets_by_id,
)
from tests.parts.backend_process import RunningBackend, backend_process
from tests.parts.ernie_brains import Truth
from tests.parts.ernie_stand_in import StandIn
from tests.parts.label_studio import running_label_studio
from tests.parts.samples import ROOT, Sample, all_samples, sample
from tests.parts.sheet_projects import lines as make_sheets

LATENCY_S = 0.2
BOXES = 12
MISSED_KEYS, RIGHT_KEYS, WRONG_KEYS, TYPED_KEYS, PAGE_KEYS = 2, 2, 4, 4, 1


class Quiet(SimpleHTTPRequestHandler):
    """Serves the sample images without a log."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def image_server() -> Iterator[str]:
    """The sample pages over HTTP; gives its base URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(ROOT))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@contextmanager
def reading(brain: Truth, folder: Path) -> Iterator[RunningBackend]:
    """A backend whose two readers are the brain."""
    with (
        StandIn(brain, latency_s=LATENCY_S, in_threads=True).running() as ernie,
        backend_process(
            folder,
            ernie_base_url=ernie.base_url,
            witness="off",
            ernie_model=ernie.model,
            ocr_language="ru",
            allowed_image_hosts="localhost",
        ) as backend,
    ):
        yield backend


def written_pages() -> list[Sample]:
    """The sample pages whose every line has four corners."""
    return [
        each
        for each in all_samples()
        if each.path.name.startswith("syn")
        and each.lines
        and all(len(line["poly"]) == 4 for line in each.lines)
    ]


def truth(pages: list[Sample], rates: tuple[float, float] = (0.0, 0.0)) -> Truth:
    """Readers that know these pages."""
    lines = []
    for page in pages:
        pixels = image_files.decode(page.path.read_bytes(), max_pixels=10**8).pixels
        for line in page.lines:
            quad = np.array(line["poly"], np.float32)
            lines.append((crops.crop_line(pixels, quad, "auto"), line["text"]))
    return Truth(lines, rates)


def task(server: str, page: Sample, number: int) -> dict[str, Any]:
    """A Label Studio task of a sample page."""
    (language,) = {line["lang"] for line in page.lines} & {"uk", "el", "en"} or {"ru"}
    address = f"{server}/{quote(str(page.path.relative_to(ROOT)))}"
    return {"id": number, "data": {"image": address, "language": language}}


def drawn(page: Sample, number: int) -> list[dict[str, Any]]:
    """One line of the page as a person draws it; each number gives a crop of its own."""
    quad = np.array(page.lines[number % len(page.lines)]["poly"], np.float64)
    left, top = quad.min(axis=0) - 3 - number / 4
    right, bottom = quad.max(axis=0) + 3
    value = {
        "x": max(left, 0) * 100 / page.width,
        "y": max(top, 0) * 100 / page.height,
        "width": (right - max(left, 0)) * 100 / page.width,
        "height": (bottom - max(top, 0)) * 100 / page.height,
        "rotation": 0,
        "rectanglelabels": ["Text"],
    }
    common = {"to_name": "image", "original_width": page.width, "original_height": page.height}
    return [
        {
            **common,
            "id": f"drawn{number}",
            "from_name": "label",
            "type": "rectanglelabels",
            "origin": "manual",
            "value": value,
        }
    ]


def timed_boxes(backend: RunningBackend, server: str, page: Sample, first: int) -> list[float]:
    """Seconds from each of some drawn boxes to its text."""
    seconds = []
    for number in range(first, first + BOXES):
        begin = time.perf_counter()
        (answer,) = backend.predict([task(server, page, 1)], default_config(), drawn(page, number))
        seconds.append(time.perf_counter() - begin)
        assert len(answer["result"]) == 2, answer
    return seconds


def drawing_rows(folder: Path) -> list[Row]:
    """Boxes alone, then while pages are read in bulk without a pause."""
    page, pages = sample("syn_015"), written_pages()
    with image_server() as server, reading(truth(pages), folder) as backend:
        one = [task(server, page, 0)]
        begin = time.perf_counter()
        backend.predict(one, default_config())
        whole = time.perf_counter() - begin
        alone = timed_boxes(backend, server, page, 0)
        stop = threading.Event()
        done = [0]

        def bulk() -> None:
            while not stop.is_set():
                lot = [task(server, each, 1000 + done[0] + at) for at, each in enumerate(pages)]
                backend.predict(lot, default_config())
                done[0] += len(lot)

        job = threading.Thread(target=bulk)
        job.start()
        time.sleep(1)
        busy = timed_boxes(backend, server, page, BOXES)
        stop.set()
        job.join()
    return [
        Row(
            "drawn box to its text, alone",
            f"median {median(alone):.2f} s, worst {max(alone):.2f} s",
            f"within 2 s, readers at {LATENCY_S} s",
            median(alone) <= 2,
        ),
        Row(
            "drawn box to its text, bulk job running",
            f"median {median(busy):.2f} s, worst {max(busy):.2f} s",
            f"within 2 s; a whole page alone takes {whole:.2f} s",
            median(busy) <= 2,
        ),
    ]


@dataclass
class Keys:
    """What one way through the pages costs, and what it lets pass."""

    review: int = 0
    typing: int = 0
    pages: int = 0
    lines: int = 0
    doubtful: int = 0
    wrong_unseen: int = 0


def count_keys(backend: RunningBackend, server: str, pages: list[Sample]) -> Keys:
    """Keys for every page as it is filled, against boxes drawn and texts typed by hand."""
    keys = Keys()
    known = {text for page in pages for text in page.texts}
    for number, page in enumerate(pages):
        (answer,) = backend.predict([task(server, page, number)], default_config())
        found = regions(answer["result"])
        keys.pages += 1
        keys.review += PAGE_KEYS
        keys.typing += PAGE_KEYS
        for line in page.lines:
            keys.lines += 1
            keys.typing += TYPED_KEYS + len(line["text"])
            quad = np.array(line["poly"], np.float32)
            best = max(found, key=lambda region: iou(region.points, quad), default=None)
            if best is None or iou(best.points, quad) < 0.5:
                keys.review += MISSED_KEYS
                continue
            # the stand-in's truth of look-alike letters is what was written, not what is right
            said, true = " ".join(best.texts), line.get("pure_text", line["text"])
            off = Levenshtein.distance(said, true)
            if "Check" in best.labels:
                keys.doubtful += 1
                keys.review += WRONG_KEYS + off if off else RIGHT_KEYS
            else:
                # the stand-in took the line for another one of the same shape: no misreading of ours
                keys.wrong_unseen += bool(off) and said not in known
    return keys


def keys_rows(folder: Path) -> list[Row]:
    """One row per share of planted disagreement, half of it misread by each reader."""
    pages = [each for each in written_pages() if "_ru_" in each.path.name]
    rows = []
    for rate in (0.05, 0.15, 0.40):
        brain = truth(pages, (rate / 2, rate / 2))
        with image_server() as server, reading(brain, folder / f"rate-{rate}") as backend:
            keys = count_keys(backend, server, pages)
        saved = keys.typing / keys.review
        rows.append(
            Row(
                f"keys per page, {rate:.0%} of {keys.lines} lines misread ({keys.doubtful} doubtful)",
                f"{keys.review / keys.pages:.1f}, {saved:.0f} times fewer; {keys.wrong_unseen} unseen errors",
                f"typing everything takes {keys.typing / keys.pages:.0f}",
                saved >= 5,
            )
        )
    return rows


def ways_rows(folder: Path) -> list[Row]:
    """The same planted lines in page review and on sheets, in a browser of 1280x720."""
    (folder / "label-studio").mkdir(parents=True)
    with (
        contextmanager(running_label_studio)(folder / "label-studio") as label_studio,
        running_chromium() as chromium,
        running_stage(label_studio, chromium, folder) as stage,
    ):
        pages = [stage.page(*page) for page in planted()]
        by_page, _ = stage.project(*pages)
        on_sheets, _ = stage.project(*pages)
        made = make_sheets(on_sheets.api, on_sheets.id, folder)
        assert made.line_project is not None
        sheets = sheets_by_id(on_sheets.api, made.line_project.project)
        with person_at(stage) as person:
            paged = review_pages(Editor(person.page, person.base_url), by_page.id, len(pages))
            sheeted = review_sheets(person, made.line_project.project, sheets)
    share = sheeted.seconds / paged.seconds
    return [
        Row(
            f"{DOUBTFUL} doubtful lines of {len(pages)} pages, in page review",
            f"{paged.keys} keys and {paged.editing} to mend; {paged.seconds / DOUBTFUL:.2f} s of UI a line",
            "72 keys: Alt+. and one more for a line, one for a page",
            paged.keys <= 72,
        ),
        Row(
            f"the same {DOUBTFUL} lines on {len(sheets)} sheets",
            f"{sheeted.keys} keys and {sheeted.editing} to mend; {sheeted.seconds / DOUBTFUL:.2f} s of UI a "
            f"line, {share:.0%} of page review",
            "35 keys at most: one for a line, one for a sheet",
            sheeted.keys <= 35 and share < 1,
        ),
    ]


def rows() -> list[Row]:
    """Everything, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="twinread-review-") as folder:
        root = Path(folder)
        return [*drawing_rows(root / "drawing"), *keys_rows(root), *ways_rows(root / "ways")]


if __name__ == "__main__":
    show(rows())
