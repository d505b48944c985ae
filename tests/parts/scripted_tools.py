"""A trainer of a script as a run takes one: base model, weights, export and reading, too, are scripted."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.errors import OperatorError
from converters.training.base_model import BaseModel, TargetModel
from tests.parts.reviewed_tasks import png
from tests.parts.scripted_trainer import Action, scripted, train

LETTERS = "abcdefgh"


class ScriptedTools:
    """Its base model writes the letters a to h."""

    def __init__(
        self,
        source: Path,
        *actions: Action,
        rehearsal: Sequence[Action] = (train([0.1]),),
        export: str = "",
        reads: Sequence[str] | None = None,
        gpus: int = 0,
        digest: str = "scripted",
    ) -> None:
        """Write its programs.

        Args:
            source: where.
            actions: of the training.
            rehearsal: of the training in the rehearsal.
            export: why the exporter fails; it does not where this is empty.
            reads: what is read with an exported model; None reads a text for each crop.
            gpus: that it sees.
            digest: of its source.
        """
        self.source, self.gpus = source, gpus
        self._train = scripted(source / "train", *actions)
        self._rehearse = scripted(source / "rehearse", *rehearsal)
        self._export, self._reads, self._digest = export, reads, digest

    @property
    def about(self) -> Mapping[str, Any]:
        return {"paddleocr": "3.7.0", "digest": self._digest, "paddlepaddle": "3.3.1", "checkout": None}

    def base(self, text: str | None, language: str | None) -> BaseModel:
        return BaseModel("eslav_PP-OCRv5_mobile_rec", self.source, None, list(LETTERS), "0" * 64)

    def target(self, base: BaseModel, language: str | None) -> TargetModel:
        return TargetModel(base.name, base.dictionary)

    def aligner(self, base: BaseModel) -> None:
        return None

    def starting_weights(
        self, base: BaseModel, config: Path, out: Path, pictures: Sequence[Path]
    ) -> Mapping[str, int]:
        out.write_bytes(pickle.dumps({"fc": b""}))
        return {"copied": 8, "alike": 0, "random": 1}

    def environment(self, cores: int) -> Mapping[str, str]:
        return {**os.environ, "OMP_NUM_THREADS": str(cores)}

    def train_command(self, config: Path, *, freeze: str, device: str) -> Sequence[str]:
        return [*(self._rehearse if config.parent.name == "rehearsal" else self._train), str(config)]

    def export(self, config: Path, weights: Path, out: Path) -> None:
        if self._export:
            raise OperatorError(self._export)
        assert weights.is_file()
        out.mkdir()

    def read(self, model: Path, crops: Sequence[Path], language: str) -> list[str]:
        assert model.is_dir()
        return list(self._reads) if self._reads is not None else ["a"] * len(crops)


def small_dataset(folder: Path, train: int = 8, val: int = 4) -> Path:
    """Crops and lists, as an export without a manifest; texts have one letter, and an x that the base "
    "lacks."""
    folder.mkdir(parents=True)
    crop = png(np.full((48, 96, 3), 240, np.uint8))
    for part, count in (("train", train), ("val", val)):
        rows = []
        for number in range(count):
            name = f"{part}_{number}.png"
            (folder / name).write_bytes(crop)
            rows.append(f"{name}\t{'x' if number == 0 else LETTERS[number % 8]}\n")
        (folder / f"rec_gt_{part}.txt").write_text("".join(rows), "utf-8")
    return folder
