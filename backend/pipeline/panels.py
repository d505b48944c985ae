"""Who reads a page: the readers that the settings name, or the most unlike ones that are at hand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from backend.errors import ModelMissing, ReaderUnavailable, SettingsWrong
from backend.models.paddle_engine import EngineOptions
from backend.page.lines import Reason, ReasonKind
from backend.pipeline.annotate import Panel
from backend.readers.stored import ReadingStore, StoredReader
from backend.seams import LineReader
from backend.settings.settings import Settings
from backend.text import languages

if TYPE_CHECKING:
    from backend.readers.ernie.prompts import Prompt
    from backend.readers.ernie.reader import ErnieReader, ErnieServer
    from backend.readers.paddle import PaddleReader, Recogniser
    from backend.readers.tesseract import TesseractReader

LocalT = TypeVar("LocalT", bound="PaddleReader | TesseractReader")

log = logging.getLogger(__name__)

LOCAL = ("tesseract", "paddle")
"""Local engines in order of trust."""


class Panels:
    """The readers of every language that a task may be in; built when first wanted, kept, thread-safe.

    Args:
        settings: name readers, models and the ERNIE server.
        store: keeps readings that were paid for; None keeps none.
        load: False where nothing will be read: readers are then found, and refused, without their models.
    """

    def __init__(self, settings: Settings, store: ReadingStore | None, *, load: bool = True) -> None:
        self._settings = settings
        self._store = store
        self._load = load
        self._lock = threading.Lock()
        self._panels: dict[str, Panel] = {}
        self._server: ErnieServer | None = None
        self._local: list[PaddleReader | TesseractReader] = []
        self._stored: list[StoredReader] = []
        self._recognisers: dict[Path, Recogniser] = {}
        self._open = ExitStack()

    def __enter__(self) -> Panels:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every reader."""
        with self._lock:
            self._panels.clear()
            self._open.close()

    def check(self) -> None:
        """Refuse readers and models that the settings name and that cannot read their language.

        Raises:
            ReaderUnavailable: says which letters or data are missing, and who can read instead.
        """
        if self._settings.readers or "paddle" in self._asked_for():
            self.panel(self._settings.ocr_language)

    def panel(self, language: str) -> Panel:
        """The panel of a language.

        Args:
            language: any name of it.

        Raises:
            SettingsWrong: no such language.
            ReaderUnavailable: a reader that the settings name cannot read the settings' language.
        """
        code = languages.language_code(language)
        # without the lock: a model that another language has to download first holds nobody else up
        known = self._panels.get(code)
        if known is not None:
            return known
        with self._lock:
            if code not in self._panels:
                self._panels[code] = self._build(code)
            return self._panels[code]

    def ernie(self, language: str) -> tuple[ErnieServer, list[ErnieReader]]:
        """The ERNIE server and its two ways of asking, for the doctor.

        Raises:
            SettingsWrong: no server is set.
        """
        server = self._ernie_server()
        return server, [self._ernie_reader(languages.language_code(language), turn) for turn in (0, 1)]

    def at_hand(self) -> str:
        """What local engines could read with; part of the model version: tasks may be in any language."""
        from backend.readers import tesseract

        settings, named = self._settings, self._named() or LOCAL
        found = []
        if "tesseract" in named:
            found += sorted(tesseract.installed_languages(settings.tessdata_dir))
        if "paddle" in named:
            found += [f"{settings.recognition_model or ''}@{settings.recognition_model_dir or ''}"]
        return ",".join(found)

    def sentence(self, panel: Panel) -> str:
        """Who reads the settings' language, for people."""
        if not panel.readers:
            return f"nobody reads '{panel.language}': its boxes are found and left unread"
        return " and ".join(reader.identity for reader in panel.readers)

    def unread(self) -> dict[str, str]:
        """Languages met so far that nobody reads, and what would read each."""
        panels = self._panels.copy()
        return {code: panel.lacking[0].second for code, panel in panels.items() if panel.lacking}

    def problem(self) -> str | None:
        """Why readings cannot be kept, or those that were kept not be found; None while they can."""
        return next(filter(None, (stored.problem for stored in tuple(self._stored))), None)

    def _build(self, code: str) -> Panel:
        promised = languages.language_code(self._settings.ocr_language) == code
        settings = self._settings
        named = self._named()
        built: list[tuple[str, LineReader]] = []
        for name in named or LOCAL:
            turn = sum(name == before for before, _ in built)
            try:
                built.append((name, self._reader(name, code, turn)))
            except (ReaderUnavailable, ModelMissing) as error:
                # the language of the settings was promised; another one is read by those who can
                if promised and name in self._asked_for():
                    raise
                log.info("%s does not read '%s': %s", name, code, error)
        if len(built) == 1:
            # one engine that looks in two ways still gives two readings
            name = built[0][0]
            built.append((name, self._reader(name, code, 1)))
        lacking = () if built else (Reason(ReasonKind.NO_READER, code, would_read(code)),)
        prompts = tuple(prompt.text for prompt in self._prompts(code)) if "ernie" in named else ()
        return Panel(
            tuple(self._kept(reader) for _, reader in built), code, settings.tall_lines, prompts, lacking
        )

    def _named(self) -> tuple[str, ...]:
        """The readers that the settings name; none where local engines are chosen by what is at hand."""
        return self._settings.readers or (("ernie", "ernie") if self._settings.ernie_base_url else ())

    def _asked_for(self) -> tuple[str, ...]:
        """The readers that the settings ask for by name, or by naming their model."""
        settings = self._settings
        model = settings.recognition_model or settings.recognition_model_dir
        return self._named() or (("paddle",) if model else ())

    def _kept(self, reader: LineReader) -> LineReader:
        """The reader, with its readings kept in the store."""
        if self._store is None:
            return reader
        stored = StoredReader(reader, self._store)
        self._open.callback(stored.close)
        self._stored.append(stored)
        return stored

    def _reader(self, name: str, code: str, turn: int) -> LineReader:
        """Build one reader and begin to load it.

        Args:
            name: ernie, paddle or tesseract.
            code: the language.
            turn: how often its engine reads the same line already; it looks in another way each time.
        """
        builders: dict[str, Callable[[str, int], LineReader]] = {
            "ernie": self._ernie_reader,
            "paddle": self._paddle_reader,
            "tesseract": self._tesseract_reader,
        }
        return builders[name](code, turn)

    def _paddle_reader(self, code: str, turn: int) -> PaddleReader:
        from backend.readers.paddle import PaddleReader, RecognitionOptions

        settings = self._settings
        reader = PaddleReader(
            code,
            RecognitionOptions(settings.recognition_batch_size, turn, engine_options(settings)),
            model=settings.recognition_model,
            model_dir=settings.recognition_model_dir,
            source=settings.model_source,
            cache_dir=settings.cache_dir / "models",
            shared=self._recognisers,
        )
        return self._started(reader)

    def _tesseract_reader(self, code: str, turn: int) -> TesseractReader:
        from backend.readers.tesseract import TesseractOptions, TesseractReader

        settings = self._settings
        options = TesseractOptions(settings.cpu_threads, turn, settings.tessdata_dir)
        return self._started(TesseractReader(code, options))

    def _started(self, reader: LocalT) -> LocalT:
        """Begin to load a local reader, and stop it with the rest."""
        if self._load:
            reader.start()
        self._open.callback(reader.stop)
        self._local.append(reader)
        return reader

    def wait(self) -> None:
        """Wait until every reader built so far is loaded.

        Raises:
            TwinreadError: why one is not.
        """
        for reader in tuple(self._local):
            reader.wait()

    def _ernie_reader(self, code: str, turn: int) -> ErnieReader:
        from backend.readers.ernie.reader import ErnieReader

        return ErnieReader(self._ernie_server(), self._prompts(code)[turn % 2])

    def _prompts(self, code: str) -> tuple[Prompt, Prompt]:
        from backend.readers.ernie.prompts import prompts

        return prompts(self._settings.ernie_prompt_style, languages.english_name(code))

    def _ernie_server(self) -> ErnieServer:
        from backend.readers.ernie.reader import ErnieOptions, ErnieServer

        settings = self._settings
        if settings.ernie_base_url is None or settings.ernie_model is None:
            raise SettingsWrong("No ERNIE server is set; set ERNIE_BASE_URL and ERNIE_MODEL.")
        if self._server is None:
            key = settings.ernie_api_key
            options = ErnieOptions(
                base_url=str(settings.ernie_base_url),
                model=settings.ernie_model,
                api_key=key.get_secret_value() if key is not None else None,
                concurrency=settings.ernie_concurrency,
                timeout_s=settings.ernie_timeout_s,
                page_timeout_s=settings.ernie_page_timeout_s,
                max_retries=settings.ernie_max_retries,
                temperature=settings.ernie_temperature,
                top_p=settings.ernie_top_p,
                disable_thinking=settings.ernie_disable_thinking,
                extra_body=settings.ernie_extra_body,
                image_format=settings.ernie_image_format,
            )
            self._server = ErnieServer(options)
            self._open.callback(self._server.close)
        return self._server


def would_read(code: str) -> str:
    """What to install so that a language is read, for people."""
    package, model = languages.tesseract_package(code), languages.recognition_model(code)
    ways = [
        *([f"the Debian package {package}"] if package else []),
        *([f"PaddleOCR's model {model}"] if model else []),
        "an ERNIE server (ERNIE_BASE_URL, ERNIE_MODEL)",
    ]
    return " or ".join(ways)


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
