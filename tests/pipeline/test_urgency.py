"""A drawn box goes ahead of every page: real models, one held in the middle of its work."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest

from backend.detectors.paddle import DetectionOptions, PaddleDetector
from backend.label_studio.labeling_config import LabelingConfig, LabelNames
from backend.models.paddle_engine import EngineOptions
from backend.page.lines import Detected, Line, Page, Pixels, Reading
from backend.pipeline.read_task import TaskPage, Wording
from backend.pipeline.service import Service, ServiceOptions
from backend.readers.paddle import PaddleReader, RecognitionOptions
from tests.parts.samples import sample
from tests.parts.scripted import CONFIG, ScriptedSource, scripted_engines

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

    def detect(self, page: Page, *, urgent: bool = False) -> Detected:
        if not self._first.acquire(blocking=False):
            self.may_go_on.wait(LIMIT_S)
        self.searched.append(page.digest)
        return self._detector.detect(page, urgent=urgent)

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
        (read,) = answer.result(LIMIT_S).lines

        assert [said.error for said in read.readings] == [None, None]
        assert [reader.served[0] for reader in readers] == ["box", "box"]
        assert len(detector.searched) == 1
