"""Finds the text lines of a page with PaddleOCR's `TextDetection`.

A model is used in the thread that loaded it alone, and on a CPU there are a few of them, side by side;
`backend.models.model_thread` and `backend.models.devices` say why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import cv2
import numpy as np

from backend.detectors import looks
from backend.detectors.looks import Look
from backend.errors import DetectorFailed, SettingsWrong, TwinreadError
from backend.models import detection_steps, devices, locate, paddle_engine
from backend.models.devices import EngineOptions
from backend.models.locate import ModelLocation, Source
from backend.models.model_thread import BackgroundModel, ModelThread, sentence_of
from backend.models.paddle_engine import Predictor
from backend.page import blank_pages, geometry, tiling
from backend.page.lines import Detected, Line, Page, Pixels
from backend.tickets import Urgency

RENDERING: Final = 2
"""Counts up when a page is given to the model in another way, or its boxes are used in another way: part of
the identity, and so of the model version."""

_MAX_SIDE: Final = 32_767
"""Pixels. PaddleOCR gives corners as int16, so larger ones would become negative."""
_MAX_ENLARGEMENT: Final = 4.0
"""Largest factor for small pages: a letter that fills a page of 480 px is no longer seen as text."""
MOST_CANDIDATES: Final = 10_000
"""Candidates for a line in one picture; PaddleOCR leaves out all above 1,000, and says nothing."""
_MOST_SESSIONS: Final = 8
"""Copies of a small model at most; each holds 150 to 300 MB. A large one has several times as much, and its
convolutions keep many threads busy, so there is one of it."""
_ALMOST_ZERO: Final = -5e-324
"""Stands for 0 in thresholds: PaddleOCR computes `given or default`, so it ignores a true 0. This, the next
float below 0, is not ignored, and compares with every pixel and score as 0 does."""


@dataclass(frozen=True, slots=True)
class DetectionOptions:
    """How pages are searched; names and meanings are `TextDetection`'s. None takes the model's own value.

    limit_side_len, limit_type: pixels. A page's long side is reduced to the limit ("max") or resized to
        it ("resize_long"), or its short side is enlarged to it ("min"; 0 then means full size).
    max_side_limit: no page, and no part of one, is searched larger than this, pixels.
    thresh, box_thresh: 0 to 1, zero included.
    unclip_ratio: how far boxes are widened beyond the text's core, zero included.
    input_shape: fixed (channels, height, width) of the model.
    enlarge_below: a page whose long side is shorter, in pixels, is enlarged to it (by a factor of four at
        most) before it is searched; 0 for never. Measured on the sample pages, shrunk to 280 px: of 218
        lines the mobile model finds 133, and 200 after enlarging to 480.
    high_resolution_from: a page whose long side is at least this, in pixels, is searched at
        `high_resolution_limit` where that is more; 0 for never. For large scans with small print.
    high_resolution_limit: pixels.
    engine: the engine and device of the model.
    """

    limit_side_len: int | None = None
    limit_type: Literal["max", "min", "resize_long"] | None = None
    max_side_limit: int | None = None
    thresh: float | None = None
    box_thresh: float | None = None
    unclip_ratio: float | None = None
    input_shape: tuple[int, int, int] | None = None
    enlarge_below: int = 480
    high_resolution_from: int = 2400
    high_resolution_limit: int = 1600
    engine: EngineOptions = field(default_factory=EngineOptions)

    def __post_init__(self) -> None:
        if self.limit_type not in (None, "max", "min", "resize_long"):
            raise SettingsWrong(
                f"DETECTION_LIMIT_TYPE is {self.limit_type!r}; it can be max, min or resize_long.",
                limit_type=self.limit_type,
            )
        # 32 is the smallest picture that the model takes; a smaller upper limit would hide every line
        upper = [] if self.limit_type == "min" else [("DETECTION_LIMIT_SIDE_LEN", self.limit_side_len)]
        for name, value in [*upper, ("DETECTION_MAX_SIDE_LIMIT", self.max_side_limit)]:
            if value is not None and value < 32:
                raise SettingsWrong(
                    f"{name} is {value}, so pages would shrink to a dot and no line would be found. Set at "
                    "least 32; for full size set DETECTION_LIMIT_TYPE=min and DETECTION_LIMIT_SIDE_LEN=0.",
                    value=value,
                )


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one page is given to PaddleOCR.

    scale: pixels of the resized page per page pixel.
    limit: `limit_side_len` of the call.
    """

    scale: float
    limit: int


@dataclass(frozen=True, slots=True)
class _Searcher:
    """One loaded model, and what counts the candidates of its last picture that it did not look at."""

    predictor: Predictor
    ignored: Callable[[], int]


_DetectorThread: TypeAlias = ModelThread[_Searcher, Page, Detected]


