"""The stand-in refuses what real servers refuse, and what stands behind it reads."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from backend.page.lines import Pixels
from backend.readers.ernie.prompts import lay_out, prompts
from tests.parts.ernie_brains import Tesseract, Truth, misread
from tests.parts.ernie_stand_in import Asked, Raw, Say, StandIn, ernie_stand_in

__all__ = ["ernie_stand_in"]

ROOT = Path(__file__).resolve().parent.parent
FIRST, SECOND = prompts("instructions", "Russian")
LINES = [
    "Счёт № 12 от 3 мая",
    "Итого к оплате: 1 250 руб.",
    "Москва, улица Ленина, дом 7",
    "Получатель платежа",
    "Спасибо за покупку!",
]


def drawn(text: str, size: int = 34, margin: int = 6) -> Pixels:
    font = ImageFont.truetype("DejaVuSans.ttf", size)
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("RGB", (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin), "white")
    ImageDraw.Draw(picture).text((margin - left, margin - top), text, font=font, fill=(30, 30, 30))
    return np.array(picture)


def url_of(pixels: Pixels, kind: str = "png", says: str | None = None) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return f"data:image/{says or kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def request(url: str, prompt: str = FIRST.text, **changes: Any) -> dict[str, Any]:
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": prompt}]
    body = {"model": "ernie-stand-in", "max_tokens": 64, "messages": [{"role": "user", "content": content}]}
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def ask(server: StandIn, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{server.base_url}/chat/completions", json=body, timeout=60)


def said(response: httpx.Response) -> str:
    return str(response.json()["choices"][0]["message"]["content"])


GOOD = drawn("12")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param(
            request(url_of(GOOD, "png", "jpeg")), "says data:image/jpeg", id="a type that is not true"
        ),
        pytest.param(request("data:image/png;base64,%%%"), "", id="no base64"),
        pytest.param(request(url_of(GOOD), max_tokens=None), "max_tokens", id="no limit"),
        pytest.param(request(url_of(GOOD), model="gpt"), "does not exist", id="another model"),
        pytest.param(request(url_of(GOOD), top_p=0), "top_p", id="what vLLM refuses"),
        pytest.param(request(url_of(GOOD), best_of=2), "best_of", id="unknown field"),
        pytest.param(request(url_of(np.zeros((10, 90, 3), np.uint8))), "above 10", id="too low"),
        pytest.param(request(url_of(np.zeros((12, 2400, 3), np.uint8))), "200", id="too wide"),
        pytest.param({"hello": 1}, "messages", id="no chat"),
    ],
)
def test_what_a_strict_gateway_refuses_is_refused_and_kept(
    ernie_stand_in: StandIn, body: dict[str, Any], complaint: str
) -> None:
    response = ask(ernie_stand_in, body)

    assert response.status_code == 400
    assert len(ernie_stand_in.violations) == 1
    assert complaint in ernie_stand_in.violations[0]


def test_words_before_the_picture_are_refused(ernie_stand_in: StandIn) -> None:
    body = request(url_of(GOOD))
    body["messages"][0]["content"].reverse()

    assert ask(ernie_stand_in, body).status_code == 400
    assert "before the text" in ernie_stand_in.violations[0]


def test_it_follows_its_script_then_its_brain_and_counts(ernie_stand_in: StandIn) -> None:
    ernie_stand_in.script(Say("one"), Raw(429, {"detail": "busy"}, {"Retry-After": "2"}))

    answers = [ask(ernie_stand_in, request(url_of(GOOD))) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert (said(answers[0]), said(answers[2])) == ("one", "Счёт 12")
    assert answers[1].headers["Retry-After"] == "2"
    counts = httpx.get(ernie_stand_in.base_url.replace("/v1", "/counts")).json()
    assert (counts["calls"], counts["answered"], counts["highest_in_flight"]) == (3, 2, 1)
    models = httpx.get(f"{ernie_stand_in.base_url}/models").json()
    assert [model["id"] for model in models["data"]] == ["ernie-stand-in"]


def test_it_knows_how_many_calls_were_in_flight_at_once(ernie_stand_in: StandIn) -> None:
    ernie_stand_in.latency_s = 0.3

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: ask(ernie_stand_in, request(url_of(GOOD))), range(6)))

    assert 2 <= ernie_stand_in.highest_in_flight <= 6
    assert ernie_stand_in.in_flight == 0


def test_real_ocr_reads_russian_for_both_prompts_from_unlike_renderings() -> None:
    brain = Tesseract("rus")
    with StandIn(brain, in_threads=True).running() as server:
        texts = [
            [said(ask(server, request(url_of(lay_out(drawn(line), prompt)), prompt.text))) for line in LINES]
            for prompt in (FIRST, SECOND)
        ]

    # the two dots are the first thing that a rough rendering loses
    assert [[text.replace("ё", "е") for text in side] for side in texts] == [
        [line.replace("ё", "е") for line in LINES]
    ] * 2
    assert server.violations == []


def test_real_ocr_finds_no_text_on_an_empty_picture() -> None:
    with StandIn(Tesseract("rus"), in_threads=True).running() as server:
        assert said(ask(server, request(url_of(np.full((64, 400, 3), 240, np.uint8))))) == "###"


def many_lines(count: int) -> list[tuple[Pixels, str]]:
    words = " ".join(LINES).split()
    triples = [[words[(number * step + step) % len(words)] for step in (1, 3, 7)] for number in range(count)]
    texts = [f"{' '.join(triple)} {number}" for number, triple in enumerate(triples)]
    return [(drawn(text), text) for text in texts]


@pytest.mark.parametrize("share", [0.0, 0.05, 0.15, 0.4])
def test_exactly_the_planted_share_of_readings_differs(share: float) -> None:
    brain = Truth(many_lines(40), error_rates=(0.0, share))

    differing = [line for line in brain.planted if line.first != line.second]

    assert len(differing) == round(40 * share)
    assert all(line.first == line.truth for line in brain.planted)


def test_two_prompts_that_both_err_do_so_on_different_lines() -> None:
    brain = Truth(many_lines(20), error_rates=(0.2, 0.2))

    wrong = [(line.first != line.truth, line.second != line.truth) for line in brain.planted]
    assert (wrong.count((True, False)), wrong.count((False, True)), wrong.count((True, True))) == (4, 4, 0)


def as_sent(pixels: Pixels) -> Pixels:
    return lay_out(pixels, FIRST)


def cut_wider(pixels: Pixels) -> Pixels:
    # as a detector's box might be: a little larger, on grey paper
    return cv2.copyMakeBorder(pixels // 2 + 100, 5, 3, 9, 4, cv2.BORDER_REPLICATE)


def smaller(pixels: Pixels) -> Pixels:
    return cv2.resize(pixels, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("change", [as_sent, cut_wider, smaller])
def test_the_truth_is_found_by_the_look_of_a_line(change: Callable[[Pixels], Pixels]) -> None:
    lines = many_lines(40)
    brain = Truth(lines, error_rates=(0.0, 0.5))

    found = [brain.line_of(change(pixels)).truth for pixels, _ in lines]

    assert found == [text for _, text in lines]
    asked = Asked(1, SECOND.text, change(lines[3][0]), b"", {}, {})
    assert brain(asked) == Say(brain.planted[3].second)


@pytest.mark.parametrize("text", ["Счёт № 12", "ж", "", "а б", "аа"])
@pytest.mark.parametrize("kind", [1, 2])
def test_a_misreading_is_never_the_truth(text: str, kind: int) -> None:
    assert misread(text, kind) != text
    assert misread(text, kind) == misread(text, kind)


def test_it_runs_alone_and_says_where() -> None:
    module = "tests.parts.ernie_stand_in"
    command = [sys.executable, "-m", module, "--port", "0", "--text", "Привет", "--key", "k"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        headers = {"Authorization": "Bearer k"}
        body = request(url_of(GOOD))
        answer = httpx.post(f"{address}/chat/completions", json=body, headers=headers, timeout=30)
        refused = httpx.post(f"{address}/chat/completions", json=body, timeout=30)
        process.terminate()

    assert said(answer) == "Привет"
    assert refused.status_code == 401
