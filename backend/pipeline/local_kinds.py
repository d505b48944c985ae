"""The kinds of readers that run on this machine: Tesseract, and PaddleOCR's recognisers."""

from __future__ import annotations

from contextlib import ExitStack

from backend.pipeline.from_settings import engine_options
from backend.pipeline.reader_kind import ReaderSetup
from backend.readers.families import PADDLE, TESSERACT
from backend.seams import LineReader
from backend.text import languages


class Tesseract:
    """Reads with Tesseract, where the data of the language is installed."""

    local = True
    family = TESSERACT

    def __init__(self, setup: ReaderSetup) -> None:
        """Take what it needs; nothing is loaded before a reader is built."""
        self._settings = setup.settings
        self._load = setup.load

    def turns(self) -> int:
        """As it is at hand."""
        return 0

    def demanded(self) -> bool:
        """Only by name."""
        return False

    def at_hand(self) -> str:
        """The installed languages."""
        from backend.readers.tesseract import installed_languages

        return ",".join(sorted(installed_languages(self._settings.tessdata_dir)))

    def prompts(self, language: str) -> tuple[str, ...]:
        """It is asked nothing."""
        return ()

    def would_read(self, language: str) -> str | None:
        """The Debian package of the language's data."""
        package = languages.tesseract_package(language)
        return f"the Debian package {package}" if package else None

    def joins(self) -> tuple[str, ...]:
        """Only by name."""
        return ()

    def build(self, language: str, turn: int, opened: ExitStack) -> LineReader:
        """Its usual way of looking at a line, then one that errs otherwise."""
        from backend.readers.tesseract import TesseractOptions, TesseractReader

        settings = self._settings
        options = TesseractOptions(settings.cpu_threads, turn, settings.tessdata_dir)
        reader = TesseractReader(language, options)
        if self._load:
            reader.start()
        opened.callback(reader.stop)
        return reader

    def close(self) -> None:
        """Its readers share nothing."""


class Paddle:
    """Reads with a PP-OCR recogniser through PaddleOCR, where its dictionary has the language's letters."""

    local = True
    family = PADDLE

    def __init__(self, setup: ReaderSetup) -> None:
        """Take what it needs; nothing is loaded before a reader is built."""
        from backend.readers.paddle import SharedRecognisers

        self._settings = setup.settings
        # a folder in the settings wins over it
        self._promoted = setup.promoted if setup.settings.recognition_model_dir is None else None
        self._load = setup.load
        self._shared = SharedRecognisers()

    def turns(self) -> int:
        """As it is at hand."""
        return 0

    def demanded(self) -> bool:
        """A recogniser is set."""
        return bool(self._settings.recognition_model or self._settings.recognition_model_dir)

    def at_hand(self) -> str:
        """The recogniser that is set, and the promoted one with its languages."""
        named = f"{self._settings.recognition_model or ''}@{self._settings.recognition_model_dir or ''}"
        promoted = self._promoted
        return f"{named}+{promoted.identity} {' '.join(promoted.languages)}" if promoted else named

    def prompts(self, language: str) -> tuple[str, ...]:
        """It is asked nothing."""
        return ()

    def would_read(self, language: str) -> str | None:
        """PaddleOCR's recogniser of the language."""
        model = languages.recognition_model(language)
        return f"PaddleOCR's model {model}" if model else None

    def joins(self) -> tuple[str, ...]:
        """The languages of the promoted model: it is unlike every server, and was trained on their pages."""
        return self._promoted.languages if self._promoted else ()

    def build(self, language: str, turn: int, opened: ExitStack) -> LineReader:
        """The crop as it is, then with a margin; readers on one model share it."""
        from backend.readers.paddle import PaddleReader, RecognitionOptions

        settings, promoted = self._settings, self._promoted
        own = promoted.directory if promoted and language in promoted.languages else None
        reader = PaddleReader(
            language,
            RecognitionOptions(settings.recognition_batch_size, turn, engine_options(settings)),
            model=settings.recognition_model,
            model_dir=own or settings.recognition_model_dir,
            source=settings.model_source,
            cache_dir=settings.cache_dir / "models",
            shared=self._shared,
        )
        if self._load:
            reader.start()
        opened.callback(reader.stop)
        return reader

    def close(self) -> None:
        """The last reader of a model ends it."""
