"""Every kind of reader that READERS may name: the one table to which a new kind is added.

A kind knows when the settings ask for it, builds its readers for a language, and says what would have to
be installed. Nothing heavy is imported before a kind is used.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from backend.errors import SettingsWrong
from backend.models.paddle_engine import EngineOptions
from backend.models.promoted import PromotedModel
from backend.readers.budget import Spender
from backend.readers.prices import Prices
from backend.readers.usage import Ledger
from backend.seams import LineReader
from backend.settings.settings import Settings
from backend.text import languages

if TYPE_CHECKING:
    from backend.readers.ernie.prompts import Prompt
    from backend.readers.ernie.reader import ErnieReader, ErnieServer


class ReaderKind(Protocol):
    """One way to read lines; it builds a reader for each language and turn."""

    local: bool
    """It runs on this machine, and may be chosen when the settings name nobody."""
    family: str
    """Engines of one family can share an error, so that their agreement is one family's word: two prompts
    of one model, two pictures through one network, two models that were trained on the same data."""

    def turns(self) -> int:
        """How often it reads each line where READERS names nobody; 0 leaves that to who is at hand."""
        ...

    def demanded(self) -> bool:
        """Whether the settings name its server or its model, so that it may not be passed over in silence."""
        ...

    def at_hand(self) -> str:
        """What it could read with on this machine; part of the model version, as tasks name any language."""
        ...

    def prompts(self, language: str) -> tuple[str, ...]:
        """What its models are asked, so that an echo of it is recognised."""
        ...

    def would_read(self, language: str) -> str | None:
        """What to install or set so that it reads a language, for people; None where nothing helps."""
        ...

    def joins(self) -> tuple[str, ...]:
        """Codes of languages that it reads beside a server though nobody named it."""
        ...

    def build(self, language: str, turn: int, opened: ExitStack) -> LineReader:
        """Build a reader and begin to load it.

        Args:
            language: canonical code.
            turn: how often this kind reads the same line already; it looks in another way each time.
            opened: gets what ends the reader.

        Raises:
            ReaderUnavailable: it cannot read the language.
            SettingsWrong: a setting that it needs is missing or cannot work.
        """
        ...

    def close(self) -> None:
        """End what its readers share."""
        ...


class Ernie:
    """Reads with ERNIE, or any vision model behind the OpenAI chat API, asked with two prompts."""

    local = False
    family = "ERNIE"

    def __init__(
        self,
        settings: Settings,
        promoted: PromotedModel | None = None,
        *,
        load: bool,
        ledger: Ledger | None = None,
        budget: Spender | None = None,
    ) -> None:
        """Take the settings; nothing is called before a reader is built.

        Args:
            settings: name the server.
            promoted: of no matter here.
            load: of no matter here.
            ledger: keeps account of what calls take; None where nobody does.
            budget: says whether one more call may be made; None: always.
        """
        self._settings = settings
        self._ledger = ledger
        self._budget = budget
        self._server: ErnieServer | None = None

    def turns(self) -> int:
        """A server that is set reads twice."""
        return 2 if self.demanded() else 0

    def demanded(self) -> bool:
        """A server is set."""
        return self._settings.ernie_base_url is not None

    def at_hand(self) -> str:
        """Nothing on this machine."""
        return ""

    def prompts(self, language: str) -> tuple[str, ...]:
        """Both prompts."""
        return tuple(prompt.text for prompt in self._prompts(language))

    def would_read(self, language: str) -> str | None:
        """The settings of a server."""
        return "an ERNIE server (ERNIE_BASE_URL, ERNIE_MODEL)"

    def joins(self) -> tuple[str, ...]:
        """It is the server."""
        return ()

    def build(self, language: str, turn: int, opened: ExitStack) -> ErnieReader:
        """One prompt to the server that all readers share."""
        from backend.readers.ernie.reader import ErnieReader

        return ErnieReader(self.server(), self._prompts(language)[turn % 2])

    def server(self) -> ErnieServer:
        """The server of the settings.

        Raises:
            SettingsWrong: none is set.
        """
        from backend.readers.ernie.reader import ErnieOptions, ErnieServer

        settings = self._settings
        if settings.ernie_base_url is None or settings.ernie_model is None:
            raise SettingsWrong("No ERNIE server is set; set ERNIE_BASE_URL and ERNIE_MODEL.")
        if self._server is None:
            key = settings.ernie_api_key
            self._server = ErnieServer(
                ErnieOptions(
                    base_url=str(settings.ernie_base_url),
                    model=settings.ernie_model,
                    api_key=key.get_secret_value() if key is not None else None,
                    concurrency=settings.ernie_concurrency,
                    timeout_s=settings.ernie_timeout_s,
                    page_timeout_s=settings.ernie_page_timeout_s,
                    max_retries=settings.ernie_max_retries,
                    max_answer_bytes=settings.ernie_max_answer_bytes,
                    temperature=settings.ernie_temperature,
                    top_p=settings.ernie_top_p,
                    disable_thinking=settings.ernie_disable_thinking,
                    extra_body=settings.ernie_extra_body,
                    image_format=settings.ernie_image_format,
                ),
                ledger=self._ledger,
                budget=self._budget,
            )
        return self._server

    def close(self) -> None:
        """End the server's thread; what waits gets an error."""
        if self._server is not None:
            self._server.close()

    def _prompts(self, language: str) -> tuple[Prompt, Prompt]:
        from backend.readers.ernie.prompts import prompts

        return prompts(self._settings.ernie_prompt_style, languages.english_name(language))


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


