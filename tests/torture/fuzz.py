"""Bodies made from the API's own description and then spoiled, and requests that are hardly HTTP."""

from __future__ import annotations

import json
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import BaseModel

from backend.server.protocol import PredictBody, SetupBody, WebhookBody
from tests.torture.asking import CONFIG, ask, body, drawn_box, task
from tests.torture.counting_ernie import counting_ernie
from tests.torture.image_host import ImageHost, image_host
from tests.torture.raw_requests import RAW
from tests.torture.row import Row, Run, at_most
from tests.torture.victim import EVERYWHERE, Victim, victim

SEED = 11
PASSWORD, SECRET = "a long pass phrase 73", "webhook-secret-91"
BODIES: dict[str, type[BaseModel]] = {"/predict": PredictBody, "/setup": SetupBody, "/webhook": WebhookBody}

LABELS = '<Label value="Text"/>'
REPEATED = (
    '<Repeater on="$pages" indexFlag="{{idx}}"><Image name="i_{{idx}}" value="$pages[{{idx}}].image"/>'
    f'<RectangleLabels name="l_{{{{idx}}}}" toName="i_{{{{idx}}}}">{LABELS}</RectangleLabels>'
    '<TextArea name="t_{{idx}}" toName="i_{{idx}}" perRegion="true"/></Repeater>'
)
TEXT_AREA = '<TextArea name="t" toName="i" perRegion="true"/>'
CONFIGS = (
    CONFIG,
    f'<View><Image name="i" value="$image"/><PolygonLabels name="p" toName="i">{LABELS}</PolygonLabels>'
    f"{TEXT_AREA}</View>",
    f'<View><Image name="i" valueList="$pages"/><RectangleLabels name="l" toName="i">{LABELS}'
    f"</RectangleLabels>{TEXT_AREA}</View>",
    f"<View>{REPEATED}</View>",
    CONFIG,
    CONFIG,
    '<View><Text name="x" value="$x"/></View>',
    "<View>",
)
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 10**400, -0.0, float("nan"), float("inf"), float("-inf"), 1e308, "", " ", "\0",
    "\ud800", "\u202e\u0301\ufeff", "😀" * 50, "я" * 5000, "../../etc/passwd", "<script>", "\x1b[31m", [], {},
    [[]], [None], {"": ""}, {"id": {}}, "1.1", "NaN", "data:image/png;base64,AAAA", "x" * 100_000,
)  # fmt: skip


STRINGS = [one for one in ODD if isinstance(one, str)]


@dataclass
class Found:
    """What the answers were, and what should not have been in them."""

    statuses: Counter[int] = field(default_factory=Counter)
    no_json: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    wrong_count: int = 0


