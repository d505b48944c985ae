"""HTTP: Label Studio's ML backend protocol, sign-in, errors, metrics.

Label Studio shows people the *reason phrase* of an error and never its body, so every error's
sentence stands in both.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from backend import __version__
from backend.errors import Busy, TwinreadError
from backend.pipeline.service import Service
from backend.server.admission import refused, stranger
from backend.server.json_bodies import JsonBodies
from backend.server.predict_request import config_parser, read_by_service
from backend.server.protocol import PredictBody, SetupBody, WebhookBody, parse
from backend.server.refusals import refusal, refusal_of
from backend.server.reload import reload
from backend.server.rounds import RoundStarter, answer_webhook
from backend.server.sheet_collector import SheetCollector
from backend.settings.settings import Settings

log = logging.getLogger(__name__)

KEPT_FREE = 32
"""Threads of the server that no /predict takes, so that /health, /metrics and /setup never wait."""

WEBHOOK_ACTIONS = frozenset(
    {
        "ANNOTATION_CREATED",
        "ANNOTATIONS_CREATED",
        "ANNOTATION_UPDATED",
        "ANNOTATIONS_DELETED",
        "TASKS_CREATED",
        "TASKS_DELETED",
        "PROJECT_UPDATED",
        "START_TRAINING",
    }
)
"""Any other name counts as "other", so that a caller cannot make metrics grow."""


class _App(Flask):
    """An application that never logs the path of a request: a webhook's holds its secret."""

    def log_exception(self, exc_info: Any) -> None:
        """As Flask's own, which is called where not even an error's answer can be sent."""
        log.error("%s %s failed", request.method, request.url_rule, exc_info=exc_info)


def create_app(
    service: Service,
    settings: Settings,
    starter: RoundStarter | None = None,
    collector: SheetCollector | None = None,
    results_of: Callable[[PredictBody], list[dict[str, Any]]] | None = None,
) -> Flask:
    """Build the WSGI application over a service.

    Args:
        service: answers; started by the caller.
        settings: sign-in, limits, deadline, names of labels, language of messages.
        starter: starts training rounds; by default as the settings say.
        collector: collects what is decided on sheets; by default as the settings say.
        results_of: answers a /predict; by default the service does.
    """
    rounds = starter or RoundStarter(settings)
    sheets = collector or SheetCollector(settings, claimed=service.metrics.show_claims)
    app = _App("twinread")
    bodies = JsonBodies(settings.max_request_bytes)
    seats = threading.BoundedSemaphore(settings.server_threads - KEPT_FREE)

    labeling_config = config_parser(settings)
    answer = results_of or partial(read_by_service, service, labeling_config, settings)

    @app.before_request
    def admit() -> Response | None:
        g.begun = time.monotonic()
        return refused(request, settings) or stranger(request, settings)

    @app.after_request
    def count(answer: Response) -> Response:
        service.metrics.count_answer(request.path, answer.status_code, time.monotonic() - g.begun)
        return answer

    @app.get("/health")
    def health() -> Response:
        state, sentence = service.state
        if state == "failed":
            return refusal(503, sentence)
        return jsonify(status="UP" if state == "ready" else "LOADING", state=state, reason=sentence)

    @app.get("/")
    def index() -> Response:
        return jsonify(name="twinread", version=__version__, **service.status(), round=rounds.status())

    @app.get("/status")
    def status() -> Response:
        return jsonify(**service.status(), round=rounds.status())

    @app.post("/setup")
    def setup() -> Response:
        with bodies.read(request) as read:
            body = parse(SetupBody, read)
        labeling_config(body.label_config)
        return jsonify(model_version=service.model_version)

    @app.post("/predict")
    def predict() -> Response:
        if not seats.acquire(blocking=False):
            raise Busy("Too many requests wait already; ask again in a minute.", retry_after_s=60)
        try:
            with bodies.read(request) as read:
                return jsonify(results=answer(parse(PredictBody, read)))
        finally:
            seats.release()

    @app.get("/versions")
    def versions() -> Response:
        return jsonify(versions=[service.model_version])

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(service.metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")

    @app.post("/webhook")
    @app.post("/webhook/<secret>")
    def webhook(secret: str = "") -> Response:
        with bodies.read(request) as read:
            body = parse(WebhookBody, read)
        service.metrics.webhooks.labels(body.action if body.action in WEBHOOK_ACTIONS else "other").inc()
        sheets.note(body)
        done = answer_webhook(rounds, body, settings, as_json=request.is_json, sender=request.remote_addr)
        return jsonify(status="ok", **done)

    @app.post("/reload")
    @app.post("/reload/<secret>")
    def look_for_a_promoted_model(secret: str = "") -> Response:
        return reload(service, settings, secret)

    @app.errorhandler(TwinreadError)
    def known(error: TwinreadError) -> Response:
        return refusal_of(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        answer = refusal(error.code or 500, error.description or error.name)
        answer.headers.extend(pair for pair in error.get_headers() if pair[0] == "Allow")
        return answer

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:  # the last line before a client: no traceback crosses it
        app.log_exception((type(error), error, error.__traceback__))
        return refusal(500, "twinread failed unexpectedly; the log of the backend says why.")

    return app
