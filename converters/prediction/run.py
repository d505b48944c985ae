"""Reads the images of a request one after the other, and writes what comes of each at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from backend.errors import BadImage, DetectorFailed, OperatorError, OutOfMemory, TwinreadError
from backend.outputs import check_writable, printable, write_bytes, write_file, write_summary
from backend.page import image_files
from backend.page.lines import Page
from backend.pipeline import assembly
from backend.rendering.fonts import font_package
from backend.seams import LineDetector, LineReader
from backend.settings.settings import Settings
from backend.text import languages
from converters.prediction import models, results
from converters.prediction.inputs import RESULT, find_images, output_stems
from converters.prediction.picture import Drawing, Fonts, line_picture, page_picture
from converters.prediction.predict import PredictedLine, PredictedPage, predict_crops, predict_page
from converters.shared.image_bytes import read_image
from converters.shared.progress import progress

LINES_AT_ONCE = 32
"""Line crops that are held in memory together."""

SHOWN_CHARACTERS = 20


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """What to read, with what, and where to write it.

    model: a folder, PaddleOCR's name of a model, or `current`.
    paths: images and folders of images.
    lines: they are line crops, not pages.
    out: folder for results; None only prints the texts.
    language: of the texts; None for OCR_LANGUAGE.
    summary_json: where to write the figures for machines.
    """

    model: str
    paths: tuple[Path, ...]
    lines: bool = False
    out: Path | None = None
    language: str | None = None
    summary_json: Path | None = None


@dataclass
class Totals:
    """What became of the images.

    failed: why, by image, for those that could not be read.
    unread: lines that could not be read, in images that otherwise were.
    undrawn: characters of texts that no picture shows.
    """

    images: int = 0
    lines: int = 0
    unread: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    undrawn: set[str] = field(default_factory=set)
    stopped: bool = False

    @property
    def exit_code(self) -> int:
        """0 where every image and every line was read, else 1."""
        return 1 if self.failed or self.unread or self.stopped else 0


def run(request: PredictionRequest, settings: Settings, console: Console, errors: Console) -> int:
    """Read images, print their texts, and write their results.

    Args:
        request: what to read.
        settings: detector, engine and limits.
        console: where texts go.
        errors: where everything else goes.

    Returns:
        The exit code: 0 when every image was read, else 1.

    Raises:
        BadRequest: an image or a model folder is not there.
        OperatorError: a model cannot be had, or a result cannot be written.
    """
    if request.summary_json:
        check_writable(request.summary_json)
    images = find_images(request.paths)
    language = languages.language_code(request.language or settings.ocr_language)
    if request.out:
        _make_folder(request.out)
    totals = Totals()
    with ExitStack() as opened:
        reader = opened.enter_context(models.open_reader(request.model, language, settings))
        if warning := models.lacking(reader, language):
            errors.print(printable(warning), style="yellow", markup=False)
        work = PredictionRun(request, settings, language, reader, console, errors, totals)
        try:
            if request.lines:
                work.read_lines(images)
            else:
                found = assembly.detector(settings)
                opened.callback(found.stop)
                found.start()
                found.wait()
                work.read_pages(images, assembly.turning(found, settings))
        except KeyboardInterrupt:
            totals.stopped = True
    _tell(totals, len(images), request, language, errors)
    if request.summary_json:
        write_summary(request.summary_json, _figures(totals, len(images), reader.identity))
    return totals.exit_code


class PredictionRun:
    """The images of one request on their way to texts and files."""

    def __init__(
        self,
        request: PredictionRequest,
        settings: Settings,
        language: str,
        reader: LineReader,
        console: Console,
        errors: Console,
        totals: Totals,
    ) -> None:
        """Take what all images have in common.

        Args:
            request: what to read, and where to write it.
            settings: limits, and the crop policy for tall lines.
            language: code of the language of the texts.
            reader: reads lines.
            console: where texts go.
            errors: where everything else goes.
            totals: counts.
        """
        self._request = request
        self._settings = settings
        self._language = language
        self._reader = reader
        self._console = console
        self._errors = errors
        self._totals = totals
        self._fonts = Fonts()

    def read_pages(self, images: Sequence[Path], detector: LineDetector) -> None:
        """Read whole pages, each to its end before the next."""
        for image, stem in self._watched(images):
            page = self._decoded(image)
            if page is None:
                continue
            try:
                read = predict_page(page, detector, self._reader, self._language, self._settings.tall_lines)
            except DetectorFailed as error:
                self._fail(image, error)
                continue
            self._tell_page(image, read)
            if self._request.out:
                written = results.page_json(
                    image, read, model=self._reader.identity, detector=detector.identity
                )
                drawing = page_picture(page, read.lines, self._fonts, self._settings.tall_lines)
                self._write(self._request.out, stem, written, results.as_text(read.lines), drawing)
            self._count(image, read.lines)

    def read_lines(self, images: Sequence[Path]) -> None:
        """Read line crops, some at once."""
        for decoded in self._some_at_once(images):
            read = predict_crops([page.pixels for _, _, page in decoded], self._reader)
            for (image, stem, page), line in zip(decoded, read, strict=True):
                self._tell_line(image, line)
                if self._request.out and line.error is None:
                    written = results.line_json(image, line, model=self._reader.identity)
                    drawing = line_picture(page.pixels, line, self._fonts)
                    self._write(self._request.out, stem, written, results.as_text([line]), drawing)
                self._count(image, [line])

    def _some_at_once(self, images: Sequence[Path]) -> Iterator[list[tuple[Path, str, Page]]]:
        """Decoded crops: `LINES_AT_ONCE`, or fewer where they are as large as pages."""
        some: list[tuple[Path, str, Page]] = []
        for image, stem in self._watched(images):
            page = self._decoded(image)
            if page is not None:
                some.append((image, stem, page))
            pixels = sum(crop.width * crop.height for _, _, crop in some)
            if len(some) == LINES_AT_ONCE or pixels >= self._settings.max_decoding_pixels:
                yield some
                some = []
        if some:
            yield some

    def _watched(self, images: Sequence[Path]) -> Iterator[tuple[Path, str]]:
        """Images with the names of their results; with a bar where no texts run over the terminal."""
        named = zip(images, output_stems(images), strict=True)
        if self._console.is_terminal:
            yield from named
            return
        with progress(self._errors) as bars:
            bar = bars.add_task("images", total=len(images))
            for image, stem in named:
                yield image, stem
                bars.advance(bar)

    def _decoded(self, image: Path) -> Page | None:
        """The page of an image file; None where it is none, which is said."""
        try:
            return image_files.decode(
                read_image(image, self._settings.max_image_bytes),
                max_pixels=self._settings.max_page_pixels,
                max_scans=self._settings.max_jpeg_scans,
            )
        except (BadImage, OutOfMemory) as error:
            self._fail(image, error)
        except OSError as error:
            self._fail(image, OperatorError(f"The file cannot be read: {error.strerror or error}."))
        return None

    def _fail(self, image: Path, error: TwinreadError) -> None:
        self._totals.failed[printable(str(image))] = str(error)
        self._warn(f"{image}: {error}", "red")

    def _warn(self, sentence: str, style: str) -> None:
        self._errors.print(printable(sentence), style=style, markup=False)

    def _count(self, image: Path, lines: Sequence[PredictedLine]) -> None:
        unread = [line for line in lines if line.error is not None]
        self._totals.images += 1
        self._totals.lines += len(lines) - len(unread)
        self._totals.unread += len(unread)
        for line in unread:
            self._errors.print(
                printable(f"{image}: a line was not read: {line.error}"), style="red", markup=False
            )

    def _tell_page(self, image: Path, page: PredictedPage) -> None:
        count = f"{len(page.lines)} line{'' if len(page.lines) == 1 else 's'}"
        self._console.print(printable(f"== {image} ({count})"), style="bold", markup=False)
        for note in page.notes:
            self._warn(f"{image}: {note}", "yellow")
        for line in page.lines:
            if line.text:
                self._console.print(printable(line.text), markup=False)

    def _tell_line(self, image: Path, line: PredictedLine) -> None:
        if line.error is None:
            told = f"{printable(str(image))}\t{printable(line.text)}\t{line.score:.3f}"
            # not rich's print, which makes blanks of a tab
            self._console.file.write(f"{told}\n")

    def _write(self, out: Path, stem: str, written: dict[str, Any], text: str, drawing: Drawing) -> None:
        self._totals.undrawn |= set("".join(drawing.undrawn))
        write_file(out / f"{stem}{RESULT}.txt", text)
        write_bytes(out / f"{stem}{RESULT}.jpg", image_files.encode(drawing.pixels, "jpeg", 90))
        # last: an earlier run's results are known by it
        write_summary(out / f"{stem}{RESULT}.json", written)


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"The folder {out} cannot be made ({error.strerror}), so nothing was read. Name another one."
        ) from error
    check_writable(out / "results")


def _tell(totals: Totals, asked: int, request: PredictionRequest, language: str, errors: Console) -> None:
    if totals.undrawn:
        shown = "".join(sorted(totals.undrawn))
        cut = shown[:SHOWN_CHARACTERS] + ("…" if len(shown) > SHOWN_CHARACTERS else "")
        errors.print(
            printable(
                f"Texts with these letters are not in the pictures, because no font of this machine has all "
                f"of them: {cut}. apt-get install {font_package(language)}"
            ),
            style="yellow",
            markup=False,
        )
    where = f", written to {request.out}" if request.out else ""
    stopped = "Stopped: " if totals.stopped else ""
    failed = f"; images that could not be read: {len(totals.failed):,}" if totals.failed else ""
    unread = f"; lines that could not be read: {totals.unread:,}" if totals.unread else ""
    read = f"{totals.images:,} of {asked:,} images read, {totals.lines:,} lines"
    errors.print(printable(f"{stopped}{read}{where}{failed}{unread}."), markup=False)


def _figures(totals: Totals, asked: int, model: str) -> dict[str, Any]:
    return {
        "model": model,
        "images": asked,
        "images_read": totals.images,
        "lines": totals.lines,
        "unread_lines": totals.unread,
        "failed": totals.failed,
        "undrawn_letters": "".join(sorted(totals.undrawn)),
        "stopped": totals.stopped,
    }
