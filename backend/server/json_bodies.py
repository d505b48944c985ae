"""Reads JSON bodies in bounded memory: 57 MB of `{}` would otherwise be 3.4 GB of Python's objects."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Request

from backend.errors import BadRequest, Busy

VALUE_BYTES = 8
"""A limit of so many bytes allows one value for each; tasks of Label Studio weigh one for each 8.3 bytes."""
WEIGHTS = {b"{": 4, b"[": 2, b",": 1, b":": 1}
"""What a body becomes in memory, in values of up to 80 bytes, by the letters that begin them. Texts may hold
these letters, too, so that it is an upper bound."""
LIGHT = 20_000
"""Values of a body that is always read; those of a few pages with all their predictions."""
TOGETHER = 2
"""How many of the heaviest bodies may be in work together."""


class BodyTooLarge(BadRequest):
    """A body holds more than is read into memory."""

    status = 413


class JsonBodies:
    """Reads the bodies of one server; thread-safe.

    What a body becomes is kept as long as its request is in work, so all that are in work count together.
    """

    def __init__(self, max_request_bytes: int) -> None:
        """Take the limit of one body, bytes; from it follows how many values are in memory at most."""
        self._most = max_request_bytes // VALUE_BYTES
        self._here = 0
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()

    @contextmanager
    def read(self, request: Request) -> Iterator[object]:
        """The body of a request, which counts until the block ends.

        Raises:
            BodyTooLarge: it holds more values than are ever read.
            Busy: others hold so many that this one must wait.
            BadRequest: it is not JSON, or nested so deeply that Python cannot read it.
        """
        body = request.get_data(cache=False)
        values = sum(body.count(letter) * weight for letter, weight in WEIGHTS.items())
        if values > self._most:
            raise BodyTooLarge(
                f"The body holds over {self._most} values. Send fewer tasks at once, or raise "
                "MAX_REQUEST_BYTES."
            )
        with self._counted(values):
            read = self._parsed_alone(body) if len(body) > LIGHT * VALUE_BYTES else _parsed(body)
            del body
            yield read

    def _parsed_alone(self, body: bytes) -> object:
        """Parse a long body while no other is parsed, as fast as can be: no thread goes on meanwhile."""
        with self._one_at_a_time:
            gc.disable()  # it would look at millions of new objects again and again, for nothing
            try:
                return _parsed(body)
            finally:
                gc.enable()

    @contextmanager
    def _counted(self, values: int) -> Iterator[None]:
        with self._lock:
            if values > LIGHT and self._here + values > self._most * TOGETHER:
                raise Busy(
                    f"Requests in work hold {self._here} values already; ask again in some seconds, or raise "
                    "MAX_REQUEST_BYTES.",
                    retry_after_s=10,
                )
            self._here += values
        try:
            yield
        finally:
            with self._lock:
                self._here -= values


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except RecursionError as error:
        raise BadRequest("The body is nested too deeply.") from error
    except ValueError as error:
        raise BadRequest("The body is not JSON.") from error
