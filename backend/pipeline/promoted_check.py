"""Tries a promoted model before it takes over: its files, its letters, and a few lines read with it."""

from __future__ import annotations

import logging

from backend.errors import ReaderUnavailable, SettingsWrong
from backend.models import locate, paddle_engine
from backend.models.promoted import PromotedModel
from backend.pipeline.from_settings import engine_options
from backend.pipeline.reading_check import NotTried, check_reading
from backend.readers.paddle import PaddleReader, RecognitionOptions
from backend.settings.settings import Settings

log = logging.getLogger(__name__)

LOAD_LIMIT_S = 300.0
"""How long a model may take to load, seconds."""


def check_promoted(settings: Settings, model: PromotedModel) -> None:
    """Make sure that a promoted model can read.

    Args:
        settings: what it runs on.
        model: the one that was promoted.

    Raises:
        SettingsWrong: its folder is gone, not whole, or holds another model than the one that was promoted.
        ReaderUnavailable: it lacks letters of a language that it is to read, or reads nonsense.
        TwinreadError: it cannot be loaded.
    """
    engine = paddle_engine.choose_engine(engine_options(settings))
    if not model.directory.is_dir():
        raise SettingsWrong(
            "Its folder is gone. Promote it again, or bring the previous model back with twinread promote "
            "--undo."
        )
    found = locate.find_model(None, model.directory, engine=engine.name)
    if found.fingerprint != model.fingerprint:
        raise SettingsWrong(
            f"The files in its folder are those of {found.identity}, so they were changed after it was "
            "promoted. Promote it again.",
            found=found.fingerprint,
        )
    for language in model.languages:
        _check_language(settings, model, language)


def _check_language(settings: Settings, model: PromotedModel, language: str) -> None:
    options = RecognitionOptions(settings.recognition_batch_size, engine=engine_options(settings))
    reader = PaddleReader(
        language, options, model_dir=model.directory, cache_dir=settings.cache_dir / "models"
    )
    reader.start()
    try:
        reader.wait(LOAD_LIMIT_S)
        (checked,) = check_reading([reader], language)
    except NotTried as error:
        log.warning("%s was not tried on rendered lines: %s", model.identity, error)
        return
    finally:
        reader.stop()
    if checked.useless:
        raise ReaderUnavailable(f"{checked.sentence}. Train it longer.", cer=checked.cer)
