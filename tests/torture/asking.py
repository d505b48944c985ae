"""Requests as Label Studio sends them, and what came of them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from backend.label_studio.default_config import default_config
from tests.torture.image_host import BOX

CONFIG = default_config()


@dataclass(frozen=True, slots=True)
class Answer:
    """status: 0 where no answer came. done: tasks with a prediction; its seconds, and the rest of it."""

    status: int
    done: int
    seconds: float
    results: tuple[Mapping[str, Any], ...] = ()
    retry_after: str = ""
    text: str = ""


def task(number: int, reference: str, **data: object) -> dict[str, Any]:
    return {"id": number, "data": {"image": reference, **data}}


def body(
    tasks: Sequence[Mapping[str, Any]], project: int = 1, *, drawn: bool = False, config: str = CONFIG
) -> dict[str, Any]:
    """What Label Studio sends to /predict; with `drawn`, that of an annotator's fresh box."""
    context = {"result": [drawn_box()]} if drawn else None
    return {
        "tasks": list(tasks),
        "label_config": config,
        "project": f"{project}.1700000000",
        "params": {"login": None, "password": None, "context": context},
    }


def drawn_box() -> dict[str, Any]:
    return {
        "id": "box-1",
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": 480,
        "original_height": 160,
        "image_rotation": 0,
        "origin": "manual",
        "value": {**BOX, "rotation": 0, "rectanglelabels": ["Text"]},
    }


def ask(url: str, content: object, *, limit_s: float = 120, auth: tuple[str, str] | None = None) -> Answer:
    """Ask /predict and wait."""
    begun = time.monotonic()
    try:
        answer = httpx.post(
            url + "/predict",
            content=json.dumps(content),  # escaped, so that half a surrogate pair gets through
            headers={"Content-Type": "application/json"},
            timeout=limit_s,
            auth=auth,
            trust_env=False,
        )
    except httpx.TransportError as error:
        return Answer(0, 0, time.monotonic() - begun, text=type(error).__name__)
    seconds = time.monotonic() - begun
    after = answer.headers.get("Retry-After", "")
    try:
        results = tuple(answer.json()["results"]) if answer.status_code == 200 else ()
    except (ValueError, LookupError):
        results = ()
    done = sum("model_version" in result for result in results)
    return Answer(answer.status_code, done, seconds, results, after, answer.text[:300])


def has_text(answer: Answer) -> bool:
    """Whether a drawn box came back with a reading, and not with the reason why there is none."""
    return any(
        part.get("type") == "textarea" and any(map(str.strip, part["value"].get("text", [])))
        for result in answer.results
        for part in result.get("result", [])
    )
