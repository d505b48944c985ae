"""Which model predicts: a folder, a published name, or the one that reads at present."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from backend.errors import BadRequest
from backend.models import locate
from backend.models.promoted import trained_folder
from backend.pipeline.from_settings import engine_options
from backend.readers.paddle import PaddleReader, RecognitionOptions
from backend.settings.settings import Settings
from backend.text import languages

CURRENT: Final = "current"


@contextmanager
def open_reader(asked: str, language: str, settings: Settings) -> Iterator[PaddleReader]:
    """Load a recogniser, and end it with the block.

    A model that lacks letters of the language reads all the same: that is what a person wants to see.

    Args:
        asked: a model's folder, PaddleOCR's name of a model, or `current`.
        language: of the texts; decides which model is current.
        settings: the engine, where models are, and which one reads at present.

    Raises:
        BadRequest: there is no such folder.
        SettingsWrong: the folder holds no model that this engine loads, or nobody publishes such a name.
        ReaderUnavailable: the model cannot be had.
        ModelMissing: it is not known which model reads at present.
    """
    folder, name = model_of(asked, language, settings)
    reader = PaddleReader(
        None,
        RecognitionOptions(settings.recognition_batch_size, engine=engine_options(settings)),
        model=name,
        model_dir=folder,
        source=settings.model_source,
        cache_dir=settings.cache_dir / "models",
    )
    try:
        reader.start()
        reader.wait()
        yield reader
    finally:
        reader.stop()


def model_of(asked: str, language: str, settings: Settings) -> tuple[Path | None, str | None]:
    """The folder or the name that a request stands for; one of them, or neither for what is at hand.

    Raises:
        BadRequest: there is no such folder.
        ModelMissing: it is not known which model reads at present.
    """
    if asked == CURRENT:
        folder = trained_folder(language, settings)
        if folder is not None:
            return folder, None
        return None, settings.recognition_model or languages.recognition_model(language)
    if Path(asked).is_dir():
        return Path(asked), None
    if len(Path(asked).parts) > 1 or asked in (".", ".."):
        raise BadRequest(
            f"There is no model folder {asked}. Pass the folder that `twinread export-model` wrote, "
            f"PaddleOCR's name of a model, or `{CURRENT}`."
        )
    return None, asked


def lacking(reader: PaddleReader, language: str) -> str:
    """A sentence about the letters of a language that a model cannot write; empty where it can."""
    missing = languages.missing_letters(language, locate.dictionary(reader.location))
    if not missing:
        return ""
    return (
        f"{reader.location.name} cannot write {len(missing):,} letters of '{language}' "
        f"({''.join(missing[:20])}{'…' if len(missing) > 20 else ''}), so it spells words with others."
    )
