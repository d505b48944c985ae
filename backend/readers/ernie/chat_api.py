"""The chat completions of an OpenAI-compatible server: the one module that knows `openai` and `aiohttp`.

The client repeats calls that failed in passing (408, 409, 429, 5xx, timeouts, lost connections) with
exponential back-off and jitter, and waits as long as `Retry-After` asks. What it raises ends here: callers
see `AnswerUnusable`. No answer is read further than `max_answer_bytes`, unpacked; that goes for errors, too.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import httpx2
import openai
from openai import RequestOptions

from backend.readers.ernie.answers import AnswerUnusable, nested_too_deeply, quote, refused, text_of
from backend.readers.ernie.metering import usage_of
from backend.readers.ernie.request import ErnieOptions, address_and_headers, request_body
from backend.readers.ernie.score_requests import FIELDS, LARGEST_ANSWER, ScoreRequests
from backend.readers.ernie.token_scores import lowest_probability
from backend.readers.usage import Usage
from backend.text.model_answers import answer_of


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    raw: the body.
    usage: what the call took, whether its answer is of use or not; None where it is no model's answer.
    """

    raw: str
    usage: Usage | None
    _options: ErnieOptions = field(repr=False)
    _secrets: tuple[str, ...] = field(repr=False)

    @property
    def text(self) -> str:
        """The reading in it.

        Raises:
            AnswerUnusable: there is no whole one; says why and which setting to change.
        """
        try:
            return text_of(self.raw, self._options, self._secrets)
        except RecursionError as error:
            raise nested_too_deeply() from error

    @property
    def reading(self) -> tuple[str, float | None]:
        """The reading as a store keeps it, and how sure the model was of it, 0 to 1.

        Raises:
            AnswerUnusable: there is no whole one.
        """
        text = answer_of(self.text)
        return text, lowest_probability(self.raw, text)


class ChatApi:
    """One address; its calls and `close` belong to one event loop.

    scores: whether calls ask how sure the model is; whoever makes many opens a turn for each.
    """

    def __init__(self, options: ErnieOptions) -> None:
        """Take the address; nothing is called yet."""
        self._options = options
        address, headers, self._secrets = address_and_headers(options)
        # a field of the operator's own is sent as it is
        own = FIELDS.keys() & options.extra_body.keys()
        self.scores = ScoreRequests(not own and options.max_answer_bytes >= LARGEST_ANSWER)
        self._request: RequestOptions = {
            "headers": {name: openai.Omit() if value is None else value for name, value in headers.items()}
        }
        self._client = openai.AsyncOpenAI(
            base_url=address,
            api_key=options.api_key or "none",
            timeout=options.timeout_s,
            max_retries=options.max_retries,
            http_client=openai.DefaultAioHttpClient(
                follow_redirects=False, event_hooks={"response": [self._limit]}
            ),
        )

    async def complete(self, words: str, max_tokens: int, picture: bytes | None = None) -> Answer:
        """Ask one question.

        Args:
            words: the question.
            max_tokens: the longest answer.
            picture: what the question is about, as a data URL.

        Raises:
            AnswerUnusable: there is no answer; says why and which setting to change.
        """
        began = time.monotonic()
        try:
            raw = await self._post(words, max_tokens, picture)
        except _AnswerUnread as error:
            raise AnswerUnusable(str(error), retryable=False, paid=None) from error
        except openai.APIStatusError as error:
            try:
                raise refused(error.status_code, error.response.text, self._options, self._secrets) from error
            except RecursionError:
                raise nested_too_deeply() from error
        except (openai.OpenAIError, aiohttp.ClientError) as error:
            tries = self._options.max_retries + 1
            often = f" ({tries} tries)" if tries > 1 else ""
            # whoever was not reached made nothing; of a call that broke nobody knows
            paid = False if _unreached(error) else None
            sentence = _lost(error, often, self._options.timeout_s)
            raise AnswerUnusable(sentence, retryable=True, paid=paid) from error
        return Answer(raw, usage_of(raw, time.monotonic() - began), self._options, self._secrets)

    async def _post(self, words: str, max_tokens: int, picture: bytes | None) -> str:
        """Ask for the probabilities of tokens, too, as long as the server takes that."""
        if not self.scores.wanted:
            return await self._call(request_body(self._options, words, max_tokens, picture))
        try:
            raw = await self._call(request_body(self._options, words, max_tokens, picture, FIELDS))
        except openai.APIStatusError as error:
            said = error.response.text
            if not self.scores.may_be_why(error.status_code, said):
                raise
            raw = await self._call(request_body(self._options, words, max_tokens, picture))
            self.scores.give_up(quote(said, self._secrets))
            return raw
        if '"choices"' in raw:
            self.scores.take()
        return raw

    async def _call(self, body: bytes) -> str:
        # `post` rather than `chat.completions.create`: a third of its cost, and the answer as it came
        return await self._client.post("/chat/completions", cast_to=str, content=body, options=self._request)

    async def _limit(self, response: httpx2.Response) -> None:
        """Let an answer's body end where it is too large; called before any of it is read."""
        most = self._options.max_answer_bytes
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length[:20]) > most:
            raise _too_large(most)
        packed = response.headers.pop("Content-Encoding", "identity").strip().lower()
        if packed not in ("identity", "", *_ZLIB):
            raise _AnswerUnread("ERNIE's server packed its answer in a way that nobody asked for.")
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _LimitedBody(response.stream, packed in _ZLIB, most)
        # as JSON always is; a server's own word for it could name a codec that unpacks
        response.encoding = "utf-8"

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()


