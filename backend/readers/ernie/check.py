"""Is the ERNIE server of use? One question in words, then a drawn line with each prompt."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from backend.page.lines import Pixels, Reading
from backend.readers.ernie.answers import AnswerUnusable, quote
from backend.readers.ernie.reader import ErnieReader, ErnieServer
from backend.text.model_answers import clean

WORDS = "Invoice 2048"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the result: whether it is well, and what was seen or is to be done."""

    ok: bool
    text: str


def check(server: ErnieServer, readers: Sequence[ErnieReader], *, timeout_s: float = 120) -> list[Finding]:
    """Ask the server a question in words, and have each reader read a drawn line.

    Args:
        server: the server to ask.
        readers: the ways to ask it.
        timeout_s: how long to wait for each answer, retries included, seconds.

    Returns:
        A finding for each answer; after a question that failed, that finding alone.
    """
    begun = time.monotonic()
    question = server.run(server.chat.complete("Answer with one word: ready", max_tokens=16))
    try:
        answer = question.result(timeout_s).text
    except AnswerUnusable as error:
        return [Finding(False, str(error))]
    except FutureTimeout:
        question.cancel()
        return [Finding(False, f"ERNIE's server gave no answer in {timeout_s:g} s; see its log.")]
    took = time.monotonic() - begun
    findings = [Finding(True, f"{server.options.model} answers a question in {took:.1f} s: {quote(answer)}")]
    crop = drawn_line(WORDS)
    read: list[Reading] = []
    futures = [reader.submit([crop], urgent=True)[0] for reader in readers]
    for reader, future in zip(readers, futures, strict=True):
        try:
            reading = future.result(timeout_s)
        except FutureTimeout:
            findings.append(
                Finding(False, f"Prompt '{reader.prompt.name}': no reading in {timeout_s:g} s; see its log.")
            )
            continue
        right = clean(reading.text).replace(" ", "").casefold() == WORDS.replace(" ", "").casefold()
        said = reading.error or f"read {quote(reading.text)!r} from a picture of {WORDS!r}"
        advice = "" if right or reading.failed else "; ERNIE_MODEL must be a model that sees pictures"
        findings.append(Finding(right, f"Prompt '{reader.prompt.name}': {said}{advice}"))
        read.append(reading)
    return findings + _scores(read)


def _scores(readings: Sequence[Reading]) -> list[Finding]:
    """Whether the server says how sure it is; it is of use without, too."""
    read = [reading for reading in readings if reading.text]
    scores = [reading.score for reading in read if reading.score is not None]
    if scores:
        return [
            Finding(
                True, f"It says how sure it is of each token (of the drawn line at least {min(scores):.0%})."
            )
        ]
    missing = (
        "It does not say how sure it is of each token (logprobs), so its readings have no score; FastDeploy "
        "does when it is started with --enable-logprob."
    )
    return [Finding(True, missing)] if read else []


def drawn_line(text: str) -> Pixels:
    """A picture of a line in plain Latin letters, black on white."""
    font = ImageFont.load_default(40)
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("RGB", (round(right - left) + 16, round(bottom - top) + 16), "white")
    ImageDraw.Draw(picture).text((8 - left, 8 - top), text, font=font, fill="black")
    return np.array(picture)
