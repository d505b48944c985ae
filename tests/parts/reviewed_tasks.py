"""Tasks as Label Studio exports them, and pages to draw them on, built from plain values."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from tests.parts.scripted import CONFIG as SCRIPTED_CONFIG

CONFIG = SCRIPTED_CONFIG
WIDTH, HEIGHT = 397, 301


def rectangle(
    identity: str,
    text: Any = "Счёт",
    box: tuple[float, float, float, float] = (20, 10, 250, 26),
    label: str | None = "Text",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    **common: Any,
) -> list[dict[str, Any]]:
    """The results of one rectangle, its box in pixels; `text` as it stands under `text`, None for none."""
    x, y, width, height = box
    value = {
        "x": 100 * x / size[0],
        "y": 100 * y / size[1],
        "width": 100 * width / size[0],
        "height": 100 * height / size[1],
        "rotation": 0,
    }
    common = {
        "id": identity,
        "to_name": "image",
        "original_width": size[0],
        "original_height": size[1],
        **common,
    }
    labels = {"rectanglelabels": [label]} if label is not None else {}
    results = [{**common, "from_name": "label", "type": "rectanglelabels", "value": {**value, **labels}}]
    if text is not None:
        texts = [text] if isinstance(text, str) else text
        answer = {**value, "text": texts}
        results.append({**common, "from_name": "transcription", "type": "textarea", "value": answer})
    return results


def polygon(identity: str, points: list[tuple[float, float]], text: str = "Счёт") -> list[dict[str, Any]]:
    """The results of one polygon, its points in pixels."""
    pairs = [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in points]
    common = {"id": identity, "to_name": "image", "original_width": WIDTH, "original_height": HEIGHT}
    return [
        {
            **common,
            "from_name": "poly",
            "type": "polygonlabels",
            "value": {"points": pairs, "polygonlabels": ["Text"]},
        },
        {
            **common,
            "from_name": "transcription",
            "type": "textarea",
            "value": {"points": pairs, "text": [text]},
        },
    ]


def annotation(result: Any, identity: int = 1, user: Any = 1, minute: int = 0, **more: Any) -> dict[str, Any]:
    """A submitted annotation."""
    moment = f"2026-11-22T10:{minute:02d}:00.000000Z"
    fields = {"was_cancelled": False, "ground_truth": False, "created_at": moment, "updated_at": moment}
    return {"id": identity, "completed_by": user, "result": result, **fields, **more}


def task(identity: int, *annotations: Any, image: str | None = None, **more: Any) -> dict[str, Any]:
    """A task with its annotations; its image is `/data/upload/1/ID.png`."""
    data = {"image": image or f"/data/upload/1/{identity}.png"}
    return {"id": identity, "data": data, "annotations": list(annotations), **more}


def page_pixels(seed: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> np.ndarray:
    """A page of soft noise: every place on it looks different."""
    random = np.random.default_rng(seed)
    small = random.integers(60, 255, (size[1] // 6 + 2, size[0] // 6 + 2, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


class Pictures:
    """Gives pages by reference; a page that is not there cannot be had."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = files or {}
        self.fetched: list[str] = []

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        from backend.errors import ImageUnreachable

        self.fetched.append(reference)
        if reference in self.files:
            return self.files[reference]
        if not reference.startswith("/data/upload/1/"):
            raise ImageUnreachable(f"The image {reference} is not there (404).")
        return png(page_pixels(sum(reference.encode())))
