"""Reads line crops with any PP-OCR recogniser through PaddleOCR's `TextRecognition`.

A crop is brought to the model's height here and filled up to one of few widths, and only crops of
equal width share a batch: PaddleOCR alone would fill each crop up to its widest neighbour, which
changes readings (3 of 60 measured) and costs twice the time on a CPU.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np

from backend.errors import ModelMissing, ReaderUnavailable
from backend.models import devices, locate, paddle_engine
from backend.models.devices import EngineOptions
from backend.models.locate import ModelLocation, Source
from backend.models.model_thread import BackgroundModel, ModelThread
from backend.models.paddle_engine import PaddlePixels, Predictor
from backend.page.crops import ground_colour, is_blank
from backend.page.lines import Pixels, Reading
from backend.readers.local import no_answer, numbered
from backend.text import languages
from backend.text.cleaning import plain_text

log = logging.getLogger(__name__)

_HEIGHT: Final = 48
_NARROWEST: Final = 320
_WIDEST: Final = 3200
"""What the recognisers take; PaddleOCR squeezes a wider line together, and nothing is read then."""
_WIDTH_STEP: Final = 64
_FILL: Final = (127, 127, 127)
"""What PaddleOCR's own padding comes to: the middle of the scale."""
_MARGIN: Final = 0.2
"""Of the height. With this margin the second look agrees with the first in 45 of 60 lines, 3 of them
wrong; with 0.1 in 49, 7 of them wrong."""
_MOST_SESSIONS: Final = 16
"""Copies of a small recogniser at most, of 100 MB each."""
_MOST_LARGE_SESSIONS: Final = 4
_CARRIED: Final = "PP-OCRv5_mobile_rec"

RENDERING: Final = 1
"""Counts up when a crop reaches the model otherwise, or its answer is put together otherwise: part of the
reader's identity, so of the model version and of the key under which readings are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class _ReadJob:
    """One crop, for whom it is read, and whether with a margin around it."""

    crop: Pixels
    reader: str
    margin: bool


Recogniser: TypeAlias = ModelThread[Predictor, _ReadJob, Reading]
"""One model, loaded once for each of its threads."""


class SharedRecognisers:
    """Loaded models by their folder, which several readers share; thread-safe. The last reader ends one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._borrowed: dict[Path, tuple[Recogniser, int]] = {}

    def borrow(self, folder: Path, make: Callable[[], Recogniser]) -> Recogniser:
        """The recogniser of a model's folder; give it back once.

        Args:
            folder: of the model.
            make: called when no reader has that model at this moment.
        """
        with self._lock:
            recogniser, readers = self._borrowed.get(folder) or (make(), 0)
            self._borrowed[folder] = recogniser, readers + 1
            return recogniser

    def give_back(self, folder: Path) -> None:
        """One reader less; without any the recogniser is stopped."""
        with self._lock:
            recogniser, readers = self._borrowed.pop(folder)
            if readers > 1:
                self._borrowed[folder] = recogniser, readers - 1
                return
        recogniser.stop()


@dataclass(frozen=True, slots=True)
class RecognitionOptions:
    """How crops are read.

    batch_size: crops that may go through the model together, where their widths are equal; None for
        16 on a GPU and 1 on a CPU, where batches of 16 cost a quarter more.
    variation: 0 for the crop as it is, 1 for a second look at it with a margin around it.
    """

    batch_size: int | None = None
    variation: int = 0
    engine: EngineOptions = field(default_factory=EngineOptions)


