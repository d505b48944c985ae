"""What a served backend holds in memory, in a process of its own, while it reads pages that it never saw.

Run it alone with `python -m benchmarks.memory`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import httpx

from backend.cores import cores
from backend.label_studio.default_config import default_config
from backend.page import image_files
from benchmarks.detection import MODEL, ROOT, served
from benchmarks.table import Row
from tests.parts.backend_process import backend_process

TURNS = 6


def demo_pages(folder: Path, scale: float) -> list[Path]:
    """The demo pages at another size each time, so that every line is read anew."""
    written = []
    for source in sorted((ROOT / "demo").iterdir()):
        if source.suffix in {".png", ".jpg"}:
            page = image_files.decode(source.read_bytes(), max_pixels=10**8)
            picture = cv2.cvtColor(page.pixels, cv2.COLOR_RGB2BGR)
            path = folder / f"{scale:g}-{len(written)}.png"
            cv2.imwrite(
                str(path), cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            )
            written.append(path)
    return written


def held_mb(pid: int, what: str) -> int:
    """VmRSS or VmHWM (the most there ever was) of a process, MB."""
    rows = dict(
        row.split(":", 1) for row in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    )
    return int(rows[what].split()[0]) // 1024


def rows() -> list[Row]:
    """Memory after all demo pages were read twice, and several times more."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            served(folder) as address,
            backend_process(
                folder / "backend",
                ocr_language="en",
                device="cpu",
                detection_model=MODEL,
                allowed_image_hosts="127.0.0.1",
                predict_deadline_s=600,
            ) as backend,
        ):
            most = []
            for turn in range(TURNS):
                paths = demo_pages(folder, 1 - 0.02 * turn)
                tasks = [
                    {"id": number, "data": {"image": f"{address}/{path.name}"}}
                    for number, path in enumerate(paths, 1)
                ]
                body = {"tasks": tasks, "label_config": default_config(), "project": "1.1"}
                answer = httpx.post(f"{backend.url}/predict", json=body, timeout=600, trust_env=False)
                assert sum(bool(result["result"]) for result in answer.json()["results"]) == len(paths)
                most.append(held_mb(backend.process.pid, "VmHWM"))
            now = held_mb(backend.process.pid, "VmRSS")
    return [
        Row(
            f"resident memory of a served backend on {cores()} cores, most after all demo pages twice",
            f"{most[1]} MB",
            "at most 1400 MB on 2 cores",
            most[1] <= 1400,
        ),
        Row(
            f"the same after {TURNS} times, and what it holds then",
            f"{most[-1]}, {now} MB",
            "flat: at most 1.1 times",
            most[-1] <= 1.1 * most[1],
        ),
    ]


if __name__ == "__main__":
    for row in rows():
        print(row)