def rows(run: Run) -> Iterator[Row]:
    """First bodies, then raw requests, on one backend."""
    settings = {
        "basic_auth_user": "team",
        "basic_auth_pass": PASSWORD,
        "webhook_secret": SECRET,
        "predict_deadline_s": 3,
        "image_timeout_s": 2,
    }
    with (
        counting_ernie(0.01) as ernie,
        image_host() as host,
        victim(run, "fuzz", ernie, settings) as attacked,
    ):
        ask(attacked.url, body([task(1, host.page(1))]), auth=attacked.backend.auth)
        before = attacked.rss_mb(), attacked.threads(), attacked.fds()
        found = _bodies(run, attacked, host)
        sent = sum(found.statuses.values())
        what = f"{run.bodies:,} fuzzed bodies"
        by_status = ", ".join(f"{count:,} x {status}" for status, count in sorted(found.statuses.items()))
        yield Row(f"{what}: answers", f"{run.bodies:,}", f"{sent:,}: {by_status}", 0 not in found.statuses)
        failed = sum(count for status, count in found.statuses.items() if status >= 500)
        yield Row(f"{what}: 5xx", "0", str(failed), failed == 0)
        yield Row(f"{what}: tracebacks in the log", "0", *_told(attacked.tracebacks()))
        yield Row(f"{what}: answers with a path or a secret", "0", *_listed(found.leaks))
        yield Row(f"{what}: answers that are no JSON (NaN counts)", "0", *_listed(found.no_json))
        yield Row(f"{what}: predictions that are not one for each task", "0", *_told(found.wrong_count))
        yield at_most(f"{what}: memory more than before", 250, round(attacked.rss_mb() - before[0]), "MB")
        yield at_most(f"{what}: threads more than before", 40, attacked.threads() - before[1], "threads")
        yield at_most(f"{what}: open files more than before", 40, attacked.fds() - before[2], "files")
        run.say("requests that are hardly HTTP")
        traced, log_size = attacked.tracebacks(), len(attacked.backend.log)
        wrong = _raw(attacked)
        yield Row(f"{len(RAW)} odd raw requests: 5xx, or /health lost", "0", *_listed(wrong))
        yield Row(f"{len(RAW)} odd raw requests: tracebacks", "0", *_told(attacked.tracebacks() - traced))
        added = (len(attacked.backend.log) - log_size) / 1000
        yield at_most(f"{len(RAW)} odd raw requests: log", 10.0, added, "kB")
        log = attacked.backend.log
        secrets = [name for name in _secrets() if name in log]
        yield Row("secrets in the log after all that", "0", *_listed(secrets))


def _bodies(run: Run, attacked: Victim, host: ImageHost) -> Found:
    found, chance = Found(), random.Random(SEED)
    made = [_made(chance, host) for _ in range(run.bodies)]
    with (
        httpx.Client(auth=attacked.backend.auth, timeout=60, trust_env=False) as client,
        ThreadPoolExecutor(8) as at_once,
    ):

        def send(one: tuple[str, bytes, int]) -> None:
            path, content, tasks = one
            try:
                answer = client.post(
                    attacked.url + path, content=content, headers={"Content-Type": "application/json"}
                )
            except httpx.HTTPError:
                found.statuses[0] += 1
                return
            _judge(found, answer, tasks)

        for number, _ in enumerate(at_once.map(send, made), 1):
            if number % 1000 == 0:
                run.say(f"{number:,} of {run.bodies:,} bodies")
    return found


def _judge(found: Found, answer: httpx.Response, tasks: int) -> None:
    found.statuses[answer.status_code] += 1
    told = f"{answer.status_code} {answer.reason_phrase} {answer.text} {dict(answer.headers)}"
    found.leaks += [mark for mark in (*_secrets(), *PATHS) if mark in told]
    try:
        content = json.loads(answer.content, parse_constant=_refuse)
    except ValueError:
        found.no_json.append(answer.text[:60])
        return
    if tasks and answer.status_code == 200:
        found.wrong_count += len(content["results"]) != tasks


PATHS = ("/work/", "/usr/lib", "site-packages", "/tmp/twinread", "Traceback", 'File "', "/root/")


def _secrets() -> tuple[str, ...]:
    return (PASSWORD, SECRET, str(EVERYWHERE["label_studio_api_key"]))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _made(chance: random.Random, host: ImageHost) -> tuple[str, bytes, int]:
    """A path, a body, and how many results must come back (0: nobody knows)."""
    path = chance.choices(list(BODIES), (8, 1, 1))[0]
    made = _of_schema(BODIES[path].model_json_schema(by_alias=True), chance)
    tasks = 0
    if path == "/predict":
        images = [chance.choice((host.page(chance.randint(1, 30)), *map(str, ODD[16:27]))) for _ in range(3)]
        made["tasks"] = [
            task(number, image, pages=[image], language=chance.choice(("ru", "en", "zz", "")))
            for number, image in enumerate(images[: chance.choice((0, 1, 1, 2, 3))])
        ]
        made["label_config"] = chance.choice(CONFIGS)
        if chance.random() < 0.4:
            made["tasks"] = made["tasks"][:1]
            made["params"] = {"context": {"result": [drawn_box()]}}
        tasks = len(made["tasks"])
    elif path == "/setup":
        made["schema"] = chance.choice(CONFIGS)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        made, tasks = _spoiled(made, chance), 0
    content = json.dumps(made).encode()
    if chance.random() < 0.01:
        content, tasks = b'{"tasks": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 0
    if chance.random() < 0.05:
        at = chance.randrange(len(content) or 1)
        content, tasks = content[:at] + chance.randbytes(3) + content[at + chance.randint(0, 9) :], 0
    return path + (f"/{SECRET}" if path == "/webhook" else ""), content, tasks


