"""PaddleOCR's trainer, ready to be started: its code, and a Python that can run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BadRequest
from converters.training.trainer import sources
from converters.training.trainer.environment import make_environment


@dataclass(frozen=True, slots=True)
class Trainer:
    """What trains.

    python: the Python of the trainer's environment.
    source: the folder that holds ppocr/ and tools/.
    version: of PaddleOCR, as it calls itself.
    digest: hex SHA-256 of the source, see `sources.source_digest`.
    known: whether twinread was tested with this source.
    """

    python: Path
    source: Path
    version: str
    digest: str
    known: bool


def get_trainer(
    paddleocr: Path | None, cache: Path, say: Callable[[str], None], *, python: Path | None = None
) -> Trainer:
    """Get PaddleOCR's trainer; what is not on this machine comes from the package registry, once.

    Args:
        paddleocr: a checkout of PaddleOCR; None for the one that is put together from the registry.
        cache: twinread's cache folder.
        say: is given a sentence before work that takes long, and one where the checkout is not a known one.
        python: of an environment that a person made, such as one with paddlepaddle-gpu; None for our own.

    Raises:
        BadRequest: the checkout, or the Python, is none.
        TrainerMissing: the trainer cannot be had.
    """
    if paddleocr is not None:
        sources.check_checkout(paddleocr)
    if python is not None and not python.is_file():
        raise BadRequest(
            f"TRAINER_PYTHON={python}: there is no such file. Give the path of that environment's Python."
        )
    running = python.absolute() if python else make_environment(cache.absolute(), say)
    if paddleocr is None:
        source = sources.assemble(cache.absolute(), running, say)
        return Trainer(running, source, sources.VERSION, sources.ASSEMBLED, known=True)
    source = paddleocr.resolve()
    version, digest = sources.checkout_version(source), sources.source_digest(source)
    if digest not in sources.KNOWN:
        say(
            f"PaddleOCR in {paddleocr} is {version}, with changes that twinread was not tested with (it was "
            f"with {sources.VERSION}). The training goes on; should it fail, leave --paddleocr out."
        )
    return Trainer(running, source, version, digest, digest in sources.KNOWN)
