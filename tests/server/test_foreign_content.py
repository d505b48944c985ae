"""Configs, languages, regions and servers that mean harm, against a real `twinread serve`."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.text import alphabets
from tests.parts.backend_process import RunningBackend, backend_process
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.ernie_stand_in import Say, StandIn
from tests.parts.http_script import Handler, HttpScript, serving
from tests.parts.scripted import CONFIG

COOKIE = "session=geheim-4711"


@pytest.fixture(scope="module")
def ernie() -> Iterator[StandIn]:
    stand_in = StandIn(lambda asked: Say("OK"))
    with stand_in.running():
        yield stand_in


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory, ernie: StandIn) -> Iterator[RunningBackend]:
    with backend_process(
        tmp_path_factory.mktemp("backend"),
        ernie_base_url=ernie.base_url,
        witness="off",
        ernie_model=ernie.model,
        detection_model="PP-OCRv5_mobile_det",
        allowed_image_hosts="127.0.0.2",
        max_languages=4,
        log_level="DEBUG",
    ) as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[HttpScript]:
    with serving(host="127.0.0.2") as script:
        yield script


def blank() -> str:
    """A page without a line, written into its task."""
    image, _ = drawn_page([], (200, 100))
    return "data:image/png;base64," + base64.b64encode(file_of(image, "PNG")).decode()


def ask(backend: RunningBackend, body: str | dict[str, Any]) -> httpx.Response:
    content = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": "application/json"}
    return httpx.post(
        backend.url + "/predict", content=content, headers=headers, timeout=120, trust_env=False
    )


def threads_of(backend: RunningBackend) -> int:
    """Threads of all its processes, which are one group."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getpgid(int(process.name)) == backend.process.pid:
                count += len(list((process / "task").iterdir()))
    return count


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_drawn_region_with_a_number_that_json_does_not_have_is_refused(
    backend: RunningBackend, number: str
) -> None:
    value = {"x": "HERE", "y": 1, "width": 9, "height": 9, "rectanglelabels": ["Text"]}
    drawn = {"id": "a", "type": "rectanglelabels", "from_name": "label", "to_name": "image", "value": value}
    body = {
        "tasks": [{"id": 1, "data": {"image": "/x"}}],
        "label_config": CONFIG,
        "params": {"context": {"result": [drawn]}},
    }
    answer = ask(backend, json.dumps(body).replace('"HERE"', number))
    assert answer.status_code == 400
    assert "no number in JSON" in answer.json()["error"]


def test_a_config_that_is_a_bomb_is_refused(backend: RunningBackend) -> None:
    bomb = "<View>" + "<Repeater on='$p'>" * 2000 + "<Image name='i' value='$i'/>" * 500
    bomb += "</Repeater>" * 2000 + "<Header/>" * 20000 + "</View>"
    answer = ask(backend, {"tasks": [], "label_config": bomb})
    assert answer.status_code == 400
    assert "100 tags inside one another" in answer.json()["error"]


def test_a_bad_header_of_a_foreign_server_stays_out_of_status_and_log(
    backend: RunningBackend, elsewhere: HttpScript
) -> None:
    def bad_header(handler: Handler) -> None:
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nSet-Cookie {COOKIE}\r\n\r\n".encode())

    elsewhere.scripts["/a.png"] = bad_header
    assert backend.predict([{"id": 71, "data": {"image": f"{elsewhere.url}/a.png"}}], CONFIG) == [{}]
    assert "sent what is not HTTP" in backend.status()["failed_tasks"]["task 71"]
    assert COOKIE not in backend.get("/status").text
    assert COOKIE not in backend.log


def test_the_languages_of_tasks_cost_no_more_threads_than_max_languages(backend: RunningBackend) -> None:
    page = blank()
    backend.predict([{"id": 1, "data": {"image": page, "language": "de"}}], CONFIG)
    before = threads_of(backend)
    names = [name for name in alphabets._rows() if name not in ("eng", "deu")][:60]
    tasks = [
        {"id": number, "data": {"image": page, "language": name}} for number, name in enumerate(names, 100)
    ]
    results = backend.predict(tasks, CONFIG)
    assert all("result" in result for result in results)
    # four languages with two readers each; downloads, pages at work, and the look-out for idle languages
    assert threads_of(backend) <= before + 2 * 4 + 40


def test_a_language_of_180_kb_is_refused_in_short(backend: RunningBackend) -> None:
    name = "ru-x-" + "-".join(["aaaaaaaa"] * 20_000)
    assert backend.predict([{"id": 72, "data": {"image": "/x.png", "language": name}}], CONFIG) == [{}]
    assert "holds no name of a language" in backend.status()["failed_tasks"]["task 72"]
    assert len(backend.get("/status").content) < 100_000
    assert max(map(len, backend.log.splitlines())) < 5000


def test_foreign_text_begins_no_line_of_the_log_and_sends_it_no_escapes(backend: RunningBackend) -> None:
    name = "x\x1b]0;owned\x07\nINFO ok"
    backend.predict([{"id": 73, "data": {"image": blank(), "language": name}}], CONFIG)
    assert "task 73" in backend.log
    assert "\x1b" not in backend.log
    assert not [line for line in backend.log.splitlines() if line.startswith("INFO ok")]