_ZLIB = ("gzip", "x-gzip", "deflate")


class _AnswerUnread(openai.OpenAIError):
    """An answer that is not read to its end; the client lets its own kind of error pass, and asks once."""


def _too_large(most: int) -> _AnswerUnread:
    return _AnswerUnread(
        f"ERNIE's server answered with more than {most:,} bytes, which no line can need; the rest was not "
        "read. If it is right, raise ERNIE_MAX_ANSWER_BYTES."
    )


class _LimitedBody(httpx2.AsyncByteStream):
    """A body that is unpacked here, because a small packed one can hold any size, and ends at the limit."""

    def __init__(self, body: httpx2.AsyncByteStream, packed: bool, most: int) -> None:
        self._body = body
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most
        async for chunk in self._body:
            plain = self._unpacked(chunk, left + 1)
            left -= len(plain)
            if left < 0:
                raise _too_large(self._most)
            yield plain

    def _unpacked(self, chunk: bytes, most: int) -> bytes:
        if self._unpacker is None:
            return chunk
        try:
            return self._unpacker.decompress(chunk, most)
        except zlib.error as error:
            raise _AnswerUnread("ERNIE's server sent an answer that cannot be unpacked.") from error

    async def aclose(self) -> None:
        await self._body.aclose()


def _unreached(error: Exception) -> bool:
    """Whether a server was never asked, the last time."""
    return any(isinstance(cause, aiohttp.ClientConnectorError) for cause in _chain(error))


def _lost(error: Exception, often: str, timeout_s: float) -> str:
    """Say in one sentence why a call had no answer."""
    # the transport behind the client calls most of this a connect timeout; the causes know better
    chain = _chain(error)
    if any(isinstance(cause, aiohttp.ClientSSLError) for cause in chain):
        return "ERNIE's server has no certificate that this machine trusts; check ERNIE_BASE_URL."
    if any(isinstance(cause, aiohttp.ClientConnectorError) for cause in chain):
        return (
            f"ERNIE's server cannot be reached{often}; check that it runs and that ERNIE_BASE_URL is right."
        )
    if any(isinstance(cause, aiohttp.ServerTimeoutError) for cause in chain):
        return (
            f"ERNIE's server gave no answer in {timeout_s:g} s{often}; lower ERNIE_CONCURRENCY "
            "or raise ERNIE_TIMEOUT_S."
        )
    if any(isinstance(cause, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError) for cause in chain):
        return f"ERNIE's server cut the connection before its answer was whole{often}; its log says why."
    if isinstance(error, openai.APIConnectionError):
        return f"The connection to ERNIE's server failed{often}; check ERNIE_BASE_URL."
    return f"ERNIE's server gave an answer that is not HTTP ({type(error).__name__}); check ERNIE_BASE_URL."


def _chain(error: BaseException) -> list[BaseException]:
    """An error and what it was raised from; the HTTP transport names its errors loosely."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__
    return chain
