"""Fixtures that every test may ask for."""

from __future__ import annotations

import logging
import os
import signal
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
    # `make test &` begins with Ctrl-C ignored, and so would every process that a test starts and interrupts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder, exported = Path.cwd(), dict(os.environ)
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    os.chdir(tmp_path_factory.mktemp("working-folder"))
    yield
    os.chdir(folder)
    os.environ.update(exported)


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """Commands set the levels of the whole process; each test begins, and leaves, without them.

    Ours are set back before a test, too: the fixtures of a whole module run before this one. Those of HTTP
    clients are left as they were found, because `backend.fetching` keeps some of them quiet from its import.
    """
    _quieten_nothing_of_ours()
    clients = {logger: logger.level for logger in map(logging.getLogger, logs.HTTP_CLIENTS)}
    yield
    _quieten_nothing_of_ours()
    for logger, level in clients.items():
        logger.setLevel(level)


def _quieten_nothing_of_ours() -> None:
    for name in logs.OUR_PACKAGES:
        logging.getLogger(name).setLevel(logging.NOTSET)
