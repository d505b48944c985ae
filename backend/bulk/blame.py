"""Whose failure it is that a task has no prediction: its own, or one that every other task would have, too.

A run of a hundred thousand tasks must not come to its end with each of them failed because a server was away.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from backend.errors import (
    Busy,
    ImageUnreachable,
    LabelStudioFailed,
    Late,
    ModelMissing,
    NotReady,
    ProjectError,
    ReaderUnavailable,
    SettingsWrong,
    Stopping,
    StoreFailed,
    TwinreadError,
)


class Blame(Enum):
    """Who has to do what about a failure.

    TASK: its own; the same again gives the same.
    IMAGE: its own, and worth another try: the server of its image had a bad moment.
    STRANGE: likely its own, and worth another try; of many in a row it is not.
    SERVICE: something is away that all tasks need; it may come back.
    PERSON: all tasks need what somebody has to mend first, such as a key.
    """

    TASK = "task"
    IMAGE = "image"
    STRANGE = "strange"
    SERVICE = "service"
    PERSON = "person"


def blame(error: TwinreadError, answers: Callable[[], bool]) -> Blame:
    """Whose a failure is.

    Args:
        error: why a task has no prediction.
        answers: whether Label Studio answers; asked where an image could not be fetched from anywhere.
    """
    if isinstance(error, ProjectError):
        return Blame.TASK
    if isinstance(error, ImageUnreachable):
        status = error.facts.get("status")
        if isinstance(status, int) and status < 500:
            return Blame.TASK
        return Blame.IMAGE if answers() else Blame.SERVICE
    if isinstance(error, SettingsWrong | ModelMissing):
        return Blame.PERSON
    if isinstance(error, LabelStudioFailed):
        refused = error.facts.get("status") in (401, 403)
        return Blame.PERSON if refused else Blame.SERVICE
    if isinstance(error, ReaderUnavailable):
        return Blame.PERSON if error.facts.get("lasting") else Blame.SERVICE
    if isinstance(error, StoreFailed | NotReady | Busy | Late | Stopping):
        return Blame.SERVICE
    return Blame.STRANGE
