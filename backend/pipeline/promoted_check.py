"""Tries a promoted model before it takes over: its files, its letters, and a few lines read with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from backend.errors import ReaderUnavailable, SettingsWrong
from backend.models import locate, paddle_engine
from backend.models.promoted import PromotedModel
from backend.pipeline.reader_kinds import engine_options
from backend.readers.paddle import PaddleReader, RecognitionOptions
from backend.seams import LineReader
from backend.settings.settings import Settings

WRONG_CER = 0.5
"""A model that misreads more than this share of the characters of clean rendered lines reads nonsense."""

LOAD_LIMIT_S = 300.0
"""How long a model may take to load, seconds."""


class Checked(Protocol):
    """What rendered lines said of a reader."""

    @property
    def cer(self) -> float:
        """Misread characters, as a share of those that were to be read."""
        ...

    @property
    def worst(self) -> tuple[str, str]:
        """The line that was read worst: what it says, and what was read."""
        ...


CheckReading = Callable[[Sequence[LineReader], str], Sequence[Checked]]
"""Lets readers read rendered lines of a language; nothing where no font here has its letters."""


def check_promoted(settings: Settings, check_reading: CheckReading, model: PromotedModel) -> None:
    """Make sure that a promoted model can read.

    Args:
        settings: what it runs on.
        check_reading: reads rendered lines.
        model: the one that was promoted.

    Raises:
        SettingsWrong: its folder is gone, not whole, or another model than the one that was promoted.
        ReaderUnavailable: it lacks letters of a language that it is to read, cannot be loaded, or reads
            nonsense.
        TwinreadError: what else its engine says.
    """
    engine = paddle_engine.choose_engine(engine_options(settings))
    found = locate.find_model(None, model.directory, engine=engine.name)
    if found.fingerprint != model.fingerprint:
        raise SettingsWrong(
            f"The files in its folder are those of {found.identity}, so they were changed after it was "
            "promoted. Promote it again.",
            found=found.fingerprint,
        )
    for language in model.languages:
        _check_language(settings, check_reading, model, language)


def _check_language(
    settings: Settings, check_reading: CheckReading, model: PromotedModel, language: str
) -> None:
    options = RecognitionOptions(settings.recognition_batch_size, 0, engine_options(settings))
    reader = PaddleReader(language, options, model_dir=model.directory)
    reader.start()
    try:
        reader.wait(LOAD_LIMIT_S)
        for checked in check_reading([reader], language):
            if checked.cer > WRONG_CER:
                truth, read = checked.worst
                raise ReaderUnavailable(
                    f"It misreads {checked.cer:.0%} of the characters of rendered lines in '{language}', "
                    f"such as {read!r} for {truth!r}. Train it longer, or look at twinread evaluate.",
                    cer=checked.cer,
                )
    finally:
        reader.stop()
