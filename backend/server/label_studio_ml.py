"""The same backend under label-studio-ml, for those who run it already: 1.0.9 and 2.x alike.

Start it with a `_wsgi.py` of your own, under gunicorn with one worker and several threads:

    from backend.server.label_studio_ml import wsgi
    app = wsgi()

A `LabelStudioMLBase` makes the predictions, as any model does under label-studio-ml. Requests are received by
our own server's application, because label-studio-ml's views are not safe: they ask for no password (2.x only
for one out of the environment), read bodies of any size, show tracebacks to clients, say UP before anything
can be read, and in 1.0.9 start a process for each webhook.

What lasts is one service per process, which begins to load at the first request of any kind: `gunicorn
--preload` imports this in a process that then forks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, current_app

from backend.errors import SettingsWrong, TwinreadError
from backend.pipeline import assembly
from backend.pipeline.service import Service
from backend.server.app import create_app
from backend.server.predict_request import config_parser, read_by_service
from backend.server.protocol import PredictBody, parse
from backend.server.sign_in import signed_in
from backend.settings import logs, settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@contextmanager
def _out_of_the_way() -> Iterator[None]:
    """Keep the database that label-studio-ml 2.x makes as it is imported out of the working folder.

    Nothing here uses it. A MODEL_DIR that somebody has set stays as it is.
    """
    if "MODEL_DIR" in os.environ:
        yield
        return
    with TemporaryDirectory() as folder:
        os.environ["MODEL_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["MODEL_DIR"]


with _out_of_the_way():
    from label_studio_ml.api import init_app
    from label_studio_ml.model import LabelStudioMLBase

SETUP_LIMIT_S = 1.5
"""What /setup waits for models that are still loading, seconds; Label Studio waits 3, and loading takes the
cores that the answer needs."""

EXIT_CODE = 4
"""With 3 and 4 gunicorn stops; after any other it starts the worker again, for ever."""


@dataclass(frozen=True, slots=True)
class _Running:
    """What lasts as long as the process.

    read: answers the body of a /predict.
    app: our own server's application, which asks the model.
    """

    settings: settings.Settings
    service: Service
    read: Callable[[PredictBody], list[dict[str, Any]]]
    app: Flask


@cache
def values() -> settings.Settings:
    """The settings, read once per process.

    Raises:
        SettingsWrong: one cannot be used.
    """
    read = settings.load()
    logs.configure(read.log_level)
    return read


_BEGINNING = Lock()


@cache
def _begun() -> _Running:
    chosen = values()
    service = assembly.service(chosen)
    app = create_app(service, chosen, results_of=_asked_of_the_model)
    app.extensions[__name__] = TwinreadModel
    # our own server counts as bodies come in; here a chunked one is cut off at the limit, and then is no JSON
    app.config["MAX_CONTENT_LENGTH"] = chosen.max_request_bytes
    return _Running(chosen, service, partial(read_by_service, service, config_parser(chosen), chosen), app)


def running() -> _Running:
    """The one service of this process, loading since the first call, and our own application over it."""
    # requests that come at once begin one service between them
    with _BEGINNING:
        return _begun()


class TwinreadModel(LabelStudioMLBase):  # type: ignore[misc]  # label-studio-ml has no types
    """Finds lines and reads each one twice; answers as twinread's own server does.

    Only in an application that `wsgi()` has made: any other would answer whoever asks.
    """

    def __init__(self, project_id: str | None = None, label_config: str | None = None, **more: Any) -> None:
        """Take what either version gives; called for each request."""
        # without the base's own, which would parse the config each time, and in 2.x write it into a database
        self.project_id = project_id or ""
        self._label_config = label_config or ""

    def predict(
        self, tasks: Sequence[Mapping[str, Any]], context: Mapping[str, Any] | None = None, **more: Any
    ) -> list[dict[str, Any]]:
        """One result per task, in order; an empty one for a task to be asked for again.

        Args:
            tasks: as Label Studio sends them.
            context: holds the regions that an annotator drew; None for an ordinary request.
            more: what either version adds, unused.

        Raises:
            SettingsWrong: the application was not made by `wsgi()`.
            TwinreadError: the models are not loaded, or the config cannot work.
        """
        if __name__ not in current_app.extensions:
            raise SettingsWrong("Make the application with wsgi() of this module: it asks for the password.")
        body = {
            "tasks": tasks,
            "label_config": self._label_config,
            "params": {"context": context},
            "project": self.project_id,
        }
        return running().read(parse(PredictBody, body))

    def fit(self, *args: Any, **more: Any) -> None:
        """Nothing is trained here: our own server's application answers webhooks."""


def _asked_of_the_model(body: PredictBody) -> list[dict[str, Any]]:
    model = TwinreadModel(project_id=body.project_name, label_config=body.label_config)
    return model.predict(body.tasks, context=body.params.context if body.params else None)


def wsgi() -> Flask:
    """label-studio-ml's application over this model, in which our own server's receives all requests.

    Ends the process with one sentence where a setting cannot be used.
    """
    try:
        chosen = values()
    except SettingsWrong as error:
        print(f"twinread: {error}", file=sys.stderr)
        sys.exit(EXIT_CODE)
    app: Flask = init_app(TwinreadModel)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        now = running()
        asked = Request(environ)
        if asked.path == "/setup" and signed_in(asked, chosen):
            with suppress(TwinreadError):
                now.service.engines(SETUP_LIMIT_S)
        return now.app(environ, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]
    return app
