"""What a run asks of PaddleOCR's trainer, so that it can be asked of another one: a seam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from converters.training.alignment import Aligner
from converters.training.base_model import BaseModel, TargetModel


class TrainerTools(Protocol):
    """A trainer with everything that a run needs of it."""

    @property
    def source(self) -> Path:
        """Holds PaddleOCR's ppocr/ and tools/, and its configs where it is a checkout."""

    @property
    def about(self) -> Mapping[str, Any]:
        """Which trainer it is, for the run's record: version, digest, and what was asked for."""

    @property
    def gpus(self) -> int:
        """GPUs that it sees."""

    def base(self, text: str | None, language: str | None) -> BaseModel:
        """The model to start from, as `find_base` finds it."""

    def target(self, base: BaseModel, language: str | None) -> TargetModel:
        """What to make of it, as `target_of` decides."""

    def aligner(self, base: BaseModel) -> Aligner | None:
        """Says where the characters of a line stand; None where nothing at hand can."""

    def starting_weights(
        self, base: BaseModel, config: Path, out: Path, pictures: Sequence[Path]
    ) -> Mapping[str, int]:
        """Write the weights that the training starts from.

        Args:
            base: the model that they come from.
            config: of the run.
            out: the file.
            pictures: some crops, where the whole network is to learn.

        Returns:
            How many characters start from what, for the run's record.
        """

    def environment(self, cores: int) -> Mapping[str, str]:
        """All variables of its processes.

        Args:
            cores: that it may use.
        """

    def train_command(self, config: Path, *, freeze: str, device: str) -> Sequence[str]:
        """The program that trains, with its arguments.

        Args:
            config: the YAML of the run.
            freeze: "backbone" or "none".
            device: "cpu", or "gpu:" and numbers.
        """

    def export(self, config: Path, weights: Path, out: Path) -> None:
        """Make the model that reads out of weights.

        Args:
            config: with which they were trained.
            weights: a checkpoint, `.pdparams`.
            out: the folder of the model; made here.

        Raises:
            TwinreadError: why there is none, in one sentence.
        """

    def read(self, model: Path, crops: Sequence[Path], language: str) -> list[str]:
        """Read crops with an exported model, as the backend would.

        Args:
            model: its folder.
            crops: image files of lines.
            language: of the lines.

        Raises:
            TwinreadError: it cannot be loaded, or cannot read.
        """


def device_of(gpus: Sequence[int]) -> str:
    """A device as the trainer's command takes it."""
    return f"gpu:{','.join(map(str, gpus))}" if gpus else "cpu"
