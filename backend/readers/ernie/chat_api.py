"""The chat completions of an OpenAI-compatible server: a question in, its answer or why there is none out.

Calls that failed in passing (408, 409, 429, 5xx, timeouts, lost connections) are made again after pauses that
double, or as long as `Retry-After` asks. What is raised ends here: callers see `AnswerUnusable`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from backend.readers.ernie.answers import AnswerUnusable, nested_too_deeply, refused, text_of
from backend.readers.ernie.calls import AnswerUnread, CallLost, Calls
from backend.readers.ernie.metering import usage_of
from backend.readers.ernie.request import ErnieOptions, address_and_headers, request_body
from backend.readers.usage import Usage


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


class ChatApi:
    """One address; its calls and `close` belong to one event loop."""

    def __init__(self, options: ErnieOptions) -> None:
        """Take the address; nothing is called yet."""
        self._options = options
        address, headers, self._secrets = address_and_headers(options)
        self._calls = Calls(
            address,
            headers,
            timeout_s=options.timeout_s,
            max_retries=options.max_retries,
            max_answer_bytes=options.max_answer_bytes,
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
            response = await self._calls.post(request_body(self._options, words, max_tokens, picture))
        except AnswerUnread as error:
            raise AnswerUnusable(str(error), retryable=False, paid=None) from error
        except CallLost as error:
            # whoever was not reached made nothing; of a call that broke nobody knows
            paid = None if error.reached else False
            raise AnswerUnusable(error.sentence, retryable=True, paid=paid) from error
        if not 200 <= response.status < 300:
            try:
                raise refused(response.status, response.body, self._options, self._secrets)
            except RecursionError as error:
                raise nested_too_deeply() from error
        usage = usage_of(response.body, time.monotonic() - began)
        return Answer(response.body, usage, self._options, self._secrets)

    async def close(self) -> None:
        """Give the connections back."""
        await self._calls.close()
