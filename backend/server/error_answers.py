"""What a client gets in place of an error, in our own server and under label-studio-ml; never a traceback."""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from backend.errors import TwinreadError
from backend.server.refusals import refusal, refusal_of

log = logging.getLogger(__name__)


def answer_errors(app: Flask) -> None:
    """Let an application answer every error with one sentence."""

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
        # the rule, because the path of a webhook holds its secret
        log.error("%s %s failed", request.method, request.url_rule, exc_info=error)
        return refusal(500, "twinread failed unexpectedly; the log of the backend says why.")
