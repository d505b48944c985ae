"""Bad images, slow and missing servers, kills: what is whole is stored, the rest is asked for again."""

from __future__ import annotations

import struct
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.label_studio.default_config import default_config
from backend.label_studio.regions import regions
from backend.readers.stored import ReadingStore
from tests.end_to_end.projects import Project, iou, texts_of
from tests.parts.backend_process import RunningBackend, backend_process, free_port
from tests.parts.drawn_pages import Box, drawn_page, file_of
from tests.parts.ernie_stand_in import Asked, Outcome, Raw, Say, StandIn, fingerprint
from tests.parts.exif import stored
from tests.parts.http_script import HttpScript, redirects_to, says, serving
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.samples import sample

pytestmark = LABEL_STUDIO

LINES = ["Счёт от 3 мая", "Итого к оплате"]


def turned(orientation: int) -> bytes:
    """The page with `LINES`, stored turned, with the tag that says so."""
    image, _ = drawn_page(LINES)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return file_of(stored(image, orientation), "JPEG", quality=95, exif=exif)


def bomb(side: int = 20_000) -> bytes:
    """A PNG of some 50 kB that unpacks to 400 million pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checked)

    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    rows = b"".join(packer.compress(row * 1000) for _ in range(side // 1000)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@dataclass
class Odd:
    """Odd pages, retrieved together in one call to the backend."""

    project: Project
    tasks: dict[str, int]
    predictions: dict[int, list[dict[str, Any]]]
    failed: dict[str, str]
    log: str
    asked: HttpScript

    def prediction(self, name: str) -> dict[str, Any]:
        (only,) = self.predictions[self.tasks[name]]
        return only

    def reason(self, name: str) -> str:
        """Why there is no prediction, as `/status` tells it."""
        assert self.predictions[self.tasks[name]] == []
        return self.failed[f"task {self.tasks[name]}"]


def large() -> bytes:
    return file_of(drawn_page(LINES, (6000, 4000), letters=100)[0], "JPEG", quality=80)


@pytest.fixture(scope="module")
def odd(
    label_studio: RunningLabelStudio,
    local_backend: RunningBackend,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Odd]:
    folder = tmp_path_factory.mktemp("odd")
    files = {f"exif{number}.jpg": turned(number) for number in range(1, 9)}
    files["Ы" * 98 + ".png"] = file_of(drawn_page(LINES)[0])
    files["empty.png"] = sample("syn_069").path.read_bytes()
    files["tiny.png"] = sample("syn_063").path.read_bytes()
    files["large.jpg"] = large()
    files["bomb.png"] = bomb()
    files["cut off.jpg"] = turned(1)[:-2000]
    files["letter.pdf"] = file_of(drawn_page(LINES)[0], "PDF")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    project = Project.connected(label_studio.api(), local_backend, "Odd pages")
    tasks = dict(zip(files, project.upload(*(folder / name for name in files)), strict=True))
    with serving({"/secret.png": says(turned(1))}) as server:
        server.scripts["/hop.png"] = redirects_to(f"{server.url}/secret.png")
        references = {
            "private": f"{server.url}/secret.png",
            "redirect": f"http://localhost:{server.port}/hop.png",
            "climbs": "/data/local-files/?d=../..",
            "file": "file:///etc/passwd",
        }
        tasks |= dict(zip(references, project.refer(*references.values()), strict=True))
        predictions = project.retrieve(list(tasks.values()))
        failed = local_backend.status()["failed_tasks"]
        yield Odd(project, tasks, predictions, failed, local_backend.log, server)


def lines_of(prediction: dict[str, Any], size: tuple[int, int], boxes: list[Box]) -> None:
    """Assert that the prediction has `LINES` in these boxes of a page of this size."""
    assert texts_of(prediction) == LINES
    read = sorted(regions(prediction["result"]), key=lambda region: region.id)
    assert {region.page_size for region in read} == {size}
    for region, (left, top, right, bottom) in zip(read, boxes, strict=True):
        quad = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
        assert region.points is not None
        assert iou(region.points, quad) >= 0.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_and_texts_are_those_of_the_upright_page(odd: Odd, orientation: int) -> None:
    image, boxes = drawn_page(LINES)
    lines_of(odd.prediction(f"exif{orientation}.jpg"), image.size, boxes)


def test_a_cyrillic_file_name_of_200_bytes_is_a_name_like_any_other(odd: Odd) -> None:
    (name,) = [name for name in odd.tasks if name.startswith("Ы")]
    assert len(name.encode()) == 200
    image, boxes = drawn_page(LINES)
    lines_of(odd.prediction(name), image.size, boxes)


def test_a_page_without_text_is_done_and_not_asked_for_again(odd: Odd, local_backend: RunningBackend) -> None:
    assert odd.prediction("empty.png")["result"] == []
    assert odd.prediction("empty.png")["score"] == 1.0
    read = local_backend.metric('twinread_pages_total{outcome="done"}')
    assert len(odd.project.retrieve([odd.tasks["empty.png"]])[odd.tasks["empty.png"]]) == 1
    assert local_backend.metric('twinread_pages_total{outcome="done"}') == read


def test_a_page_of_6000_x_4000_is_read(odd: Odd) -> None:
    image, boxes = drawn_page(LINES, (6000, 4000), letters=100)
    lines_of(odd.prediction("large.jpg"), image.size, boxes)


def test_a_page_of_40_x_30_is_read(odd: Odd) -> None:
    assert texts_of(odd.prediction("tiny.png")) == ["Да"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("bomb.png", "20000 x 20000", id="decompression bomb"),
        pytest.param("cut off.jpg", "ends too early", id="truncated file"),
        pytest.param("letter.pdf", "make them (pdftoppm", id="PDF, of which Label Studio makes no pages"),
        pytest.param("private", "private address", id="private address"),
        pytest.param("redirect", "private address", id="302 to a private address"),
        pytest.param("climbs", "'..'", id="out of its folder"),
        pytest.param("file", "file:", id="file on the backend's disk"),
    ],
)
def test_an_image_that_cannot_or_may_not_be_had_stores_nothing_and_has_its_reason(
    odd: Odd, name: str, words: str
) -> None:
    assert words in odd.reason(name)
    assert words in odd.log


def test_a_redirect_to_a_private_address_is_not_followed(odd: Odd) -> None:
    assert [request.path for request in odd.asked.requests] == ["/hop.png"]


def test_of_three_tasks_with_a_corrupt_one_two_are_stored_and_the_third_when_it_is_mended(
    label_studio: RunningLabelStudio, local_backend: RunningBackend, tmp_path: Path
) -> None:
    project = Project.connected(label_studio.api(), local_backend, "One of three is corrupt")
    whole = turned(1)
    for name in ("a.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(whole)
    first, last = project.upload(tmp_path / "a.jpg", tmp_path / "c.jpg")
    with serving({"/b.jpg": says(whole[:900], Content_Length=str(len(whole)))}) as server:
        (middle,) = project.refer(f"http://localhost:{server.port}/b.jpg")
        kept = project.retrieve([first, middle, last])
        assert [len(kept[task]) for task in (first, middle, last)] == [1, 0, 1]
        assert f"task {middle}" in local_backend.status()["failed_tasks"]
        server.scripts["/b.jpg"] = says(whole)
        kept = project.retrieve([first, middle, last])
    assert [len(kept[task]) for task in (first, middle, last)] == [1, 1, 1]
    assert texts_of(kept[middle][0]) == LINES
    assert f"task {middle}" not in local_backend.status()["failed_tasks"]


def test_sixteen_parallel_requests_get_what_one_gets_from_models_that_were_built_once(
    label_studio: RunningLabelStudio, local_backend: RunningBackend, tmp_path: Path
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="In parallel", label_config=default_config())["id"])
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(file_of(drawn_page([f"Страница {number}", *LINES], (400, 240))[0]))
    references = [upload.address for upload in api.upload_files(project, paths)]
    references.insert(1, "/data/local-files/?d=../..")

    def ask(number: int) -> list[dict[str, Any]]:
        tasks = [
            # ids of their own, so that no request is answered with the work of another
            {"id": 10_000 + number * 10 + at, "data": {"image": reference}}
            for at, reference in enumerate(references)
        ]
        return local_backend.predict(tasks, default_config())

    with ThreadPoolExecutor(16) as pool:
        parallel = list(pool.map(ask, range(16)))
    serial = ask(16)
    assert serial[1] == {}
    assert [texts_of(result) for result in (serial[0], serial[2], serial[3])] == [
        [f"Страница {number}", *LINES] for number in range(3)
    ]
    assert parallel == [serial] * 16
    assert local_backend.log.count("INFO backend.pipeline.engines: ready:") == 1


class Gated:
    """Answers a number of calls at once, and the others when the gate opens."""

    def __init__(self, before: int) -> None:
        self.before = before
        self.gate = threading.Event()

    def __call__(self, asked: Asked) -> Outcome:
        if asked.number > self.before:
            self.gate.wait(300)
        return Say("Лист")


@pytest.fixture
def ernie() -> Iterator[StandIn]:
    with StandIn(in_threads=True).running() as server:
        yield server


def asked_pairs(ernie: StandIn) -> Counter[tuple[str, str]]:
    """How often each picture was asked about with each prompt."""
    return Counter((fingerprint(asked), asked.prompt) for asked in ernie.asked)


def sheets(folder: Path, count: int) -> list[Path]:
    """Pages with one line each, no two alike."""
    folder.mkdir()
    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(file_of(drawn_page([f"Лист {number}"], (320, 96))[0]))
    return paths


def ernie_settings(label_studio: RunningLabelStudio, ernie: StandIn) -> dict[str, object]:
    return {
        "label_studio_url": label_studio.base_url,
        "label_studio_api_key": label_studio.personal_token,
        "ernie_base_url": ernie.base_url,
        "witness": "off",
        "ernie_model": ernie.model,
        "ernie_max_retries": 0,
        "ocr_language": "ru",
    }


def test_200_tasks_and_a_slow_ernie_are_answered_in_time_and_completed_without_paying_twice(
    label_studio: RunningLabelStudio, ernie: StandIn, tmp_path: Path
) -> None:
    slow = Gated(before=40)
    ernie.brain = slow
    settings = ernie_settings(label_studio, ernie)
    with backend_process(tmp_path / "backend", predict_deadline_s=8, **settings) as backend:
        try:
            project = Project.connected(label_studio.api(), backend, "Slow ERNIE")
            ids = project.upload(*sheets(tmp_path / "sheets", 200))
            first = project.retrieve(ids)
            # the gate is still closed: the answer came before ERNIE's
            assert 0 < sum(map(len, first.values())) <= 20
            assert backend.metric("twinread_tasks_late_total") >= 180
        finally:
            slow.gate.set()
        backend.wait_until_idle()
        second = project.retrieve(ids)
        assert {len(predictions) for predictions in second.values()} == {1}
        assert {texts_of(predictions[0])[0] for predictions in second.values()} == {"Лист"}
        assert backend.metric('twinread_pages_total{outcome="done"}') == 200
    assert ernie.violations == []
    assert ernie.calls == 400
    assert set(asked_pairs(ernie).values()) == {1}


def test_while_ernie_is_down_nothing_is_stored_and_the_next_retrieve_mends_it(
    label_studio: RunningLabelStudio, ernie: StandIn, tmp_path: Path
) -> None:
    with backend_process(tmp_path / "backend", **ernie_settings(label_studio, ernie)) as backend:
        project = Project.connected(label_studio.api(), backend, "ERNIE is down")
        ids = project.upload(*sheets(tmp_path / "sheets", 3))
        ernie.brain = lambda asked: Raw(503, "overloaded")
        assert project.retrieve(ids) == {task: [] for task in ids}
        failed = backend.status()["failed_tasks"]
        assert set(failed) == {f"task {task}" for task in ids}
        assert all("503" in reason for reason in failed.values())
        assert 'twinread_pages_total{outcome="ReaderUnavailable"} 3.0' in backend.get("/metrics").text

        ernie.brain = lambda asked: Say("Лист 1") if asked.second else Say("Лист")
        mended = project.retrieve(ids)
        assert {len(predictions) for predictions in mended.values()} == {1}
        assert backend.status()["failed_tasks"] == {}
        for (prediction,) in mended.values():
            (line,) = regions(prediction["result"])
            assert line.labels == ("Check",)
            assert line.meta["text"].splitlines()[:2] == ["A: Лист", "B: Лист 1"]


def test_after_a_kill_in_mid_batch_only_what_was_in_flight_is_paid_for_again(
    label_studio: RunningLabelStudio, ernie: StandIn, tmp_path: Path
) -> None:
    answered = 30
    slow = Gated(answered)
    ernie.brain = slow
    port = free_port()
    settings = ernie_settings(label_studio, ernie)
    address = f"sqlite:///{tmp_path / 'readings.sqlite3'}"
    kept = {**settings, "store_url": address, "reading_claim_s": 2}
    store = ReadingStore(address)
    api = label_studio.api()
    try:
        with backend_process(tmp_path / "backend", port=port, **kept) as backend:
            project = Project.connected(api, backend, "Killed")
            ids = project.upload(*sheets(tmp_path / "sheets", 30))
            asking = threading.Thread(target=api.retrieve_predictions, args=(project.id, ids))
            asking.start()
            backend.wait_until(
                lambda: store.count() == answered and ernie.calls > answered, "calls are in flight"
            )
            backend.kill()
            asking.join()
    finally:
        slow.gate.set()
    in_flight = ernie.calls - answered
    assert {len(task["predictions"]) for task in api.tasks(project.id)} == {0}
    with backend_process(tmp_path / "backend", port=port, **kept):
        kept = project.retrieve(ids)
    store.close()
    assert {len(predictions) for predictions in kept.values()} == {1}
    twice = {pair for pair, times in asked_pairs(ernie).items() if times > 1}
    paid = {(fingerprint(asked), asked.prompt) for asked in ernie.asked if asked.number <= answered}
    assert not twice & paid
    assert ernie.calls == 60 + in_flight
