"""Fixtures that every test may ask for."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from backend.settings import logs
from tests.end_to_end.browser import chromium, editor, stage
from tests.parts.label_studio import label_studio, label_studio_strict

__all__ = ["chromium", "editor", "label_studio", "label_studio_strict", "stage"]


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """Commands set the levels of the whole process; the next test begins without them."""
    loggers = [logging.getLogger(name) for name in (*logs.OUR_PACKAGES, *logs.HTTP_CLIENTS)]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)
