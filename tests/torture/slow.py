"""500 connections that hang, in four ways: does anybody else still get an answer?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from tests.torture.asking import body, task
from tests.torture.counting_ernie import CountingErnie, counting_ernie
from tests.torture.image_host import ImageHost, image_host
from tests.torture.row import Row, Run, at_most
from tests.torture.sockets import many
from tests.torture.victim import Victim, victim

COUNT = 500
ANSWERED_S = 1.0
DROPPED_AFTER_S = 38
"""The promise is 30 s; a server looks round now and then."""

HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
WAYS = {
    "half headers": (HEAD, b""),
    "half bodies": (HEAD + b'Content-Length: 1000\r\n\r\n{"tasks": [', b""),
    "one byte a second": (HEAD, b"X-Slow: 1\r\n"),
    "no byte at all": (b"", b""),
}


def rows(run: Run) -> Iterator[Row]:
    """/health, /metrics and a page while connections hang, and whether they end."""
    with counting_ernie() as ernie, image_host() as host:
        for name, (first, drop) in WAYS.items():
            run.say(f"{COUNT} connections, {name}")
            with victim(run, name.replace(" ", "-"), ernie) as attacked:
                with many(attacked.port, COUNT, first, drop) as sockets:
                    begun = time.monotonic()
                    time.sleep(3)
                    yield from _answering(attacked, f"{COUNT} x {name}")
                    while time.monotonic() < begun + DROPPED_AFTER_S and sockets.closed < COUNT:
                        time.sleep(0.5)
                    seconds = time.monotonic() - begun
                    yield Row(
                        f"{COUNT} x {name}: connections that the server ended within {DROPPED_AFTER_S} s",
                        f"{COUNT}",
                        f"{sockets.closed} ({seconds:.0f} s)",
                        sockets.closed == COUNT,
                    )
                yield at_most(
                    f"{COUNT} x {name}: /health after they have gone", ANSWERED_S, attacked.health_s(), "s"
                )
        yield from _waiting(run, ernie, host)


def _answering(attacked: Victim, name: str) -> Iterator[Row]:
    for path in ("/health", "/metrics"):
        slowest = max(attacked.health_s(path) for _ in range(4))
        yield at_most(f"{name}: {path}, the slowest of 4", ANSWERED_S, slowest, "s")


def _waiting(run: Run, ernie: CountingErnie, host: ImageHost) -> Iterator[Row]:
    run.say(f"{COUNT} /predict that wait for a slow image host")
    with victim(run, "waiting", ernie, {"predict_deadline_s": 20, "image_timeout_s": 60}) as attacked:
        content = json.dumps(body([task(1, host.slow(1)), task(2, host.slow(2))])).encode()
        request = HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(content) + content
        with many(attacked.port, COUNT, request) as sockets:
            begun = time.monotonic()
            time.sleep(3)
            yield from _answering(attacked, f"{COUNT} waiting /predict (deadline 20 s)")
            while time.monotonic() < begun + 35 and len(sockets.answers) < COUNT:
                time.sleep(0.2)
            served = sum(" 200 " in f"{line} " for line in sockets.answers)
            busy = sum(" 503 " in f"{line} " for line in sockets.answers)
            other = len(sockets.answers) - served - busy
            time.sleep(0.5)
            yield Row(
                f"{COUNT} waiting /predict: answered within 35 s, by 200 or by 503 with Retry-After",
                f"{COUNT}, nothing else",
                f"{served} x 200, {busy} x 503 ({sockets.retry_after} with Retry-After), {other} x other, "
                f"{COUNT - len(sockets.answers)} without an answer",
                served + busy == COUNT and other == 0 and sockets.retry_after == busy,
            )
