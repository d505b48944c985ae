"""Whom an evaluation asks: a model's folder, PaddleOCR's own model, or the one that reads at present."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend.errors import BadRequest, ReaderUnavailable, SettingsWrong
from backend.models import locate
from backend.models.promoted import trained_folder
from backend.pipeline.from_settings import engine_options
from backend.readers.paddle import PaddleReader, RecognitionOptions
from backend.settings.settings import Settings
from backend.text import languages
from converters.shared.model_card import read_model_card

STOCK: Final = "stock"
CURRENT: Final = "current"
READINGS: Final = "readings"


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A model that reads.

    asked: as it was asked for: a folder, `stock` or `current`.
    reader: reads crops.
    dictionary: what it can write.
    notes: what a reader of its figures must know, as sentences.
    """

    asked: str
    reader: PaddleReader
    dictionary: frozenset[str]
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """The reader, as model versions name it."""
        return self.reader.identity


@contextmanager
def open_model(asked: str, language: str, settings: Settings) -> Iterator[OpenModel]:
    """Load a model, and end it with the block.

    Args:
        asked: a model's folder, `stock` or `current`.
        language: of the lines.
        settings: the engine, where models are, and which one reads at present.

    Raises:
        BadRequest: there is no such folder.
        SettingsWrong: the folder holds no model that this engine loads.
        ReaderUnavailable: it cannot be had.
        ModelMissing: it is not known which model reads at present.
    """
    found, notes = _find(asked, language, settings)
    with _opened(asked, language, found, notes) as opened:
        yield opened


@contextmanager
def open_base(trained: OpenModel, language: str, settings: Settings) -> Iterator[OpenModel]:
    """Load what a model's training began with: only what that one reads can the trained one have forgotten.

    Args:
        trained: the model.
        language: of the lines.
        settings: as for `open_model`, and what it raises.

    Returns:
        PaddleOCR's own model of the name that the trained one bears; where that is not at hand, `stock`.
    """
    try:
        found, notes = _reader(None, settings, model=trained.reader.location.base), list[str]()
    except (ReaderUnavailable, SettingsWrong):
        found, notes = _stock(language, settings)
    with _opened(STOCK, language, found, notes) as opened:
        yield opened


@contextmanager
def _opened(asked: str, language: str, found: PaddleReader, notes: list[str]) -> Iterator[OpenModel]:
    try:
        found.start()
        found.wait()
        dictionary = frozenset(locate.dictionary(found.location))
        if asked not in (STOCK, CURRENT):
            notes = [*notes, *_lacking(found, language, dictionary)]
        yield OpenModel(asked, found, dictionary, tuple(notes))
    finally:
        found.stop()


def trained_pages(directory: Path) -> frozenset[str] | None:
    """The keys of the pages that a model was trained on, or that its training was stopped by.

    Args:
        directory: the model's folder.

    Returns:
        None where its `model.json` does not say: nobody knows then.
    """
    try:
        return read_model_card(directory).trained_pages
    except BadRequest:
        # a folder that is none of ours is judged all the same; its figures come with a note
        return None


def folder_of(asked: str, language: str, settings: Settings) -> Path | None:
    """The folder that a name stands for; None for PaddleOCR's own model.

    Raises:
        ModelMissing: it is not known which model reads at present.
    """
    if asked == STOCK:
        return None
    if asked != CURRENT:
        return Path(asked)
    return trained_folder(language, settings)


def check_named(asked: str, language: str, settings: Settings) -> None:
    """Refuse a name that stands for no model, before anything is read.

    Raises:
        BadRequest: there is no such folder.
        ModelMissing: it is not known which model reads at present.
    """
    folder = None if asked == READINGS else folder_of(asked, language, settings)
    if folder is not None and not folder.is_dir():
        raise BadRequest(
            f"{folder} is no folder of a model. Pass the folder that `twinread export-model` wrote, or one "
            f"of {STOCK}, {CURRENT}, {READINGS}."
        )


def _find(asked: str, language: str, settings: Settings) -> tuple[PaddleReader, list[str]]:
    folder = folder_of(asked, language, settings)
    if folder is None:
        reader, notes = _stock(language, settings)
        if asked == CURRENT:
            notes = [
                f"No trained model was promoted for '{language}', so current is PaddleOCR's own.",
                *notes,
            ]
        return reader, notes
    check_named(asked, language, settings)
    return _reader(None, settings, model_dir=folder), []


def _stock(language: str, settings: Settings) -> tuple[PaddleReader, list[str]]:
    """PaddleOCR's own model for a language; where twinread would refuse it, all the same, and why."""
    wanted = settings.recognition_model or languages.recognition_model(language)
    try:
        reader = _reader(language, settings, model=settings.recognition_model)
        if wanted in (None, reader.location.name):
            return reader, []
        return reader, [f"{wanted} is not on this machine, so {STOCK} is {reader.location.name} instead."]
    except ReaderUnavailable as error:
        missing = error.facts.get("missing")
        if not isinstance(missing, list):
            raise
        name = str(error.facts["model"])
        reader = _reader(None, settings, model=name)
        return reader, [
            f"{STOCK} is {name}, which lacks {len(missing):,} letters of '{language}', so twinread itself "
            "would not let it read; its figures only show where a training begins."
        ]


def _reader(
    language: str | None, settings: Settings, *, model: str | None = None, model_dir: Path | None = None
) -> PaddleReader:
    return PaddleReader(
        language,
        RecognitionOptions(settings.recognition_batch_size, engine=engine_options(settings)),
        model=model,
        model_dir=model_dir,
        source=settings.model_source,
        cache_dir=settings.cache_dir / "models",
    )


def _lacking(reader: PaddleReader, language: str, dictionary: frozenset[str]) -> list[str]:
    missing = languages.missing_letters(language, dictionary)
    if not missing:
        return []
    return [
        f"The dictionary of {reader.location.name} lacks {len(missing):,} letters of '{language}' "
        f"({''.join(missing[:20])}{'…' if len(missing) > 20 else ''}), so the backend would refuse it."
    ]
