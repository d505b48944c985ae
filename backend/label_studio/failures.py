"""The errors for requests to Label Studio, each with one sentence; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from backend.errors import LabelStudioFailed, shortened

DEEPEST = 500
"""Levels of a body; more have only those that hold themselves."""

DETAIL_SHOWN = 400
"""Characters of Label Studio's own message that a sentence repeats."""

UNBLOCK = (
    "Start Label Studio with USE_DEFAULT_BANNED_SUBNETS=false and "
    "USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16,0.0.0.0/8 and connect again. ML_BLOCK_LOCAL_IP=false "
    "alone is not enough: it saves a backend without its webhook."
)


def unreachable(base_url: httpx.URL, error: httpx.RequestError) -> LabelStudioFailed:
    """The error for a Label Studio that does not answer."""
    if isinstance(error, httpx.TimeoutException):
        reason = "no answer in time"
    elif isinstance(error, httpx.ProtocolError):
        # its text quotes what was sent, such as a header line with a cookie
        reason = "it cut the connection, or sent what is not HTTP"
    else:
        reason = str(error) or "cut off"
    return LabelStudioFailed(
        f"Label Studio does not answer at {base_url} ({reason}). Is it running, and is LABEL_STUDIO_URL its "
        "address as this machine reaches it?",
        passing=True,
    )


def not_label_studio(base_url: str) -> LabelStudioFailed:
    """The error for an answer that is not Label Studio's."""
    return LabelStudioFailed(f"{base_url} does not answer as Label Studio does. Is LABEL_STUDIO_URL right?")


def moved(base_url: str, status: int, target: str) -> LabelStudioFailed:
    """The error for a redirect; none is followed, because the key would be sent along."""
    elsewhere = shortened(target.partition("?")[0], 200)
    return LabelStudioFailed(
        f"{base_url} answers with a redirect to {elsewhere}. Set LABEL_STUDIO_URL to the address that Label "
        "Studio really has.",
        status=status,
    )


def refused(doing: str, status: int, detail: str) -> LabelStudioFailed:
    """The error for a refusal of any other kind than a wrong key.

    Args:
        doing: completes "Label Studio refused to ...".
        status: the HTTP status.
        detail: Label Studio's own message, as `detail` returns it.
    """
    if "reserved network address" in detail:
        return LabelStudioFailed(
            f"Label Studio refused to {doing}: it blocks private addresses ({detail}). {UNBLOCK}",
            status=status,
            detail=detail,
            blocked=True,
        )
    hint = ""
    if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
        hint = " It is not there, or the user of this key may not see it."
    return LabelStudioFailed(
        f"Label Studio refused to {doing} (HTTP {status}: {detail}).{hint}",
        status=status,
        detail=detail,
        passing=status in (502, 503, 504),
    )


def detail(body: Any, status: int, secrets: tuple[str, ...]) -> str:
    """Label Studio's own message about a failure, on one line.

    Args:
        body: the answer's JSON, or its text where it is not JSON; None for an empty one.
        status: the HTTP status.
        secrets: texts to hide, because an answer may repeat the request.
    """
    if isinstance(body, Mapping):
        body = body.get("validation_errors") or body.get("detail") or body
    # an HTML page has no message that fits into a sentence
    page = isinstance(body, str) and body.lstrip().startswith("<")
    words = "" if page or body is None else "; ".join(_sentences(body))
    for secret in secrets:
        words = words.replace(secret, "***")
    # the links that Label Studio writes, not a tag that the backend asks for in its own sentence
    words = " ".join(re.sub(r"</?(?:a|b|br|p)\b[^>]*>", "", words).split())
    return words[:DETAIL_SHOWN] or httpx.codes.get_reason_phrase(status) or "no reason given"


def _sentences(body: Any) -> Iterator[str]:
    if isinstance(body, Mapping):
        for key, value in body.items():
            words = ", ".join(_sentences(value))
            yield words if key == "non_field_errors" else f"{key}: {words}"
    elif isinstance(body, list):
        for value in body:
            yield from _sentences(value)
    else:
        yield str(body)


def json_flaw(body: Any) -> str:
    """Where a body has what JSON cannot hold, with what to do about it; empty where there is none.

    Args:
        body: what was to be sent.
    """
    waiting: list[tuple[str, Any, int]] = [("", body, 0)]
    while waiting:
        where, value, level = waiting.pop()
        shown = where or "the body"
        if level > DEEPEST:
            return f"{where[:40]}... is nested without end."
        if problem := _value_flaw(value):
            return f"{shown} {problem}"
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if problem := _value_flaw(key):
                    return f"a key of {shown} {problem}"
                name = _printable(str(key))
                waiting.append((f"{where}.{name}" if where else name, inner, level + 1))
        elif isinstance(value, list | tuple):
            waiting += [(f"{where}[{number}]", inner, level + 1) for number, inner in enumerate(value)]
    return ""


def _value_flaw(value: Any) -> str:
    if isinstance(value, str):
        half = re.search("[\ud800-\udfff]", value)
        if half is None:
            return ""
        near = _printable(value[max(0, half.start() - 10) : half.start() + 11])
        return (
            f"has half of a character (U+{ord(half[0]):04X} in '{near}'), which no file or database can "
            "keep. Write that text again in its source."
        )
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, which is no number in JSON. Write a number, or leave the field out."
    if value is None or isinstance(value, str | int | float | bool | Mapping | list | tuple):
        return ""
    return f"is of the type {type(value).__name__}, which JSON does not know."


def _printable(text: str) -> str:
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
