"""Reads lines as the product does, once, and keeps what its readers said: what the score is fitted on.

Pages are drawn (`pages`) or real ones with their truth; the product's own detector finds the lines, and
`crop_line`
cuts them out. Each is read by Tesseract in both its renderings and, where its dictionary has the letters, by
PaddleOCR's recogniser in both.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from backend.detectors.paddle import DetectionOptions, PaddleDetector
from backend.errors import TwinreadError
from backend.models.devices import EngineOptions
from backend.page import geometry, image_files
from backend.page.crops import crop_line
from backend.page.ink import ink_length
from backend.page.line_pieces import put_together
from backend.page.lines import Line, Page, Quad, Reading
from backend.page.print_quality import print_quality
from backend.pipeline.reader_kind import ReaderSetup
from backend.pipeline.reader_kinds import kinds
from backend.seams import LineReader
from backend.settings.settings import Settings
from benchmarks.score.pages import DrawnPage, drawn_page, fonts_for

PAGES: Final = {"ru": 52, "en": 62, "uk": 18, "el": 14}
"""Drawn pages for each language whose Tesseract data is on this machine."""
_CODES: Final = {"latin-mixed": "en", "num": "ru", "mixed": "ru"}
"""Languages by which lines are read whose truth names something else; numbers stand on Russian pages."""
_ON, _OFF = 0.85, 0.15
"""A word is read on a crop that shows so much of it; between the two the line is left out, for its truth is
anybody's guess."""


@dataclass(frozen=True, slots=True)
class RecordedReading:
    """What a reader said; `turn` counts the readers of a family."""

    family: str
    turn: int
    text: str
    score: float | None


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """A line with its truth and its readings.

    page, kind: where it stands; lines of a page are never parted between fitting and testing.
    """

    page: str
    kind: str
    language: str
    truth: str
    size: tuple[int, int]
    line_score: float
    ink: int
    quality: tuple[float, float, float]
    readings: tuple[RecordedReading, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _TrueLine:
    """A line as the detector has it, and what stands there."""

    line: Line
    truth: str
    language: str


def collect(path: Path, *, fonts: Path | None = None, real: Sequence[Path] = ()) -> int:
    """Read everything and write one line of JSON for each line; gives their number.

    Args:
        path: of the file to write.
        fonts: a folder of more fonts.
        real: folders of pages, each with its truth beside it, such as `phototest.tif` and `phototest.json`.
    """
    written = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as opened,
        path.open("w", encoding="utf-8") as file,
    ):
        settings = Settings(_env_file=None, cache_dir=Path(folder), model_source="packages", cpu_threads=1)  # type: ignore[call-arg]
        readers = _Readers(settings, opened)
        finder = PaddleDetector(
            DetectionOptions(engine=EngineOptions(device="cpu", cpu_threads=1)),
            model="PP-OCRv5_mobile_det",
            source="packages",
        )
        finder.start()
        opened.callback(finder.stop)
        for name, kind, page, lines in _pages(finder, fonts, real):
            for recorded in _recorded(name, kind, page, lines, readers):
                file.write(json.dumps(asdict(recorded), ensure_ascii=False) + "\n")
                written += 1
            file.flush()
    return written


def recorded_lines(path: Path) -> list[RecordedLine]:
    """The lines of a file that `collect` wrote."""
    lines = []
    for row in path.read_text("utf-8").splitlines():
        made: dict[str, Any] = json.loads(row)
        made["readings"] = tuple(RecordedReading(**reading) for reading in made["readings"])
        lines.append(RecordedLine(**{**made, "size": tuple(made["size"]), "quality": tuple(made["quality"])}))
    return lines


class _Readers:
    """The readers that the product would build for a language: both engines, each in both its renderings."""

    def __init__(self, settings: Settings, opened: ExitStack) -> None:
        self._kinds = kinds(ReaderSetup(settings))
        self._opened = opened
        self._built: dict[str, list[tuple[str, int, LineReader]]] = {}

    def of(self, language: str) -> list[tuple[str, int, LineReader]]:
        """Family, turn and reader; none where no engine at hand can write the language."""
        if language not in self._built:
            self._built[language] = []
            for name in ("tesseract", "paddle"):
                for turn in (0, 1):
                    try:
                        reader = self._kinds[name].build(language, turn, self._opened)
                    except TwinreadError:
                        continue
                    self._built[language].append((self._kinds[name].family, turn, reader))
        return self._built[language]


