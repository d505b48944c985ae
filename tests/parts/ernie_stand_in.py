"""A stand-in for an ERNIE server: a real HTTP server that speaks the OpenAI chat API.

It answers from a brain (a function of what was asked) after an optional script of outcomes: texts,
error statuses, garbage, hangs, cut connections. It is as strict as the strictest gateway: what is
wrong with a request is refused with 400 and kept in `violations`. Run it alone with
`python -m tests.parts.ernie_stand_in --port 8180 --latency 0.2 --answers tesseract`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import io
import json
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pytest
from aiohttp import web
from PIL import Image

from backend.page.lines import Pixels

KNOWN_FIELDS = {
    "model",
    "messages",
    "max_tokens",
    "temperature",
    "top_p",
    "seed",
    "stream",
    "n",
    "logprobs",
    "top_logprobs",
}
THINKING_OFF = "chat_template_kwargs"


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One call: its number from 1, its words, and the picture as it arrived (None for words alone).

    second: the words are those of the second prompt, which asks for characters.
    """

    number: int
    prompt: str
    picture: Pixels | None
    file: bytes
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def second(self) -> bool:
        return "characters" in self.prompt


@dataclass(frozen=True, slots=True)
class Say:
    """A well-formed answer.

    text: or its parts, as some gateways give it.
    reasoning: thoughts, in the field `reasoning_in`, which each gateway calls otherwise.
    """

    text: str | list[Any] | None
    finish_reason: str | None = "stop"
    reasoning: str | list[Any] | None = None
    reasoning_in: str = "reasoning_content"
    logprobs: Any = None
    """What stands in `logprobs` for whoever asks for it, see `logprobs_of`; None: the server knows none."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Any status with any body."""

    status: int = 200
    body: str | bytes | dict[str, Any] | list[Any] = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer, the connection stays open."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks; with `started`, in the middle of the answer."""

    started: bool = False


ASKED = web.RequestKey("asked", Asked)

Outcome: TypeAlias = "Say | Raw | Hang | Cut"
Brain: TypeAlias = Callable[[Asked], Outcome]


