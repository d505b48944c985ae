"""Nothing that carries a key is logged, whoever set logging up."""

from __future__ import annotations

import io
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


def test_a_message_is_one_line_whatever_it_quotes_and_a_traceback_keeps_its_lines() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.OneLine("%(levelname)s %(message)s"))
    own = logging.Logger("own")
    own.addHandler(handler)
    own.warning("task 1: %s", "x\n2026 INFO all is well\x1b]0;owned\x07 \u202egnp")
    try:
        raise ValueError("a\x1b[31m")
    except ValueError:
        own.exception("failed")
    own.warning("x" * 100_000)
    first, second, *trace, last = written.getvalue().splitlines()
    assert first == r"WARNING task 1: x\x0a2026 INFO all is well\x1b]0;owned\x07 \u202egnp"
    assert (second, trace[0], trace[-1]) == (
        "ERROR failed",
        "Traceback (most recent call last):",
        r"ValueError: a\x1b[31m",
    )
    assert len(last) < 5000


def test_every_handler_writes_one_line_for_a_message_also_one_that_was_there_before(levels: None) -> None:
    there = logging.StreamHandler(io.StringIO())
    there.setFormatter(logging.Formatter("[%(name)s] %(message)s"))
    logging.getLogger().addHandler(there)
    try:
        logs.configure("INFO")
        record = logging.LogRecord("a", logging.WARNING, "", 1, "x\ny", (), None)
        assert there.format(record) == r"[a] x\x0ay"
    finally:
        logging.getLogger().removeHandler(there)


@pytest.mark.parametrize(
    "client", ["openai._base_client", "httpx", "httpx2", "httpcore.http11", "urllib3.connectionpool"]
)
def test_clients_stay_silent_under_a_framework_that_logs_everything(levels: None, client: str) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    logs.configure("DEBUG")
    assert not logging.getLogger(client).isEnabledFor(logging.INFO)
    assert logging.getLogger(client).isEnabledFor(logging.WARNING)
    assert logging.getLogger("backend.pipeline.service").isEnabledFor(logging.DEBUG)
