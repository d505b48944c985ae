"""What the engines on this machine have in common as readers."""

from __future__ import annotations

from backend.errors import OperatorError
from backend.models.model_thread import sentence_of
from backend.page.lines import Reading


def no_answer(reader: str, error: Exception) -> Reading:
    """The reading of a line over which an engine failed.

    An engine that could not be loaded, or was stopped, may read the line another day; a line over which
    it breaks stays as it is.

    Args:
        reader: the reader's identity.
        error: what the engine raised.
    """
    again = isinstance(error, OperatorError)
    return Reading(reader, error=sentence_of(error, "The line could not be read"), retryable=again)


def numbered(rendering: int) -> list[str]:
    """How a rendering's number stands in an identity, such as `r2`.

    The first one is left unsaid: readings were kept before renderings had numbers.
    """
    return [f"r{rendering}"] if rendering > 1 else []
