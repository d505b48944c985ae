"""The same backend as a `LabelStudioMLBase` subclass, for those who run label-studio-ml already.

Serves label-studio-ml 1.0.9 and 2.x alike. Both build model objects as they please, so everything
that lasts is one service per process. Start it with a `_wsgi.py` of your own, under gunicorn with one
worker and several threads:

    from backend.server.label_studio_ml import wsgi
    app = wsgi()

Each webhook makes 1.0.9 start a process that ends with an error in the log, and nothing else: with a
`model_dir` it would write the webhook there instead, the project's token included.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from flask import Flask, Response, has_request_context, request
from label_studio_ml import model as framework
from label_studio_ml.api import init_app
from label_studio_ml.model import LabelStudioMLBase

from backend.label_studio.labeling_config import LabelingConfig
from backend.pipeline import assembly
from backend.pipeline.read_task import Wording
from backend.pipeline.service import Service
from backend.server import answers
from backend.server.protocol import drawn_regions_of
from backend.server.reload import reload
from backend.settings import logs, settings

START_LIMIT_S = 60
"""Seconds that a request waits for models that are still loading; Label Studio waits 100."""

VERSION_2 = "project_id" in inspect.signature(LabelStudioMLBase.__init__).parameters
"""2.x takes a project and keeps the labeling config itself; 1.0.9 takes the config and more."""


@cache
def values() -> settings.Settings:
    """The settings, read once per process."""
    read = settings.load()
    logs.configure(read.log_level)
    return read


@cache
def service() -> Service:
    """The one service of this process, loading since the first request."""
    return assembly.service(values())


class TwinreadModel(LabelStudioMLBase):  # type: ignore[misc]  # label-studio-ml has no types
    """Finds lines and reads each one twice; answers as twinread's own server does."""

    def __init__(
        self,
        project_id: str | None = None,
        label_config: str | None = None,
        train_output: object = None,
        **more: Any,
    ) -> None:
        """Take what either version gives; called for each request (2.x) or each /setup (1.0.9)."""
        if VERSION_2:
            super().__init__(project_id=project_id, label_config=label_config)
        else:
            super().__init__(label_config=label_config, train_output=train_output, **more)

    def setup(self) -> None:
        """Tell Label Studio the model version (2.x; 1.0.9 cannot be told and keeps its own)."""
        if VERSION_2:
            self.set("model_version", service().engines(START_LIMIT_S).model_version)

    def predict(
        self, tasks: Sequence[Mapping[str, Any]], context: object = None, **more: Any
    ) -> list[dict[str, Any]]:
        """One result per task, in order; an empty one for a task to be asked for again.

        Args:
            tasks: as Label Studio sends them.
            context: holds the regions that an annotator drew; None for an ordinary request.
            more: what either version adds, unused.

        The version is left out of results: Label Studio then takes the one that /setup gave, which
        under 1.0.9 is not ours.
        """
        chosen = values()
        running = service()
        running.engines(START_LIMIT_S)
        config = LabelingConfig.parse(self._own_config(), chosen.label_names)
        wording = Wording(chosen.ocr_language, chosen.message_language)
        drawn = drawn_regions_of(context)
        limit_s = chosen.predict_deadline_s
        if drawn is not None and len(tasks) == 1:
            results = [answers.assist(running, tasks[0], drawn, config, wording, limit_s)]
        else:
            results = answers.predict(running, tasks, config, wording, limit_s)
        return [{key: value for key, value in result.items() if key != "model_version"} for result in results]

    def _own_config(self) -> str:
        """The labeling config of the request; 1.0.9 keeps that of whichever project was set up last."""
        body = request.get_json(silent=True) if has_request_context() else None
        sent = body.get("label_config") if isinstance(body, Mapping) else None
        return str(sent or self.label_config or "")

    def fit(self, *args: Any, **more: Any) -> None:
        """Nothing is trained here; None keeps 1.0.9 from inventing a new model version.

        "Start training" comes without any sign-in to this server, so it starts no round: the command
        `twinread round` does.
        """


def wsgi() -> Flask:
    """label-studio-ml's own application over this model, and `POST /reload` for a promoted one."""
    app: Flask = init_app(TwinreadModel)

    @app.post("/reload")
    @app.post("/reload/<secret>")
    def look_for_a_promoted_model(secret: str = "") -> Response:
        running = service()
        running.engines(START_LIMIT_S)
        return reload(running, values(), secret)

    if not VERSION_2:
        # 1.0.9 predicts only after some /setup, and after a restart a drawn box comes without one
        framework.LabelStudioMLManager.fetch()
    return app
