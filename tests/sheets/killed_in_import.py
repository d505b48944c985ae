"""`twinread lines` that is killed when Label Studio has its import and has not answered yet."""

from __future__ import annotations

import os
import signal
import sys
import threading

import httpx

from backend.label_studio.client import LabelStudio
from backend.one_run import only_run
from backend.settings import settings
from backend.sheets.making import FOLDER
from tests.parts.sheet_projects import lines


class KilledInImport(httpx.BaseTransport):
    """Sends an import, and ends the process while the server is at work on it."""

    def __init__(self) -> None:
        self._network = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/import"):
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return self._network.handle_request(request)


if __name__ == "__main__":
    values = settings.load()
    assert values.label_studio_api_key is not None
    project = int(sys.argv[1])
    api = LabelStudio(str(values.label_studio_url), values.label_studio_api_key, transport=KilledInImport())
    with only_run(values.cache_dir, str(values.label_studio_url), project, folder=FOLDER):
        lines(api, project, values.cache_dir / FOLDER)