class StandIn:
    """The server. Change `brain`, `latency_s` and the script at any time; each call calls `arrived`."""

    def __init__(
        self,
        brain: Brain = lambda asked: Say("Счёт 12"),
        *,
        latency_s: float = 0.0,
        model: str = "ernie-stand-in",
        key: str | None = None,
        refuses_unknown_fields: bool = False,
        in_threads: bool = False,
        refuses_logprobs: str = "",
    ) -> None:
        """Set up; `running` starts it.

        Args:
            brain: what answers once the script is used up.
            latency_s: how long each answer takes.
            model: the only model it serves.
            key: the key that callers must give; None takes any call.
            refuses_unknown_fields: answer 400 to fields that not every gateway knows.
            in_threads: ask the brain in a pool of threads, because it takes its time.
            refuses_logprobs: with what words it answers 400 to whoever asks for them; empty: it does not.
        """
        self.brain = brain
        self.latency_s = latency_s
        self.model = model
        self.key = key
        self.refuses_unknown_fields = refuses_unknown_fields
        self.in_threads = in_threads
        self.refuses_logprobs = refuses_logprobs
        self.calls = 0
        self.answered = 0
        self.in_flight = 0
        self.highest_in_flight = 0
        self.asked: list[Asked] = []
        self.known_fields = set(KNOWN_FIELDS)
        self.paths: set[str] = set()
        self.violations: list[str] = []
        self.arrived: Callable[[], object] = lambda: None
        # what an answer says that it took; None says nothing
        self.usage: Callable[[Asked, Say], dict[str, Any] | None] = self.counted
        # what the answers that were sent add up to
        self.bill: Counter[str] = Counter()
        self.base_url = ""
        self._script: deque[Outcome] = deque()
        self._seen: set[bytes] = set()

    def script(self, *outcomes: Outcome) -> None:
        """Answer the next calls with these, in order of arrival."""
        self._script.extend(outcomes)

    def counted(self, asked: Asked, said: Say) -> dict[str, Any]:
        """As a server counts: a token for 28 x 28 pixels, for a word of the question, for two letters said.

        A picture that it has seen before is cached, because it stands before the words.
        """
        height, width = (0, 0) if asked.picture is None else asked.picture.shape[:2]
        picture = math.ceil(height / 28) * math.ceil(width / 28)
        prompt = picture + len(asked.prompt.split())
        answer = 1 + len(str(said.text or "")) // 2
        cached = picture if asked.file in self._seen else 0
        self._seen.add(asked.file)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
            "prompt_tokens_details": {"cached_tokens": cached},
        }

    def _charge(self, asked: Asked, said: Say) -> dict[str, Any] | None:
        usage = self.usage(asked, said)
        self.bill["calls"] += 1
        for name in ("prompt_tokens", "completion_tokens"):
            number = (usage or {}).get(name)
            self.bill[name] += number if isinstance(number, int) else 0
        details = (usage or {}).get("prompt_tokens_details")
        self.bill["cached_tokens"] += details.get("cached_tokens", 0) if isinstance(details, dict) else 0
        return usage

    @contextmanager
    def running(self, host: str = "127.0.0.1", port: int = 0) -> Iterator[StandIn]:
        """Serve from a thread of its own until the block ends."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="ernie-stand-in", daemon=True)
        thread.start()
        runner = asyncio.run_coroutine_threadsafe(self.start(host, port), loop).result(30)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._stop(runner), loop).result(30)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(30)
            loop.close()

    async def start(self, host: str, port: int) -> web.AppRunner:
        """Begin to listen; `base_url` says where."""
        app = web.Application(client_max_size=64 * 2**20)
        # each service has another path before these
        app.router.add_post("/{before:.*}/chat/completions", self._complete)
        app.router.add_get("/{before:.*}/models", self._models)
        app.router.add_get("/counts", self._counts)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, host, port, backlog=1024)
        await site.start()
        self.base_url = f"http://{host}:{runner.addresses[0][1]}/v1"
        return runner

    @staticmethod
    async def _stop(runner: web.AppRunner) -> None:
        await runner.cleanup()
        await asyncio.get_running_loop().shutdown_default_executor()

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": self.model, "object": "model"}]})

    async def _counts(self, request: web.Request) -> web.Response:
        names = ("calls", "answered", "in_flight", "highest_in_flight", "violations", "bill")
        return web.json_response({name: getattr(self, name) for name in names})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        self.paths.add(request.path)
        self.arrived()
        number = self.calls
        self.in_flight += 1
        self.highest_in_flight = max(self.highest_in_flight, self.in_flight)
        try:
            outcome = await self._outcome(number, request)
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            return await self._send(request, outcome)
        finally:
            self.in_flight -= 1

    async def _outcome(self, number: int, request: web.Request) -> Outcome:
        raw = await request.read()
        if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
            return Raw(
                401, {"error": {"message": f"Incorrect API key: {request.headers.get('Authorization')}"}}
            )
        try:
            asked = look(number, json.loads(raw), dict(request.headers))
            check(asked, self)
        except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:
            self.violations.append(f"call {number}: {error}")
            return Raw(400, {"error": {"message": str(error), "type": "invalid_request_error"}})
        self.asked.append(asked)
        request[ASKED] = asked
        if self._script:
            return self._script.popleft()
        if self.in_threads:
            return await asyncio.get_running_loop().run_in_executor(None, self.brain, asked)
        return self.brain(asked)

    async def _send(self, request: web.Request, outcome: Outcome) -> web.StreamResponse:
        if isinstance(outcome, Hang):
            await asyncio.sleep(3600)
        if isinstance(outcome, Cut):
            response = web.StreamResponse(
                headers={"Content-Length": "1000", "Content-Type": "application/json"}
            )
            if outcome.started:
                await response.prepare(request)
                await response.write(b'{"choices": [')
            assert request.transport is not None
            request.transport.abort()
            return response
        if isinstance(outcome, Say):
            self.answered += 1
            usage = self._charge(request[ASKED], outcome)
            answer = completion(outcome, self.model, usage)
            if not request[ASKED].body.get("logprobs"):
                answer["choices"][0]["logprobs"] = None
            return web.json_response(answer)
        assert isinstance(outcome, Raw)
        body = outcome.body if isinstance(outcome.body, (str, bytes)) else json.dumps(outcome.body)
        return web.Response(
            body=body.encode() if isinstance(body, str) else body,
            status=outcome.status,
            headers={**outcome.headers, "Content-Type": outcome.content_type},
        )


ONE_TOKEN = {"prompt_tokens": 1, "total_tokens": 2, "completion_tokens": 1}


def completion(said: Say, model: str, usage: dict[str, Any] | None = ONE_TOKEN) -> dict[str, Any]:
    """An answer in OpenAI's shape, with the extra fields of FastDeploy and vLLM; None leaves usage out."""
    message = {
        "role": "assistant",
        "content": said.text,
        said.reasoning_in: said.reasoning,
        "tool_calls": None,
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {"index": 0, "message": message, "logprobs": said.logprobs, "finish_reason": said.finish_reason}
        ],
        **({} if usage is None else {"usage": usage}),
    }


