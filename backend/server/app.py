"""HTTP: Label Studio's ML backend protocol, sign-in, errors, metrics.

Label Studio shows people the *reason phrase* of an error and never its body, so every error's
sentence stands in both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

from flask import Flask, Response, jsonify, request

from backend import __version__
from backend.label_studio.labeling_config import LabelingConfig
from backend.pipeline.service import Service
from backend.server.admission import refused
from backend.server.error_answers import answer_errors, json_body
from backend.server.predict_request import results_of
from backend.server.protocol import PredictBody, SetupBody, WebhookBody, parse
from backend.server.refusals import refusal
from backend.server.reload import reload
from backend.server.rounds import RoundStarter, answer_webhook
from backend.server.sign_in import credentials, knows_secret, signed_in
from backend.settings.settings import Settings

ViewT = TypeVar("ViewT", bound=Callable[..., Any])

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


def create_app(service: Service, settings: Settings, starter: RoundStarter | None = None) -> Flask:
    """Build the WSGI application over a service.

    Args:
        service: answers; started by the caller.
        settings: sign-in, deadline, names of labels, languages.
        starter: starts training rounds; by default as the settings say.
    """
    rounds = starter or RoundStarter(settings)
    app = Flask("twinread")

    @lru_cache(maxsize=64)
    def labeling_config(xml: str) -> LabelingConfig:
        return LabelingConfig.parse(xml, settings.label_names)

    def guarded(view: ViewT) -> ViewT:
        @wraps(view)
        def check(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs) if signed_in(request, settings) else _unauthorised()

        return check  # type: ignore[return-value]

    @app.before_request
    def admit() -> Response | None:
        return refused(request, settings)

    @app.get("/health")
    def health() -> Response:
        # open without credentials, for container health checks; wrong ones are told so at once
        if credentials(request) is not None and not signed_in(request, settings):
            return _unauthorised()
        state, sentence = service.state
        if state == "failed":
            return refusal(503, sentence)
        return jsonify(status="UP" if state == "ready" else "LOADING", state=state, reason=sentence)

    @app.get("/")
    @guarded
    def index() -> Response:
        return jsonify(name="twinread", version=__version__, **service.status(), round=rounds.status())

    @app.get("/status")
    @guarded
    def status() -> Response:
        return jsonify(**service.status(), round=rounds.status())

    @app.post("/setup")
    @guarded
    def setup() -> Response:
        body = parse(SetupBody, json_body())
        labeling_config(body.label_config)
        return jsonify(model_version=service.model_version)

    @app.post("/predict")
    @guarded
    def predict() -> Response:
        body = parse(PredictBody, json_body())
        results = results_of(body, service, labeling_config(body.label_config), settings)
        return jsonify(results=results)

    @app.get("/versions")
    @guarded
    def versions() -> Response:
        return jsonify(versions=[service.model_version])

    @app.get("/metrics")
    @guarded
    def metrics() -> Response:
        return Response(service.metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")

    @app.post("/webhook")
    @app.post("/webhook/<secret>")
    def webhook(secret: str = "") -> Response:
        if not knows_secret(request, settings, secret):
            return refusal(
                401,
                "This webhook needs its secret: /webhook/SECRET or the header X-Twinread-Secret; 'Start "
                "training' needs BASIC_AUTH_USER and BASIC_AUTH_PASS.",
            )
        body = parse(WebhookBody, json_body())
        service.metrics.webhooks.labels(body.action if body.action in WEBHOOK_ACTIONS else "other").inc()
        done = answer_webhook(rounds, body, settings, as_json=request.is_json, sender=request.remote_addr)
        return jsonify(status="ok", **done)

    @app.post("/reload")
    @app.post("/reload/<secret>")
    def look_for_a_promoted_model(secret: str = "") -> Response:
        return reload(service, settings, secret)

    answer_errors(app)
    return app


def _unauthorised() -> Response:
    response = refusal(401, "Sign in: give user and password in Label Studio's model connection.")
    response.headers["WWW-Authenticate"] = 'Basic realm="twinread"'
    return response
