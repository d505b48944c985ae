"""PaddleOCR's own trainer, for a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from backend.errors import ModelMissing
from backend.models import locate
from backend.outputs import write_file
from backend.page import image_files
from backend.settings.settings import Settings
from converters.shared.image_bytes import read_image
from converters.training import parity
from converters.training.alignment import Aligner, CtcAligner
from converters.training.base_model import CARRIED, BaseModel, TargetModel, find_base, target_of
from converters.training.trainer import calls
from converters.training.trainer.preparation import Trainer, get_trainer


@dataclass(frozen=True)
class PaddleTools:
    """A trainer that is ready, with the settings that say where models come from."""

    trainer: Trainer
    paddleocr: Path | None
    settings: Settings

    @classmethod
    def of(cls, paddleocr: Path | None, settings: Settings, say: Callable[[str], None]) -> PaddleTools:
        """Get the trainer; it may be downloaded.

        Raises:
            BadRequest: what was named is none.
            TrainerMissing: it cannot be had.
        """
        chosen = paddleocr or settings.paddleocr_dir
        trainer = get_trainer(chosen, settings.cache_dir, say, python=settings.trainer_python)
        return cls(trainer, chosen, settings)

    @property
    def source(self) -> Path:
        """Of PaddleOCR."""
        return self.trainer.source

    @cached_property
    def _devices(self) -> calls.Devices:
        return calls.devices(self.trainer)

    @property
    def gpus(self) -> int:
        """GPUs that Paddle sees."""
        return self._devices.count if self._devices.cuda else 0

    @property
    def about(self) -> Mapping[str, Any]:
        """Which trainer it is."""
        trainer = self.trainer
        return {
            "paddleocr": trainer.version,
            "digest": trainer.digest,
            "known": trainer.known,
            "paddlepaddle": self._devices.paddle,
            "checkout": str(self.paddleocr.resolve()) if self.paddleocr else None,
        }

    def base(self, text: str | None, language: str | None) -> BaseModel:
        """The model to start from."""
        return find_base(
            text,
            language,
            source=self.source,
            cache=self.settings.cache_dir,
            model_source=self.settings.model_source,
        )

    def target(self, base: BaseModel, language: str | None) -> TargetModel:
        """What to make of it."""
        return target_of(base, language, self.source)

    def aligner(self, base: BaseModel) -> Aligner | None:
        """The base itself where it is at hand as ONNX, else the recogniser that packages carry."""
        models = self.settings.cache_dir / "models"
        if base.directory is not None and (base.directory / "inference.onnx").is_file():
            return CtcAligner(base.directory)
        for name, source in ((base.name, self.settings.model_source), (CARRIED, "packages")):
            try:
                found = locate.find_model(name, engine="onnxruntime", source=source, cache_dir=models)
            except ModelMissing:
                continue
            return CtcAligner(found.directory)
        return None

    def starting_weights(
        self, base: BaseModel, config: Path, out: Path, pictures: Sequence[Path]
    ) -> Mapping[str, int]:
        """Weights with a row for each character of the run's dictionary."""
        made = asdict(calls.starting_weights(self.trainer, base, config, out, pictures=pictures))
        return {name: made[name] for name in ("copied", "alike", "random")}

    def environment(self, cores: int) -> Mapping[str, str]:
        """All variables, without secrets."""
        return calls.environment_of(self.trainer, cores)

    def train_command(self, config: Path, *, freeze: str, device: str) -> Sequence[str]:
        """PaddleOCR's tools/train.py, with changes in memory."""
        return calls.train_command(self.trainer, config, freeze=freeze, device=device)

    def export(self, config: Path, weights: Path, out: Path) -> None:
        """PaddleOCR's tools/export_model.py, and ONNX beside it."""
        settings = yaml.safe_load(config.read_text("utf-8"))
        mine = out.with_name(f"{out.name}.yml")
        write_file(mine, yaml.safe_dump(calls.export_config(settings, weights, out), allow_unicode=True))
        calls.export(self.trainer, mine)
        calls.to_onnx(self.trainer, out)

    def read(self, model: Path, crops: Sequence[Path], language: str) -> list[str]:
        """With twinread's own reader."""
        pixels = [image_files.decode(read_image(crop)).pixels for crop in crops]
        cache = self.settings.cache_dir / "models"
        return [text for text, _ in parity.read_with_twinread(model, pixels, language, cache)]
