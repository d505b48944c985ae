"""Detector, reader and source that do as they are told, plugged in through the real seams."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext

import numpy as np
from PIL import Image, ImageDraw

from backend.errors import ImageUnreachable, TwinreadError
from backend.page.lines import Detected, Line, Page, Pixels, Reading
from backend.pipeline.annotate import Panel, Policy
from backend.pipeline.engines import Engines
from backend.pipeline.service import Service, ServiceOptions
from backend.seams import LineDetector, LineReader, ServedSource
from backend.tickets import Urgency

CONFIG = """<View><RectangleLabels name="label" toName="image"><Label value="Text"/><Label value="Check"/>
</RectangleLabels><Image name="image" value="$image"/>
<TextArea name="transcription" toName="image" perRegion="true"/></View>"""


def quad(x: float, y: float, width: float, height: float) -> np.ndarray:
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return np.array(corners, np.float32)


def picture(lines: int = 3, size: tuple[int, int] = (400, 300)) -> bytes:
    """A white PNG with rows of black strokes where `ScriptedDetector` finds lines."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for row in range(lines):
        for stroke in range(12):
            draw.rectangle((22 + stroke * 20, 12 + row * 40, 30 + stroke * 20, 32 + row * 40), fill="black")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class ScriptedDetector:
    """Finds `lines` rows on every page; raises when told to."""

    identity = "scripted detector"

    def __init__(self, lines: int = 3, error: TwinreadError | None = None) -> None:
        self.lines = lines
        self.error = error
        self.pages: list[str] = []
        self._lock = threading.Lock()

    def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
        with self._lock:
            self.pages.append(page.digest)
        if self.error:
            raise self.error
        rows = range(self.lines)
        return Detected(tuple(Line(quad(20, 10 + 40 * row, 250, 26), 0.9) for row in rows), dropped=1)


class ScriptedReader:
    """Says the same text of every crop, or what `say` makes of its number; can wait for a gate."""

    def __init__(
        self,
        name: str,
        say: str | Reading | Callable[[int], Reading] = "Счёт",
        gate: threading.Event | None = None,
    ) -> None:
        self.identity = name
        self.say = say
        self.gate = gate
        self.asked = 0
        self._lock = threading.Lock()

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        futures: list[Future[Reading]] = [Future() for _ in crops]
        with self._lock:
            first = self.asked
            self.asked += len(crops)

        def answer() -> None:
            if self.gate:
                self.gate.wait(30)
            for number, future in enumerate(futures, first):
                future.set_result(self._answer(number))

        if self.gate:
            threading.Thread(target=answer, daemon=True).start()
        else:
            answer()
        return futures

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """Nothing waits behind anything here."""

    def _answer(self, number: int) -> Reading:
        if callable(self.say):
            return self.say(number)
        return self.say if isinstance(self.say, Reading) else Reading(self.identity, self.say)


class ScriptedSource:
    """Gives bytes by reference; what it does not know is out of reach."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = files if files is not None else {}
        self.fetched: list[str] = []

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        self.fetched.append(reference)
        if reference in self.files:
            return self.files[reference]
        if reference.startswith("/page"):
            return picture()
        raise ImageUnreachable(f"The image {reference} is not there (404).")

    def at_hand(self, reference: str, *, task_id: int | None) -> bool:
        return False

    def host(self, reference: str) -> str:
        return ""


def scripted_panel(readers: Sequence[LineReader], language: str = "ru") -> Panel:
    """Readers whose majority decides."""
    return Panel(tuple(readers), language, Policy.majority(reader.identity for reader in readers))


def scripted_engines(
    detector: LineDetector | None = None,
    readers: Sequence[LineReader] | None = None,
    source: ServedSource | None = None,
    *,
    version: str = "scripted-1",
    close: Callable[[], None] = lambda: None,
) -> Engines:
    """Engines that do as they are told, two readers that agree among them."""
    chosen = tuple(readers if readers is not None else (ScriptedReader("one"), ScriptedReader("two")))
    return Engines(
        detector=detector or ScriptedDetector(),
        lend=lambda language: nullcontext(scripted_panel(chosen, language)),
        source=source or ScriptedSource(),
        model_version=version,
        max_page_pixels=50_000_000,
        readers=" and ".join(reader.identity for reader in chosen),
        close=close,
    )


def scripted_service(
    detector: LineDetector | None = None,
    readers: Sequence[LineReader] | None = None,
    source: ServedSource | None = None,
    page_workers: int = 2,
) -> Service:
    """A service over scripted engines, ready."""
    engines = scripted_engines(detector, readers, source)
    service = Service(lambda _: engines, ServiceOptions(page_workers=page_workers))
    service.engines(timeout_s=10)
    return service
