"""A real backend that is asked for many large pages at once: its memory stays bounded, all are answered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.parts.backend_process import RunningBackend, backend_process
from tests.parts.hostile_images import GREY, RGBA, inline, png
from tests.parts.scripted import CONFIG

MOST_MB = 2_500
"""Over what the backend holds before: three pages open (720 MB), one in decode (640), the detector's own."""


def memory_mb(backend: RunningBackend, what: str) -> float:
    """Of the backend's largest process, by a field of its status in /proc."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if str(backend.process.pid) in (lines["Pid"], lines["PPid"]) and what in lines:
            found.append(int(lines[what].split()[0]) / 1024)
    return max(found)


def test_eight_bombs_in_four_requests_stay_under_2500_megabytes_and_are_answered(
    tmp_path: Path,
) -> None:
    pages = [
        inline(png(8_900, 8_900, bits=1, colour=GREY)),
        inline(png(8_900, 8_900, colour=RGBA)),
        inline(png(8_900, 8_900)),
    ]
    with backend_process(tmp_path, readers="paddle,tesseract", predict_deadline_s=110, stop_s=30) as backend:
        before = memory_mb(backend, "VmRSS")
        bodies = [
            [{"id": 2 * request + one, "data": {"image": pages[(request + one) % 3]}} for one in (0, 1)]
            for request in range(4)
        ]
        with ThreadPoolExecutor(4) as people:
            answers = list(people.map(lambda tasks: backend.predict(tasks, CONFIG), bodies))
        peak = memory_mb(backend, "VmHWM")
        assert [len(answer) for answer in answers] == [2, 2, 2, 2]
        assert not backend.status()["failed_tasks"]
        assert peak - before < MOST_MB
        # and a drawn box over such a page, three times
        box = {
            "id": "box",
            "type": "rectanglelabels",
            "from_name": "label",
            "to_name": "image",
            "value": {"x": 0, "y": 0, "width": 100, "height": 100, "rectanglelabels": ["Check"]},
        }
        drawn = [{**box, "id": f"box{number}"} for number in range(3)]
        (answer,) = backend.predict([{"id": 99, "data": {"image": pages[0]}}], CONFIG, drawn)
        assert answer["result"]
        assert memory_mb(backend, "VmHWM") - before < MOST_MB
