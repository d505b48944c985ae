"""The chat completions of an OpenAI-compatible server: the one module that knows `openai` and `aiohttp`.

The client repeats calls that failed in passing (408, 409, 429, 5xx, timeouts, lost connections) with
exponential back-off and jitter, and waits as long as `Retry-After` asks. What it raises ends here: callers
see `AnswerUnusable`.
"""

from __future__ import annotations

import aiohttp
import openai
from openai import RequestOptions

from backend.readers.ernie.answers import AnswerUnusable, refused, text_of
from backend.readers.ernie.request import ErnieOptions, address_and_headers, request_body


class ChatApi:
    """One address; its calls and `close` belong to one event loop."""

    def __init__(self, options: ErnieOptions) -> None:
        """Take the address; nothing is called yet."""
        self._options = options
        address, headers, self._secrets = address_and_headers(options)
        self._request: RequestOptions = {
            "headers": {name: openai.Omit() if value is None else value for name, value in headers.items()}
        }
        self._client = openai.AsyncOpenAI(
            base_url=address,
            api_key=options.api_key or "none",
            timeout=options.timeout_s,
            max_retries=options.max_retries,
            http_client=openai.DefaultAioHttpClient(follow_redirects=False),
        )

    async def complete(self, words: str, max_tokens: int, picture: bytes | None = None) -> str:
        """Ask one question.

        Args:
            words: the question.
            max_tokens: the longest answer.
            picture: what the question is about, as a data URL.

        Raises:
            AnswerUnusable: there is no whole answer; says why and which setting to change.
        """
        try:
            # `post` rather than `chat.completions.create`: a third of its cost, and the answer as it came
            raw = await self._client.post(
                "/chat/completions",
                cast_to=str,
                content=request_body(self._options, words, max_tokens, picture),
                options=self._request,
            )
        except openai.APIStatusError as error:
            raise refused(error.status_code, error.response.text, self._options, self._secrets) from error
        except (openai.OpenAIError, aiohttp.ClientError) as error:
            tries = self._options.max_retries + 1
            often = f" ({tries} tries)" if tries > 1 else ""
            raise AnswerUnusable(_lost(error, often, self._options.timeout_s), retryable=True) from error
        return text_of(raw, self._options, self._secrets)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()


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
