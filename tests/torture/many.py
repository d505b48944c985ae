"""`preannotate` of a project of 20,000 tasks: memory, what is stored, how long looking and going on take."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from backend.bulk.tasks import count_lacking
from tests.parts.bulk_runs import BulkRun, Studio, preannotate, studio, summary_of
from tests.parts.drawn_pages import drawn_page, file_of
from tests.torture.counting_ernie import counting_ernie
from tests.torture.image_host import ImageHost, image_host
from tests.torture.row import Row, Run
from tests.torture.victim import EVERYWHERE

FEW, MANY = 1_000, 20_000
PAGES = 200
"""Pages that tasks share: each is read once, so that the machine is not busy reading for hours."""

FLAT = 1.15
"""Memory at many tasks against few: at most so many times."""


@dataclass(frozen=True)
class Bench:
    """What runs work with."""

    run: Run
    labels: Studio
    settings: dict[str, object]

    def preannotated(self, project: int, *arguments: object) -> BulkRun:
        """A run that came to its end."""
        summary = ("--summary-json", "summary.json")
        with preannotate(
            self.run.folder / "bulk", "--project", project, *summary, *arguments, settings=self.settings
        ) as running:
            code = running.wait(4000)
            assert code == 0, running.text[-3000:]
        return running


def rows(run: Run) -> Iterator[Row]:
    """Few tasks, many tasks, and the same again."""
    with image_host() as host, counting_ernie(0.02) as ernie, studio(run.folder) as labels:
        host.files = {
            f"{number}.png": file_of(drawn_page([f"Счёт {number}"], (240, 64), 20)[0])
            for number in range(PAGES)
        }
        settings = {
            **EVERYWHERE,
            **labels.settings,
            "ernie_base_url": ernie.base_url,
            "witness": "off",
            "cpu_threads": 2,
            # tiny pages stay tiny
            "detection_enlarge_below": 0,
            "pythonpath": run.code,
        }
        bench = Bench(run, labels, settings)
        few, _ = yield from _whole(bench, host, FEW)
        many, project = yield from _whole(bench, host, MANY)
        yield Row(
            f"most resident memory of a run of {MANY:,} tasks",
            f"at most {FLAT} times that of {FEW:,}",
            f"{many.most_kb / 1000:,.0f} MB, {few.most_kb / 1000:,.0f} MB of {FEW:,}",
            many.most_kb <= FLAT * few.most_kb,
        )
        yield from _again(bench, project)


def _whole(bench: Bench, host: ImageHost, tasks: int) -> Generator[Row, None, tuple[BulkRun, int]]:
    """Read a project; yields what became of it, gives the run and the project."""
    references = [host.file(f"{number % PAGES}.png") for number in range(tasks)]
    project = bench.labels.project(references, f"{tasks} tasks")
    running = bench.preannotated(project)
    stored = sum(bench.labels.api.model_versions(project).values())
    (version,) = bench.labels.api.model_versions(project)
    left = count_lacking(bench.labels.api, project, version)
    told = summary_of(bench.run.folder / "bulk")
    yield Row(
        f"{tasks:,} tasks read: predictions, and tasks without one",
        f"{tasks:,} and 0",
        f"{stored:,} and {left} in {told['seconds']:.0f} s, {tasks / told['seconds']:.0f} a second",
        stored == tasks and left == 0,
    )
    return running, project


def _again(bench: Bench, project: int) -> Iterator[Row]:
    again = bench.preannotated(project)
    yield Row(
        f"the same again over {MANY:,} tasks that are read",
        "nothing to do",
        f"{'Nothing to do' in again.text}, {again.seconds:.0f} s with its models",
        "Nothing to do" in again.text,
    )
    begun = time.monotonic()
    listed = sum(1 for _ in bench.labels.api.tasks(project, fields="task_only", page_size=500))
    yield Row(
        f"listing {MANY:,} tasks", "all", f"{listed:,} in {time.monotonic() - begun:.0f} s", listed == MANY
    )