def logprobs_of(*tokens: tuple[str, float]) -> dict[str, Any]:
    """What FastDeploy and vLLM say of tokens and their probabilities, 0 to 1, when asked for no others."""
    return {
        "content": [
            {
                "token": token,
                "logprob": max(-9999.0, math.log(probability)) if probability else -9999.0,
                "bytes": list(token.encode("utf-8", "replace")),
                "top_logprobs": [],
            }
            for token, probability in tokens
        ]
    }


def look(number: int, body: dict[str, Any], headers: Mapping[str, str]) -> Asked:
    """Take a request apart; anything unlike the chat API is a ValueError, LookupError or TypeError."""
    (message,) = [part for part in body["messages"] if part["role"] == "user"]
    if isinstance(message["content"], str):
        return Asked(number, message["content"], None, b"", body, headers)
    image, words = message["content"]
    if (image["type"], words["type"]) != ("image_url", "text"):
        raise ValueError("the image must come before the text")
    head, _, coded = image["image_url"]["url"].partition(",")
    file = base64.b64decode(coded, validate=True)
    with Image.open(io.BytesIO(file)) as picture:
        if head != f"data:image/{str(picture.format).lower()};base64":
            raise ValueError(f"the data URL says {head} but holds {picture.format}")
        pixels = np.asarray(picture.convert("RGB"))
    return Asked(number, words["text"], pixels, file, body, headers)


def check(asked: Asked, server: StandIn) -> None:
    """Refuse what the strictest of the servers refuses.

    Raises:
        ValueError: says what.
    """
    body = asked.body
    if body["model"] != server.model:
        raise ValueError(f"model {body['model']!r} does not exist")
    if not (isinstance(body["max_tokens"], int) and body["max_tokens"] > 0):
        raise ValueError("max_tokens must be a positive integer")
    if not 0 < body.get("top_p", 1) <= 1:
        raise ValueError("top_p must be in (0, 1]")
    if body.get("temperature", 1) < 0:
        raise ValueError("temperature must be non-negative")
    if body.get("logprobs") and server.refuses_logprobs:
        raise ValueError(server.refuses_logprobs)
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise ValueError("when using `top_logprobs`, `logprobs` must be set to true")
    unknown = (
        set(body)
        - server.known_fields
        - (set() if server.refuses_unknown_fields else {THINKING_OFF, "metadata"})
    )
    if unknown:
        raise ValueError(f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
    if asked.picture is not None:
        height, width = asked.picture.shape[:2]
        if min(height, width) <= 10 or max(height, width) >= 200 * min(height, width):
            raise ValueError(
                f"absolute aspect ratio must be smaller than 200, sides above 10: {width}x{height}"
            )


def fingerprint(asked: Asked) -> str:
    """Names the picture that was sent."""
    return hashlib.sha256(asked.file).hexdigest()[:16]


@pytest.fixture
def ernie_stand_in() -> Iterator[StandIn]:
    """A running stand-in that says "Счёт 12" to everything until told otherwise."""
    with StandIn().running() as server:
        yield server


def main(arguments: list[str] | None = None) -> None:
    """Serve until stopped; the first line of output is the base URL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8180, help="0 takes any free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each answer takes")
    parser.add_argument("--model", default="ernie-stand-in")
    parser.add_argument("--key", help="key that callers must give")
    parser.add_argument("--answers", choices=["fixed", "tesseract"], default="fixed")
    parser.add_argument("--text", default="Счёт 12", help="the fixed answer")
    parser.add_argument("--language", default="rus+eng", help="Tesseract's languages")
    parser.add_argument("--unchecked", action="store_true", help="do not look at requests: for benchmarks")
    options = parser.parse_args(arguments)
    brain: Brain = lambda asked: Say(options.text)  # noqa: E731
    if options.answers == "tesseract":
        from tests.parts.ernie_brains import Tesseract

        brain = Tesseract(options.language)
    server = (Unchecked if options.unchecked else StandIn)(
        brain,
        latency_s=options.latency,
        model=options.model,
        key=options.key,
        in_threads=options.answers == "tesseract",
    )
    asyncio.run(_serve(server, options.host, options.port))


class Unchecked(StandIn):
    """Gives the same answer without looking, so that a benchmark measures the client."""

    async def _outcome(self, number: int, request: web.Request) -> Outcome:
        await request.read()
        return Raw(200, completion(Say("Счёт 12"), self.model))


async def _serve(server: StandIn, host: str, port: int) -> None:
    await server.start(host, port)
    print(server.base_url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    # the module of that name, or its classes would exist twice and never be recognised
    from tests.parts.ernie_stand_in import main as named_main

    named_main()
