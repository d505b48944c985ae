"""The sample pages with their ground truth, as `tests/data/truth/NAME.json` describes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "demo", ROOT / "tests" / "data" / "pages")


@dataclass(frozen=True, slots=True)
class Sample:
    """One page: its file and its true lines (`poly` in displayed pixels, `text`, `lang`, ...)."""

    path: Path
    width: int
    height: int
    lines: list[dict[str, Any]]

    @property
    def texts(self) -> list[str]:
        return [line["text"] for line in self.lines]


def sample(name: str) -> Sample:
    """The sample whose file name begins with `name`, such as "syn_001"."""
    for folder in FOLDERS:
        for path in sorted(folder.iterdir()):
            if path.name.startswith(name) and path.suffix != ".json":
                truth = json.loads((ROOT / "tests/data/truth" / f"{path.stem}.json").read_text("utf-8"))
                return Sample(path, truth["width"], truth["height"], truth["lines"])
    raise LookupError(f"no sample page begins with {name!r}")


def all_samples() -> list[Sample]:
    """Every sample page, by name."""
    paths = sorted(p for folder in FOLDERS for p in folder.iterdir() if p.suffix not in {".json", ".md"})
    return [sample(path.name) for path in paths]
