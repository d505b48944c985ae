"""`POST /reload`: look at once whether another model was promoted, and say what came of it.

200 where the present engines are right (one took over, or nothing new was promoted), 202 while one is
loading beside them, 409 where the promoted model cannot read and the present one stays.
"""

from __future__ import annotations

from flask import Response, jsonify, request

from backend.pipeline.service import Service
from backend.server.admission import SECRET_PATHS
from backend.server.refusals import refusal
from backend.server.sign_in import knows_secret
from backend.settings.settings import Settings

STATUS = {"took over": 200, "unchanged": 200, "loading": 202, "stays": 409}


def reload(service: Service, settings: Settings, secret: str = "") -> Response:
    """Answer the request in hand; waits until the promoted model reads, at most as long as /predict may.

    Args:
        service: follows the promoted model.
        settings: sign-in and deadline.
        secret: out of the path; empty where there is none.
    """
    if not knows_secret(request, settings, secret):
        return refusal(401, SECRET_PATHS["reload"])
    look = service.reload(settings.predict_deadline_s)
    if STATUS[look.outcome] >= 400:
        return refusal(STATUS[look.outcome], look.says)
    response = jsonify(outcome=look.outcome, says=look.says)
    response.status_code = STATUS[look.outcome]
    return response
