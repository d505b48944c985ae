"""The real server and app over a scripted service, as a process: no models, so that it starts in a second.

A page `/page...` is read at once; one whose name begins with `/hang` never comes, and one that begins with
`/mute` comes and is never searched. Run as `python -m tests.parts.small_backend --port PORT`, with settings
from the environment.
"""

from __future__ import annotations

import sys
import threading
from functools import partial

from PIL import Image

from backend.page.lines import Detected, Page
from backend.pipeline.service import Service
from backend.server import waitress_server
from backend.server.app import create_app
from backend.settings import logs, settings
from backend.tickets import Urgency
from tests.parts.drawn_pages import file_of
from tests.parts.scripted import ScriptedDetector, ScriptedSource, scripted_engines

MUTE = file_of(Image.new("RGB", (13, 13), "white"))


class HangingSource(ScriptedSource):
    """Never gives what hangs."""

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        if reference.startswith("/hang"):
            threading.Event().wait()
        if reference.startswith("/mute"):
            return MUTE
        return super().fetch(reference, task_id=task_id)


class MuteDetector(ScriptedDetector):
    """Never answers for what is 13 pixels wide."""

    def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
        if page.width == 13:
            threading.Event().wait()
        return super().detect(page, urgency=urgency)


def main(port: int) -> None:
    values = settings.load(_env_file=None)
    logs.configure(values.log_level)
    listener = waitress_server.listen("127.0.0.1", port, values)
    engines = scripted_engines(MuteDetector(), source=HangingSource())
    service = Service(lambda _: engines)
    service.engines(timeout_s=10)
    app = create_app(service, values)
    close = partial(service.close, values.stop_s)
    waitress_server.serve(app, listener, values, close, service.ask_to_reload, service.metrics.count_answer)


if __name__ == "__main__":
    main(int(sys.argv[2]))
