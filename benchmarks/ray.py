"""Ray beside the built-in engine on one machine, and two nodes beside one where the server decides.

    python -m benchmarks.ray

Apart from `make bench`: it takes minutes, most of them for models that load. Rates are those from the first
outcome on; how long until then is a figure of its own.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.bulk.job import BulkEngine, BulkWork
from backend.bulk.local_engine import local_engine
from backend.bulk.ray_engine import RayEngine
from backend.label_studio.labeling_config import LabelingConfig
from backend.pipeline.read_task import Wording
from backend.settings.settings import Settings, load
from benchmarks.table import Row, show
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.postgres import postgres
from tests.parts.ray_cluster import ray_cluster
from tests.parts.scripted import CONFIG

LATENCY_S = 0.2
PER_NODE = 2
"""Calls in flight of each node, so that the server is what is waited for: ten calls a second."""
LINES = 8
PAGES = 24


def tasks(number: int, first: int) -> Iterator[dict[str, Any]]:
    """Pages of `LINES` lines that nobody has read before."""
    for page in range(first, first + number):
        texts = [f"Item {page} {line} {page * line % 97}" for line in range(LINES)]
        file = file_of(drawn_page(texts, (480, 60 + 56 * LINES))[0])
        yield {"id": page, "data": {"image": "data:image/png;base64," + base64.b64encode(file).decode()}}


@contextmanager
def server() -> Iterator[str]:
    """The stand-in in a process of its own."""
    command = [sys.executable, "-m", "tests.parts.ernie_stand_in", "--port", "0", "--unchecked"]
    process = subprocess.Popen(
        [*command, "--latency", str(LATENCY_S)], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def timed(engine: BulkEngine, first: int) -> tuple[float, float]:
    """Seconds until the first outcome, and pages a second from there on."""
    began = time.monotonic()
    came = [time.monotonic() for _ in engine.read(tasks(PAGES, first))]
    engine.close()
    return came[0] - began, (len(came) - 1) / (came[-1] - came[0])


def of(settings: Settings, **changed: object) -> tuple[Settings, BulkWork]:
    """Settings with changes, and the work."""
    work = BulkWork(1, LabelingConfig.parse(CONFIG, settings.label_names), Wording("en", "en"))
    return settings.model_copy(update=changed), work


def rows() -> list[Row]:
    """Measure."""
    with postgres() as url, server() as ernie, tempfile.TemporaryDirectory() as cache:
        base = load(
            _env_file=None, ernie_base_url=ernie, ernie_model="ernie-stand-in", store_url=url, cpu_threads=1,
            cache_dir=Path(cache), detection_model="PP-OCRv5_mobile_det", model_source="packages",
        )  # fmt: skip
        limited, work = of(base, ernie_concurrency=PER_NODE)
        _, here = timed(local_engine(limited, work), 1_000)
        with ray_cluster("127.0.0.2", cpus=1) as cluster:
            start, one = timed(RayEngine(limited, work, address=cluster.address), 2_000)
            cluster.add("127.0.0.3", cpus=1)
            doubled, work = of(base, ernie_concurrency=2 * PER_NODE)
            _, two = timed(RayEngine(doubled, work, address=cluster.address), 3_000)
        most = PER_NODE / LATENCY_S / (2 * LINES)
    return [
        Row("Ray on one node, seconds to the first page", f"{start:.0f} s", "stated", True),
        Row(
            f"Ray on one node / built-in engine, {PER_NODE} calls in flight",
            f"{one / here:.2f} ({one * 3600:,.0f} and {here * 3600:,.0f} pages/h of {most * 3600:,.0f})",
            "stated",
            True,
        ),
        Row("two nodes / one, reading-bound", f"{two / one:.2f}", "at least 1.8", two / one >= 1.8),
    ]


if __name__ == "__main__":
    show(rows())