def _of_schema(schema: Any, chance: random.Random, defs: Any = None) -> Any:
    """A value that a JSON schema of pydantic's allows."""
    defs = defs or schema.get("$defs", {})
    if "$ref" in schema:
        return _of_schema(defs[schema["$ref"].rpartition("/")[2]], chance, defs)
    if "anyOf" in schema:
        return _of_schema(chance.choice(schema["anyOf"]), chance, defs)
    kinds: dict[str, Callable[[], Any]] = {
        "object": lambda: {
            name: _of_schema(part, chance, defs)
            for name, part in schema.get("properties", {}).items()
            if name in schema.get("required", ()) or chance.random() < 0.7
        },
        "array": lambda: [
            _of_schema(schema.get("items", {}), chance, defs) for _ in range(chance.randint(0, 3))
        ],
        "string": lambda: chance.choice(STRINGS),
        "integer": lambda: chance.randint(-(2**40), 2**40),
        "number": lambda: chance.uniform(-1e9, 1e9),
        "boolean": lambda: chance.random() < 0.5,
        "null": lambda: None,
    }
    return kinds[schema["type"]]() if "type" in schema else chance.choice(ODD)


def _spoiled(made: Any, chance: random.Random) -> Any:
    """The same with one part of it replaced, taken out, or buried; anywhere in it."""
    if made and chance.random() < 0.97:
        if isinstance(made, dict):
            deep = [5 if isinstance(value, (dict, list)) else 1 for value in made.values()]
            key = chance.choices(list(made), deep)[0]
            return {**made, key: _spoiled(made[key], chance)}
        if isinstance(made, list):
            at = chance.randrange(len(made))
            return [*made[:at], _spoiled(made[at], chance), *made[at + 1 :]]
    way = chance.randrange(4)
    if way == 0 and isinstance(made, dict) and made:
        gone = chance.choice(list(made))
        return {key: value for key, value in made.items() if key != gone}
    if way == 1:
        for _ in range(chance.choice((1, 5, 150))):
            made = [made] if chance.random() < 0.5 else {"a": made}
        return made
    if isinstance(made, str) and chance.random() < 0.7:
        return chance.choice(STRINGS)
    return chance.choice(ODD)


def _raw(attacked: Victim) -> list[str]:
    """Which of the raw requests got a 5xx, or after which /health was gone."""
    wrong = []
    for name, sent in RAW.items():
        answer = b""
        with suppress(OSError), socket.create_connection(("127.0.0.1", attacked.port), timeout=3) as one:
            with suppress(OSError):
                one.sendall(sent)
            with suppress(OSError):
                one.shutdown(socket.SHUT_WR)
            while piece := one.recv(65536):
                answer += piece
        status = answer.partition(b"\r\n")[0].decode("latin-1")
        # 501 and 505 say that the method or version is not spoken, which is true
        code = status.split(" ")[1] if " " in status else ""
        if code.startswith("5") and code not in ("501", "505"):
            wrong.append(f"{name}: {status[:60]}")
        if attacked.health_s() >= 5:
            wrong.append(f"{name}: /health is gone")
    return wrong


def _told(count: int) -> tuple[str, bool]:
    return str(count), count == 0


def _listed(found: list[str]) -> tuple[str, bool]:
    """How many, with the first ones."""
    some = "; ".join(dict.fromkeys(ascii(one[:60]) for one in found[:3]))
    return f"{len(found)}{some and f' ({some})'}", not found