def _pages(
    finder: PaddleDetector, fonts: Path | None, real: Sequence[Path]
) -> Iterator[tuple[str, str, Page, list[_TrueLine]]]:
    for folder in real:
        for truth in sorted(folder.glob("*.json")):
            image = next((path for path in folder.glob(f"{truth.stem}.*") if path != truth), None)
            if image is not None:
                page = image_files.decode(image.read_bytes(), max_pixels=50_000_000)
                kind = "drawn elsewhere" if truth.stem.startswith("syn") else "real"
                lines = _matched(_found(finder, page), json.loads(truth.read_text("utf-8"))["lines"])
                yield truth.stem, kind, page, lines
    for language, count in PAGES.items():
        for number in range(count):
            drawn = drawn_page(language, number, fonts_for(language, fonts))
            page = Page(drawn.pixels)
            lines = [made for line in _found(finder, page) if (made := _said_by(line, drawn)) is not None]
            yield drawn.name, f"drawn {drawn.style}", page, lines


def _found(finder: PaddleDetector, page: Page) -> list[Line]:
    return list(put_together(finder.detect(page).lines))


def _matched(found: Sequence[Line], truth: Sequence[dict[str, Any]]) -> list[_TrueLine]:
    """The found lines that are one line of the truth, give or take their margins, and cut nothing off it."""
    made = []
    for true in truth:
        if true.get("curved") or true.get("vertical") or len(true["poly"]) != 4:
            continue
        quad = np.array(true["poly"], np.float32)
        best = max(found, key=lambda line: geometry.intersection_over_union(line.quad, quad), default=None)
        if best is None or geometry.intersection_over_union(best.quad, quad) < 0.5:
            continue
        if _share_in(quad, best.quad) >= _ON:
            made.append(
                _TrueLine(best, true.get("text_nfc") or true.get("pure_text") or true["text"], true["lang"])
            )
    return made


def _said_by(line: Line, drawn: DrawnPage) -> _TrueLine | None:
    """What stands in a box; None where it cuts a word, or holds words of several lines or none."""
    shares = [(word, _share_in(word.box, line.quad)) for word in drawn.words]
    if any(_OFF < share < _ON for _, share in shares):
        return None
    here = [word for word, share in shares if share >= _ON]
    if len({word.line for word in here}) != 1:
        return None
    return _TrueLine(line, " ".join(word.text for word in here), drawn.language)


def _share_in(box: Quad, quad: Quad) -> float:
    """How much of the middle line of a box lies within a quad."""
    begins, ends = (box[0] + box[3]) / 2, (box[1] + box[2]) / 2
    points = begins + np.linspace(0.02, 0.98, 25)[:, None] * (ends - begins)
    edges = np.roll(quad, -1, axis=0) - quad
    beside = points[:, None, :] - quad[None, :, :]
    inside = (edges[None, :, 0] * beside[:, :, 1] - edges[None, :, 1] * beside[:, :, 0] >= 0).all(axis=1)
    return float(inside.mean())


def _recorded(
    name: str, kind: str, page: Page, lines: Sequence[_TrueLine], readers: _Readers
) -> Iterator[RecordedLine]:
    cuts = [crop_line(page.pixels, true.line.quad) for true in lines]
    asked: list[list[tuple[str, int, Future[Reading]]]] = []
    codes = [_CODES.get(true.language, true.language) for true in lines]
    for language, cut in zip(codes, cuts, strict=True):
        asked.append(
            [(family, turn, reader.submit([cut])[0]) for family, turn, reader in readers.of(language)]
        )
    for true, language, cut, futures in zip(lines, codes, cuts, asked, strict=True):
        if not futures:
            continue
        said = [(family, turn, future.result()) for family, turn, future in futures]
        quality = print_quality(cut)
        yield RecordedLine(
            name,
            kind,
            language,
            true.truth,
            (int(cut.shape[1]), int(cut.shape[0])),
            float(true.line.score),
            ink_length(cut),
            (quality.contrast, quality.sharpness, quality.grain),
            tuple(RecordedReading(family, turn, one.text, one.score) for family, turn, one in said),
        )