class PaddleReader(BackgroundModel[Predictor, _ReadJob, Reading]):
    """A `LineReader` over one PP-OCR recogniser.

    Args:
        language: of the lines; any name that `languages.language_code` knows. None reads what the model can
            write, to judge a model that lacks letters of its language.
        options: how, and on what.
        model: PaddleOCR's name of the recogniser; None for the one that reads the language best, or where
            that is not at hand the one that installed packages carry, if it can write the language.
        model_dir: a folder of one's own, instead; its name may be a foreign one that ends in
            PaddleOCR's name of its base.
        source: "packages" to ask no hub.
        cache_dir: where models out of packages are put together.
        shared: recognisers that readers on the same engine have in common; None for one of its own.

    Finding the model may mean downloading it. `start` loads it in the background.

    Raises:
        ReaderUnavailable: the model cannot write the language, or cannot be had.
        SettingsWrong: a setting cannot work.
    """

    def __init__(
        self,
        language: str | None,
        options: RecognitionOptions | None = None,
        *,
        model: str | None = None,
        model_dir: Path | None = None,
        source: Source = "auto",
        cache_dir: Path | None = None,
        shared: SharedRecognisers | None = None,
    ) -> None:
        self._options = options or RecognitionOptions()
        engine = paddle_engine.choose_engine(self._options.engine)

        def find(name: str | None, source: Source) -> ModelLocation:
            return locate.find_model(name, model_dir, engine=engine.name, source=source, cache_dir=cache_dir)

        able = languages.recognition_model(language) if language is not None else None
        wanted = model or able or _CARRIED
        try:
            self.location = find(wanted, source)
            why = ""
        except ModelMissing as error:
            if model is not None or wanted == _CARRIED:
                raise ReaderUnavailable(str(error), **error.facts) from error
            try:
                self.location = find(_CARRIED, "packages")
            except ModelMissing:
                raise ReaderUnavailable(str(error), **error.facts) from error
            why = str(error)
        if language is not None:
            _refuse_if_lacking(self.location, language, wanted, why)
        if why:
            log.warning("%s reads '%s' instead of %s. %s", self.location.name, language, wanted, why)

        most = _MOST_SESSIONS if devices.is_small(self.location.name) else _MOST_LARGE_SESSIONS
        sessions = devices.share_cores(engine, self._options.engine, most)

        def build() -> Predictor:
            return paddle_engine.text_recognition(
                self.location, engine, self._options.engine, threads=sessions.threads, cache_dir=cache_dir
            )

        batch = self._options.batch_size or (1 if engine.device == "cpu" else 16)

        def make() -> Recogniser:
            return ModelThread("recognition model", build, _read, batch=batch, threads=sessions.count)

        self._shared = shared or SharedRecognisers()
        self._model_thread = self._shared.borrow(self.location.directory, make)
        self._given_back = threading.Lock()

    @property
    def identity(self) -> str:
        """The model, and which look at the crop, such as `PP-OCRv5_mobile_rec` or `...(margin=.2)`."""
        precision = self._options.engine.precision
        parts = [
            *numbered(RENDERING),
            *([f"margin={_MARGIN:g}".replace("0.", ".")] if self._options.variation else []),
            *([precision] if precision != "fp32" else []),
        ]
        return self.location.identity + (f"({','.join(parts)})" if parts else "")

    def stop(self) -> None:
        """End the model's thread, unless another reader shares it; a second call does nothing."""
        # taken once and never released
        if self._given_back.acquire(blocking=False):
            self._shared.give_back(self.location.directory)

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        """Ask for a reading of each crop, in order; see `LineReader.submit`."""
        reader, margin = self.identity, bool(self._options.variation)
        failed = partial(no_answer, reader)
        return [
            self._model_thread.submit(
                _ReadJob(crop, reader, margin), urgent=urgent, among=len(crops), on_error=failed
            )
            for crop in crops
        ]


def _read(predictor: Predictor, looks: Sequence[_ReadJob]) -> list[Reading]:
    """Read crops in as few calls as their widths allow."""
    pieces: list[tuple[int, PaddlePixels]] = []
    for number, look in enumerate(looks):
        # on a blank crop the model sees brackets and dots
        if not is_blank(look.crop):
            pieces += [(number, piece) for piece in _rendered(look)]
    said: list[list[tuple[str, float]]] = [[] for _ in looks]
    by_width: dict[int, list[int]] = {}
    for index, (_, piece) in enumerate(pieces):
        by_width.setdefault(piece.shape[1], []).append(index)
    answers: dict[int, tuple[str, float]] = {}
    for indices in by_width.values():
        arrays = [pieces[index][1] for index in indices]
        results = predictor.predict(arrays, batch_size=len(arrays))
        for index, result in zip(indices, paddle_engine.one_result_each(results, arrays), strict=True):
            answers[index] = (str(result["rec_text"]), float(result["rec_score"]))
    for index, (number, _) in enumerate(pieces):
        said[number].append(answers[index])
    return [_reading(look.reader, parts) for look, parts in zip(looks, said, strict=True)]


