"""A small dataset of rendered lines, and a run's folder with all that PaddleOCR's trainer is given for it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from backend.page.image_files import encode
from backend.page.lines import Pixels
from backend.rendering.fonts import font_files
from backend.rendering.lines import rendered_line
from backend.rendering.texts import sample_texts
from converters.training.base_model import BaseModel, TargetModel, find_base, target_of
from converters.training.dictionary import compose_dictionary
from converters.training.run_config import compose_config, config_file, template_of
from converters.training.run_plan import AS_EXPORTED, Machine, RunPaths, Wishes, plan
from converters.training.trainer import calls
from tests.parts.trainer import CACHE, TRAINER

TRAINED_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf")
OTHER_FONTS = ("DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf")
"""No run is trained on these."""
CPU = Machine(gpus=0, cores=2, memory=None, shared_memory=0)


def rendered(count: int, fonts: tuple[str, ...], seed: int) -> list[tuple[Pixels, str]]:
    """Russian lines as they are cut out of pages, with their texts; the same for the same arguments."""
    files = [next(file for file in font_files() if file.name == name) for name in fonts]
    return [
        (rendered_line(text, files[number % len(files)], seed=1000 * seed + number, clean=False), text)
        for number, text in enumerate(sample_texts("ru", count, seed))
    ]


def write_lines(lines: list[tuple[Pixels, str]], folder: Path, part: str) -> Path:
    """Crops and their label file, as `twinread export` writes them."""
    (folder / part).mkdir(parents=True)
    rows = []
    for number, (crop, text) in enumerate(lines):
        name = f"{part}/{number}.png"
        (folder / name).write_bytes(encode(crop, "png"))
        rows.append(f"{name}\t{text}\n")
    file = folder / f"rec_gt_{part}.txt"
    file.write_text("".join(rows), "utf-8")
    return file


@dataclass(frozen=True)
class SmallRun:
    """A run's folder, composed and not yet trained."""

    folder: Path
    base: BaseModel
    target: TargetModel

    @property
    def config(self) -> Path:
        return self.folder / "config.yml"

    def train(self, config: Path | None = None) -> str:
        """Train to the end, with the run's config or another one; returns the log."""
        return train_with(config or self.config)


def train_with(config: Path, *, timeout_s: float = 600) -> str:
    """Run PaddleOCR's trainer to its end, without twinread around it; returns the log."""
    done = subprocess.run(
        calls.train_command(TRAINER, config, freeze="backbone", device="cpu"),
        cwd=config.parent,
        env=calls.environment_of(TRAINER),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def compose_run(
    folder: Path, dataset: Path, *, train: Path, val: Path, wishes: Wishes, extra: str = ""
) -> SmallRun:
    """Everything but the starting weights, for Russian lines and the packaged recogniser.

    Args:
        folder: of the run; made.
        dataset: what image names are relative to.
        train, val: lists of rows.
        wishes: what was asked for.
        extra: characters that are in the lines and in no dictionary.
    """
    folder.mkdir()
    base = find_base(None, "ru", source=TRAINER.source, cache=CACHE, model_source="packages")
    target = target_of(base, "ru", TRAINER.source)
    characters = compose_dictionary(target.dictionary, [extra])
    (folder / "dict.txt").write_text(characters.content, "utf-8")
    paths = RunPaths(
        dataset, train, val, folder / "dict.txt", folder / "checkpoints", folder / "base.pdparams"
    )
    planned = plan(
        paths,
        model_name=target.name,
        network=AS_EXPORTED,
        train_rows=train.read_text("utf-8").count("\n"),
        val_rows=val.read_text("utf-8").count("\n"),
        machine=CPU,
        wishes=wishes,
    )
    config = compose_config(template_of(target.name, TRAINER.source), planned)
    (folder / "config.yml").write_text(config_file(config), "utf-8")
    return SmallRun(folder, base, target)
