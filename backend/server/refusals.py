"""An error as an answer: its sentence in the body, and in the reason phrase, which is all that people see."""

from __future__ import annotations

import json

from flask import Response

from backend.errors import TwinreadError


def refusal(status: int, sentence: str) -> Response:
    """An error as JSON, with its sentence in the reason phrase as far as HTTP allows.

    In English, whatever language annotators speak: Label Studio 1.23 shows a reason phrase in UTF-8 as
    Latin-1, so Russian comes out as noise, and only team leads ever see it.
    """
    response = Response(json.dumps({"error": sentence}) + "\n", content_type="application/json")
    phrase = " ".join(sentence.encode("ascii", "replace").decode().split())[:400]
    response.status = f"{status} {phrase}"
    return response


def refusal_of(error: TwinreadError) -> Response:
    """One of our errors as JSON; it says when to ask again where the error does."""
    response = refusal(error.status, str(error))
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response
