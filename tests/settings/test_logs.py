"""Nothing that carries a key is logged, whoever set logging up."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from backend.settings import logs

NAMES = ("", *logs.OUR_PACKAGES, *logs.HTTP_CLIENTS)


@pytest.fixture
def levels() -> Iterator[None]:
    """Puts every level back."""
    before = {name: logging.getLogger(name).level for name in NAMES}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    "client", ["openai._base_client", "httpx", "httpx2", "httpcore.http11", "urllib3.connectionpool"]
)
def test_clients_stay_silent_under_a_framework_that_logs_everything(levels: None, client: str) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    logs.configure("DEBUG")
    assert not logging.getLogger(client).isEnabledFor(logging.INFO)
    assert logging.getLogger(client).isEnabledFor(logging.WARNING)
    assert logging.getLogger("backend.pipeline.service").isEnabledFor(logging.DEBUG)