def _reading(reader: str, parts: Sequence[tuple[str, float]]) -> Reading:
    text = plain_text(" ".join(text for text, _ in parts if text.strip()))
    score = min((score for _, score in parts), default=0.0)
    return Reading(reader, text, min(1.0, max(0.0, score)) if text else None)


def _rendered(look: _ReadJob) -> list[PaddlePixels]:
    return model_input(_with_margin(look.crop) if look.margin else look.crop)


def model_input(crop: Pixels) -> list[PaddlePixels]:
    """A crop as the model takes it: BGR, 48 high, in more than one piece where it is very wide.

    Args:
        crop: RGB, uint8, shape (height, width, 3).
    """
    return [paddle_engine.to_paddle(filled(piece)) for piece in split_wide(at_model_height(crop), _WIDEST)]


def at_model_height(crop: Pixels) -> Pixels:
    """A crop brought to the height that the recognisers take, 48 pixels; RGB, uint8."""
    scale = _HEIGHT / crop.shape[0]
    width = max(1, round(crop.shape[1] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (width, _HEIGHT), interpolation=how), dtype=np.uint8)


def split_wide(line: Pixels, widest: int) -> list[Pixels]:
    """Cut a line that is too wide between words, into pieces that are read one by one.

    Args:
        line: RGB, uint8, shape (height, width, 3).
        widest: of a piece, pixels.

    Returns:
        The pieces from left to right; each cut is in the middle of the widest gap near an even share.
    """
    width = line.shape[1]
    if width <= widest:
        return [line]
    middle, reach = width // 2, min(width // 4, widest // 4)
    near = line[:, middle - reach : middle + reach].astype(np.int16).mean(axis=2)
    # between words a column is of one colour from top to bottom
    spread = near.max(axis=0) - near.min(axis=0)
    empty = spread <= spread.min() + 0.15 * max(1.0, float(spread.max() - spread.min()))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], empty.astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    widest_gap = int(np.argmax(ends - starts))
    cut = middle - reach + int(starts[widest_gap] + ends[widest_gap]) // 2
    return [*split_wide(line[:, :cut], widest), *split_wide(line[:, cut:], widest)]


def _refuse_if_lacking(location: ModelLocation, language: str, wanted: str, why: str) -> None:
    missing = languages.missing_letters(language, locate.dictionary(location))
    if not missing:
        return
    shown = "".join(missing[:40]) + ("…" if len(missing) > 40 else "")
    able = languages.recognition_model(language)
    if why:
        cure = why
    elif location.came_from == "folder":
        # a name is not looked at beside a folder
        cure = (
            "It was trained with that dictionary: train with one that has them, such as PaddleOCR's own "
            "(docs/training.md), or take RECOGNITION_MODEL_DIR out"
            + (f" and set RECOGNITION_MODEL={able}." if able else ".")
        )
    elif able and able != location.name:
        cure = f"Set RECOGNITION_MODEL={able}, which can."
    else:
        cure = (
            "None of PaddleOCR's recognisers can; read this language with ERNIE or Tesseract, or set "
            "RECOGNITION_MODEL_DIR to a model whose dictionary has its letters."
        )
    raise ReaderUnavailable(
        f"{location.name} cannot write '{language}': its dictionary lacks {len(missing)} letters ({shown}), "
        f"so it would spell words with others that look like them. {cure}",
        model=location.name,
        language=language,
        missing=missing,
        wanted=wanted,
    )


def _with_margin(crop: Pixels) -> Pixels:
    """The crop with its own ground around it, so that its letters come out smaller."""
    side = max(1, round(crop.shape[0] * _MARGIN))
    ground = ground_colour(crop)
    wide = cv2.copyMakeBorder(crop, side, side, 2 * side, 2 * side, cv2.BORDER_CONSTANT, value=ground)
    return np.asarray(wide, dtype=np.uint8)


def filled(piece: Pixels) -> Pixels:
    """A piece at the model's height, filled up on its right to one of few widths."""
    width = max(_NARROWEST, math.ceil(piece.shape[1] / _WIDTH_STEP) * _WIDTH_STEP)
    right = width - piece.shape[1]
    wide = cv2.copyMakeBorder(piece, 0, 0, 0, right, cv2.BORDER_CONSTANT, value=_FILL)
    return np.asarray(wide, dtype=np.uint8)
