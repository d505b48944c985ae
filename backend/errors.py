"""Everything that can go wrong, grouped by who can put it right.

    TwinreadError
    ├── ProjectError            the annotator or project owner: the same again gives the same
    │   ├── BadRequest          a request or file that is not what it should be        400 / 2
    │   │   ├── ConfigIncomplete  the labeling config lacks a tag that is needed       400 / 2
    │   │   └── ConfigUnclear   several of its text areas could hold the text          400 / 2
    │   ├── BadImage            an image that cannot be decoded or breaks a limit      422 / 1
    │   └── ImageRefused        an image reference that may not be followed            422 / 1
    └── OperatorError           the operator: the same again may work
        ├── SettingsWrong       a setting that cannot work                             500 / 2
        ├── ImageUnreachable    the image's server did not send it                     502 / 3
        ├── LabelStudioFailed   Label Studio cannot be reached, or refused             502 / 3
        ├── DetectorFailed      the page could not be searched                         503 / 3
        ├── ReaderUnavailable   a reader cannot start or does not answer               503 / 3
        ├── ModelMissing        a model is not on this machine and cannot be had       503 / 3
        ├── NotReady            models are still loading                               503 / 3
        ├── Busy                so much waits already that no more is taken            503 / 3
        ├── OutOfMemory         not enough memory for an image at this moment          503 / 3
        ├── Late                the deadline came first; the work goes on              503 / 3
        ├── Stopping            twinread is being stopped                              503 / 3
        ├── BudgetSpent         a limit of calls, tokens or costs leaves no room       503 / 1
        ├── UnexpectedFailure   a library failed in an unforeseen way; the log says    503 / 3
        └── StoreFailed         the store of readings cannot be used                   503 / 3

The two numbers are the HTTP status and the exit code. A message says where, what, why it matters and
what to do, in one or two sentences. It holds no secrets and no file-system paths of the server; the
facts are attributes. Foreign words in it (names of tags, languages, references) are `shortened`.
"""

from __future__ import annotations

import re

LONGEST_NAME = 60
"""Characters of a foreign name in a message."""


def shortened(text: str, most: int = LONGEST_NAME) -> str:
    """The beginning of a foreign text, for a message that goes into logs and statuses.

    Args:
        text: any text.
        most: characters of it that are kept.
    """
    return text if len(text) <= most else f"{text[:most]}…"


class TwinreadError(Exception):
    """Every error that twinread reports; str() is one message for a person.

    Attributes:
        status: the HTTP status of an answer that reports it.
        exit_code: the exit code of a command that ends with it.
        facts: the values that the message is about, by name.
    """

    status = 500
    exit_code = 1

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts = facts


class ProjectError(TwinreadError):
    """The annotator or project owner can put it right; the same again gives the same."""

    status = 422


class BadRequest(ProjectError):
    """A request or file is not what it should be."""

    status = 400
    exit_code = 2


class ConfigIncomplete(BadRequest):
    """The labeling config lacks a tag that twinread needs."""


class ConfigUnclear(BadRequest):
    """Several text areas of the labeling config could hold the text of a line; only people know which."""


class BadImage(ProjectError):
    """An image cannot be decoded, or breaks a limit."""


class ImageRefused(ProjectError):
    """An image reference may not be followed."""


class OperatorError(TwinreadError):
    """The operator can put it right; the same again may work."""

    status = 503
    exit_code = 3


class SettingsWrong(OperatorError):
    """A setting cannot work."""

    status = 500
    exit_code = 2


class ImageUnreachable(OperatorError):
    """The server of an image did not send it."""

    status = 502


class LabelStudioFailed(OperatorError):
    """Label Studio cannot be reached, or refused a request."""

    status = 502


class DetectorFailed(OperatorError):
    """A page could not be searched for lines."""


class ReaderUnavailable(OperatorError):
    """A reader cannot start, or does not answer."""


class ModelMissing(OperatorError):
    """A model is not on this machine, and cannot be downloaded or taken from a package."""


class NotReady(OperatorError):
    """Models are still loading."""


class OutOfMemory(OperatorError):
    """There was not enough memory at this moment; nothing is said of what was asked for."""


class Busy(OperatorError):
    """So much waits already that no more is taken.

    Attributes:
        retry_after_s: when it is worth asking again, whole seconds.
    """

    def __init__(self, message: str, *, retry_after_s: int = 60, **facts: object) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **facts)
        self.retry_after_s = retry_after_s


class Late(OperatorError):
    """The deadline came before the result; the work goes on, and asking again is cheap."""


class Stopping(OperatorError):
    """The part of twinread that was asked is being stopped."""


class BudgetSpent(OperatorError):
    """A limit of calls, tokens or costs leaves no room for another call; what was read is kept."""

    exit_code = 1


class UnexpectedFailure(OperatorError):
    """A library failed in an unforeseen way; only the log has its message, because that may hold paths."""


class StoreFailed(OperatorError):
    """The store of readings cannot be used."""


_NO_MEMORY = re.compile(
    r"out of memory|insufficient memory|bad_?alloc|failed to allocate|cannot allocate memory", re.IGNORECASE
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a library failed for lack of memory, as Python's own error or in words, or as its cause."""
    seen: BaseException | None = error
    while seen is not None:
        # a sentence of ours may quote one
        if isinstance(seen, MemoryError) or (
            not isinstance(seen, TwinreadError) and _NO_MEMORY.search(str(seen))
        ):
            return True
        seen = seen.__cause__
    return False