KINDS: dict[str, Callable[..., ReaderKind]] = {"tesseract": Tesseract, "paddle": Paddle, "ernie": Ernie}
"""Name in READERS to kind; local ones in order of trust."""


def kinds(
    settings: Settings,
    promoted: PromotedModel | None = None,
    *,
    load: bool = True,
    ledger: Ledger | None = None,
    budget: Spender | None = None,
) -> dict[str, ReaderKind]:
    """One of each kind, by name.

    Args:
        settings: name readers, models and servers.
        promoted: the trained recogniser that reads its languages; None where there is none.
        load: False where nothing will be read: engines are then found, and refused, without their models.
        ledger: keeps account of what calls of a server take; None where nobody does.
        budget: says whether one more of them may be made; None: always.

    Raises:
        SettingsWrong: READERS names a kind that there is not.
    """
    unknown = sorted({name for name in settings.readers if name not in KINDS})
    if unknown:
        raise SettingsWrong(
            f"READERS: no reader is named {', '.join(unknown)}; there are {', '.join(sorted(KINDS))}.",
            unknown=unknown,
        )
    return {
        name: kind(settings, promoted, load=load, ledger=ledger, budget=budget)
        for name, kind in KINDS.items()
    }


def prices(settings: Settings) -> Prices:
    """What the ERNIE server charges, by the settings."""
    return Prices(
        settings.ernie_input_price,
        settings.ernie_output_price,
        settings.ernie_cached_input_price,
        settings.currency,
    )


def is_paddle(identity: str) -> bool:
    """Whether a reader, by its identity as readings keep it, is a recogniser that PaddleOCR runs.

    Its identity is the name of a model, which may be anybody's; Tesseract's begins with its name, and a
    vision model's holds the name of its prompt after a colon.
    """
    return not identity.startswith("tesseract-") and ":" not in identity


def engine_options(settings: Settings) -> EngineOptions:
    """On what PaddleOCR's models run."""
    return EngineOptions(
        engine=settings.engine,
        device=settings.device,
        cpu_threads=settings.cpu_threads,
        engine_config=settings.engine_config,
        enable_hpi=settings.enable_hpi,
        use_tensorrt=settings.use_tensorrt,
        precision=settings.precision,
        enable_mkldnn=settings.enable_mkldnn,
        mkldnn_cache_capacity=settings.mkldnn_cache_capacity,
        enable_cinn=settings.enable_cinn,
    )
