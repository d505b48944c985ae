"""Calls to one HTTP address, made again where they failed in passing: the module that knows `aiohttp`.

No answer is read further than a limit, unpacked; that goes for errors, too.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from backend.readers.ernie import retries

log = logging.getLogger(__name__)

IDLE_S = 4.0
"""How long a connection is kept that nobody uses, seconds: servers such as vLLM end theirs after 5, and a
call on one that is being ended is lost."""

_AT_ONCE = 64 * 1024
"""Bytes of an answer that are unpacked at once."""

_ZLIB = ("gzip", "x-gzip", "deflate")


class CallLost(Exception):
    """A call that nobody answered, the last time.

    sentence: why, for people.
    reached: whether a server was asked, the last time.
    """

    def __init__(self, sentence: str, *, reached: bool) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.reached = reached


class AnswerUnread(Exception):
    """An answer that is not read to its end, and not asked for again; str() says why."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer.

    status: of HTTP.
    body: as text; bytes that are no UTF-8 are replaced.
    """

    status: int
    body: str


class Calls:
    """Posts to one address; everything belongs to one event loop."""

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        max_retries: int,
        max_answer_bytes: int,
    ) -> None:
        """Take the address; nothing is called yet.

        Args:
            address: with its path.
            headers: of each call.
            timeout_s: longest silence of the server in one try, seconds.
            max_retries: how often a call that failed in passing is made again.
            max_answer_bytes: of an answer no more is read, unpacked.
        """
        self._address = address
        self._headers = dict(headers)
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._max_answer_bytes = max_answer_bytes
        self._proxy = proxy_for(address)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes) -> Response:
        """Make a call.

        Returns:
            Its answer, whatever the status.

        Raises:
            CallLost: there is none.
            AnswerUnread: it is not read to its end.
        """
        tries = 0
        while True:
            tries += 1
            left = tries <= self._max_retries
            headers: Mapping[str, str] = {}
            try:
                response, headers = await self._once(body)
            except aiohttp.ClientError as error:
                # an answer that is not HTTP stays so
                if not left or not isinstance(error, (*_PASSING, aiohttp.ClientHttpProxyError)):
                    raise self._lost(error, tries) from error
            else:
                if 200 <= response.status < 300 or not left or not retries.passes(response.status, headers):
                    return response
            pause_s = retries.pause_s(tries, headers)
            log.debug("call %d of %d failed; again in %.1f s", tries, self._max_retries + 1, pause_s)
            await asyncio.sleep(pause_s)

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    async def _once(self, body: bytes) -> tuple[Response, Mapping[str, str]]:
        if self._session is None:
            self._session = self._opened()
        # a redirect could lead anywhere, with the key
        async with self._session.post(
            self._address, data=body, allow_redirects=False, proxy=self._proxy
        ) as answer:
            text = (await self._read(answer)).decode("utf-8", "replace")
            return Response(answer.status, text), answer.headers

    def _opened(self) -> aiohttp.ClientSession:
        """A session, which aiohttp makes in its loop alone."""
        quiet = aiohttp.ClientTimeout(
            total=None, connect=self._timeout_s, sock_connect=self._timeout_s, sock_read=self._timeout_s
        )
        return aiohttp.ClientSession(
            # the callers have a limit of their own
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S),
            headers=self._headers,
            timeout=quiet,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        """A body, unpacked here, because a small packed one can hold any size."""
        most = self._max_answer_bytes
        length = answer.headers.get("Content-Length", "")
        if length.isdecimal() and int(length[:20]) > most:
            raise self._too_large()
        packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if packed not in ("identity", "", *_ZLIB):
            raise AnswerUnread("ERNIE's server packed its answer in a way that nobody asked for.")
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed in _ZLIB else None
        body = bytearray()
        async for chunk in answer.content.iter_chunked(_AT_ONCE):
            try:
                body += chunk if unpacker is None else unpacker.decompress(chunk, most - len(body) + 1)
            except zlib.error as error:
                raise AnswerUnread("ERNIE's server sent an answer that cannot be unpacked.") from error
            if len(body) > most:
                raise self._too_large()
        return bytes(body)

    def _too_large(self) -> AnswerUnread:
        return AnswerUnread(
            f"ERNIE's server answered with more than {self._max_answer_bytes:,} bytes, which no line can "
            "need; the rest was not read. If it is right, raise ERNIE_MAX_ANSWER_BYTES."
        )

    def _lost(self, error: aiohttp.ClientError, tries: int) -> CallLost:
        often = f" ({self._max_retries + 1} tries)" if self._max_retries else ""
        reached = not isinstance(error, aiohttp.ClientConnectorError)
        return CallLost(_why(error, often, self._timeout_s), reached=reached)


def proxy_for(address: str) -> str | None:
    """The proxy that the environment names for an address (HTTPS_PROXY, NO_PROXY and so on); None for none.

    aiohttp would find it, too, but reads passwords from ~/.netrc then, for each call.
    """
    place = urlsplit(address)
    if proxy_bypass(place.hostname or ""):
        return None
    named = getproxies()
    return named.get(place.scheme) or named.get("all")


_PASSING = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
"""What may pass: time-outs are among them."""


def _why(error: aiohttp.ClientError, often: str, timeout_s: float) -> str:
    """Say in one sentence why a call had no answer."""
    if isinstance(error, aiohttp.ClientSSLError):
        return "ERNIE's server has no certificate that this machine trusts; check ERNIE_BASE_URL."
    if isinstance(error, aiohttp.ClientConnectorError):
        return (
            f"ERNIE's server cannot be reached{often}; check that it runs and that ERNIE_BASE_URL is right."
        )
    if isinstance(error, aiohttp.ServerTimeoutError):
        return (
            f"ERNIE's server gave no answer in {timeout_s:g} s{often}; lower ERNIE_CONCURRENCY "
            "or raise ERNIE_TIMEOUT_S."
        )
    if isinstance(error, _PASSING):
        return f"ERNIE's server cut the connection before its answer was whole{often}; its log says why."
    if isinstance(error, (aiohttp.InvalidURL, aiohttp.ClientHttpProxyError)):
        return f"The connection to ERNIE's server failed{often}; check ERNIE_BASE_URL."
    return f"ERNIE's server gave an answer that is not HTTP ({type(error).__name__}); check ERNIE_BASE_URL."
