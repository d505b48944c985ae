"""Ray beside the built-in engine on one machine, and two nodes beside one where the server decides.

    python -m benchmarks.ray server|cores [TURNS]

`server`: a server of 0.2 s is what is waited for, as each node may have few calls in flight. `cores`: pages
are read by the two local readers, so that cores are what is waited for; Ray's node has as many as the
built-in engine. Apart from `make bench`: a turn takes two minutes, some of them for models that load.

A rate counts the pages between two moments at which every worker was at work: from the time when as many
pages were done as are in hand at once, until only so many are left. So neither work that was begun before the
first moment counts, nor workers that have nothing to do at the end. How long the first page took is a figure
of its own.
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
from dataclasses import dataclass
from pathlib import Path
from statistics import median
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

HEAD, SECOND = "127.0.0.2", "127.0.0.3"
LATENCY_S = 0.2
PER_NODE = 4
"""Calls in flight of each node, so that the server is what is waited for: twenty calls a second."""
LINES = 4
STEADY = 40
"""Pages that are counted."""
IN_HAND = 20
"""Pages in hand at most, of any engine here; so many before and after those that are counted are not."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds until the first page was read, and pages a second once all were at work."""

    first_s: float
    per_s: float

    @property
    def an_hour(self) -> str:
        """For the table."""
        return f"{self.per_s * 3600:,.0f} pages/h"


class Pages:
    """Tasks that nobody has read before, of `LINES` lines."""

    def __init__(self) -> None:
        self._next = 0

    def more(self) -> list[dict[str, Any]]:
        """So many as one rate needs."""
        first, self._next = self._next, self._next + 2 * IN_HAND + STEADY
        return [{"id": page, "data": {"image": self._image(page)}} for page in range(first, self._next)]

    @staticmethod
    def _image(page: int) -> str:
        texts = [f"Item {page} {line} {page * line % 97}" for line in range(LINES)]
        file = file_of(drawn_page(texts, (480, 60 + 56 * LINES))[0])
        return "data:image/png;base64," + base64.b64encode(file).decode()


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


def timed(engine: BulkEngine, tasks: list[dict[str, Any]]) -> Rate:
    """Read tasks, and close the engine."""
    began = time.monotonic()
    came = [time.monotonic() for _ in engine.read(tasks)]
    engine.close()
    return Rate(came[0] - began, STEADY / (came[IN_HAND + STEADY - 1] - came[IN_HAND - 1]))


def of(settings: Settings, **changed: object) -> tuple[Settings, BulkWork]:
    """Settings with changes, and the work."""
    work = BulkWork(1, LabelingConfig.parse(CONFIG, settings.label_names), Wording("en", "en"))
    return settings.model_copy(update=changed), work


@contextmanager
def values(**more: object) -> Iterator[Settings]:
    """Settings of both engines, with a store that no run had before."""
    with postgres() as url, tempfile.TemporaryDirectory() as cache:
        yield load(
            _env_file=None, store_url=url, cache_dir=Path(cache), detection_model="PP-OCRv5_mobile_det",
            model_source="packages", **more,
        )  # fmt: skip


def beside_a_server(turns: int) -> list[Row]:
    """Where the server is what is waited for."""
    pages = Pages()
    here, one, two = [], [], []
    with (
        server() as ernie,
        values(ernie_base_url=ernie, ernie_model="ernie-stand-in", witness="off", cpu_threads=1) as base,
    ):
        single, work = of(base, ernie_concurrency=PER_NODE)
        double, _ = of(base, ernie_concurrency=2 * PER_NODE)
        with ray_cluster(HEAD, cpus=1) as cluster:
            for _ in range(turns):
                here.append(timed(local_engine(single, work), pages.more()))
                one.append(timed(RayEngine(single, work, address=cluster.address), pages.more()))
                cluster.add(SECOND, cpus=1)
                two.append(timed(RayEngine(double, work, address=cluster.address), pages.more()))
                cluster.kill(SECOND)
                # until the cluster knows
                time.sleep(6)
    most = PER_NODE / LATENCY_S / (2 * LINES) * 3600
    gained = median(b.per_s / a.per_s for a, b in zip(one, two, strict=True))
    return [
        Row(
            "Ray, seconds to the first page", f"{median(rate.first_s for rate in one):.0f} s", "stated", True
        ),
        beside(f"server-bound, {PER_NODE} calls in flight, at most {most:,.0f} pages/h", one, here),
        Row(
            "two nodes / one, server-bound", f"{gained:.2f} ({two[0].an_hour})", "at least 1.8", gained >= 1.8
        ),
    ]


def beside_cores(turns: int) -> list[Row]:
    """Where the cores are what is waited for."""
    pages = Pages()
    cpus = os.cpu_count() or 1
    here, there = [], []
    with (
        values(readers=("paddle", "tesseract"), ocr_language="en") as base,
        ray_cluster(HEAD, cpus=cpus) as cluster,
    ):
        settings, work = of(base)
        for _ in range(turns):
            here.append(timed(local_engine(settings, work), pages.more()))
            there.append(timed(RayEngine(settings, work, address=cluster.address), pages.more()))
    return [beside(f"core-bound, two local readers, {cpus} cores", there, here)]


def beside(what: str, ray: list[Rate], here: list[Rate]) -> Row:
    """Ray's rate over that of the built-in engine, turn by turn."""
    share = median(a.per_s / b.per_s for a, b in zip(ray, here, strict=True))
    return Row(
        f"Ray / built-in: {what}", f"{share:.2f} ({ray[0].an_hour}, {here[0].an_hour})", "stated", True
    )


if __name__ == "__main__":
    measure = {"server": beside_a_server, "cores": beside_cores}[sys.argv[1]]
    show(measure(int(sys.argv[2]) if len(sys.argv) > 2 else 1))
