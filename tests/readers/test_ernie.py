"""ERNIE's reader against a real server that answers, fails and misbehaves as real ones do."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.label_studio.labeling_config import LabelingConfig, LabelNames
from backend.page.lines import Pixels, Reading
from backend.pipeline.read_task import Failure, Prediction, Wording
from backend.readers.ernie.check import Finding, check, drawn_line
from backend.readers.ernie.prompts import LONGEST_SIDE, Prompt, lay_out, most_tokens, prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.stored import Keeper, ReadingStore, StoredReader
from tests.parts.ernie_brains import Tesseract
from tests.parts.ernie_stand_in import (
    Asked,
    Cut,
    Hang,
    Outcome,
    Raw,
    Say,
    StandIn,
    ernie_stand_in,
    fingerprint,
)
from tests.parts.scripted import CONFIG, scripted_service

__all__ = ["ernie_stand_in"]

TOO_LARGE = {
    "2 MB": Raw(200, "x" * 2_000_000),
    "an error of 2 MB": Raw(500, "x" * 2_000_000),
    "100 kB that hold 100 MB": Raw(200, gzip.compress(b" " * 100_000_000, 1), {"Content-Encoding": "gzip"}),
    "an error that unpacks": Raw(400, gzip.compress(b" " * 2_000_000, 1), {"Content-Encoding": "gzip"}),
}
Connect = Callable[..., ErnieServer]
KEY = "geheim-4711"


def crop(width: int = 200, height: int = 32, ground: tuple[int, int, int] = (250, 240, 200)) -> Pixels:
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:] = ground
    pixels[height // 4 : height // 2, width // 4 : width // 2] = (20, 20, 60)
    return pixels


@pytest.fixture
def connect(ernie_stand_in: StandIn) -> Iterator[Connect]:
    """Opens servers with short limits and no retries, unless the test says otherwise."""
    opened: list[ErnieServer] = []

    def connect(**changes: Any) -> ErnieServer:
        defaults: dict[str, Any] = {
            "base_url": ernie_stand_in.base_url,
            "model": ernie_stand_in.model,
            "concurrency": 8,
            "timeout_s": 20,
            "max_retries": 0,
        }
        opened.append(ErnieServer(ErnieOptions(**{**defaults, **changes})))
        return opened[-1]

    yield connect
    for server in opened:
        server.close()


def pair(server: ErnieServer, **how: Any) -> tuple[ErnieReader, ErnieReader]:
    first, second = prompts(**how)
    return ErnieReader(server, first), ErnieReader(server, second)


def read(reader: ErnieReader, *crops: Pixels, urgent: bool = False) -> list[Reading]:
    return [future.result(60) for future in reader.submit(crops or [crop()], urgent=urgent)]


def numbered(asked: Asked) -> Outcome:
    """Tells crops apart by their width."""
    assert asked.picture is not None
    return Say(f"{'second' if asked.second else 'first'} {asked.picture.shape[1]}")


# What is asked


def test_both_readings_come_back_in_order_and_are_asked_as_the_strictest_gateway_wants(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.brain = numbered
    first, second = pair(connect(), language="Russian")
    crops = [crop(width) for width in (100, 200, 300, 400)]

    answers = [read(reader, *crops) for reader in (first, second)]

    widths = [lay_out(pixels, first.prompt).shape[1] for pixels in crops]
    assert [[reading.text for reading in readings] for readings in answers] == [
        [f"first {width}" for width in widths],
        [f"second {width}" for width in widths],
    ]
    assert {reading.reader for reading in answers[0]} == {first.identity}
    assert ernie_stand_in.violations == []


def test_a_request_holds_what_fastdeploy_and_vllm_both_take_for_greedy_and_no_thinking(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    reader, _ = pair(connect(extra_body={"metadata": {"job": "7"}}))
    read(reader)

    (asked,) = ernie_stand_in.asked
    assert {name: asked.body[name] for name in asked.body if name != "messages"} == {
        "model": "ernie-stand-in",
        "temperature": 0.01,
        "top_p": 0.001,
        "max_tokens": most_tokens(crop()),
        "chat_template_kwargs": {"enable_thinking": False},
        "metadata": {"job": "7"},
        "logprobs": True,
        "top_logprobs": 0,
    }


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_the_picture_is_what_its_data_url_says_and_the_same_for_both_prompts(
    ernie_stand_in: StandIn, connect: Connect, kind: str
) -> None:
    # the stand-in itself compares type and bytes, and that the picture stands before the words
    pixels = crop()
    for reader in pair(connect(image_format=kind)):
        read(reader, pixels)

    first, second = ernie_stand_in.asked
    assert ernie_stand_in.violations == []
    assert fingerprint(first) == fingerprint(second)
    assert first.file.startswith({"png": b"\x89PNG", "jpeg": b"\xff\xd8"}[kind])
    assert first.picture is not None
    assert first.picture.shape == lay_out(pixels, prompts()[0]).shape
    difference = np.abs(first.picture.astype(int) - lay_out(pixels, prompts()[0]).astype(int))
    assert difference.max() <= (0 if kind == "png" else 40)


def test_a_model_with_one_prompt_sees_two_unlike_pictures(ernie_stand_in: StandIn, connect: Connect) -> None:
    for reader in pair(connect(), style="ocr"):
        read(reader)

    first, second = ernie_stand_in.asked
    assert (first.prompt, second.prompt) == ("OCR:", "OCR:")
    assert fingerprint(first) != fingerprint(second)


@pytest.mark.parametrize("language", ["", "Russian"])
def test_the_two_prompts_are_unlike_and_ask_for_the_mark_of_no_text(language: str) -> None:
    first, second = prompts("instructions", language)

    assert "###" in first.text
    assert "###" in second.text
    assert len(set(first.text.lower().split()) & set(second.text.lower().split())) < 40
    assert (language in first.text) and (language in second.text)
    assert (first.line_height, first.border) == (second.line_height, second.border)


def test_no_key_and_no_address_of_openais_own_service_leave_the_machine(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    read(pair(connect())[0])
    read(pair(connect(api_key=KEY))[0])

    behind_a_proxy = ernie_stand_in.base_url.replace("//", f"//user:{KEY}%21@")
    read(pair(connect(base_url=behind_a_proxy))[0])

    without, with_key, with_user = (asked.headers for asked in ernie_stand_in.asked)
    assert "Authorization" not in without
    assert with_user["Authorization"] == "Basic " + base64.b64encode(f"user:{KEY}!".encode()).decode()
    assert with_key["Authorization"] == f"Bearer {KEY}"
    assert not [name for name in with_key if name.lower().startswith("openai")]


def test_a_proxy_of_the_environment_is_asked_unless_the_address_is_excepted(
    ernie_stand_in: StandIn, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    # the stand-in is the proxy here, and answers itself
    monkeypatch.setenv("HTTP_PROXY", ernie_stand_in.base_url.removesuffix("/v1"))

    (reading,) = read(pair(connect(base_url="http://ernie.invalid/v1"))[0])
    assert reading.text == "Счёт 12"
    assert ernie_stand_in.asked[0].headers["Host"] == "ernie.invalid"

    monkeypatch.setenv("NO_PROXY", "ernie.invalid")
    (reading,) = read(pair(connect(base_url="http://ernie.invalid/v1"))[0])
    assert "cannot be reached" in (reading.error or "")
    assert ernie_stand_in.calls == 1


# How a crop is laid out


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(200, 32, id="low line"),
        pytest.param(600, 64, id="right height"),
        pytest.param(3000, 400, id="poster"),
        pytest.param(3, 3, id="full stop"),
        pytest.param(1, 1, id="one pixel"),
        pytest.param(9000, 4, id="ruler"),
        pytest.param(4, 3000, id="standing ruler"),
        pytest.param(40, 400, id="standing line"),
    ],
)
@pytest.mark.parametrize("prompt", [prompts()[0], prompts("ocr")[1]], ids=["plain", "ocr-large"])
def test_every_crop_becomes_a_picture_that_vision_models_take(
    width: int, height: int, prompt: Prompt
) -> None:
    laid = lay_out(crop(width, height), prompt)

    sides = sorted(laid.shape[:2])
    assert laid.dtype == np.uint8
    assert laid.flags.c_contiguous
    assert sides[0] >= 2 * prompt.border + 1
    assert sides[1] <= 100 * sides[0]
    if (
        min(width, height) < prompt.line_height
        and max(width, height) * 64 / min(width, height) < LONGEST_SIDE
    ):
        assert min(sides) >= prompt.line_height


def test_the_margin_has_the_lines_own_ground_colour() -> None:
    laid = lay_out(crop(200, 64, ground=(10, 20, 30)), Prompt("plain", "?", border=24))

    assert laid.shape == (64 + 48, 200 + 48, 3)
    assert (laid[:24] == (10, 20, 30)).all()
    assert (laid[:, -24:] == (10, 20, 30)).all()


@pytest.mark.parametrize(
    ("width", "height", "least", "most"),
    [
        pytest.param(32, 32, 48, 64, id="one letter"),
        pytest.param(640, 32, 150, 260, id="sixty letters"),
        pytest.param(32, 640, 150, 260, id="standing line"),
        pytest.param(9000, 10, 1024, 1024, id="never more than a thousand"),
    ],
)
def test_tokens_are_limited_to_what_a_line_of_that_shape_can_hold(
    width: int, height: int, least: int, most: int
) -> None:
    assert least <= most_tokens(crop(width, height)) <= most


# What is answered


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        pytest.param(Say("Счёт 12"), "Счёт 12", id="text"),
        pytest.param(Say("###"), "", id="no text"),
        pytest.param(Say(""), "", id="empty text"),
        pytest.param(Say('```\n"Счёт 12"\n```'), '```\n"Счёт 12"\n```', id="wrapping is kept as it came"),
        pytest.param(Say("Счёт 12<|im_end|></s>"), "Счёт 12", id="control tokens"),
        pytest.param(Say('"###"'), "", id="no text, in quotes"),
        pytest.param(Say("Счёт 12", reasoning="The picture shows 13"), "Счёт 12", id="thoughts are not read"),
        pytest.param(Say("Счёт 12", finish_reason="normal"), "Счёт 12", id="Baidu's word for the end"),
        *(
            pytest.param(Say("Счёт 12", end), "Счёт 12", id=f"the end is called {end!r}")
            for end in (
                "STOP",
                "eos",
                "eos_token",
                "end_turn",
                "stop_sequence",
                "FinishReason.STOP",
                "",
                None,
            )
        ),
        pytest.param(
            Say([{"type": "text", "text": "Счёт "}, {"type": "text", "text": "12"}]), "Счёт 12", id="parts"
        ),
        pytest.param(
            Say([{"type": "thinking", "thinking": [{"text": "13?"}]}, {"type": "text", "text": "Счёт 12"}]),
            "Счёт 12",
            id="a part of thoughts",
        ),
        pytest.param(Say("<think>13?</think>Счёт 12"), "Счёт 12", id="thoughts before the text"),
        pytest.param(Say("<think>empty?</think>###"), "", id="thoughts, then no text"),
    ],
)
def test_an_answer_becomes_a_reading(
    ernie_stand_in: StandIn, connect: Connect, outcome: Outcome, text: str
) -> None:
    ernie_stand_in.script(outcome)
    reader, _ = pair(connect())

    assert read(reader) == [Reading(reader.identity, text)]


BUSY = {"detail": "Too many requests,current max concurrency is 512"}
FIELD = {
    "detail": [
        {"loc": ["body", "chat_template_kwargs"], "msg": "extra fields not permitted", "input": "data:"}
    ]
}
WEB_PAGE = Raw(200, "<html><h1>Welcome</h1><p>to nginx</p></html>", content_type="text/html")
PROXY_PAGE = Raw(502, "<html><title>502 Bad Gateway</title></html>", content_type="text/html")
IMAGE = "data:image/png;base64," + "QUJD" * 100


@pytest.mark.parametrize(
    ("outcome", "words", "again"),
    [
        pytest.param(Say("Счёт", "length"), "cut off (finish_reason length)", False, id="cut by length"),
        pytest.param(
            Say("Счёт", "recover_stop"), "cut off (finish_reason recover_stop)", False, id="cut by FastDeploy"
        ),
        pytest.param(Say("Sorry", "content_filter"), "content_filter", False, id="refused by a filter"),
        pytest.param(
            Say("Счёт", "MAX_TOKENS"), "cut off (finish_reason max_tokens)", False, id="cut, by another name"
        ),
        pytest.param(Say("", "error"), "finish_reason error", True, id="given up by the server"),
        pytest.param(Say(None), "without a text (content is NoneType)", True, id="null content"),
        pytest.param(Say([{"type": "image"}]), "without a text (content is list)", True, id="not text"),
        *(
            pytest.param(
                Say(text, reasoning="It reads 12", reasoning_in=name),
                "thoughts but no whole reading",
                True,
                id=f"{text!r} beside {name}",
            )
            for text in (None, "", "\n")
            for name in ("reasoning_content", "reasoning", "thinking", "thoughts")
        ),
        pytest.param(
            Say("", reasoning=[{"text": "12"}], reasoning_in="reasoning_details"),
            "thoughts but no whole reading",
            True,
            id="OpenRouter's list of thoughts",
        ),
        pytest.param(
            Say([{"type": "thinking", "thinking": "12"}]),
            "thoughts but no",
            True,
            id="a part of thoughts alone",
        ),
        pytest.param(Say("<think>It reads 12"), "thoughts but no", True, id="thoughts that never end"),
        pytest.param(Say("<think>It reads 12</think>\n"), "thoughts but no", True, id="nothing after them"),
        pytest.param(
            Say("", "length", reasoning="It reads"), "thoughts but no", True, id="thoughts used up the tokens"
        ),
        pytest.param(
            Raw(200, 'data: {"choices": [{"delta": {"content": "Счёт"}}]}\n\ndata: [DONE]\n\n'),
            "a stream of events",
            True,
            id="a stream",
        ),
        pytest.param(Raw(200, ": OPENROUTER PROCESSING\n\ndata: {}\n\n"), "a stream", True, id="its comment"),
        pytest.param(
            Raw(200, {"choices": [{"message": {"content": ""}, "error": {"message": "Provider is down"}}]}),
            "without a reading (Provider is down)",
            True,
            id="a failure beside an empty text",
        ),
        pytest.param(Raw(200, {"choices": []}), "without a reading", True, id="no choices"),
        pytest.param(Raw(200, {"choices": [{"index": 0}]}), "without a reading", True, id="no message"),
        pytest.param(Raw(200, "[]"), "without a reading", True, id="wrong JSON"),
        pytest.param(Raw(200, {"error": "out of memory"}), "out of memory", True, id="200 with an error"),
        pytest.param(WEB_PAGE, "not JSON (Welcome to nginx). Check the address", True, id="a web page"),
        pytest.param(Raw(200, b"\xff\xfe\x00\x01"), "not JSON", True, id="garbage"),
        pytest.param(Raw(200, ""), "not JSON (an empty body)", True, id="nothing"),
        pytest.param(Raw(429, BUSY), "is 512. Lower ERNIE_CONCURRENCY", True, id="FastDeploy is full"),
        pytest.param(
            Raw(422, FIELD),
            "body.chat_template_kwargs: extra fields not permitted. Set ERNIE_DISABLE_THINKING=false",
            True,
            id="the thinking switch is not known",
        ),
        pytest.param(
            Raw(400, {"error": {"message": "top_p must be in (0, 1]"}}), "ERNIE_TOP_P", True, id="sampling"
        ),
        pytest.param(
            Raw(400, {"error": {"message": f"no {IMAGE}"}}), "400: no [picture].", False, id="picture"
        ),
        pytest.param(
            Raw(401, {"error": {"message": f"bad {KEY}"}}),
            "bad [hidden]. Check ERNIE_API_KEY",
            True,
            id="key",
        ),
        pytest.param(Raw(404, "404 page not found"), "/v2 for Qianfan", True, id="no such address"),
        *(
            pytest.param(
                Raw(status, {"error": {"message": said}}), "Set ERNIE_MODEL to a name", True, id=said[:30]
            )
            for status, said in (
                (404, "The model `ernie-4.5` does not exist."),
                (400, "baidu/ernie is not a valid model ID"),
                (401, "The model does not exist or you do not have access to it."),
                (400, "Model not found: ernie"),
            )
        ),
        *(
            pytest.param(
                Raw(400, {"error": {"message": said}}), "set ERNIE_IMAGE_FORMAT=png", True, id=said[:30]
            )
            for said in (
                "Unsupported image format: jpeg",
                "cannot identify image file <_io.BytesIO object>",
                "Invalid image data: failed to decode",
            )
        ),
        *(
            pytest.param(
                Raw(status, {"error": {"message": said}}), "a model that sees pictures", True, id=said[:30]
            )
            for status, said in (
                (404, "No endpoints found that support image input"),
                (400, "ernie-4.5-21b is not a multimodal model"),
                (400, "unknown variant `image_url`, expected `text`"),
            )
        ),
        pytest.param(Raw(500, {"detail": {"message": "CUDA"}}), "500: CUDA. Its log", True, id="nested"),
        pytest.param(PROXY_PAGE, "502: 502 Bad Gateway. Its log", True, id="a proxy's page"),
        pytest.param(Raw(503, ""), "503: an empty body", True, id="no body"),
        pytest.param(Raw(500, "x y " * 9000), "x y…", True, id="a long body is shortened"),
        pytest.param(
            Raw(307, "", {"Location": "/v2"}), "It sends callers elsewhere", True, id="sent elsewhere"
        ),
        *(
            pytest.param(answer, "more than 1,048,576 bytes", False, id=name)
            for name, answer in TOO_LARGE.items()
        ),
        pytest.param(
            Raw(200, b"x", {"Content-Encoding": "br"}),
            "a way that nobody asked for",
            False,
            id="packed oddly",
        ),
        pytest.param(
            Raw(200, b"\x1f\x8b" + b"x" * 20, {"Content-Encoding": "gzip"}),
            "cannot be unpacked",
            False,
            id="badly packed",
        ),
        pytest.param(Say("x" * 2001), "2,001 characters for one line", False, id="a text of no line"),
        pytest.param(Raw(200, "[" * 100_000), "nested too deeply", True, id="nested without end"),
        pytest.param(Raw(500, "[" * 100_000), "nested too deeply", True, id="an error nested without end"),
        pytest.param(
            Raw(200, b"{}", content_type="application/json; charset=bz2"),
            "without a reading",
            True,
            id="charset",
        ),
        pytest.param(Cut(), "cut the connection", True, id="cut before the answer"),
        pytest.param(Cut(started=True), "cut the connection", True, id="cut in the answer"),
    ],
)
def test_what_is_no_reading_is_one_clear_sentence(
    ernie_stand_in: StandIn, connect: Connect, outcome: Outcome, words: str, again: bool
) -> None:
    ernie_stand_in.script(Say("neighbour"), outcome, Say("neighbour"))
    reader, _ = pair(connect(api_key=KEY, concurrency=1))

    before, reading, after = read(reader, crop(), crop(210), crop(220))

    assert (before.text, after.text) == ("neighbour", "neighbour")
    assert reading.error is not None
    assert words in reading.error
    assert reading.retryable is again
    assert len(reading.error) < 350
    for secret in (KEY, ernie_stand_in.base_url, "127.0.0.1", "QUJD", "\n", "Traceback"):
        assert secret not in reading.error


@pytest.mark.parametrize(
    ("changes", "cure"),
    [
        pytest.param(
            {"disable_thinking": False}, "Set ERNIE_DISABLE_THINKING=true.", id="never switched off"
        ),
        pytest.param({}, "does not heed chat_template_kwargs.enable_thinking=false", id="not heeded"),
        pytest.param(
            {"model": "baidu/ERNIE-4.5-VL-28B-A3B-Thinking"},
            'Set ERNIE_EXTRA_BODY=\'{"chat_template_kwargs": {"options": {"thinking_mode": "close"}}}\'.',
            id="a model with a switch of its own",
        ),
        pytest.param(
            {
                "model": "baidu/ERNIE-4.5-VL-28B-A3B-Thinking",
                "extra_body": {"chat_template_kwargs": {"options": {"thinking_mode": "close"}}},
            },
            "FastDeploy's --reasoning-parser=ernie-45-vl-thinking",
            id="switched off, served with another model's parser",
        ),
    ],
)
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Say("", reasoning="It reads"), id="thoughts alone"),
        pytest.param(Say("", "length", reasoning="It reads"), id="cut in its thoughts"),
        pytest.param(Say("<think>It reads"), id="thoughts in the text"),
    ],
)
def test_the_cure_for_thoughts_is_the_one_that_helps_this_model(
    ernie_stand_in: StandIn, connect: Connect, answer: Say, changes: dict[str, Any], cure: str
) -> None:
    ernie_stand_in.model = changes.get("model", ernie_stand_in.model)
    ernie_stand_in.brain = lambda asked: answer

    (reading,) = read(pair(connect(**{"model": ernie_stand_in.model, **changes}))[0])

    assert ernie_stand_in.violations == []
    assert cure in (reading.error or "")


def test_an_address_with_the_path_of_the_call_is_understood(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    (reading,) = read(pair(connect(base_url=f"{ernie_stand_in.base_url}/chat/completions"))[0])

    assert reading.text == "Счёт 12"


def test_a_field_of_the_operators_own_that_is_refused_is_named_with_its_setting(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    (reading,) = read(pair(connect(extra_body={"best_of": 2}))[0])

    assert reading.error is not None
    assert "Take best_of out of ERNIE_EXTRA_BODY" in reading.error


def test_the_thinking_switch_can_be_left_out_for_gateways_that_refuse_it(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.refuses_unknown_fields = True

    (refused,) = read(pair(connect())[0])
    (taken,) = read(pair(connect(disable_thinking=False))[0])

    assert "ERNIE_DISABLE_THINKING=false" in (refused.error or "")
    assert taken.text == "Счёт 12"


def test_a_server_that_hangs_is_given_up_with_the_setting_named(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.script(Hang())

    (reading,) = read(pair(connect(timeout_s=0.2))[0])

    assert reading.retryable
    assert "no answer in 0.2 s; lower ERNIE_CONCURRENCY or raise ERNIE_TIMEOUT_S" in (reading.error or "")


def test_an_address_where_nobody_listens_is_one_sentence(connect: Connect) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    (reading,) = read(pair(connect(base_url=f"http://user:{KEY}@127.0.0.1:{port}/v1"))[0])

    assert reading.retryable
    assert "cannot be reached" in (reading.error or "")
    assert KEY not in (reading.error or "")


def test_something_that_does_not_speak_http_is_one_sentence(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = connect(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}/v1")
        (future,) = pair(server)[0].submit([crop()])
        connection, _ = listening.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
            reading = future.result(30)

    assert "ERNIE_BASE_URL" in (reading.error or "")


# Retries and limits


@pytest.mark.parametrize(
    "passing",
    [
        pytest.param(Raw(429, BUSY), id="too busy"),
        pytest.param(Raw(500, ""), id="server error"),
        pytest.param(Raw(503, ""), id="starting up"),
        pytest.param(Cut(), id="cut"),
        pytest.param(Cut(started=True), id="cut in the answer"),
        pytest.param(Hang(), id="hang"),
    ],
)
def test_what_passes_is_asked_again(ernie_stand_in: StandIn, connect: Connect, passing: Outcome) -> None:
    ernie_stand_in.script(passing)
    reader, _ = pair(connect(max_retries=2, timeout_s=1))

    assert read(reader) == [Reading(reader.identity, "Счёт 12")]
    assert ernie_stand_in.calls == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_what_will_not_pass_is_asked_once(ernie_stand_in: StandIn, connect: Connect, status: int) -> None:
    ernie_stand_in.script(Say("Счёт 12"), Raw(status, ""), Raw(status, ""))

    before, reading = (read(pair(server)[0])[0] for server in [connect(max_retries=2)] * 2)
    assert not before.failed
    assert reading.failed
    assert reading.lasting is (status in (401, 403)), "with another key only"
    assert ernie_stand_in.calls == 2


@pytest.mark.parametrize("outcome", [pytest.param(answer, id=name) for name, answer in TOO_LARGE.items()])
def test_an_answer_that_is_too_large_is_asked_for_once(
    ernie_stand_in: StandIn, connect: Connect, outcome: Outcome
) -> None:
    ernie_stand_in.script(outcome, outcome)

    assert read(pair(connect(max_retries=2))[0])[0].failed
    assert ernie_stand_in.calls == 1


def test_an_answer_packed_by_a_gateway_is_read_all_the_same(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    body = json.dumps({"choices": [{"message": {"content": "Счёт 12"}, "finish_reason": "stop"}]}).encode()
    ernie_stand_in.script(
        Raw(200, gzip.compress(body), {"Content-Encoding": "gzip"}),
        Raw(200, zlib.compress(body), {"Content-Encoding": "deflate"}),
    )
    readings = read(pair(connect(concurrency=1))[0], crop(), crop(210))
    assert [reading.text for reading in readings] == ["Счёт 12", "Счёт 12"]


def test_thoughts_may_be_long_where_the_reading_is_not(ernie_stand_in: StandIn, connect: Connect) -> None:
    ernie_stand_in.script(Say("<think>" + "The picture shows a line. " * 2000 + "</think>Счёт 12"))
    assert read(pair(connect())[0])[0].text == "Счёт 12"


def test_a_server_that_asks_for_time_gets_it(ernie_stand_in: StandIn, connect: Connect) -> None:
    # without the header the first retry would come after half a second at most
    arrivals: list[float] = []
    ernie_stand_in.script(Raw(429, BUSY, {"Retry-After": "1.5"}))
    ernie_stand_in.arrived = lambda: arrivals.append(time.monotonic())

    assert read(pair(connect(max_retries=1))[0])[0].text == "Счёт 12"
    first, second = arrivals
    assert second - first >= 1.5


def test_calls_in_flight_never_exceed_the_limit_over_all_readers(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.latency_s = 0.02
    first, second = pair(connect(concurrency=5))

    futures = first.submit([crop()] * 30) + second.submit([crop()] * 30)

    assert {future.result(60).text for future in futures} == {"Счёт 12"}
    assert ernie_stand_in.highest_in_flight == 5
    assert ernie_stand_in.calls == 60


def finished_order(groups: dict[str, list[Future[Reading]]]) -> list[str]:
    order: list[str] = []
    for name, futures in groups.items():
        for future in futures:
            future.add_done_callback(lambda _, name=name: order.append(name))
    for futures in groups.values():
        for future in futures:
            future.result(60)
    return order


def test_urgent_readings_overtake_those_that_wait(ernie_stand_in: StandIn, connect: Connect) -> None:
    ernie_stand_in.latency_s = 0.03
    bulk, urgent = pair(connect(concurrency=1))

    waiting = bulk.submit([crop()] * 12)
    order = finished_order({"bulk": waiting, "urgent": urgent.submit([crop()] * 3, urgent=True)})

    # one call was in flight, perhaps a second one begun, before the urgent ones arrived
    assert order.index("urgent") <= 3
    assert order[order.index("urgent") :][:3] == ["urgent"] * 3
    assert ernie_stand_in.calls == 15


def test_the_two_prompts_of_a_page_take_turns_crop_by_crop(ernie_stand_in: StandIn, connect: Connect) -> None:
    """So that the server still has a crop's picture in its prefix cache when the other prompt comes."""
    widths = range(200, 206)
    pictures = [crop(width) for width in widths]
    asked = threading.Event()

    def once_both_are_asked(call: Asked) -> Outcome:
        assert asked.wait(30)
        return numbered(call)

    ernie_stand_in.brain, ernie_stand_in.in_threads = once_both_are_asked, True
    plain, characters = pair(connect(concurrency=1))
    begun = threading.Event()
    ernie_stand_in.arrived = begun.set
    futures = plain.submit(pictures)
    assert begun.wait(30)
    futures += characters.submit(pictures)
    asked.set()
    for future in futures:
        assert not future.result(60).failed

    calls = [
        (call.second, call.picture.shape[1]) for call in ernie_stand_in.asked if call.picture is not None
    ]
    margins = calls[0][1] - 400
    # the first call had begun before the second prompt's crops were there
    assert [second for second, _ in calls] == [False, *[False, True] * 5, True]
    firsts, seconds = ([width for second, width in calls if second is which] for which in (False, True))
    assert firsts == seconds == [2 * width + margins for width in widths]


