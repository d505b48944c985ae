"""PaddleOCR's trainer as `make setup` prepares it for tests: where it is, without making it."""

from __future__ import annotations

from pathlib import Path

from converters.training.trainer.environment import environment_folder, python_in
from converters.training.trainer.preparation import Trainer
from converters.training.trainer.sources import ASSEMBLED, VERSION, assembled_folder

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
ENVIRONMENT = environment_folder(CACHE)
PYTHON = python_in(ENVIRONMENT)
SOURCE = assembled_folder(CACHE)
TRAINER = Trainer(PYTHON, SOURCE, VERSION, ASSEMBLED, known=True)
DICTIONARIES = SOURCE / "ppocr" / "utils" / "dict"
ESLAV = DICTIONARIES / "ppocrv5_eslav_dict.txt"
