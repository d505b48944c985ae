"""`preannotate` killed in the middle of its work, again and again: what is lost, doubled, paid for twice."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from backend.label_studio.regions import regions
from tests.parts.bulk_runs import BulkRun, Studio, preannotate, studio
from tests.torture.counting_ernie import CountingErnie, counting_ernie
from tests.torture.image_host import ImageHost, image_host
from tests.torture.row import Row, Run
from tests.torture.victim import EVERYWHERE

PAGES = 20
"""New tasks before each kill; three lines each, which are six readings."""

LINES = 3
PART_S = 2400
"""After this time no further kill begins."""

CLAIM_S = 4
START_S = 120
"""A run that has not come to its first call by then has nothing left to read."""

LATEST_S = 2.0
"""Kills come so long after the first call of a run, or after its last one, or earlier."""

IN_FLIGHT = int(EVERYWHERE["ernie_concurrency"])  # type: ignore[call-overload]


@dataclass
class Tally:
    """What the kills met."""

    killed: int = 0
    ended: int = 0
    reading: int = 0
    tracebacks: int = 0
    codes: list[int] = field(default_factory=list)


def rows(run: Run) -> Iterator[Row]:
    """Kills of one run after the other over a project that grows, then one that nobody kills."""
    with (
        image_host() as host,
        counting_ernie(0.15) as ernie,
        studio(run.folder) as labels,
    ):
        host.lines = LINES
        yield from _killed(run, host, ernie, labels)


def _killed(run: Run, host: ImageHost, ernie: CountingErnie, labels: Studio) -> Iterator[Row]:
    folder, chance, begun = run.folder / "bulk", random.Random(13), time.monotonic()
    project, tally = labels.project([], "killed"), Tally()
    settings = {
        **EVERYWHERE,
        **labels.settings,
        "ernie_base_url": ernie.base_url,
        "witness": "off",
        # each run after a kill waits so long for what the killed one had claimed
        "reading_claim_s": CLAIM_S,
        "pythonpath": run.code,
    }
    arguments = ("--project", project)
    while tally.killed < run.kills and time.monotonic() < begun + PART_S:
        first = (tally.killed + tally.ended) * PAGES
        pages = [host.page(number) for number in range(first, first + PAGES)]
        labels.api.import_tasks(project, [{"data": {"image": page}} for page in pages])
        with preannotate(folder, *arguments, settings=settings) as running:
            _kill_in_the_middle(running, ernie, chance, tally)
        ernie.round += 1
        if tally.killed % 5 == 0:
            run.say(f"{tally.killed} of {run.kills} kills")
    with preannotate(folder, *arguments, settings=settings) as running:
        tally.codes.append(running.wait(900))
        tally.tracebacks = running.text.count("Traceback (most recent call last)")
    yield from _told(labels, project, ernie, tally, run.kills)


def _kill_in_the_middle(running: BulkRun, ernie: CountingErnie, chance: random.Random, tally: Tally) -> None:
    """Kill a run at a moment that nobody chose: by turns among its calls, and after them, while it stores."""
    calls, end = ernie.calls, time.monotonic() + START_S
    while running.process.poll() is None and ernie.calls == calls and time.monotonic() < end:
        time.sleep(0.01)
    if tally.killed % 2:
        _wait_until_read(running, ernie)
    moment = time.monotonic() + chance.uniform(0, LATEST_S)
    while running.process.poll() is None and time.monotonic() < moment:
        time.sleep(0.005)
    if running.process.poll() is not None:
        tally.ended += 1
        tally.codes.append(int(running.process.returncode))
        return
    tally.killed += 1
    tally.reading += ernie.in_flight > 0
    running.kill()


def _wait_until_read(running: BulkRun, ernie: CountingErnie) -> None:
    """Wait until no call has been in flight for a moment."""
    quiet = time.monotonic()
    while running.process.poll() is None and time.monotonic() < quiet + 0.3:
        if ernie.in_flight:
            quiet = time.monotonic()
        time.sleep(0.005)


def _told(labels: Studio, project: int, ernie: CountingErnie, tally: Tally, kills: int) -> Iterator[Row]:
    tasks = list(labels.api.tasks(project))
    made = [(task["id"], stored) for task in tasks for stored in task["predictions"]]
    yield Row(
        "SIGKILL in the middle of a run",
        f"{kills}",
        f"{tally.killed}, {tally.reading} of them with calls in flight; {tally.ended} runs came to their end",
        tally.killed == kills,
    )
    without = sum(not task["predictions"] for task in tasks)
    yield Row("tasks without a prediction", "0", f"{without} of {len(tasks)}", without == 0 and bool(tasks))
    by_version = Counter((task, stored["model_version"]) for task, stored in made)
    doubled = len(made) - len(by_version)
    yield Row("predictions stored twice", "0", f"{doubled} of {len(made)}", doubled == 0)
    lacking = sum(len(regions(stored["result"])) != LINES for _, stored in made)
    yield Row("predictions that lack a line", "0", f"{lacking} of {len(made)}", lacking == 0)
    again, needed = ernie.repeated_of(), len(tasks) * LINES * 2
    most = max(again.values(), default=0)
    yield Row(
        "readings paid for twice",
        f"at most the {IN_FLIGHT} in flight a kill",
        f"{sum(again.values())} beside {needed:,}, {most} after one kill",
        most <= IN_FLIGHT and len(ernie.asked_for) == needed,
    )
    wrong = [code for code in tally.codes if code != 0]
    yield Row("exit codes of runs that were not killed", "0", ", ".join(map(str, tally.codes)), not wrong)
    yield Row("tracebacks", "0", str(tally.tracebacks), tally.tracebacks == 0)
