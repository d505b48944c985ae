"""The same backend under label-studio-ml, for those who run it already: 1.0.9 and 2.x alike.

Start it with a `_wsgi.py` of your own, under gunicorn with one worker and several threads:

    from backend.server.label_studio_ml import wsgi
    app = wsgi()

label-studio-ml asks a `LabelStudioMLBase` for predictions, as it does any other model. All the rest is
answered by our own server's application, because label-studio-ml's own answers are not safe: they ask for no
password (2.x only for one out of the environment), show tracebacks to clients, say UP before anything can be
read, and in 1.0.9 start a process for each webhook. What lasts is one service per process, which begins to
load at the first request of any kind: `gunicorn --preload` imports this in a process that then forks.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, current_app, g

from backend.errors import SettingsWrong, TwinreadError
from backend.label_studio.labeling_config import LabelingConfig
from backend.pipeline import assembly
from backend.pipeline.service import Service
from backend.server.admission import refused
from backend.server.app import create_app
from backend.server.error_answers import answer_errors, json_body
from backend.server.predict_request import results_of
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
    from label_studio_ml import model as framework
    from label_studio_ml.api import init_app
    from label_studio_ml.model import LabelStudioMLBase

SETUP_LIMIT_S = 1.5
"""What /setup waits for models that are still loading, seconds; Label Studio waits 3, and loading takes the
cores that the answer needs."""

EXIT_CODE = 4
"""With 3 and 4 gunicorn stops; after any other it starts the worker again, for ever."""

_PREDICT = "/predict"


@dataclass(frozen=True, slots=True)
class _Running:
    """What lasts as long as the process."""

    settings: settings.Settings
    service: Service
    own_app: Flask


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
    service = assembly.service(values())
    return _Running(values(), service, create_app(service, values()))


def running() -> _Running:
    """The one service of this process, loading since the first call, and our own application over it."""
    # requests that come at once begin one service between them
    with _BEGINNING:
        return _begun()


@lru_cache(maxsize=64)
def _labeling_config(xml: str) -> LabelingConfig:
    return LabelingConfig.parse(xml, values().label_names)


class TwinreadModel(LabelStudioMLBase):  # type: ignore[misc]  # label-studio-ml has no types
    """Finds lines and reads each one twice; answers as twinread's own server does.

    Only in an application that `wsgi()` has made: any other would answer whoever asks.
    """

    def __init__(self, project_id: str | None = None, label_config: str | None = None, **more: Any) -> None:
        """Take what either version gives; called for each request (2.x) or once (1.0.9)."""
        # without the base's own, which would parse the config each time, and in 2.x write it into a database
        self.project_id = project_id or ""

    def predict(
        self, tasks: Sequence[Mapping[str, Any]], context: object = None, **more: Any
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
        body: PredictBody = g.body
        now = running()
        return results_of(body, now.service, _labeling_config(body.label_config), now.settings)

    def fit(self, *args: Any, **more: Any) -> None:
        """Nothing is trained here: our own server's application answers webhooks."""


def wsgi() -> Flask:
    """label-studio-ml's own application over this model, as safe as our own server.

    Ends the process with one sentence where a setting cannot be used.
    """
    try:
        chosen = values()
    except SettingsWrong as error:
        print(f"twinread: {error}", file=sys.stderr)
        sys.exit(EXIT_CODE)
    app: Flask = init_app(TwinreadModel)
    app.extensions[__name__] = chosen
    app.config["MAX_CONTENT_LENGTH"] = chosen.max_request_bytes
    # in place of its own, which read and log headers and bodies before anybody has signed in
    app.before_request_funcs[None] = [_take_body]
    app.after_request_funcs.clear()
    app.error_handler_spec.clear()
    answer_errors(app)
    app.view_functions["_predict"] = _undecorated(app.view_functions["_predict"])
    if hasattr(framework, "LabelStudioMLManager"):
        # 1.0.9 predicts only after some /setup, which it never sees
        framework.LabelStudioMLManager.fetch()
    theirs = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        now = running()
        asked = Request(environ)
        if _is_for_the_model(asked, chosen):
            return theirs(environ, start_response)
        if asked.path == "/setup" and signed_in(asked, chosen):
            with suppress(TwinreadError):
                now.service.engines(SETUP_LIMIT_S)
        return now.own_app(environ, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]
    return app


def _is_for_the_model(asked: Request, chosen: settings.Settings) -> bool:
    """Whether label-studio-ml may see a request; our own server says why it may not, or answers it."""
    return asked.path == _PREDICT and refused(asked, chosen) is None and signed_in(asked, chosen)


def _take_body() -> None:
    """Check the body, and leave of its parameters what the model takes.

    Raises:
        BadRequest: it is not what it should be.
    """
    sent: Any = json_body()
    g.body = parse(PredictBody, sent)
    # label-studio-ml hands them on as arguments, whatever their names are
    sent["params"] = {}


def _undecorated(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view of label-studio-ml without what answers its errors with tracebacks."""
    bare: Callable[..., Any] = inspect.getclosurevars(view).nonlocals.get("f", view)
    return bare
