"""Reads line crops with Tesseract 5, an engine that shares nothing with PaddleOCR or a vision model.

The library comes inside the wheel of `tesserocr`; the data of each language is a Debian package.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from backend.cores import cores
from backend.errors import ReaderUnavailable
from backend.models.model_thread import BackgroundModel, ModelThread
from backend.page.crops import ground_colour, is_blank
from backend.page.lines import Pixels, Reading
from backend.readers.local import no_answer, numbered
from backend.text import languages
from backend.text.cleaning import plain_text

_Grey: TypeAlias = npt.NDArray[np.uint8]

RENDERING: Final = 3
"""Counts up when a crop reaches Tesseract otherwise, its answer is cleaned otherwise, or its score means
another
thing: part of the reader's identity, so of the model version and of the key under which readings are kept."""

_ENGLISH: Final = "eng"
_APOSTROPHES: Final = "'‘’`"
_INK: Final = 0.45
"""From how far a pixel differs from the ground it is ink, as a share of what differs most."""
_LEFT, _RIGHT = 0.1, 0.2
"""What `trimmed` leaves beside the ink, as a share of the height: with less a full stop at the end is lost,
with more the ground is read as a mark."""
_MOST_SIDE: Final = 32_000
"""Tesseract refuses pictures of 32,767 pixels and more."""


@dataclass(frozen=True, slots=True)
class _Rendering:
    """One way of looking at a crop.

    name: of the look, in the reader's identity.
    height: to which the crop is brought, pixels.
    margin: of the crop's own ground, as a share of the height.
    segmentation: a name in `tesserocr.PSM`.
    with_english: whether English helps with Latin words between letters of another script.
    ground_misleads: whether it reads marks out of the ground beside a line; then `trimmed` helps, and an
        apostrophe at the beginning is likelier its own.
    """

    name: str
    height: int
    margin: float
    segmentation: str
    with_english: bool
    ground_misleads: bool = False


_RENDERINGS: Final = (
    _Rendering("line", height=48, margin=0.2, segmentation="SINGLE_LINE", with_english=True),
    # RAW_LINE leaves out Tesseract's own search for baseline and letters and gives the network the
    # crop as it is, at the height that the network was made for; so other things go wrong.
    _Rendering(
        "raw", height=36, margin=0.0, segmentation="RAW_LINE", with_english=False, ground_misleads=True
    ),
)
"""Chosen by measuring 22 ways on 281 Russian lines, clean and spoiled: together these agree on 194 lines,
7 of them wrong; two renderings for SINGLE_LINE agree on 216, 10 of them wrong."""
_TRIMMED_SCRIPTS: Final = ("Cyrillic", "Greek")
"""Where trimming was measured to help. Both looks agreed on 314 of 409 lines as the detector cuts them;
283 were right. With the stray apostrophe dropped: 321, 290 right; trimmed, too: 338, 303 right. English
lines gain nothing by trimming, and of English receipts more agreed lines are wrong."""


@dataclass(frozen=True, slots=True)
class TesseractOptions:
    """How crops are read.

    threads: how many crops are read at once, each with an engine of its own; None for all cores.
    variation: 0 for Tesseract's usual way, 1 for a look that errs otherwise.
    tessdata_dir: the folder of the languages' data; None for where Debian and $TESSDATA_PREFIX have it.
    """

    threads: int | None = None
    variation: int = 0
    tessdata_dir: Path | None = None


class TesseractReader(BackgroundModel[Any, Pixels, Reading]):
    """A `LineReader` over Tesseract's network for one language.

    Args:
        language: of the lines; any name that `languages.language_code` knows.
        options: how.

    Raises:
        ReaderUnavailable: Tesseract or its data for the language is not installed; says how to.
        SettingsWrong: no such language.
    """

    def __init__(self, language: str, options: TesseractOptions | None = None) -> None:
        options = options or TesseractOptions()
        self._look = _RENDERINGS[options.variation % len(_RENDERINGS)]
        folder, data_names = _data_for(language, options.tessdata_dir, self._look)
        data = f"{data_names}@{_fingerprint(folder, data_names)}"
        facts = ",".join([data, self._look.name, *numbered(RENDERING)])
        self._trims = self._look.ground_misleads and languages.script(language) in _TRIMMED_SCRIPTS
        self._is_greek = languages.script(language) == "Greek"
        self._identity = f"tesseract-{_version()}({facts})"

        def build() -> Any:
            return _engine(folder, data_names, self._look)

        self._model_thread: ModelThread[Any, Pixels, Reading] = ModelThread(
            "Tesseract reader", build, self._read, threads=options.threads or cores()
        )

    @property
    def identity(self) -> str:
        """Engine, data and look, such as `tesseract-5.5(rus+eng@3fa94c,line)`."""
        return self._identity

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        """Ask for a reading of each crop, in order; see `LineReader.submit`."""
        failed = partial(no_answer, self.identity)
        return [
            self._model_thread.submit(crop, urgent=urgent, among=len(crops), on_error=failed)
            for crop in crops
        ]

    def _read(self, engine: Any, crops: Sequence[Pixels]) -> list[Reading]:
        return [self._read_one(engine, crop) for crop in crops]

    def _read_one(self, engine: Any, crop: Pixels) -> Reading:
        if is_blank(crop):
            return Reading(self.identity)
        shown = trimmed(crop) if self._trims else crop
        engine.SetImage(Image.fromarray(rendered(shown, self._look.height, self._look.margin)))
        # a crop says nothing of its size in inches, and without a number Tesseract warns on stderr
        engine.SetSourceResolution(300)
        text = plain_text(engine.GetUTF8Text().replace("\n", " "))
        if self._look.ground_misleads:
            text = without_stray_apostrophe(text)
        if self._is_greek:
            # what its Greek data has for the letter is the sign of a millionth
            text = text.replace("\u00b5", "\u03bc")
        # one unsure word makes a line wrong: the lowest says more of it than their mean
        score = min(engine.AllWordConfidences(), default=0) / 100
        engine.Clear()
        return Reading(self.identity, text, min(1.0, max(0.0, score)) if text else None)


