"""How requests come in: what is refused before its body is received, and who is too slow.

waitress receives a request whole before a thread is taken for it, so none of this costs one. The classes here
stand on parts of waitress that it documents to nobody (`parser_class`, `channel_class`, `readable`): it is
pinned below 4, and tests/server/test_waitress_server.py holds what they are for.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from flask import Request, Response
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver
from waitress.task import ErrorTask

from backend.errors import Busy
from backend.server.admission import largest_body, refused, stranger, too_large
from backend.server.refusals import refusal, refusal_of
from backend.settings.settings import Settings

CROWDED_S = 3.0
"""How long a client may be slow while more than half of all connections are taken, seconds."""
LEAST_PACE = 1024**2
"""An answer has a second more for each of so many bytes."""
SMALL_BODY = 256 * 1024
"""Bodies that are always received, bytes; a page that somebody opens is one of them."""
CONTROL_LINE = 1024
"""The longest line between chunks, bytes; waitress puts it together anew with each piece that comes."""
HEADER_BYTES = 64 * 1024

WORDS = {
    400: "This is no HTTP request that can be read.",
    431: f"The request's header is over {HEADER_BYTES // 1024} KiB.",
    500: "twinread failed unexpectedly; the log of the backend says why.",
    501: "Of transfer encodings only 'chunked' is known.",
}
"""What waitress itself refuses, in our words."""


class Reception:
    """What all connections of a server share: the limits, and the bytes of bodies that are here."""

    def __init__(self, settings: Settings, count: Callable[[str, int], None]) -> None:
        """Take the limits.

        Args:
            settings: limits, and who may send a body.
            count: is told the path and the status of each refusal.
        """
        self.settings = settings
        self.count = count
        self.most_bytes = 4 * settings.max_request_bytes
        self._bytes = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        """Note bytes that came; False where there are too many now."""
        with self._lock:
            self._bytes += count
            return self._bytes <= self.most_bytes

    def give_back(self, count: int) -> None:
        """Note bytes that are gone."""
        with self._lock:
            self._bytes -= count

    def refusal_at_header(self, request: Request) -> Response | None:
        """Why the body of a request is not received; None where it is."""
        return refused(request, self.settings) or stranger(request, self.settings)


class _Refused:
    """Stands where waitress has its own errors."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        self.code = answer.status_code


class Parser(HTTPRequestParser):
    """One request as it comes in; its sender is known before its body is received."""

    path: str

    def __init__(self, adj: Any, reception: Reception) -> None:
        super().__init__(adj)
        self._reception = reception
        self._counted = 0
        self._looked_at = False

    def received(self, data: bytes) -> int:
        """Take bytes; refuses once what came is enough to know that it will be."""
        try:
            consumed = super().received(data)
        except ValueError:  # waitress's own, such as for a Content-Length of 5,000 digits
            self._refuse(refusal(400, WORDS[400]))
            return len(data)
        if self.error is None and self.headers_finished and not self._looked_at and not self.empty:
            self._looked_at = True
            if not self.completed:
                self._refuse(self._reception.refusal_at_header(self._as_request()))
        if self.error is None and self.body_rcv is not None:
            self._refuse(self._refusal_of_body())
        if self.error is not None:
            # waitress would ask for the body all the same
            self.expect_continue = False
        return consumed

    def close(self) -> None:
        """Let the body go."""
        super().close()
        self._reception.give_back(self._counted)
        self._counted = 0

    def _refusal_of_body(self) -> Response | None:
        grown, self._counted = self.body_bytes_received - self._counted, self.body_bytes_received
        fits = self._reception.take(grown)
        limit = largest_body(self.path, self._reception.settings)
        if self.body_bytes_received > limit and self.chunked:
            return too_large(self.path, limit)
        if not fits and self._counted > SMALL_BODY:
            return refusal_of(
                Busy(
                    f"Bodies of requests take {self._reception.most_bytes} bytes here already; ask again in "
                    "some seconds, or raise MAX_REQUEST_BYTES.",
                    retry_after_s=5,
                )
            )
        body = self.body_rcv
        if (
            isinstance(body, ChunkedReceiver)
            and max(len(body.control_line), len(body.trailer)) > CONTROL_LINE
        ):
            return refusal(400, WORDS[400])
        return None

    def _refuse(self, answer: Response | None) -> None:
        if answer is not None:
            self.error = cast(Any, _Refused(answer))
            self.completed = True

    def _as_request(self) -> Request:
        """What is known of the request, for those who look at its headers."""
        environ: dict[str, Any] = {f"HTTP_{name}": value for name, value in self.headers.items()}
        environ |= {
            "REQUEST_METHOD": self.command.upper(),
            "PATH_INFO": "/" + self.path.lstrip("/"),
            "CONTENT_TYPE": self.headers.get("CONTENT_TYPE", ""),
            "wsgi.url_scheme": "http",
            "wsgi.input_terminated": True,
        }
        if self.chunked:
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        else:
            environ["CONTENT_LENGTH"] = str(self.content_length)
        return Request(environ)


class _RefusalTask(ErrorTask):
    """Writes a refusal; what waitress refuses by itself reads like one of ours."""

    def execute(self) -> None:
        error: Any = cast(Any, self.request).error
        known = isinstance(error, _Refused)
        answer = error.answer if known else refusal(error.code, WORDS.get(error.code, WORDS[400]))
        body = answer.get_data()
        channel = cast(Channel, self.channel)
        channel.reception.count(str(getattr(self.request, "path", "")), answer.status_code)
        self.status = answer.status
        self.response_headers = list(answer.headers.items())
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):
    """One connection; a client that is slow to send a request or to take its answer loses it."""

    error_task_class = _RefusalTask

    def __init__(self, *args: Any, reception: Reception, **more: Any) -> None:
        self.reception = reception
        self._begun = time.monotonic()  # waits since then for a whole request
        self._answer_begun = 0.0
        self._answer_bytes = 0
        self.parser_class = partial(Parser, reception=reception)  # type: ignore[assignment]
        super().__init__(*args, **more)

    def received(self, data: bytes) -> bool:
        """Take bytes of a request."""
        if self.request is None:
            self._begun = time.monotonic()
        return bool(super().received(data))

    def readable(self) -> bool:
        """Whether bytes of this client are wanted; asked at each step of the loop, once a second at least."""
        now = time.monotonic()
        if self.requests:
            self._begun = now
        if self.total_outbufs_len:
            self._answer_begun = self._answer_begun or now
            self._answer_bytes = max(self._answer_bytes, self.total_outbufs_len)
        else:
            self._answer_begun, self._answer_bytes = 0.0, 0
        if self._is_slow(now):
            with contextlib.suppress(OSError):
                cast(Any, self.socket).shutdown(socket.SHUT_RDWR)  # the loop sees the end and closes
        return bool(super().readable())

    def _is_slow(self, now: float) -> bool:
        taken: Any = self.server.active_channels
        crowded = len(taken) > self.adj.connection_limit // 2
        limit = CROWDED_S if crowded else self.reception.settings.request_timeout_s
        if self._answer_begun:
            return now - self._answer_begun > limit + self._answer_bytes / LEAST_PACE
        return not self.requests and now - self._begun > limit

    def handle_close(self) -> None:
        """Let go of the connection, and of a request that did not come whole."""
        super().handle_close()
        if self.request is not None:
            self.request.close()
            self.request = None
