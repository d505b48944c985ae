"""The real server and app over a scripted service, as a process: no models, so that it starts in a second.

A page `/page...` is read at once; one whose name begins with `/hang` never comes. Run as
`python -m tests.parts.small_backend --port PORT`, with settings from the environment.
"""

from __future__ import annotations

import sys
import threading

from backend.pipeline.service import Service
from backend.server import waitress_server
from backend.server.app import create_app
from backend.settings import logs, settings
from tests.parts.scripted import ScriptedReader, ScriptedSource, scripted_engines


class HangingSource(ScriptedSource):
    """Never gives what hangs."""

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        if reference.startswith("/hang"):
            threading.Event().wait()
        return super().fetch(reference, task_id=task_id)


def main(port: int) -> None:
    values = settings.load(_env_file=None)
    logs.configure(values.log_level)
    listener = waitress_server.listen("127.0.0.1", port, values)
    engines = scripted_engines(source=HangingSource(), readers=[ScriptedReader("one"), ScriptedReader("two")])
    service = Service(lambda _: engines)
    service.engines(timeout_s=10)
    app = create_app(service, values)
    waitress_server.serve(app, listener, values, service.close, service.ask_to_reload)


if __name__ == "__main__":
    main(int(sys.argv[2]))