def test_two_prompts_about_one_crop_are_one_request_up_to_their_words(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    """A server's prefix cache serves the second one as far as the two are the same."""
    for reader in pair(connect()):
        read(reader, crop())
    picture = base64.b64encode(ernie_stand_in.asked[0].file).decode()
    ends = [json.dumps(call.body["messages"]).partition(picture) for call in ernie_stand_in.asked]
    (start, shown, words), (other_start, other_shown, other_words) = ends
    assert (start, shown) == (other_start, other_shown)
    assert words != other_words
    assert shown and not start.count("characters")


def test_waiting_readings_that_become_urgent_go_first_and_are_paid_for_once(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.latency_s = 0.03
    reader, _ = pair(connect(concurrency=1))

    others, wanted = reader.submit([crop()] * 12), reader.submit([crop()] * 3)
    reader.hurry(wanted)
    order = finished_order({"others": others, "wanted": wanted})

    assert order.index("wanted") <= 3
    assert ernie_stand_in.calls == 15


def test_a_page_has_a_time_limit_of_its_own_which_waiting_does_not_use_up(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.brain = lambda asked: (
        Hang() if asked.picture is not None and asked.picture.shape[1] > 300 else Say("12")
    )
    reader, _ = pair(connect(concurrency=1, page_timeout_s=3))

    hanging, patient = reader.submit([crop(300), crop(100)]), reader.submit([crop(100)])

    errors = [future.result(30) for future in hanging]
    assert [reading.retryable for reading in errors] == [True, True]
    assert all("ERNIE_PAGE_TIMEOUT_S" in (reading.error or "") for reading in errors)
    assert patient[0].result(30).text == "12"


def test_a_page_whose_time_is_up_does_not_wait_for_another_pages_call(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.script(Say("12"), Hang())
    ernie_stand_in.latency_s = 1
    reader, other = pair(connect(concurrency=1, page_timeout_s=3))

    read_in_time, too_late = reader.submit([crop(), crop()])
    # the other page comes while the first line is being read, not before
    while ernie_stand_in.calls < 1:
        time.sleep(0.01)
    order = finished_order({"other": other.submit([crop()], urgent=True), "too late": [too_late]})

    assert read_in_time.result(30).text == "12"
    assert order == ["too late", "other"]


def test_a_reading_that_waits_can_be_given_up_and_is_not_paid_for(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.latency_s = 0.2
    reader, _ = pair(connect(concurrency=1))

    first, second, third = reader.submit([crop()] * 3)
    assert second.cancel()

    assert [first.result(30).text, third.result(30).text] == ["Счёт 12"] * 2
    assert ernie_stand_in.calls == 2


def test_stopping_ends_what_waits_and_what_is_in_flight_with_an_error(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.brain = lambda asked: Hang()
    server = connect(concurrency=2)
    reader, _ = pair(server)
    futures = reader.submit([crop()] * 5)
    while ernie_stand_in.in_flight < 2:
        time.sleep(0.01)

    server.close()

    assert ["stopped" in (future.result(10).error or "") for future in futures] == [True] * 5
    assert "stopped" in (read(reader)[0].error or "")


def test_an_empty_page_asks_nothing(ernie_stand_in: StandIn, connect: Connect) -> None:
    assert pair(connect())[0].submit([]) == []
    assert ernie_stand_in.calls == 0


def test_a_crop_that_cannot_be_laid_out_costs_its_neighbours_nothing(connect: Connect) -> None:
    broken = np.zeros((0, 0, 3), np.uint8)
    first, bad, last = read(pair(connect(concurrency=1))[0], crop(), broken, crop())

    assert (first.text, last.text) == ("Счёт 12", "Счёт 12")
    assert "see the log" in (bad.error or "")


# Names and secrets


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"model": "other"}, id="model"),
        pytest.param({"temperature": 1.0}, id="temperature"),
        pytest.param({"top_p": 0.5}, id="top_p"),
        pytest.param({"disable_thinking": False}, id="thinking"),
        pytest.param({"extra_body": {"seed": 1}}, id="extra fields"),
        pytest.param({"image_format": "png"}, id="image format"),
        pytest.param({"jpeg_quality": 80}, id="image quality"),
    ],
)
def test_the_identity_changes_with_all_that_can_change_a_reading(
    connect: Connect, change: dict[str, Any]
) -> None:
    assert pair(connect())[0].identity != pair(connect(**change))[0].identity


def test_the_identity_changes_with_nothing_else(connect: Connect) -> None:
    here = pair(connect())[0].identity
    there = pair(
        connect(base_url="http://elsewhere/v1", api_key=KEY, concurrency=3, timeout_s=5, max_retries=9)
    )[0]

    assert here == there.identity
    assert here.startswith("ernie-stand-in:plain@")
    names = {
        reader.identity
        for how in ({}, {"language": "Greek"}, {"style": "ocr"})
        for reader in pair(connect(), **how)
    }
    assert len(names) == 6


def test_no_log_at_any_level_holds_the_key_or_the_picture(
    ernie_stand_in: StandIn, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "httpx", "httpx2", "aiohttp", "asyncio", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    ernie_stand_in.key = KEY
    ernie_stand_in.script(Say("Счёт 12"), Raw(500, ""), Raw(400, {"error": {"message": KEY}}), Cut())
    server = connect(api_key=KEY, max_retries=1, concurrency=1)

    read(pair(server)[0], crop(), crop(210), crop(220), crop(230))

    logged = "\n".join(f"{record.getMessage()} {record.exc_text}" for record in caplog.records)
    assert "Retrying request" in logged
    assert KEY not in logged
    assert "base64" not in logged
    assert KEY not in repr(server.options)


# The doctor's questions


def test_the_check_reads_a_drawn_line_with_both_prompts_by_real_ocr(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    ernie_stand_in.brain, ernie_stand_in.in_threads = Tesseract("eng"), True
    server = connect()

    findings = check(server, pair(server))

    assert [finding.ok for finding in findings] == [True, True, True, True]
    assert "ready" in findings[0].text
    assert "'Invoice 2048'" in findings[2].text
    assert "no score" in findings[3].text
    assert "--enable-logprob" in findings[3].text
    assert ernie_stand_in.violations == []


def test_the_check_says_when_a_model_does_not_see(ernie_stand_in: StandIn, connect: Connect) -> None:
    ernie_stand_in.brain = lambda asked: Say("I cannot see pictures")
    server = connect()

    assert [finding.ok for finding in check(server, pair(server))] == [True, False, False, True]


@pytest.mark.parametrize(
    ("brain", "words"),
    [
        pytest.param(lambda asked: Raw(401, ""), "ERNIE_API_KEY", id="wrong key"),
        pytest.param(lambda asked: Hang(), "no answer in", id="hang"),
        pytest.param(
            lambda asked: Raw(404, {"message": "The model `ernie` does not exist."}),
            "Set ERNIE_MODEL to a name that it serves",
            id="wrong model",
        ),
        pytest.param(
            lambda asked: Say("", "length", reasoning="The user wants"), "thinking must be off", id="thinking"
        ),
    ],
)
def test_the_check_ends_with_the_first_thing_that_is_wrong(
    ernie_stand_in: StandIn, connect: Connect, brain: Callable[[Asked], Outcome], words: str
) -> None:
    ernie_stand_in.brain = brain
    server = connect()

    (finding,) = check(server, pair(server), timeout_s=0.5)

    assert isinstance(finding, Finding)
    assert not finding.ok
    assert words in finding.text


def test_the_check_names_the_format_of_pictures_that_is_refused(
    ernie_stand_in: StandIn, connect: Connect
) -> None:
    refusal = Raw(400, {"error": {"message": "Unsupported image format: jpeg"}})
    ernie_stand_in.brain = lambda asked: Say("ready") if asked.picture is None else refusal
    server = connect()

    findings = check(server, pair(server))

    assert [finding.ok for finding in findings] == [True, False, False]
    assert "set ERNIE_IMAGE_FORMAT=png" in findings[1].text


def test_the_drawn_line_is_black_on_white() -> None:
    line = drawn_line("Invoice 2048")

    assert line.shape[2] == 3
    assert (line[0] == 255).all()
    assert line.min() < 50


# What an annotator and an operator see


def test_a_missing_answer_is_in_log_and_status_and_is_asked_for_again_without_a_restart(
    ernie_stand_in: StandIn, connect: Connect, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Kept as "no text", it would never be asked for again, not even after a restart."""
    ernie_stand_in.brain = lambda asked: Say("", reasoning="It reads Счёт 12", reasoning_in="reasoning")
    store = ReadingStore(f"sqlite:///{tmp_path}/readings.sqlite3")
    keeper = Keeper(store)
    readers = [StoredReader(reader, keeper, paid=True) for reader in pair(connect())]
    service = scripted_service(readers=readers)
    config = LabelingConfig.parse(CONFIG, LabelNames())
    try:
        task = {"id": 7, "data": {"image": "/page-1"}}
        (failure,) = service.predict([task], config, Wording("ru", "en"), deadline_s=20)

        assert isinstance(failure, Failure)
        assert store.count() == 0
        assert "thoughts but no whole reading" in str(service.status()["failed_tasks"])
        assert "task 7: 6 of 6 readings had no answer" in caplog.text

        ernie_stand_in.brain = lambda asked: Say("Счёт 12")
        (prediction,) = service.predict([task], config, Wording("ru", "en"), deadline_s=20)

        assert isinstance(prediction, Prediction)
        assert prediction.score == 1.0
        assert service.status()["failed_tasks"] == {}
    finally:
        service.close()
        keeper.close()
        store.close()
