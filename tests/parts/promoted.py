"""Promoted models: what `twinread promote` would have written, and folders to promote."""

from __future__ import annotations

import shutil
from pathlib import Path

from backend.models.locate import find_model
from backend.models.promoted import PromotedModel


def packaged_recogniser(cache: Path) -> Path:
    """The folder of PP-OCRv5_mobile_rec, which reads English and Chinese."""
    return find_model("PP-OCRv5_mobile_rec", source="packages", cache_dir=cache).directory


def trained_model(folder: Path, packaged: Path, note: str = "trained") -> Path:
    """A model folder of one's own: the packaged one, with a remark that changes its fingerprint alone."""
    shutil.copytree(packaged, folder)
    with (folder / "inference.yml").open("a", encoding="utf-8") as description:
        description.write(f"\n# {note}\n")
    return folder


def promoted(
    directory: Path, languages: tuple[str, ...] = ("en",), why: str = "It reads better."
) -> PromotedModel:
    """The promotion of a model that is in this folder."""
    found = find_model(None, directory)
    return PromotedModel(
        directory, found.fingerprint, found.name, languages, "2026-11-26T10:00:00+00:00", "rule", why
    )
