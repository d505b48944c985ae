"""Bodies become Python's objects in bounded memory, and those that people send are all read."""

from __future__ import annotations

import gc
import json
from contextlib import ExitStack
from io import BytesIO

import pytest
from flask import Request

from backend.errors import BadRequest, Busy
from backend.server.json_bodies import BodyTooLarge, JsonBodies

MIB = 1024**2


def request(body: bytes) -> Request:
    environ = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body)), "REQUEST_METHOD": "POST"}
    return Request(environ)


def region(number: int, kind: str, value: dict[str, object]) -> dict[str, object]:
    """One result of a prediction as Label Studio sends it back."""
    shape = {"x": 5.123456, "y": 10.2345678, "width": 50.1234567, "height": 12.345678, "rotation": 0}
    names = {"id": f"r{number}", "from_name": "label", "to_name": "image", "type": kind}
    size = {"original_width": 1200, "original_height": 500, "image_rotation": 0}
    return {**size, **names, "score": 0.9, "value": {**shape, **value}}


def predicted_task() -> dict[str, object]:
    """A task with a prediction of thirty lines, 19 kB."""
    lines = [
        part
        for number in range(30)
        for part in (
            region(number, "rectanglelabels", {"rectanglelabels": ["Text"]}),
            region(number, "textarea", {"text": [f"Счёт от 3 мая, номер {number}"]}),
        )
    ]
    predictions = [{"id": 1, "result": lines, "model_version": "v1"}]
    return {"id": 1, "data": {"image": "/data/upload/1/x.png"}, "predictions": predictions}


def test_five_thousand_tasks_and_tasks_with_all_their_predictions_are_read() -> None:
    bodies = JsonBodies(64 * MIB)
    fresh = {"id": 1, "data": {"image": "/data/upload/1/x.png"}, "meta": {}, "predictions": []}
    with bodies.read(request(json.dumps({"tasks": [fresh] * 5000}).encode())) as read:
        assert isinstance(read, dict)
        assert len(read["tasks"]) == 5000
    # the longest body that may come at a limit of 8 MiB, full of predictions
    task = json.dumps(predicted_task()).encode()
    count = 8 * MIB // (len(task) + 2)
    body = b'{"tasks": [' + b", ".join([task] * (count - 1)) + b"]}"
    with JsonBodies(8 * MIB).read(request(body)) as read:
        assert isinstance(read, dict)
        assert len(read["tasks"]) == count - 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"tasks": [' + b"{}," * 35_000 + b"{}]}", id="objects"),
        pytest.param(b"[" + b"[]," * 60_000 + b"[]]", id="lists"),
        pytest.param(b"[" + b"1," * 140_000 + b"1]", id="numbers"),
    ],
)
def test_what_would_unpack_many_times_is_not_read(body: bytes) -> None:
    with pytest.raises(BodyTooLarge, match="over 131072 values"), JsonBodies(MIB).read(request(body)):
        pass


def test_bodies_in_work_count_together_and_light_ones_are_always_read() -> None:
    heavy = b"[" + b"1," * 100_000 + b"1]"
    bodies = JsonBodies(MIB)
    with ExitStack() as in_work:
        for _ in range(2):
            in_work.enter_context(bodies.read(request(heavy)))
        with pytest.raises(Busy, match="Requests in work hold 200004 values") as refused:
            in_work.enter_context(bodies.read(request(heavy)))
        assert refused.value.retry_after_s == 10
        assert in_work.enter_context(bodies.read(request(b'{"tasks": []}'))) == {"tasks": []}
    with bodies.read(request(heavy)):
        pass


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b"{", "not JSON", id="cut off"),
        pytest.param(b"\xff\xfe{", "not JSON", id="half of UTF-16"),
        pytest.param(b"9" * 5000, "not JSON", id="a number that Python does not read"),
        pytest.param(b"[" * 50_000, "nested too deeply", id="nested"),
        pytest.param(b" " * 200_000 + b"{", "not JSON", id="long"),
    ],
)
def test_what_is_no_json_is_one_sentence(body: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words), JsonBodies(MIB).read(request(body)):
        pass
    assert gc.isenabled()
