"""Tasks as Label Studio gives them, with predictions made of given readings."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.predictions import prediction
from backend.page.lines import Judgement, Line, Reading, ReadLine, ReadPage, Verdict

CONFIG = LabelingConfig.parse(default_config())

VERSION = "Paddle+Tesseract for Russian (PP-OCRv5_mobile_det one two) 1f3a9c07"


def predicted(*lines: str | tuple[str, str], version: str = VERSION) -> dict[str, Any]:
    """A prediction as the backend makes it: a text is a line read alike, two are a disputed one."""
    read = []
    for number, said in enumerate(lines):
        first, second = (said, said) if isinstance(said, str) else said
        top = 10 + 30 * number
        quad = np.array([[10, top], [300, top], [300, top + 20], [10, top + 20]], np.float32)
        verdict = Verdict.AGREED if first == second else Verdict.DISPUTED
        readings = (Reading("one", first), Reading("two", second))
        read.append(ReadLine(Line(quad), readings, Judgement(verdict, first, 0.9)))
    return prediction(ReadPage(400, 2000, read), CONFIG, model_version=version)


def task(number: int, *lines: str | tuple[str, str], **more: Any) -> dict[str, Any]:
    """A task with one stored prediction, and more fields such as `annotations`."""
    return {"id": number, "predictions": [{"id": 100 + number, **predicted(*lines)}], **more}


def submitted(*texts: str) -> dict[str, Any]:
    """An annotation in which every line of these was accepted."""
    return {"id": 1, "was_cancelled": False, "result": predicted(*texts)["result"]}
