"""A note of an import that Label Studio may be at work on, so that a run that died does not import twice.

Label Studio answers an import after the work, and goes on with it when nobody listens any more. The note is
written before an import and taken away when its outcome is known; a run that finds one waits for that import.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend import outputs
from backend.errors import OperatorError


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An import whose outcome is not known.

    version: what is imported is recognised by: the model version of predictions, the batch of sheets.
    tasks: those of the predictions; none for an import of tasks.
    sent: when, seconds since 1970.
    """

    version: str
    tasks: tuple[int, ...]
    sent: float

    def left_s(self, longest_s: float, now: float | None = None) -> float:
        """How long Label Studio may still be at work on it, seconds, when it takes `longest_s` at most."""
        age = (time.time() if now is None else now) - self.sent
        # a clock that was set back must not make anybody wait for ever
        return min(max(longest_s - age, 0.0), longest_s)


class ImportNote:
    """The note about one project of one Label Studio, a small file."""

    def __init__(self, folder: Path, base_url: str, project: int) -> None:
        """Say where; nothing is written yet.

        Args:
            folder: made where it is missing.
            base_url: Label Studio's address.
            project: the id of the project.
        """
        where = hashlib.sha256(base_url.encode()).hexdigest()[:12]
        self._file = folder / f"import-{where}-{project}.json"

    def write(self, version: str, tasks: Sequence[int], sent: float | None = None) -> None:
        """Note an import that is about to be sent.

        Args:
            version: what it will be recognised by.
            tasks: those that it adds predictions to.
            sent: seconds since 1970; None for now.

        Raises:
            OperatorError: the note cannot be kept, so that the import must not be sent.
        """
        content = {"version": version, "tasks": list(tasks), "sent": time.time() if sent is None else sent}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OperatorError(
                f"The folder {self._file.parent} cannot be made ({error.strerror or error}), and without a "
                "note there something might be stored twice. Make it writable, or set CACHE_DIR."
            ) from error
        outputs.write_file(self._file, json.dumps(content))

    def read(self) -> Unfinished | None:
        """The import whose outcome is not known; None where there is none, or where the note is no note."""
        try:
            content = json.loads(self._file.read_bytes())
            return Unfinished(
                str(content["version"]), tuple(map(int, content["tasks"])), float(content["sent"])
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def remove(self) -> None:
        """The outcome is known; a note that stays all the same costs a later run a short wait."""
        with suppress(OSError):
            self._file.unlink()
