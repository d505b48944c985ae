"""What an evaluation is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """What is evaluated, and where it is written.

    model: a model's folder, `stock`, `current` or `readings`.
    dataset: the folder of an exported dataset.
    part: train, val or test.
    against: whom it is put beside; the names of `model`, each once.
    language: of the lines; None for OCR_LANGUAGE.
    html: the page.
    json: figures and lines, for programs.
    summary_json: the figures alone.
    """

    model: str
    dataset: Path
    part: str = "test"
    against: tuple[str, ...] = ()
    language: str | None = None
    html: Path | None = None
    json: Path | None = None
    summary_json: Path | None = None

    @property
    def files(self) -> list[Path]:
        """Everything that is written."""
        return [path for path in (self.html, self.json, self.summary_json) if path is not None]
