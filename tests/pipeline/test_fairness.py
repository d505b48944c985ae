"""One backend for many projects: no backlog, slow host or slow box keeps what others ask for.

A real `twinread serve`, whose ERNIE takes its time, is asked over HTTP as Label Studio asks it.
"""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from backend.label_studio.default_config import default_config
from tests.parts.backend_process import RunningBackend, backend_process
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.ernie_stand_in import Hang, Say, StandIn
from tests.parts.http_script import Handler, HttpScript, says, serving

CONFIG = default_config()
NUMBERS = itertools.count(1)
SLOW_HOST, QUICK_HOST = "127.0.0.2", "127.0.0.1"


def sheet() -> bytes:
    """A page with one line, unlike every other."""
    return file_of(drawn_page([f"Лист {next(NUMBERS)}"], (320, 96))[0])


def inline(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def tasks(*references: str) -> list[dict[str, Any]]:
    return [{"id": next(NUMBERS), "data": {"image": reference}} for reference in references]


def sheets(count: int) -> list[dict[str, Any]]:
    return tasks(*(inline(sheet()) for _ in range(count)))


def box_around_the_line() -> dict[str, Any]:
    """What the editor sends of a box that somebody drew on a sheet."""
    value = {"x": 2, "y": 10, "width": 60, "height": 60, "rotation": 0, "rectanglelabels": ["Text"]}
    size = {"original_width": 320, "original_height": 96, "image_rotation": 0}
    names = {"from_name": "label", "to_name": "image", "type": "rectanglelabels"}
    return {"id": "AbC123", "origin": "manual", "value": value, **size, **names}


def texts(results: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The text of every line of every task."""
    return [
        [text for region in result.get("result", ()) for text in region["value"].get("text", ())]
        for result in results
    ]


@pytest.fixture(scope="module")
def ernie() -> Iterator[StandIn]:
    with StandIn(lambda _: Say("Лист"), latency_s=1.0).running() as server:
        yield server


@pytest.fixture(scope="module")
def backend(ernie: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    with backend_process(
        tmp_path_factory.mktemp("fair"),
        ernie_base_url=ernie.base_url,
        witness="off",
        ernie_model=ernie.model,
        ocr_language="ru",
        detection_model="PP-OCRv5_mobile_det",
        allowed_image_hosts="127.0.0.0/8",
        predict_deadline_s=15,
        image_timeout_s=20,
        max_waiting_pages=1000,
    ) as running:
        yield running


@contextmanager
def slow_host() -> Iterator[HttpScript]:
    """A server of images that sends one byte every half a second."""
    over = threading.Event()

    def drips(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not over.wait(0.5):
            handler.wfile.write(b"x")

    with serving({"/slow.png": drips}, host=SLOW_HOST) as server:
        try:
            yield server
        finally:
            over.set()


def test_a_project_with_300_waiting_pages_keeps_neither_another_project_nor_a_short_request_of_its_own(
    backend: RunningBackend,
) -> None:
    long = sheets(300)
    with ThreadPoolExecutor(3) as people:
        first = people.submit(backend.predict, long, CONFIG, project=1)
        backend.wait_until(lambda: backend.status()["pages_in_flight"] > 250, "the long request waits")
        another = people.submit(backend.predict, sheets(2), CONFIG, project=2)
        # the last page of the long request, too
        short = people.submit(backend.predict, [*sheets(1), long[-1]], CONFIG, project=1)

        assert texts(another.result()) == [["Лист"], ["Лист"]]
        assert texts(short.result()) == [["Лист"], ["Лист"]]
        done = [result for result in first.result() if result]
    assert 0 < len(done) < 300
    assert backend.metric('twinread_pages_waiting{kind="bulk"}') > 100


def test_a_slow_image_host_keeps_neither_another_project_nor_the_other_hosts_of_its_own(
    backend: RunningBackend,
) -> None:
    with (
        slow_host() as slow,
        serving({f"/{n}.png": says(sheet()) for n in range(4)}, host=QUICK_HOST) as quick,
        ThreadPoolExecutor(2) as people,
    ):
        references = [f"{quick.url}/{number}.png" for number in range(4)]
        stuck = tasks(*[f"{slow.url}/slow.png"] * 40, *references[:2])
        first = people.submit(backend.predict, stuck, CONFIG, project=3)
        backend.wait_until(lambda: len(slow.requests) > 0, "the slow host is asked")
        another = people.submit(backend.predict, tasks(*references[2:]), CONFIG, project=4)

        assert texts(another.result()) == [["Лист"], ["Лист"]]
        assert texts(first.result()) == [[]] * 40 + [["Лист"], ["Лист"]]
        assert len(slow.requests) == 4


def test_ten_boxes_on_slow_images_do_not_keep_an_eleventh(backend: RunningBackend) -> None:
    with (
        slow_host() as slow,
        serving({"/quick.png": says(sheet())}, host=QUICK_HOST) as quick,
        ThreadPoolExecutor(11) as people,
    ):

        def draw(reference: str) -> list[dict[str, Any]]:
            return backend.predict(tasks(reference), CONFIG, [box_around_the_line()], project=5)

        slow_ones = [people.submit(draw, f"{slow.url}/slow.png") for _ in range(10)]
        backend.wait_until(lambda: len(slow.requests) > 0, "the slow host is asked")
        assert texts(draw(f"{quick.url}/quick.png")) == [["Лист"]]
        for each in slow_ones:
            (unread,) = each.result()
            # never an empty answer, which would delete the box
            assert [region["value"].get("rectanglelabels") for region in unread["result"]][:1] == [["Check"]]


def test_what_is_over_the_limit_of_waiting_pages_is_refused_and_an_opened_task_is_not(
    backend: RunningBackend, ernie: StandIn
) -> None:
    blank = inline(file_of(drawn_page([], (320, 96))[0]))
    # pages that other tests left would make room for others whenever one of them is done
    ernie.latency_s = 0
    backend.wait_until_idle()
    ernie.brain = lambda _: Hang()
    with ThreadPoolExecutor(1) as people:
        first = people.submit(backend.predict, tasks(*[inline(sheet())] * 700), CONFIG, project=6)
        backend.wait_until(lambda: backend.status()["refused"] is not None, "some are refused")

        refused = backend.ask(sheets(2), CONFIG, project=6)
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "60"
        assert "pages of this project" in refused.reason_phrase
        assert "MAX_WAITING_PAGES" in refused.reason_phrase
        assert "MAX_WAITING_PAGES" in backend.status()["refused"]
        (opened,) = backend.predict(tasks(blank), CONFIG, project=6)
        assert opened["result"] == []

        # empty objects, for which Label Studio stores nothing and asks again
        assert first.result() == [{}] * 700
    # one line of the log for each request, not for each page
    assert backend.log.count("MAX_WAITING_PAGES") == 2
    assert backend.metric("twinread_pages_refused_total") > 200
