"""One project's 5,000 tasks, slow images and drawn boxes beside somebody else's two pages."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from tests.torture.asking import Answer, ask, body, has_text, task
from tests.torture.counting_ernie import CountingErnie, counting_ernie
from tests.torture.image_host import ImageHost, image_host
from tests.torture.row import Row, Run, at_most
from tests.torture.victim import Victim, victim

DEADLINE_S = 20.0
OPENED_S = 5.0
"""A person who opens one task while others work waits so long at most."""

DRAWN_S = 10.0
STOP_S = 8.0


def rows(run: Run) -> Iterator[Row]:
    """Four crowds, each on a backend of its own."""
    with counting_ernie(0.1) as ernie, image_host() as host:
        yield from _backlog(run, ernie, host)
        yield from _slow_pages(run, ernie, host)
        yield from _slow_opened(run, ernie, host)
        yield from _drawn(run, ernie, host)


def _backlog(run: Run, ernie: CountingErnie, host: ImageHost) -> Iterator[Row]:
    run.say("5,000 tasks in one request")
    tasks = [task(n, host.page(n)) for n in range(5_000)]
    with _crowd(run, "backlog", ernie) as (attacked, at_once):
        idle = attacked.rss_mb()
        crowd = at_once.submit(ask, attacked.url, body(tasks, 1), limit_s=100)
        time.sleep(3)
        opened = ask(attacked.url, body([task(1, host.page(900_001))], 2))
        yield _opened("5,000 tasks in one request: another's opened task", opened)
        yield _two_pages("5,000 tasks in one request", attacked, host, 900_010)
        slowest = max(attacked.health_s() for _ in range(4))
        yield at_most("5,000 tasks in one request: /health, the slowest of 4", 1.0, slowest, "s")
        many = crowd.result()
        yield Row(
            "5,000 tasks in one request: answered",
            f"HTTP 200 within {DEADLINE_S + 5:.0f} s, or 503 with Retry-After",
            f"HTTP {many.status} in {many.seconds:.1f} s, {many.done} of 5000 read, "
            f"{attacked.rss_mb() - idle:.0f} MB more",
            _is_good(many) and many.seconds <= DEADLINE_S + 5,
        )
        crowd = at_once.submit(ask, attacked.url, body(tasks, 1), limit_s=100)
        time.sleep(2)
        code, seconds = attacked.signalled(signal.SIGTERM)
        yield Row(
            "SIGTERM with thousands of pages waiting",
            f"exit code 0 within {STOP_S:g} s",
            f"exit code {code} in {seconds:.1f} s",
            code == 0 and seconds <= STOP_S,
        )
    run.say("50 requests of 200 tasks")
    with _crowd(run, "requests", ernie) as (attacked, at_once):
        crowds = []
        for project in range(50):
            numbers = range(10_000 + 200 * project, 10_000 + 200 * (project + 1))
            tasks = [task(number, host.page(number)) for number in numbers]
            crowds.append(at_once.submit(ask, attacked.url, body(tasks, project), limit_s=100))
        time.sleep(3)
        yield _two_pages("50 requests of 200 tasks, a project each", attacked, host, 900_020, project=99)
        answers = [crowd.result() for crowd in crowds]
        good = sum(map(_is_good, answers))
        codes = ", ".join(map(str, sorted({one.status for one in answers})))
        yield Row(
            "50 requests of 200 tasks: answered by 200, or by 503 with Retry-After",
            "50",
            f"{good} (HTTP {codes}; slowest {max(one.seconds for one in answers):.0f} s)",
            good == 50,
        )


def _slow_pages(run: Run, ernie: CountingErnie, host: ImageHost) -> Iterator[Row]:
    run.say("40 images of a slow host")
    with _crowd(run, "slow-pages", ernie, image_timeout_s=30) as (attacked, at_once):
        at_once.submit(ask, attacked.url, body([task(n, host.slow(n)) for n in range(40)], 1))
        time.sleep(2)
        yield _two_pages("40 images that drip from a slow host", attacked, host, 910_000)
        opened = ask(attacked.url, body([task(1, host.page(910_010))], 2))
        yield _opened("40 images that drip from a slow host: another's opened task", opened)


def _slow_opened(run: Run, ernie: CountingErnie, host: ImageHost) -> Iterator[Row]:
    run.say("6 opened tasks with a slow image")
    with _crowd(run, "slow-opened", ernie, image_timeout_s=30) as (attacked, at_once):
        for n in range(6):
            at_once.submit(ask, attacked.url, body([task(n, host.slow(n))], 1))
        time.sleep(2)
        opened = ask(attacked.url, body([task(1, host.page(920_000))], 2))
        yield _opened("6 opened tasks that drip: another's opened task", opened)


def _drawn(run: Run, ernie: CountingErnie, host: ImageHost) -> Iterator[Row]:
    run.say("10 drawn boxes on slow images")
    with _crowd(run, "drawn", ernie, image_timeout_s=30) as (attacked, at_once):
        ask(attacked.url, body([task(1, host.page(930_000))], 2))
        slow: list[Future[Answer]] = [
            at_once.submit(ask, attacked.url, body([task(n, host.slow(n))], 1, drawn=True)) for n in range(10)
        ]
        time.sleep(2)
        box = ask(attacked.url, body([task(1, host.page(930_000))], 2, drawn=True))
        yield Row(
            "10 drawn boxes on images that drip: an eleventh on another page",
            f"its text within {DRAWN_S:g} s",
            f"{'its text' if has_text(box) else 'no text'} after {box.seconds:.1f} s",
            has_text(box) and box.seconds <= DRAWN_S,
        )
        answers = [one.result() for one in slow]
        came = sum(bool(one.results and one.results[0].get("result")) for one in answers)
        yield Row("10 drawn boxes on images that drip: boxes that came back", "10", str(came), came == 10)


def _two_pages(crowd: str, attacked: Victim, host: ImageHost, first: int, project: int = 2) -> Row:
    answer = ask(attacked.url, body([task(n, host.page(n)) for n in (first, first + 1)], project))
    return Row(
        f"{crowd}: another project's two pages",
        f"2 within {DEADLINE_S:g} s",
        f"{answer.done} in {answer.seconds:.1f} s",
        answer.done == 2,
    )


def _is_good(answer: Answer) -> bool:
    return answer.status == 200 or (answer.status == 503 and bool(answer.retry_after))


def _opened(what: str, answer: Answer) -> Row:
    """A row about one page that somebody opened."""
    told = f"{'read' if answer.done else 'unread'} after {answer.seconds:.1f} s"
    return Row(what, f"read within {OPENED_S:g} s", told, answer.done == 1 and answer.seconds <= OPENED_S)


@contextmanager
def _crowd(
    run: Run, name: str, ernie: CountingErnie, **settings: object
) -> Iterator[tuple[Victim, ThreadPoolExecutor]]:
    with (
        ThreadPoolExecutor(60) as at_once,
        victim(run, name, ernie, {"predict_deadline_s": DEADLINE_S, **settings}) as attacked,
    ):
        yield attacked, at_once
