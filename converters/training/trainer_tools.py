"""What a run asks of PaddleOCR's trainer, so that it can be asked of another one: a seam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from converters.training.run_plan import RunPlan


class TrainerTools(Protocol):
    """A trainer, as a run needs it once its config is written."""

    @property
    def folder(self) -> Path:
        """Where its programs run."""

    def environment(self, cores: int) -> Mapping[str, str]:
        """All variables of its processes.

        Args:
            cores: that it may use.
        """

    def train_command(self, config: Path, plan: RunPlan) -> Sequence[str]:
        """The program that trains, with its arguments.

        Args:
            config: what `run_config.config_file` wrote.
            plan: what the config was composed from.
        """

    def export(self, config: Path, weights: Path, out: Path) -> None:
        """Make the model that reads out of weights.

        Args:
            config: with which they were trained.
            weights: a checkpoint, without its ending.
            out: the folder of the model; made here.

        Raises:
            TwinreadError: why there is none, in one sentence.
        """

    def read(self, model: Path, crops: Sequence[Path]) -> list[str]:
        """Read crops with an exported model, as the backend would.

        Args:
            model: its folder.
            crops: image files of lines.

        Raises:
            TwinreadError: it cannot be loaded, or cannot read.
        """