def installed_languages(tessdata_dir: Path | None = None) -> set[str]:
    """Tesseract's names of the languages whose data is installed (`rus`, `chi_sim`); may be empty."""
    return {code for folder in _folders(tessdata_dir) for code in _codes(folder)}


def without_stray_apostrophe(text: str) -> str:
    """Drop an apostrophe at the beginning that has no other one behind it.

    Where the page has one, the usual look reads it, and the line is disputed.
    """
    alone = text[:1] in tuple(_APOSTROPHES) and not any(mark in text[1:] for mark in _APOSTROPHES)
    return text[1:].lstrip() if alone else text


def trimmed(crop: Pixels) -> Pixels:
    """Cut off the ground to the left and right of the ink, but for a little.

    Args:
        crop: RGB, uint8, shape (height, width, 3).

    Returns:
        The same rows, at most as wide; the crop itself where it shows no ink.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    away = np.abs(grey.astype(np.float32) - ground_colour(grey)[0])
    # two pixels: one alone is a speck
    columns = np.flatnonzero((away > _INK * away.max()).sum(axis=0) >= 2)
    if not columns.size:
        return crop
    height, width = grey.shape
    left = max(0, int(columns[0]) - max(1, round(_LEFT * height)))
    right = min(width, int(columns[-1]) + 1 + max(1, round(_RIGHT * height)))
    return np.ascontiguousarray(crop[:, left:right])


def rendered(crop: Pixels, height: int, margin: float) -> _Grey:
    """A crop as Tesseract reads best: grey, dark on light, of the given height.

    Args:
        crop: RGB, uint8, shape (height, width, 3).
        height: of the crop after scaling, without margins.
        margin: of the crop's own ground on each side, as a share of the height.

    Returns:
        uint8, shape (height + margins, width + margins).
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    scale = height / grey.shape[0]
    width = min(_MOST_SIDE, max(1, round(grey.shape[1] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    grey = cv2.resize(grey, (width, height), interpolation=how)
    ground = int(ground_colour(grey)[0])
    if ground < 128:
        grey, ground = cv2.bitwise_not(grey), 255 - ground
    side = round(height * margin)
    framed = cv2.copyMakeBorder(grey, side, side, side, side, cv2.BORDER_CONSTANT, value=[ground])
    return np.asarray(framed, dtype=np.uint8)


def _data_for(language: str, tessdata_dir: Path | None, look: _Rendering) -> tuple[Path, str]:
    """Folder and languages (`rus+eng`) for Tesseract; raises `ReaderUnavailable` where there are none."""
    if importlib.util.find_spec("tesserocr") is None:
        raise ReaderUnavailable("Tesseract's Python package is not installed: pip install tesserocr")
    code = languages.tesseract_code(language)
    if code is None:
        raise ReaderUnavailable(
            f"Tesseract has no data for '{language}'; read it with ERNIE or PaddleOCR.", language=language
        )
    for folder in _folders(tessdata_dir):
        installed = _codes(folder)
        if code in installed:
            beside = look.with_english and _ENGLISH in installed and languages.script(language) != "Latin"
            return folder, f"{code}+{_ENGLISH}" if beside else code
    where = "in TESSDATA_DIR" if tessdata_dir else "on this machine"
    raise ReaderUnavailable(
        f"Tesseract's data for '{language}' ({code}.traineddata) is not {where}: "
        f"apt-get install tesseract-ocr {languages.tesseract_package(language)}",
        language=language,
        package=languages.tesseract_package(language),
    )


def _folders(tessdata_dir: Path | None) -> list[Path]:
    if tessdata_dir is not None:
        return [tessdata_dir]
    prefix = os.environ.get("TESSDATA_PREFIX")
    if prefix:
        return [Path(prefix), Path(prefix) / "tessdata"]
    shared = [*Path("/usr/share/tesseract-ocr").glob("*/tessdata"), *Path("/usr/share").glob("tessdata")]
    homebrew = [Path("/usr/local/share/tessdata"), Path("/opt/homebrew/share/tessdata")]
    return sorted(shared, reverse=True) + homebrew


def _codes(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.traineddata")} - {"osd", "equ"}


def _version() -> str:
    """The engine's version, such as `5.5`."""
    import tesserocr  # type: ignore[import-untyped]

    version: str = tesserocr.tesseract_version()
    return ".".join(version.split()[1].split(".")[:2])


def _fingerprint(folder: Path, data_names: str) -> str:
    """Six hex digits of the data, which comes in a fast form, a best form and one's own training."""
    digest = hashlib.sha256()
    for code in data_names.split("+"):
        digest.update((folder / f"{code}.traineddata").read_bytes())
    return digest.hexdigest()[:6]


def _engine(folder: Path, data_names: str, look: _Rendering) -> Any:
    import tesserocr

    try:
        engine = tesserocr.PyTessBaseAPI(
            path=f"{folder}/",
            lang=data_names,
            psm=getattr(tesserocr.PSM, look.segmentation),
            oem=tesserocr.OEM.LSTM_ONLY,
        )
    except RuntimeError as error:
        raise ReaderUnavailable(
            f"Tesseract could not load its data for {data_names}; install it again: "
            "apt-get install --reinstall tesseract-ocr-" + data_names.split("+")[0].replace("_", "-"),
        ) from error
    engine.SetVariable("debug_file", os.devnull)
    return engine
