"""What an OpenAI-like server answered: the reading in it, or one sentence why there is none.

Gateways agree on little but the address: error bodies are OpenAI's, FastAPI's `{"detail": ...}`,
HTML or nothing. Sentences name the setting to change and hold no key, no address and no picture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

LONGEST_QUOTE = 200
"""Characters of a server's own words that a sentence carries."""

_PICTURE = re.compile(r"data:[\w/+.-]*;base64,[\w+/=]*|[\w+/=]{120,}")
_MARKUP = re.compile(r"<(?:!doctype|html|head|body|h1|p|title)\b", re.IGNORECASE)
_GOOD_ENDS = (None, "stop", "normal")
_WRONG_FIELD = {
    "chat_template_kwargs": "Set ERNIE_DISABLE_THINKING=false.",
    "enable_thinking": "Set ERNIE_DISABLE_THINKING=false.",
    "temperature": "Set ERNIE_TEMPERATURE to a value it takes.",
    "top_p": "Set ERNIE_TOP_P to a value it takes.",
}
_UNKNOWN_FIELD = re.compile(
    r"unknown|unrecogni[sz]ed|unexpected|unsupported|extra (?:inputs|fields)|not permitted"
)


class AnswerUnusable(Exception):
    """There is no reading in an answer, or no answer; str() is one sentence.

    retryable: asking again later, or with another setting, may give one; the picture is not at fault.
    """

    def __init__(self, sentence: str, *, retryable: bool) -> None:
        super().__init__(sentence)
        self.retryable = retryable


def text_of(raw: str, secrets: Sequence[str] = ()) -> str:
    """Find the reading in the body of a chat completion.

    Thoughts (`reasoning_content`) are never taken for one.

    Raises:
        AnswerUnusable: the body is no chat completion, or the reading is not whole.
    """
    try:
        body = json.loads(raw)
    except ValueError:
        raise AnswerUnusable(
            f"ERNIE's server answered with something that is not JSON ({quote(raw, secrets)}); "
            "check that ERNIE_BASE_URL ends in /v1.",
            retryable=True,
        ) from None
    choices = body.get("choices") if isinstance(body, dict) else None
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        raise AnswerUnusable(
            f"ERNIE's server answered without a reading ({quote(raw, secrets)}).", retryable=True
        )
    message = choices[0].get("message")
    end = choices[0].get("finish_reason")
    if end in ("length", "recover_stop"):
        raise AnswerUnusable(
            f"ERNIE's reading was cut off (finish_reason {end}), so it is not whole.", retryable=False
        )
    if end not in _GOOD_ENDS:
        raise AnswerUnusable(
            f"ERNIE did not finish its reading (finish_reason {quote(str(end), secrets)}).", retryable=False
        )
    if not isinstance(message, dict):
        raise AnswerUnusable(
            f"ERNIE's server answered without a reading ({quote(raw, secrets)}).", retryable=True
        )
    content = message.get("content")
    if not content and message.get("reasoning_content"):
        raise AnswerUnusable(
            "ERNIE answered with thoughts but no reading; thinking must be off: ERNIE_DISABLE_THINKING=true.",
            retryable=True,
        )
    if not isinstance(content, str):
        raise AnswerUnusable(
            f"ERNIE's server answered without a text (content is {type(content).__name__}).", retryable=False
        )
    return content


def refused(
    status: int, raw: str, secrets: Sequence[str] = (), extra: Mapping[str, Any] = MappingProxyType({})
) -> AnswerUnusable:
    """Say in one sentence that a server answered with an error, and which setting to change.

    Args:
        status: the HTTP status.
        raw: the body, of whatever shape.
        secrets: what no sentence may hold.
        extra: the fields that ERNIE_EXTRA_BODY adds to each request.
    """
    said = quote(_words(raw), secrets).rstrip(".")
    advice, again = _what_to_do(status, said, extra)
    return AnswerUnusable(f"ERNIE's server answered {status}: {said}. {advice}", retryable=again)


def quote(raw: str, secrets: Sequence[str] = ()) -> str:
    """A server's own words, short and safe to show: no markup, no pictures, no secrets."""
    # striptags only takes away; the text is never shown as markup
    text = Markup(raw.replace("<", " <")).striptags() if _MARKUP.search(raw) else raw  # noqa: S704
    for secret in filter(None, secrets):
        text = text.replace(secret, "[hidden]")
    text = _PICTURE.sub("[picture]", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not text:
        return "an empty body"
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE].rstrip() + "…"


def _what_to_do(status: int, said: str, extra: Mapping[str, Any]) -> tuple[str, bool]:
    """The advice for a status, and whether asking again makes sense then."""
    lower = said.lower()
    if status in (400, 422):
        for name in extra:
            if name.lower() in lower:
                return f"Take {name} out of ERNIE_EXTRA_BODY.", True
        for name, advice in _WRONG_FIELD.items():
            if name in lower:
                return advice, True
        if _UNKNOWN_FIELD.search(lower):
            return "If it does not know chat_template_kwargs, set ERNIE_DISABLE_THINKING=false.", True
        return "Its log says why; ERNIE_MODEL must be a model that sees pictures.", False
    if status in (401, 403):
        return "Check ERNIE_API_KEY.", True
    if status == 404:
        return "Check that ERNIE_BASE_URL ends in /v1 and that ERNIE_MODEL is a name it serves.", True
    if status == 413:
        return "Set ERNIE_IMAGE_FORMAT=jpeg, or raise its limit.", False
    if status == 429:
        return "Lower ERNIE_CONCURRENCY.", True
    if 300 <= status < 400:
        return "It sends callers elsewhere: set ERNIE_BASE_URL to the final address.", True
    return "Its log says why.", status in (408, 409) or status >= 500


def _words(raw: str) -> str:
    """The message in an error body, whatever its shape."""
    try:
        body = json.loads(raw)
    except ValueError:
        return raw
    return _message(body) or raw


def _message(body: object) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, map(_message, body)))
    if not isinstance(body, dict):
        return ""
    for name in ("error", "message", "detail", "msg", "error_msg"):
        if text := _message(body.get(name)):
            # FastAPI says which field is wrong beside what is wrong with it
            where = ".".join(str(part) for part in body["loc"]) if isinstance(body.get("loc"), list) else ""
            return f"{where}: {text}" if where else text
    return ""
