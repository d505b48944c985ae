"""Collecting that is killed at its so-many-th request that writes, before or after it is sent."""

from __future__ import annotations

import os
import signal
import sys
from itertools import count

import httpx
from pydantic import SecretStr

from backend.label_studio.client import LabelStudio
from backend.sheets.collecting import collect
from tests.parts.answered_sheets import SheetProjects


class Killed(httpx.BaseTransport):
    """Ends the process at a request that writes."""

    def __init__(self, at: int, when: str) -> None:
        self._network = httpx.HTTPTransport()
        self._at = at
        self._when = when
        self._numbers = count(1)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        writes = request.method != "GET" and "/annotations" in request.url.path
        # several are on their way at once
        is_last = writes and next(self._numbers) == self._at
        if is_last and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = self._network.handle_request(request)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


if __name__ == "__main__":
    url, pages, sheets, at, when = sys.argv[1:]
    key = SecretStr(os.environ["LABEL_STUDIO_API_KEY"])
    api = LabelStudio(url, key, transport=Killed(int(at), when))
    made = SheetProjects(api, int(pages), int(sheets))
    collect(api, made.sheets, made.context)
