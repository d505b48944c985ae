"""Fixtures that every test may ask for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.settings import logs
from backend.settings.settings import Settings
from tests.end_to_end.browser import chromium, editor, stage
from tests.parts.label_studio import label_studio, label_studio_strict

__all__ = ["chromium", "editor", "label_studio", "label_studio_strict", "stage"]


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_ones_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither a `.env` in the checkout nor exported settings reach a test, or a process that it starts."""
    folder, exported = Path.cwd(), dict(os.environ)
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    os.chdir(tmp_path_factory.mktemp("working-folder"))
    yield
    os.chdir(folder)
    os.environ.update(exported)


LEVELS = {logger: logger.level for logger in map(logging.getLogger, (*logs.OUR_PACKAGES, *logs.HTTP_CLIENTS))}
"""As they are before any test."""


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """Commands set the levels of the whole process; each test begins without them.

    Those of before the first test, because the fixtures of a whole module run before this one.
    """
    _reset_levels()
    yield
    _reset_levels()


def _reset_levels() -> None:
    for logger, level in LEVELS.items():
        logger.setLevel(level)
