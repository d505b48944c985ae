"""Killed and stopped in turn while it works: what is lost, what is asked for twice."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import sqlalchemy as sa

from tests.parts.postgres import postgres
from tests.torture.asking import ask, body, task
from tests.torture.counting_ernie import CountingErnie, counting_ernie
from tests.torture.image_host import ImageHost, image_host
from tests.torture.row import Row, Run, at_most
from tests.torture.victim import EVERYWHERE, Victim, victim

PAGES = 20
"""Asked for at once, new ones in each round; three lines each, which are six readings."""

STOP_S = 8.0
PART_S = 900
"""After this time no further kill begins for a kind of store."""

DIFFERENT = "SELECT count(*) FROM (SELECT DISTINCT crop, reader FROM readings) AS different"

IN_FLIGHT = int(EVERYWHERE["ernie_concurrency"])  # type: ignore[call-overload]


@dataclass
class Tally:
    """What the kills did."""

    killed: int = 0
    stopped: int = 0
    codes: list[int | None] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    tracebacks: int = 0


def rows(run: Run) -> Iterator[Row]:
    """Kills on SQLite, then two replicas on one PostgreSQL, without kills and with them."""
    with image_host() as host:
        host.lines = 3
        with counting_ernie(0.15) as ernie:
            yield from _on_sqlite(run, ernie, host)
        with postgres() as url:
            with counting_ernie(0.15) as ernie:
                yield from _two_at_once(run, ernie, host, url)
            with counting_ernie(0.15) as ernie:
                yield from _on_postgres(run, ernie, host, url)


def _on_sqlite(run: Run, ernie: CountingErnie, host: ImageHost) -> Iterator[Row]:
    tally, chance, begun = Tally(), random.Random(11), time.monotonic()
    folder, number = "sqlite", 0
    while number < run.kills and time.monotonic() < begun + PART_S:
        number += 1
        with victim(run, folder, ernie) as attacked, ThreadPoolExecutor(1) as asking:
            # the pages of the kill before, and as many new ones
            tasks = _tasks(host, max(0, number - 2) * PAGES, number * PAGES)
            _ask_until(ernie, chance, [attacked], asking, tasks)
            _kill(tally, attacked, number)
            ernie.round += 1
        if number % 5 == 0:
            run.say(f"SQLite: {number} of {run.kills}")
    with victim(run, folder, ernie) as attacked:
        ask(attacked.url, body(_tasks(host, 0, number * PAGES)), limit_s=200)
        attacked.backend.wait_until_idle()
        _kill(tally, attacked, 0)
        tally.tracebacks += attacked.tracebacks()
        with sqlite3.connect(run.folder / folder / "cache" / "readings.sqlite3") as store:
            (kept,) = store.execute("SELECT count(*) FROM readings").fetchone()
            (keys,) = store.execute(DIFFERENT).fetchone()
            (sound,) = store.execute("PRAGMA integrity_check").fetchone()
    yield from _told("SQLite", tally, ernie, kept, keys, f"integrity {sound}")


def _on_postgres(run: Run, ernie: CountingErnie, host: ImageHost, url: str) -> Iterator[Row]:
    tally, chance, begun = Tally(), random.Random(12), time.monotonic()
    number, first = 0, 1_000_000
    _empty(url)
    with ExitStack() as stack:
        stacks = [stack.enter_context(ExitStack()) for _ in range(2)]
        both = [_replica(run, stacks[which], which, ernie, url) for which in range(2)]
        while number < run.kills and time.monotonic() < begun + PART_S:
            number += 1
            with ThreadPoolExecutor(2) as asking:
                tasks = _tasks(host, first + max(0, number - 2) * PAGES, first + number * PAGES)
                _ask_until(ernie, chance, both, asking, tasks)
                # pairs of SIGKILL and SIGTERM, so that each replica gets both
                which = number // 2 % 2
                _kill(tally, both[which], number)
                ernie.round += 1
            stacks[which].close()
            both[which] = _replica(run, stacks[which], which, ernie, url)
            if number % 5 == 0:
                run.say(f"PostgreSQL: {number} of {run.kills}")
        for replica in both:
            ask(replica.url, body(_tasks(host, first, first + number * PAGES)), limit_s=200)
            replica.backend.wait_until_idle()
        for replica in both:
            _kill(tally, replica, 0)
            tally.tracebacks += replica.tracebacks()
    kept, keys = _kept_in(url)
    yield from _told("PostgreSQL, two replicas", tally, ernie, kept, keys, "")


def _two_at_once(run: Run, ernie: CountingErnie, host: ImageHost, url: str) -> Iterator[Row]:
    """Both replicas asked for the same new pages at the same moment, and nobody is killed."""
    rounds = 5
    with ExitStack() as stack:
        both = [_replica(run, stack, which, ernie, url) for which in range(2)]
        for number in range(rounds):
            tasks = _tasks(host, 2_000_000 + number * PAGES, 2_000_000 + (number + 1) * PAGES)
            with ThreadPoolExecutor(2) as asking:
                list(asking.map(lambda one, tasks=tasks: ask(one.url, body(tasks)), both))
    distinct, twice = len(ernie.asked_for), ernie.repeated()
    yield Row(
        f"two replicas asked for the same {PAGES} pages at once, {rounds} times: readings paid for twice",
        "0",
        f"{twice} of {distinct} ({twice / max(1, distinct):.0%})",
        twice == 0 and distinct > 0,
    )


def _tasks(host: ImageHost, first: int, end: int) -> list[dict[str, object]]:
    return [task(number, host.page(number)) for number in range(first, end)]


def _replica(run: Run, stack: ExitStack, which: int, ernie: CountingErnie, url: str) -> Victim:
    return stack.enter_context(victim(run, f"replica-{which}", ernie, {"store_url": url}))


def _ask_until(
    ernie: CountingErnie,
    chance: random.Random,
    attacked: list[Victim],
    asking: ThreadPoolExecutor,
    tasks: list[dict[str, object]],
) -> None:
    """Ask every one of these, and return in the middle of the work."""
    calls = ernie.calls + chance.randint(5, 5 * PAGES)
    asked = [asking.submit(ask, one.url, body(tasks)) for one in attacked]
    end = time.monotonic() + 40
    while ernie.calls < calls and time.monotonic() < end and not all(one.done() for one in asked):
        time.sleep(0.01)


def _kill(tally: Tally, attacked: Victim, number: int) -> None:
    """SIGKILL in odd rounds, SIGTERM in even ones."""
    by = signal.SIGKILL if number % 2 else signal.SIGTERM
    code, seconds = attacked.signalled(by)
    if by == signal.SIGKILL:
        tally.killed += 1
        return
    tally.stopped += number > 0
    tally.codes.append(code)
    tally.seconds.append(seconds)


def _empty(url: str) -> None:
    with _engine(url).begin() as connection:
        connection.execute(sa.text("DELETE FROM readings"))


def _kept_in(url: str) -> tuple[int, int]:
    with _engine(url).connect() as connection:
        kept = connection.execute(sa.text("SELECT count(*) FROM readings")).scalar_one()
        keys = connection.execute(sa.text(DIFFERENT)).scalar_one()
    return kept, keys


def _engine(url: str) -> sa.Engine:
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)


def _told(store: str, tally: Tally, ernie: CountingErnie, kept: int, keys: int, more: str) -> Iterator[Row]:
    by = f"after {tally.killed} x SIGKILL and {tally.stopped} x SIGTERM in turn"
    lost = len(ernie.asked_for) - kept
    yield Row(
        f"{store}: readings lost", "0", f"{lost} of {len(ernie.asked_for)} {by}", lost == 0 and kept > 0
    )
    # what was in flight when a round ended is asked for when its claim has, which may be two rounds later
    repeated = ernie.repeated_of()
    by_kill = [count for number, count in repeated.items() if number % 2]
    by_stop = [count for number, count in repeated.items() if not number % 2]
    most = max(by_kill, default=0)
    yield Row(
        f"{store}: readings asked for twice after a SIGKILL",
        f"at most the {IN_FLIGHT} in flight each time",
        f"{sum(by_kill)} in all, {most} after one",
        most <= IN_FLIGHT,
    )
    yield Row(
        f"{store}: readings asked for twice after a SIGTERM, or without any",
        "0",
        str(sum(by_stop)),
        not by_stop,
    )
    wrong = sum(code != 0 for code in tally.codes)
    yield Row(
        f"{store}: exit codes after SIGTERM that are not 0", "0", f"{wrong} of {len(tally.codes)}", wrong == 0
    )
    yield at_most(f"{store}: the slowest SIGTERM", STOP_S, max(tally.seconds), "s")
    yield Row(f"{store}: tracebacks in the log", "0", str(tally.tracebacks), tally.tracebacks == 0)
    yield Row(
        f"{store}: rows of the store, and how many of them are different",
        "the same",
        f"{kept} and {keys}{more and f', {more}'}",
        kept == keys and (not more or more.endswith("ok")),
    )
