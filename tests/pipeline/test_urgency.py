"""Who waits goes first: a drawn box before every page, an opened page before bulk work, wherever it waits.

The box meets real models, one held in the middle of its work; the opened page meets readers that are made
as the ones on this machine are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from backend.detectors.paddle import DetectionOptions, PaddleDetector
from backend.label_studio.labeling_config import LabelingConfig, LabelNames
from backend.models.model_thread import BackgroundModel, ModelThread
from backend.models.paddle_engine import EngineOptions
from backend.page import image_files
from backend.page.lines import Detected, Line, Page, Pixels, Reading
from backend.pipeline.read_task import TaskPage, Wording
from backend.pipeline.service import Service, ServiceOptions
from backend.readers.paddle import PaddleReader, RecognitionOptions
from backend.readers.stored import Keeper, ReadingStore, StoredReader
from backend.seams import LineReader
from backend.tickets import Urgency
from tests.parts.samples import sample
from tests.parts.scripted import CONFIG, ScriptedDetector, ScriptedReader, ScriptedSource, scripted_engines

CPU = EngineOptions(device="cpu", cpu_threads=1)
PAGE = sample("syn_067")
PAGES = {f"/page-{number}": PAGE.path.read_bytes() for number in range(4)}
LIMIT_S = 120
OURS = LabelingConfig.parse(CONFIG, LabelNames())
WORDING = Wording("en", "en")


class Held:
    """A real reader whose thread stands still in the middle of its work until it may go on.

    served: whose lines it has answered, in order.
    """

    def __init__(self, variation: int) -> None:
        self._reader = PaddleReader("en", RecognitionOptions(4, variation, CPU), source="packages")
        self.identity = self._reader.identity
        self.served: list[str] = []
        self.waits = {whose: threading.Event() for whose in ("page", "box")}
        self.stands, self.may_go_on = threading.Event(), threading.Event()
        blank = np.full((40, 40, 3), 255, np.uint8)
        (in_flight,) = self._reader.submit([blank])
        # called in the reader's own thread, which takes nothing up before this returns
        in_flight.add_done_callback(lambda _: (self.stands.set(), self.may_go_on.wait(LIMIT_S)))
        self._reader.start()
        assert self.stands.wait(LIMIT_S)

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        whose = "box" if len(crops) == 1 else "page"
        futures = self._reader.submit(crops, urgent=urgent)
        for future in futures:
            future.add_done_callback(lambda _: self.served.append(whose))
        self.waits[whose].set()
        return futures

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        self._reader.hurry(futures)

    def stop(self) -> None:
        self.may_go_on.set()
        self._reader.stop()


class HeldDetector:
    """A real detector that searches one page, and the others once it may go on."""

    def __init__(self) -> None:
        options = DetectionOptions(engine=CPU)
        self._detector = PaddleDetector(options, model="PP-OCRv5_mobile_det", source="packages")
        self._detector.start()
        self.identity = self._detector.identity
        self.searched: list[str] = []
        self.may_go_on = threading.Event()
        self._first = threading.Lock()

    def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
        if not self._first.acquire(blocking=False):
            self.may_go_on.wait(LIMIT_S)
        self.searched.append(page.digest)
        return self._detector.detect(page, urgency=urgency)

    def stop(self) -> None:
        self.may_go_on.set()
        self._detector.stop()


@contextmanager
def held_service(readers: tuple[Held, ...], detector: HeldDetector) -> Iterator[Service]:
    with ExitStack() as opened:
        for part in (detector, *readers):
            opened.callback(part.stop)
        engines = scripted_engines(detector, readers, ScriptedSource(PAGES))
        service = Service(lambda _: engines, ServiceOptions(page_workers=4))
        opened.callback(service.close)
        for part in (detector, *readers):
            opened.callback(part.may_go_on.set)
        service.engines(timeout_s=LIMIT_S)
        yield service


@pytest.mark.parametrize(
    "opened",
    [pytest.param(4, id="a bulk job of four pages"), pytest.param(1, id="a page that somebody else opens")],
)
def test_a_drawn_box_waits_for_the_one_batch_in_flight_and_for_no_search_of_a_page(opened: int) -> None:
    readers, detector = (Held(0), Held(1)), HeldDetector()
    pages = [{"id": number, "data": {"image": f"/page-{number}"}} for number in range(opened)]
    box = Line(np.array(PAGE.lines[0]["poly"], np.float32))
    with held_service(readers, detector) as service, ThreadPoolExecutor(1) as annotator:
        service.predict(pages, OURS, WORDING, 0)
        for reader in readers:
            assert reader.waits["page"].wait(LIMIT_S)

        answer = annotator.submit(service.read_lines, TaskPage(9, "/page-0", "en"), [box], LIMIT_S)
        for reader in readers:
            assert reader.waits["box"].wait(LIMIT_S)
            reader.may_go_on.set()
        (read,) = answer.result(LIMIT_S)

        assert [said.error for said in read.readings] == [None, None]
        assert [reader.served[0] for reader in readers] == ["box", "box"]
        assert len(detector.searched) == 1


GROUNDS = {"/first": 250, "/opened": 200}
"""Pages by the level of their ground, by which a reader here tells their lines apart."""


def page_on(ground: int) -> bytes:
    """A PNG with three rows, each unlike the others, where `ScriptedDetector` finds lines."""
    pixels = np.full((300, 400, 3), ground, np.uint8)
    for row in range(3):
        for stroke in range(8 + row):
            pixels[12 + row * 40 : 32 + row * 40, 22 + stroke * 20 : 30 + stroke * 20] = 0
    return image_files.encode(pixels, "png")


class Local(BackgroundModel[None, Pixels, Reading]):
    """A reader as the ones on this machine are, which stands still at its first line until it may go on.

    served: whose lines it has read, in order.
    """

    def __init__(self, name: str) -> None:
        self.identity = name
        self.served: list[str] = []
        self.may_go_on = threading.Event()
        self._model_thread = ModelThread(name, lambda: None, self._read)
        self.start()

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        return [self._model_thread.submit(crop, urgent=urgent, among=len(crops)) for crop in crops]

    @property
    def waiting(self) -> int:
        return self._model_thread.waiting

    def _read(self, _: None, crops: Sequence[Pixels]) -> list[Reading]:
        self.may_go_on.wait(LIMIT_S)
        self.served += [page for page, ground in GROUNDS.items() for crop in crops if crop.max() == ground]
        return [Reading(self.identity, "same") for _ in crops]


@pytest.mark.parametrize("kept", [pytest.param(False, id="no store"), pytest.param(True, id="a store")])
def test_lines_of_a_page_that_wait_as_bulk_work_go_first_once_somebody_opens_it(
    kept: bool, tmp_path: Path
) -> None:
    pages = {reference: page_on(ground) for reference, ground in GROUNDS.items()}
    local = (Local("one"), Local("two"))
    with ExitStack() as opened:
        readers: Sequence[LineReader] = local
        if kept:
            store = ReadingStore(f"sqlite:///{tmp_path / 'readings.sqlite3'}")
            keeper = Keeper(store)
            readers = [StoredReader(reader, keeper) for reader in local]
            for part in (store, keeper):
                opened.callback(part.close)
        engines = scripted_engines(readers=readers, source=ScriptedSource(pages))
        service = Service(lambda _: engines, ServiceOptions(page_workers=2))
        opened.callback(service.close)
        for reader in local:
            opened.callback(reader.stop)
            opened.callback(reader.may_go_on.set)
        service.engines(timeout_s=LIMIT_S)

        # two tasks at once are bulk work; the second one of each pair fails at once
        for reference, waiting in (("/first", 2), ("/opened", 5)):
            tasks = [{"id": 1, "data": {"image": reference}}, {"id": 2, "data": {"image": "/gone"}}]
            service.predict(tasks, OURS, WORDING, 0)
            until(lambda waiting=waiting: [reader.waiting for reader in local] == [waiting] * 2)
        service.predict([{"id": 1, "data": {"image": "/opened"}}], OURS, WORDING, 0)
        for reader in local:
            reader.may_go_on.set()
        tasks = [{"id": 1, "data": {"image": reference}} for reference in GROUNDS]
        answers = service.predict(tasks, OURS, WORDING, LIMIT_S)

    assert [len(answer.result) for answer in answers] == [len(answers[0].result)] * 2
    for reader in local:
        assert reader.served == ["/first", *["/opened"] * 3, *["/first"] * 2]


def test_lines_of_another_project_wait_for_one_line_and_not_for_the_pages_of_a_backlog() -> None:
    """More pages are in work at once than readers can read, as with a large PAGE_WORKERS."""
    backlog = {f"/{number}": page_on(250) for number in range(8)}
    local = (Local("one"), Local("two"))
    with ExitStack() as opened:
        source = ScriptedSource({**backlog, "/other": page_on(200)})
        engines = scripted_engines(readers=local, source=source)
        service = Service(lambda _: engines, ServiceOptions(page_workers=10))
        opened.callback(service.close)
        for reader in local:
            opened.callback(reader.stop)
            opened.callback(reader.may_go_on.set)
        service.engines(timeout_s=LIMIT_S)
        long = [{"id": 1, "data": {"image": reference}} for reference in backlog]
        service.predict(long, OURS, WORDING, 0, project="A")
        until(lambda: [reader.waiting for reader in local] == [23] * 2)
        short = [{"id": 2, "data": {"image": reference}} for reference in ("/other", "/gone")]
        service.predict(short, OURS, WORDING, 0, project="B")
        until(lambda: [reader.waiting for reader in local] == [26] * 2)
        for reader in local:
            reader.may_go_on.set()
        service.predict(long, OURS, WORDING, LIMIT_S, project="A")
    for reader in local:
        assert reader.served[:6].count("/opened") >= 2
        assert reader.served[:8].count("/opened") == 3


def test_lines_of_a_page_that_is_opened_while_it_is_searched_are_asked_for_urgently() -> None:
    searching, may_go_on = threading.Event(), threading.Event()

    class Searching(ScriptedDetector):
        def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
            searching.set()
            may_go_on.wait(LIMIT_S)
            return super().detect(page, urgency=urgency)

    class Listening(ScriptedReader):
        def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
            heard.append(urgent)
            return super().submit(crops, urgent=urgent)

    heard: list[bool] = []
    engines = scripted_engines(Searching(), [Listening("one"), Listening("two")])
    service = Service(lambda _: engines, ServiceOptions(page_workers=2))
    service.engines(timeout_s=LIMIT_S)
    page = {"id": 1, "data": {"image": "/page"}}
    service.predict([page, {"id": 2, "data": {"image": "/gone"}}], OURS, WORDING, 0)
    assert searching.wait(LIMIT_S)
    service.predict([page], OURS, WORDING, 0)
    may_go_on.set()
    service.predict([page], OURS, WORDING, LIMIT_S)
    service.close()

    assert heard == [True, True]


def until(true: Callable[[], bool]) -> None:
    while not true():
        time.sleep(0.005)
