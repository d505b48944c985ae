"""Half an hour of everything at once: is it as quick and as small at the end as at the beginning?"""

from __future__ import annotations

import itertools
import signal
import socket
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field

import httpx

from tests.torture import bombs
from tests.torture.asking import ask, body, has_text, task
from tests.torture.counting_ernie import CountingErnie, counting_ernie
from tests.torture.image_host import HOSTS, ImageHost, image_host
from tests.torture.kill import DIFFERENT, STOP_S
from tests.torture.memory import post_raw
from tests.torture.row import Row, Run, at_most
from tests.torture.slow import HEAD
from tests.torture.victim import EVERYWHERE, Victim, victim

DEADLINE_S = 20
GROWTH_MB = 150
"""How much more memory the last fifth of the time may take than the second fifth."""

SLOWER = 2.0
"""The last fifth's median page may take so many times as long as the second fifth's, and half a second."""

HEALTH_S = 1.0
DRAWN_SHARE = 0.99
HANGS_EVERY = 40


@dataclass
class Watched:
    """What was measured while it ran; each list in order of time."""

    rss_mb: list[float] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    fds: list[int] = field(default_factory=list)
    health_s: list[float] = field(default_factory=list)
    pages_s: list[float] = field(default_factory=list)
    unread: int = 0
    drawn: int = 0
    drawn_unread: int = 0
    wrong: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    pages: int = 0
    bombs: int = 0


class Load:
    """Callers that each do one kind of thing, again and again, until it is over."""

    def __init__(self, attacked: Victim, host: ImageHost, end: float) -> None:
        self.attacked, self.host, self.end = attacked, host, end
        self.watched = Watched()
        self.numbers = itertools.count(1)
        self.bombs = itertools.cycle(("bomb_1bit.png", "lying.jpg", "bomb_16bit.png"))
        self.adding = threading.Lock()

    def run(self, say: Callable[[str], None]) -> Watched:
        """All of them, until the end or until the backend is gone."""
        callers = (
            self.bulk,
            self.bulk,
            self.opened,
            self.draw,
            self.drip,
            self.bomb,
            self.hang_up,
            self.watch,
        )
        threads = [threading.Thread(target=self._again, args=(one,), daemon=True) for one in callers]
        for thread in threads:
            thread.start()
        begun, told = time.monotonic(), 0.0
        # a caller that hangs is told by what it did not count
        while any(thread.is_alive() for thread in threads) and time.monotonic() < self.end + 150:
            time.sleep(0.5)
            minutes, seen = (time.monotonic() - begun) / 60, self.watched
            if minutes >= told + 1 and seen.rss_mb and seen.pages_s:
                told = minutes
                say(
                    f"minute {minutes:.0f}: {seen.rss_mb[-1]:.0f} MB, a page "
                    f"{statistics.median(seen.pages_s[-20:]):.1f} s, {seen.pages} pages, {seen.bombs} bombs"
                )
        return self.watched

    def _again(self, caller: Callable[[], None]) -> None:
        while time.monotonic() < self.end and self.attacked.alive:
            try:
                caller()
            except Exception as error:  # noqa: BLE001, PERF203 - told in the table; the load goes on
                self.watched.problems.append(f"{caller.__name__}: {type(error).__name__} {error}")
                time.sleep(1)

    def _pages(self, count: int) -> list[dict[str, object]]:
        with self.adding:
            numbers = [next(self.numbers) for _ in range(count)]
        return [task(number, self.host.page(number)) for number in numbers]

    def bulk(self) -> None:
        """A project retrieves predictions, five new pages at a time."""
        answer = ask(self.attacked.url, body(self._pages(5), 1), limit_s=60)
        self.watched.pages += answer.done
        if answer.status not in (200, 503):
            self.watched.wrong.append(f"bulk: {answer.status} {answer.text[:60]}")
        time.sleep(3)

    def opened(self) -> None:
        """Somebody of another project opens a new page."""
        answer = ask(self.attacked.url, body(self._pages(1), 2), limit_s=60)
        if answer.done:
            self.watched.pages_s.append(answer.seconds)
            self.watched.pages += 1
        else:
            self.watched.unread += 1
        if answer.status not in (200, 503):
            self.watched.wrong.append(f"opened: {answer.status} {answer.text[:60]}")
        time.sleep(2)

    def draw(self) -> None:
        """An annotator draws a box on a page."""
        answer = ask(self.attacked.url, body(self._pages(1), 3, drawn=True), limit_s=60)
        self.watched.drawn += 1
        self.watched.drawn_unread += not has_text(answer)
        time.sleep(3)

    def drip(self) -> None:
        """A project whose images come half a byte a second, ten at a time."""
        tasks = [task(number, self.host.slow(number, HOSTS[1])) for number in range(10)]
        ask(self.attacked.url, body(tasks, 4), limit_s=60)

    def bomb(self) -> None:
        """A picture that unpacks, then a body that does."""
        name = next(self.bombs)
        with self.adding:
            number = next(self.numbers)
        ask(self.attacked.url, body([task(number, self.host.file(name) + f"?{number}")], 5), limit_s=60)
        post_raw(self.attacked.port, "/predict", [b'{"tasks": [', b"{}," * 1_000_000, b"{}]}"])
        self.watched.bombs += 2
        time.sleep(10)

    def hang_up(self) -> None:
        """Twenty connections that send half a header and nothing more for a while."""
        held = []
        for _ in range(20):
            with suppress(OSError):
                held.append(socket.create_connection(("127.0.0.1", self.attacked.port), timeout=3))
                held[-1].sendall(HEAD)
        time.sleep(20)
        for one in held:
            one.close()

    def watch(self) -> None:
        """Once a second: is it well, and how large?"""
        seen = self.watched
        seen.health_s.append(self.attacked.health_s())
        seen.rss_mb.append(self.attacked.rss_mb())
        seen.threads.append(self.attacked.threads())
        seen.fds.append(self.attacked.fds())
        time.sleep(1)


