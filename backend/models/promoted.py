"""Which trained recogniser reads: the file `promoted.json` in CACHE_DIR/models, its only place.

    {"format": 1,
     "current": {"directory": ..., "fingerprint": "1f3a9c07", "name": ..., "languages": ["ru"],
                 "promoted_at": ..., "by": "rule" or "force", "who": ..., "why": ..., "evaluation": {...}},
     "previous": the same, or null where PaddleOCR's own model read,
     "undone_at": when --undo let them change places, or null}

`twinread promote` writes it, whole or not at all, and every backend with this CACHE_DIR looks at it now and
then. A promoted model reads the languages that it was judged on; other languages keep their readers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from backend.errors import ModelMissing, OperatorError
from backend.outputs import write_file
from backend.settings.settings import Settings
from backend.text import languages

FORMAT = 1

LOCK_LIMIT_S = 30.0
"""How long a promotion waits for another one that is writing, seconds."""

By = Literal["rule", "force"]


@dataclass(frozen=True, slots=True)
class PromotedModel:
    """A trained recogniser that reads, and why it does.

    directory: holds inference.yml and the weights; absolute.
    fingerprint: eight hex digits of its files, as `locate.find_model` gives them.
    name: PaddleOCR's name of the model.
    languages: codes of the languages that it reads.
    promoted_at: ISO 8601, with the time zone.
    by: `rule` where it was better by the rule, `force` where somebody said so.
    who: who promoted it, as `user@machine`.
    why: one sentence for people.
    evaluation: the figures that spoke for it, or against.
    """

    directory: Path
    fingerprint: str
    name: str
    languages: tuple[str, ...]
    promoted_at: str
    by: By
    why: str
    who: str = ""
    evaluation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """The name in messages and in model versions."""
        return f"{self.name}@{self.fingerprint}"


@dataclass(frozen=True, slots=True)
class _Record:
    current: PromotedModel | None = None
    previous: PromotedModel | None = None
    undone_at: str | None = None


class Promotions:
    """The file that says which trained model reads; any number of processes may use it at once."""

    def __init__(self, path: Path) -> None:
        """Name the file; it need not exist."""
        self.path = path

    @classmethod
    def under(cls, cache_dir: Path) -> Promotions:
        """The file of a CACHE_DIR."""
        return cls(cache_dir / "models" / "promoted.json")

    @property
    def folder(self) -> Path:
        """Where promoted models are kept, each in a folder named by its fingerprint."""
        return self.path.with_suffix("")

    def content(self) -> bytes | None:
        """The file as it is, to see whether it has changed; None where nothing was ever promoted.

        Raises:
            ModelMissing: it is there and cannot be read.
        """
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ModelMissing(
                f"promoted.json in CACHE_DIR/models cannot be read ({error.strerror or error}), so the "
                "promoted model is not known. Make it readable for the user of the backend."
            ) from error

    def current(self) -> PromotedModel | None:
        """The model that reads; None where PaddleOCR's own does.

        Raises:
            ModelMissing: the file is damaged, so nobody knows.
        """
        return self._read().current

    def previous(self) -> PromotedModel | None:
        """The model that read before; None where PaddleOCR's own did. Errors as `current`."""
        return self._read().previous

    def promote(self, model: PromotedModel) -> None:
        """Let a model read from now on; the one that read until now becomes the previous one.

        Raises:
            ModelMissing: the file is damaged.
            OperatorError: it cannot be written.
        """
        with self._locked():
            before = self._read()
            again = before.current is not None and before.current.fingerprint == model.fingerprint
            self._write(_Record(model, before.previous if again else before.current))

    def undo(self, when: str) -> PromotedModel | None:
        """Let the previous model read again; a second call brings this one back.

        Args:
            when: ISO 8601, for the record.

        Returns:
            The model that reads now; None where PaddleOCR's own does.

        Raises:
            ModelMissing: nothing was ever promoted, or the file is damaged.
            OperatorError: it cannot be written.
        """
        with self._locked():
            before = self._read()
            if before.current is None and before.previous is None:
                raise ModelMissing(
                    "No model was ever promoted in this CACHE_DIR, so there is no promotion to undo."
                )
            self._write(_Record(before.previous, before.current, when))
            return before.previous

    def _read(self) -> _Record:
        content = self.content()
        if content is None:
            return _Record()
        try:
            return _parsed(content, self.folder)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ModelMissing(
                f"promoted.json in CACHE_DIR/models is damaged ({_why_damaged(error)}), so nobody knows "
                "which model was promoted, and the model that reads stays. Delete it, and promote again."
            ) from error

    def _write(self, record: _Record) -> None:
        as_json = {
            "format": FORMAT,
            "current": _as_json(record.current),
            "previous": _as_json(record.previous),
            "undone_at": record.undone_at,
        }
        write_file(self.path, json.dumps(as_json, ensure_ascii=False, indent=1) + "\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=LOCK_LIMIT_S):
                yield
        except Timeout as error:
            raise OperatorError(
                f"Another promotion has kept promoted.json to itself for {LOCK_LIMIT_S:g} s, so nothing was "
                "changed. Wait for it, or end it, and try again."
            ) from error
        except OSError as error:
            raise OperatorError(
                f"CACHE_DIR cannot be written ({error.strerror or error}), so nothing was promoted. Set it "
                "to a folder of twinread's own."
            ) from error


def _parsed(content: bytes, folder: Path) -> _Record:
    read = json.loads(content)
    if read["format"] != FORMAT:
        raise ValueError(f"its format is {read['format']!r}, and this twinread writes {FORMAT}")
    undone_at = read.get("undone_at")
    return _Record(
        _model(read["current"], folder),
        _model(read["previous"], folder),
        None if undone_at is None else str(undone_at),
    )


def _model(read: Mapping[str, Any] | None, folder: Path) -> PromotedModel | None:
    if read is None:
        return None
    fingerprint, by = str(read["fingerprint"]), read["by"]
    if len(fingerprint) != 8 or set(fingerprint) - set("0123456789abcdef"):
        raise ValueError(f"{fingerprint!r} is no fingerprint")
    if by not in ("rule", "force"):
        raise ValueError(f"{by!r} promotes nothing")
    model = PromotedModel(
        directory=Path(read["directory"]),
        fingerprint=fingerprint,
        name=str(read["name"]),
        languages=tuple(map(str, read["languages"])),
        promoted_at=str(read["promoted_at"]),
        by=by,
        why=str(read["why"]),
        who=str(read.get("who", "")),
        evaluation=dict(read.get("evaluation") or {}),
    )
    # in a container the same cache has another path than on the machine that promoted
    beside = folder / fingerprint
    return replace(model, directory=beside) if beside.is_dir() else model


def trained_folder(language: str, settings: Settings) -> Path | None:
    """The folder of the trained model that reads a language at present; None where PaddleOCR's own one does.

    Args:
        language: any name that `languages.language_code` knows.
        settings: a folder in them wins over what was promoted.

    Raises:
        ModelMissing: `promoted.json` is damaged, so nobody knows.
    """
    if settings.recognition_model_dir is not None:
        return settings.recognition_model_dir
    promoted = Promotions.under(settings.cache_dir).current()
    if promoted is None or languages.language_code(language) not in promoted.languages:
        return None
    return promoted.directory


def _as_json(model: PromotedModel | None) -> dict[str, Any] | None:
    if model is None:
        return None
    return {**asdict(model), "directory": str(model.directory), "languages": list(model.languages)}


def _why_damaged(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "it is no whole JSON"
    return str(error) if isinstance(error, ValueError) else "it is not what twinread writes"