class PaddleDetector(BackgroundModel[_Searcher, Page, Detected]):
    """A `LineDetector` with any PP-OCR detection model.

    Args:
        options: how pages are searched, and on which engine; None for the defaults.
        model: PaddleOCR's name of the model; ignored where `model_dir` is given.
        model_dir: a folder with a detection model.
        source: "packages" to use neither PaddleOCR's cache nor its hubs.
        cache_dir: folder for models out of packages; None for `models` in twinread's cache.

    Attributes:
        location: the model's folder.
        engine: what it runs on.
        sessions: how many copies of it search pages side by side.
        providers: what onnxruntime runs it with, first choice first; empty before it is loaded.

    The constructor may download the model, which takes minutes. `start` then loads it in the background.

    Raises:
        SettingsWrong: a setting cannot work, such as a GPU that is not there.
        ModelMissing: the model cannot be found or downloaded.
    """

    def __init__(
        self,
        options: DetectionOptions | None = None,
        *,
        model: str = "PP-OCRv5_server_det",
        model_dir: Path | None = None,
        source: Source = "auto",
        cache_dir: Path | None = None,
    ) -> None:
        self._options = options or DetectionOptions()
        engine = paddle_engine.choose_engine(self._options.engine)
        self.location: ModelLocation = locate.find_model(
            model, model_dir, engine=engine.name, source=source, cache_dir=cache_dir
        )
        self.engine = engine
        self.sessions = devices.share_cores(
            engine, self._options.engine, _MOST_SESSIONS if devices.is_small(self.location.name) else 1
        )
        self.providers: tuple[str, ...] = ()
        self._cache_dir = cache_dir
        self._defaults = locate.detection_defaults(self.location)
        self._model_thread: _DetectorThread = ModelThread(
            "detection model", self._build, self._search, threads=self.sessions.count
        )

    @property
    def identity(self) -> str:
        """Model and parameters, such as `PP-OCRv5_mobile_det(limit=960/max,thresh=.3,box=.6,unclip=1.5)`."""
        options = self._options
        parts = [
            f"limit={self._limit}/{self._limit_type}",
            f"thresh={_short(self._thresh)}",
            f"box={_short(self._box_thresh)}",
            f"unclip={_short(self._unclip_ratio)}",
        ]
        if options.enlarge_below:
            parts.append(f"small<{options.enlarge_below}")
        if options.high_resolution_from and self._limit_type == "max":
            parts.append(f"big>={options.high_resolution_from}:{options.high_resolution_limit}")
        if options.max_side_limit is not None:
            parts.append(f"side<={options.max_side_limit}")
        if options.input_shape is not None:
            parts.append("shape=" + "x".join(str(side) for side in options.input_shape))
        if options.engine.precision != "fp32":
            parts.append(options.engine.precision)
        parts.append(f"r{RENDERING}")
        return f"{self.location.identity}({','.join(parts)})"

    def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
        """Find the lines of a page, in PaddleOCR's order.

        Args:
            page: upright RGB pixels.
            urgency: whether an annotator waits, now or later; None for bulk work.

        Returns:
            Quads in page pixels, float32, clockwise from the text's own top-left corner.

        Raises:
            DetectorFailed: the page could not be searched.
            TwinreadError: the model failed to load, or the detector was stopped.
        """
        urgency = urgency or Urgency()
        future = self._model_thread.submit(page, urgent=urgency.urgent)
        urgency.when_hurried(partial(self.hurry, [future]))
        try:
            return future.result()
        except TwinreadError:
            raise
        except Exception as error:  # PaddleOCR raises bare Exceptions for any failure
            what = f"Page {page.digest[:12]} ({page.width}x{page.height}) could not be searched for lines"
            raise DetectorFailed(
                f"{sentence_of(error, what)} Try again; if it fails again, restart the backend with more "
                "memory or a smaller DETECTION_LIMIT_SIDE_LEN.",
                page=page.digest,
            ) from error

    @property
    def _limit(self) -> int:
        given = self._options.limit_side_len
        return self._defaults.limit_side_len if given is None else given

    @property
    def _limit_type(self) -> str:
        return self._options.limit_type or "max"

    @property
    def _thresh(self) -> float:
        return self._defaults.thresh if self._options.thresh is None else self._options.thresh

    @property
    def _box_thresh(self) -> float:
        return self._defaults.box_thresh if self._options.box_thresh is None else self._options.box_thresh

    @property
    def _unclip_ratio(self) -> float:
        given = self._options.unclip_ratio
        return self._defaults.unclip_ratio if given is None else given

    def _build(self) -> _Searcher:
        predictor = paddle_engine.text_detection(
            self.location,
            self.engine,
            self._options.engine,
            threads=self.sessions.threads,
            cache_dir=self._cache_dir,
            limit_type=self._limit_type,
            thresh=_nonzero(self._thresh),
            box_thresh=_nonzero(self._box_thresh),
            unclip_ratio=_nonzero(self._unclip_ratio),
            input_shape=list(self._options.input_shape) if self._options.input_shape else None,
        )
        self.providers = paddle_engine.providers(predictor)
        detection_steps.normalise_in_one_pass(predictor)
        if self.engine.device == "cpu":
            # the threads of its pool spin while they wait, and every core has work of its own already
            cv2.setNumThreads(1)
        return _Searcher(predictor, detection_steps.allow_candidates(predictor, MOST_CANDIDATES))

    def _search(self, searcher: _Searcher, pages: Sequence[Page]) -> list[Detected]:
        return [self._search_page(searcher, page) for page in pages]

    def _search_page(self, searcher: _Searcher, page: Page) -> Detected:
        plan = self._plan(page)
        scale = plan.scale * min(1.0, plan.limit / (max(page.width, page.height) * plan.scale))
        # another limit or a fixed shape is the operator's choice of what the model sees
        ours = self._limit_type == "max" and self._options.input_shape is None
        if not ours:
            return self._predict(searcher, page.pixels, plan)
        strip = looks.look_at_strip(page.width, page.height, scale, self._limit, self._most_side)
        if strip is None:
            found = self._predict(searcher, page.pixels, plan)
        else:
            found, scale = self._look(searcher, page, strip), strip.scale
            wider = looks.wider_look(page.width, page.height, scale, _median_height(found), self._most_side)
            if wider is not None:
                found, scale = self._look(searcher, page, wider), wider.scale
        if scale >= 1 or (not found.lines and blank_pages.is_blank_page(page.pixels)):
            return found
        closer = looks.second_look(page.width, page.height, scale, _median_height(found), self._most_side)
        if closer is None:
            return found
        again = self._look(searcher, page, closer)
        return Detected(tuple(tiling.with_missed(again.lines, found.lines)), again.dropped)

    def _look(self, searcher: _Searcher, page: Page, look: Look) -> Detected:
        """Search a page in parts that overlap."""
        parts, dropped = [], 0
        for window in tiling.windows(page.width, page.height, look.side, look.overlap):
            pixels = page.pixels[window.top : window.bottom, window.left : window.right]
            found = self._predict(searcher, pixels, _Plan(look.scale, self._most_side))
            corner = np.array([window.left, window.top], dtype=np.float32)
            parts.append((window, [replace(line, quad=line.quad + corner) for line in found.lines]))
            dropped += found.dropped
        edge = looks.EDGE / look.scale
        return Detected(tuple(tiling.joined(parts, page.width, page.height, edge)), dropped)

    def _predict(self, searcher: _Searcher, page: Pixels, plan: _Plan) -> Detected:
        """The lines of a page, or of a part of one, in its own pixels."""
        height, width = page.shape[:2]
        pixels = paddle_engine.to_paddle(_resized(page, plan.scale))
        options: dict[str, Any] = {"limit_side_len": plan.limit or _ALMOST_ZERO}
        if self._options.max_side_limit is not None:
            options["max_side_limit"] = self._options.max_side_limit
        # the predictor keeps its last batch_size; above 1 all pages must have one size, and nothing is gained
        found = searcher.predictor.predict([pixels], batch_size=1, **options)
        result = paddle_engine.one_result_each(found, [pixels])[0]
        # for a page without lines PaddleOCR gives an array of shape (0,)
        quads = np.asarray(result["dt_polys"], dtype=np.float32).reshape(-1, 4, 2)
        # both axes were resized to whole pixels, so each has its own scale
        quads *= np.array([width / pixels.shape[1], height / pixels.shape[0]], dtype=np.float32)
        lines = []
        for corners, score in zip(quads, result["dt_scores"], strict=True):
            quad = geometry.clamp(corners, width, height)
            if not geometry.is_degenerate(quad):
                lines.append(Line(geometry.own_order(quad), min(1.0, max(0.0, float(score)))))
        return Detected(tuple(lines), len(quads) - len(lines) + searcher.ignored())

    @property
    def _most_side(self) -> int:
        """Longest side of a part of a page, network pixels: no longer than a whole page may be."""
        options = self._options
        usual = max(self._limit, options.high_resolution_limit if options.high_resolution_from else 0)
        return min(usual, options.max_side_limit or usual)

    def _plan(self, page: Page) -> _Plan:
        options, long_side = self._options, max(page.width, page.height)
        limit, scale = self._limit, 1.0
        # huge pages are reduced here with all their pixels, because PaddleOCR's own resizing skips some
        largest = min(options.max_side_limit or 4000, _MAX_SIDE)
        if long_side < options.enlarge_below:
            scale = min(options.enlarge_below / long_side, _MAX_ENLARGEMENT)
        elif long_side > largest:
            scale = largest / long_side
        high_resolution = options.high_resolution_from and long_side >= options.high_resolution_from
        if high_resolution and self._limit_type == "max":
            limit = max(limit, options.high_resolution_limit)
        return _Plan(scale, limit)


def _median_height(found: Detected) -> float | None:
    """Page pixels; None where no line was found."""
    return geometry.median_height([line.quad for line in found.lines]) if found.lines else None


def _resized(pixels: Pixels, scale: float) -> Pixels:
    if scale == 1:
        return pixels
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    interpolation = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return np.ascontiguousarray(cv2.resize(pixels, size, interpolation=interpolation), dtype=np.uint8)


def _nonzero(value: float) -> float:
    return value or _ALMOST_ZERO


def _short(value: float) -> str:
    """0.3 as `.3`, 1.5 as `1.5`, 0 as `0`."""
    return f"{value:g}".removeprefix("0") or "0"
