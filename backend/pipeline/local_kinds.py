"""The kinds of readers that run on this machine: Tesseract, and PaddleOCR's recognisers."""

from __future__ import annotations

from contextlib import ExitStack

from backend.models.promoted import PromotedModel
from backend.pipeline.from_settings import engine_options
from backend.readers.budget import Spender
from backend.readers.usage import Ledger
from backend.seams import LineReader
from backend.settings.settings import Settings
from backend.text import languages


class Tesseract:
    """Reads with Tesseract, where the data of the language is installed."""

    local = True
    family = "Tesseract"

    def __init__(
        self,
        settings: Settings,
        promoted: PromotedModel | None = None,
        *,
        load: bool,
        ledger: Ledger | None = None,
        budget: Spender | None = None,
    ) -> None:
        """Take the settings; `load` is False where nothing will be read."""
        self._settings = settings
        self._load = load

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
    family = "PP-OCR"

    def __init__(
        self,
        settings: Settings,
        promoted: PromotedModel | None = None,
        *,
        load: bool,
        ledger: Ledger | None = None,
        budget: Spender | None = None,
    ) -> None:
        """Take the settings; `load` is False where nothing will be read.

        Args:
            settings: name a recogniser, or none.
            promoted: reads its languages in place of PaddleOCR's own recognisers; a folder in the settings
                wins over it.
            load: False where nothing will be read.
            ledger: of no matter here: it costs nothing.
            budget: of no matter here.
        """
        from backend.readers.paddle import SharedRecognisers

        self._settings = settings
        self._promoted = promoted if settings.recognition_model_dir is None else None
        self._load = load
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


def is_paddle(identity: str) -> bool:
    """Whether a reader, by its identity as readings keep it, is a recogniser that PaddleOCR runs.

    Its identity is the name of a model, which may be anybody's; Tesseract's begins with its name, and a
    vision model's holds the name of its prompt after a colon.
    """
    return not identity.startswith("tesseract-") and ":" not in identity
