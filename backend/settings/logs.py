"""Configures logging: our own packages at LOG_LEVEL, other libraries at WARNING."""

from __future__ import annotations

import logging
import sys
from typing import Any

from backend.errors import shortened
from backend.outputs import printable

OUR_PACKAGES = ("backend", "converters")
HTTP_CLIENTS = ("aiohttp", "httpcore", "httpcore2", "httpx", "httpx2", "openai", "urllib3")


FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

LONGEST_MESSAGE = 4000
"""Characters of one message; what an error quotes is shortened where it is made, so none comes near."""


class OneLine(logging.Formatter):
    """Writes each message on one line, whatever it quotes; only a traceback has more.

    A foreign text with a line end could pass for another message, and one with an escape sequence would be
    obeyed by the terminal that shows the log.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line of a record, without its traceback."""
        return printable(shortened(super().formatMessage(record), LONGEST_MESSAGE))

    def formatException(self, ei: Any) -> str:
        """A traceback; each of its lines can quote a foreign text, too."""
        return "\n".join(map(printable, super().formatException(ei).split("\n")))


def configure(level: str) -> None:
    """Send log lines to standard error.

    Other libraries stay at WARNING, whatever the level: at DEBUG the HTTP clients print headers with
    keys, and Label Studio's /setup bodies hold its project's token.

    Args:
        level: a name of Python's logging levels, for our own packages.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=FORMAT)
    for handler in logging.getLogger().handlers:
        # under label-studio-ml there is one already, in a format of its own
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler.formatter, OneLine):
            handler.setFormatter(OneLine(handler.formatter._fmt if handler.formatter else FORMAT))
    for name in OUR_PACKAGES:
        logging.getLogger(name).setLevel(level)
    for name in HTTP_CLIENTS:
        # each by its name, because under label-studio-ml the root logger already has another level
        logging.getLogger(name).setLevel(logging.WARNING)