def rows(run: Run) -> Iterator[Row]:
    """The load, and afterwards what the store holds."""
    settings = {"predict_deadline_s": DEADLINE_S, "image_timeout_s": 15, "ernie_timeout_s": 3}
    with counting_ernie(0.1) as ernie, image_host() as host:
        host.files.update(bombs.pictures())
        with victim(run, "mixed", ernie, settings) as attacked:
            ernie.hangs_every = HANGS_EVERY
            idle = attacked.rss_mb()
            seen = Load(attacked, host, time.monotonic() + run.minutes * 60).run(run.say)
            ernie.hangs_every = 0
            name = "mixed load"
            yield Row(
                f"{name}: pages read, bombs, hung calls of ERNIE", "the backend lives",
                f"{seen.pages:,} pages in {run.minutes:g} min, {seen.bombs} bombs, {ernie.hung} hung calls, "
                + ("alive" if attacked.alive else "dead"),
                attacked.alive and seen.pages > 0,
            )  # fmt: skip
            yield from _flat(seen, attacked, idle)
            yield from _answered(seen)
            yield from _kept(run, attacked, ernie, host)


def _flat(seen: Watched, attacked: Victim, idle: float) -> Iterator[Row]:
    early, late = _fifth(seen.rss_mb, 1), _fifth(seen.rss_mb, 4)
    yield Row(
        "mixed load: memory, median of the last fifth beside the second",
        f"at most {GROWTH_MB} MB more",
        f"{idle:.0f} MB idle, {early:.0f} and {late:.0f} MB; highest {attacked.highest_mb:.0f} MB",
        late - early <= GROWTH_MB,
    )
    for name, counted in (("threads", seen.threads), ("open files", seen.fds)):
        early, late = _fifth(counted, 1), _fifth(counted, 4)
        told = f"{early:.0f} and {late:.0f}; highest {max(counted)}"
        yield Row(f"mixed load: {name}, the same", "at most 20 more", told, late - early <= 20)
    early, late = _fifth(seen.pages_s, 1), _fifth(seen.pages_s, 4)
    yield Row(
        "mixed load: an opened page, median of the last fifth beside the second",
        f"at most {SLOWER:g} times, and 0.5 s",
        f"{early:.1f} and {late:.1f} s; slowest {max(seen.pages_s, default=0):.1f} s; {seen.unread} unread",
        bool(seen.pages_s) and late <= SLOWER * early + 0.5,
    )


def _answered(seen: Watched) -> Iterator[Row]:
    slow = sum(seconds > HEALTH_S for seconds in seen.health_s)
    yield Row(
        "mixed load: /health slower than 1 s",
        "none",
        f"{slow} of {len(seen.health_s)}; slowest {max(seen.health_s, default=9):.1f} s",
        slow == 0 and bool(seen.health_s),
    )
    total = len(seen.pages_s) + seen.unread
    yield Row(
        "mixed load: opened pages that came unread",
        "at most 1 in 50",
        f"{seen.unread} of {total}",
        total > 0 and seen.unread <= total / 50,
    )
    # a call that hangs costs its box the text: the box comes back as Check
    yield Row(
        "mixed load: drawn boxes without a text (1 call in 40 hangs)",
        "at most 1 in 10",
        f"{seen.drawn_unread} of {seen.drawn}",
        seen.drawn > 0 and seen.drawn_unread <= seen.drawn / 10,
    )
    strange = [*seen.wrong, *seen.problems]
    yield Row("mixed load: answers but 200 and 503", "0", f"{len(strange)} {strange[:2] or ''}", not strange)


def _kept(run: Run, attacked: Victim, ernie: CountingErnie, host: ImageHost) -> Iterator[Row]:
    # what has died is judged by what it left
    with suppress(AssertionError, httpx.HTTPError):
        attacked.backend.wait_until_idle()
    tracebacks = attacked.tracebacks()
    code, seconds = attacked.signalled(signal.SIGTERM)
    yield Row(
        "mixed load: SIGTERM at the end",
        f"exit code 0 within {STOP_S:g} s",
        f"exit code {code} in {seconds:.1f} s",
        code == 0 and seconds <= STOP_S,
    )
    yield Row("mixed load: tracebacks in the log", "0", str(tracebacks), tracebacks == 0)
    with closing(sqlite3.connect(run.folder / "mixed" / "cache" / "readings.sqlite3")) as store:
        (kept,) = store.execute("SELECT count(*) FROM readings").fetchone()
        (different,) = store.execute(DIFFERENT).fetchone()
    told = len(ernie.told)
    yield Row(
        "mixed load: readings that ERNIE gave and the store lacks",
        "0",
        f"{told - kept} of {told:,}; {different:,} different rows of {kept:,}",
        kept >= told > 0 and kept == different,
    )
    twice = ernie.told_twice()
    yield at_most(
        "mixed load: readings paid for twice", int(str(EVERYWHERE["ernie_concurrency"])), twice, "readings"
    )


def _fifth(figures: list[float] | list[int], which: int) -> float:
    """The median of one fifth of the time."""
    size = max(1, len(figures) // 5)
    return float(statistics.median(figures[which * size : (which + 1) * size] or [0]))
