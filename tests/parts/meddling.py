"""Imports of tasks into a real Label Studio that something happens to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import httpx

from backend.label_studio.client import LabelStudio
from tests.parts.label_studio import RunningLabelStudio

Send: TypeAlias = Callable[[httpx.Request], httpx.Response]


class Meddling(httpx.BaseTransport):
    """Carries requests to a real Label Studio; `meddle` sees each import of tasks and may fail it."""

    def __init__(self, meddle: Callable[[httpx.Request, Send], httpx.Response]) -> None:
        self._meddle = meddle
        self._network = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/import"):
            return self._meddle(request, self._network.handle_request)
        return self._network.handle_request(request)

    def close(self) -> None:
        self._network.close()


def meddled(
    server: RunningLabelStudio, meddle: Callable[[httpx.Request, Send], httpx.Response]
) -> LabelStudio:
    return LabelStudio(server.base_url, server.personal_token, retry_wait_s=0, transport=Meddling(meddle))
