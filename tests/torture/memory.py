"""Small input that once became gigabytes: bodies, pictures, languages, labeling configs, ERNIE's answers."""

from __future__ import annotations

import http.client
import select
import signal
import socket
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import httpx

from tests.parts.ernie_stand_in import Asked, Outcome, Raw, Say, StandIn
from tests.torture import bombs
from tests.torture.asking import Answer, ask, body, task
from tests.torture.counting_ernie import CountingErnie, counting_ernie
from tests.torture.figures import ROOT
from tests.torture.image_host import ImageHost, image_host
from tests.torture.row import Row, Run
from tests.torture.victim import ENDED_AT_MB, Victim, victim

BODY_MB, REFUSED_MB, PICTURE_MB, ERNIE_MB, LANGUAGE_MB = 800, 200, 1800, 400, 200
"""How much memory above its usual one the backend may take for each kind of attack."""

THREADS = 40
"""How many threads more than before 400 languages may leave."""

SCANS_CPU_S = 5.0
"""What a picture of 48 megapixels may cost, however it is written."""

CPU_S = 2.0
"""What one labeling config may cost."""

MIB = 2**20


def rows(run: Run) -> Iterator[Row]:
    """Each attack on a backend of its own, unless it survived the one before."""
    with counting_ernie(0.02) as ernie, image_host() as host:
        yield from _bodies(run, ernie)
        yield from _pictures(run, ernie, host)
        yield from _languages(run, ernie, host)
        yield from _configs(run, ernie)
    yield from _ernie_answers(run)


def _measured(attacked: Victim, what: str, limit_mb: float, attack: Callable[[], str], expected: str) -> Row:
    """The attack, and how much memory it took above what there was before.

    Args:
        attacked: the backend.
        what: was done.
        limit_mb: how much more memory it may take.
        attack: does it; returns the answer in words, in which `expected` must stand.
        expected: part of the right answer; empty for any.
    """
    idle = attacked.rss_mb()
    attacked.forget_peak()
    answer = attack()
    # the answer may come before the work has ended
    time.sleep(1)
    more = attacked.peak_mb() - idle
    ended = (
        f", ended at {ENDED_AT_MB} MB" if attacked.ended_for_memory else "" if attacked.alive else ", it died"
    )
    held = more <= limit_mb and expected in answer and attacked.alive
    promised = f"at most {limit_mb:,.0f} MB more" + (f"; {expected}" if expected else "")
    return Row(what, promised, f"{more:,.0f} MB more{ended}; {answer}", held)


def _each(
    run: Run, name: str, ernie: StandIn, attacks: Sequence[Callable[[Victim], Row]], **settings: object
) -> Iterator[Row]:
    """Attacks on one backend; a new one where the last attack has ended it."""
    left = list(attacks)
    while left:
        with victim(run, f"{name}-{len(left)}", ernie, settings) as attacked:
            while left and attacked.alive:
                yield left.pop(0)(attacked)


# bodies


def _bodies(run: Run, ernie: CountingErnie) -> Iterator[Row]:
    run.say("bodies of half a gigabyte")
    objects = [b'{"tasks": [', *([b"{}," * 100_000] * 190), b"{}]}"]

    def sent(
        what: str, limit_mb: float, path: str, pieces: Sequence[bytes], expected: str, **how: Any
    ) -> Callable[[Victim], Row]:
        def attack(attacked: Victim) -> Row:
            return _measured(
                attacked, what, limit_mb, lambda: post_raw(attacked.port, path, pieces, **how), expected
            )

        return attack

    def mib(count: int) -> list[bytes]:
        return [b'{"action": "', *([b"x" * MIB] * count), b'"}']

    few = b'{"a": 1}  '
    attacks = [
        sent("57 MB of `{}`", BODY_MB, "/predict", objects, ""),
        sent("57 MB of `{}` to /webhook", REFUSED_MB, "/webhook", objects, "413"),
        sent("500 MB, one string", REFUSED_MB, "/predict", mib(500), "413"),
        sent("300 MB in chunks, without a length", REFUSED_MB, "/predict", mib(300), "413", chunked=True),
        sent("3 MB to /webhook", REFUSED_MB, "/webhook", mib(3), "413"),
        sent("Content-Length 10, and 100 MB sent", REFUSED_MB, "/predict", [few, *mib(100)], "", length=10),
        sent(
            "Content-Length 9 GB, and 10 bytes sent", REFUSED_MB, "/predict", [few], "413", length=9 * 10**9
        ),
    ]
    yield from _each(run, "bodies", ernie, attacks)


