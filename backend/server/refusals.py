"""An error as an answer: its sentence in the body, and in the reason phrase, which is all that people see."""

from __future__ import annotations

from flask import Response, jsonify


def refusal(status: int, sentence: str) -> Response:
    """An error as JSON, with its sentence in the reason phrase as far as HTTP allows.

    In English, whatever language annotators speak: Label Studio 1.23 shows a reason phrase in UTF-8 as
    Latin-1, so Russian comes out as noise, and only team leads ever see it.
    """
    response = jsonify(error=sentence)
    phrase = " ".join(sentence.encode("ascii", "replace").decode().split())[:400]
    response.status = f"{status} {phrase}"
    return response