def post_raw(
    port: int, path: str, pieces: Sequence[bytes], *, chunked: bool = False, length: int | None = None
) -> str:
    """Send a body raw, and give the status as words; a server may refuse before it has read all."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    )
    if chunked:
        head += "Transfer-Encoding: chunked\r\n\r\n"
    else:
        head += f"Content-Length: {sum(map(len, pieces)) if length is None else length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with suppress(OSError):
            connection.sendall(head.encode())
            for piece in pieces:
                # a refusal comes before the body's end, and is lost to whoever goes on sending
                if select.select([connection], [], [], 0)[0]:
                    break
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if chunked:
                connection.sendall(b"0\r\n\r\n")
            if length is not None:
                connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection)
        with suppress(OSError, http.client.HTTPException):
            answer.begin()
            return f"HTTP {answer.status}"
    return "no answer"


# pictures


def _pictures(run: Run, ernie: CountingErnie, host: ImageHost) -> Iterator[Row]:
    run.say("pictures that unpack")
    host.files.update(bombs.pictures())

    def of(names: Sequence[str], what: str, cpu_s: float = 60) -> Callable[[Victim], Row]:
        def attack(attacked: Victim) -> Row:
            before, tasks = attacked.cpu_s(), []
            for number, name in enumerate(names):
                tasks.append(body([task(number, host.file(name) + f"?{number}")]))

            def asked() -> str:
                with ThreadPoolExecutor(len(names)) as at_once:
                    return _statuses(list(at_once.map(partial(ask, attacked.url), tasks)))

            row = _measured(attacked, what, PICTURE_MB, asked, "")
            used = attacked.cpu_s() - before if attacked.alive else 0.0
            return replace(
                row,
                promised=f"{row.promised}, {cpu_s:g} CPU s",
                measured=f"{row.measured}, {used:.1f} CPU s",
                held=row.held and used <= cpu_s,
            )

        return attack

    def afterwards(attacked: Victim) -> Row:
        answer = ask(attacked.url, body([task(1, host.page(9))]))
        return Row(
            "a page after the bombs",
            "1 read",
            f"{answer.done} read, {answer.seconds:.1f} s",
            answer.done == 1,
        )

    yield from _each(
        run,
        "pictures",
        ernie,
        [
            of(["bomb_1bit.png"] * 4, "four 1-bit PNG of 24 kB and 200 megapixels at once"),
            of(["bomb_16bit.png"] * 4, "four 16-bit PNG of 79 megapixels at once"),
            of(["lying.jpg"] * 4, "four JPEG of 1 kB whose header says 14,000 x 14,000"),
            of(["scans.jpg"], "a JPEG of 2,000 scans", SCANS_CPU_S),
            afterwards,
        ],
    )


def _statuses(answers: Sequence[Answer]) -> str:
    read = sum(answer.done for answer in answers)
    codes = sorted({answer.status or answer.text for answer in answers}, key=str)
    return f"{read} pages read, HTTP {', '.join(map(str, codes))}"


# languages


def _languages(run: Run, ernie: CountingErnie, host: ImageHost) -> Iterator[Row]:
    run.say("400 languages")
    with victim(run, "languages", ernie, {"predict_deadline_s": 60}) as attacked:
        first = ask(attacked.url, body([task(0, host.page(0))]))
        threads = attacked.threads()
        codes = _language_codes(400)
        tasks = [task(n, host.page(n % 40), language=code) for n, code in enumerate(codes)]
        yield _measured(
            attacked,
            "400 languages in one request",
            LANGUAGE_MB,
            lambda: _statuses([ask(attacked.url, body(tasks))]),
            "",
        )
        more = attacked.threads() - threads
        yield Row("threads more after 400 languages", f"at most {THREADS}", str(more), more <= THREADS)
        long = [task(n, host.page(n), language="ru-x-" + "-".join(["aaaaaaaa"] * 20_000)) for n in range(60)]

        def asked() -> str:
            answer = ask(attacked.url, body(long))
            return (
                f"{_statuses([answer])}, /status {len(attacked.backend.get('/status').content) / 1000:.0f} kB"
            )

        yield _measured(attacked, "60 languages of 180 kB each", LANGUAGE_MB, asked, "")
        assert first.done == 1, first


def _language_codes(count: int) -> list[str]:
    """Codes of as many languages."""
    table = (ROOT / "backend" / "text" / "alphabets.tsv").read_text("utf-8").splitlines()
    codes = sorted({row.split("\t")[0] for row in table if not row.startswith("#")})
    return codes[:: len(codes) // count][:count]


# labeling configs


def _configs(run: Run, ernie: CountingErnie) -> Iterator[Row]:
    run.say("labeling configs")
    for name, config in bombs.labeling_configs().items():
        with victim(run, f"config-{len(config)}", ernie) as attacked:
            idle, cpu = attacked.rss_mb(), attacked.cpu_s()
            attacked.forget_peak()
            status = "no answer in 20 s"
            with suppress(httpx.TransportError):
                answer = httpx.post(
                    attacked.url + "/setup", json={"schema": config}, timeout=20, trust_env=False
                )
                status = f"HTTP {answer.status_code}"
            used, more = attacked.cpu_s() - cpu, attacked.peak_mb() - idle
            yield Row(
                f"labeling config: {name}, {len(config) / 1000:,.0f} kB",
                f"at most {CPU_S:g} CPU s and {BODY_MB} MB more",
                f"{used:.1f} CPU s, {more:.0f} MB more; {status}",
                used <= CPU_S and more <= BODY_MB and "no answer" not in status,
            )


# ERNIE's answers


def _ernie_answers(run: Run) -> Iterator[Row]:
    run.say("ERNIE's answers")
    long_text = "Счёт " * 1_000_000
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    gzip = b"".join([*(packed.compress(b" " * MIB) for _ in range(300)), packed.flush()])
    answers: dict[str, Outcome] = {
        "texts of 10 MB": Say(long_text),
        "bodies of 200 MB": Raw(200, b" " * (200 * MIB)),
        "300 kB of gzip that unpack to 300 MB": Raw(200, gzip, {"Content-Encoding": "gzip"}),
    }
    settings = {"predict_deadline_s": 25, "ernie_timeout_s": 20}
    for name, outcome in answers.items():
        with (
            StandIn().running() as ernie,
            image_host() as host,
            victim(run, f"ernie-{len(name)}", ernie, settings) as attacked,
        ):
            ernie.brain = partial(_always, outcome)
            tasks = body([task(n, host.page(n)) for n in range(2)])
            yield _measured(attacked, f"ERNIE gives {name}", ERNIE_MB, partial(_took, attacked, tasks), "")
            code, seconds = attacked.signalled(signal.SIGTERM)
            yield Row(
                f"ERNIE gives {name}: SIGTERM in the middle of it",
                "exit code 0 within 8 s",
                f"exit code {code} in {seconds:.1f} s",
                code == 0 and seconds < 8,
            )


def _always(outcome: Outcome, asked: Asked) -> Outcome:
    return outcome


def _took(attacked: Victim, tasks: object) -> str:
    answer = ask(attacked.url, tasks, limit_s=60)
    return f"HTTP {answer.status or answer.text} after {answer.seconds:.0f} s"
