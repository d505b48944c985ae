"""Configures logging: our own packages at LOG_LEVEL, other libraries at WARNING."""

from __future__ import annotations

import logging
import sys

OUR_PACKAGES = ("backend", "converters")
HTTP_CLIENTS = ("aiohttp", "httpcore", "httpcore2", "httpx", "httpx2", "openai", "urllib3")


def configure(level: str) -> None:
    """Send log lines to standard error.

    Other libraries stay at WARNING, whatever the level: at DEBUG the HTTP clients print headers with
    keys, and Label Studio's /setup bodies hold its project's token.

    Args:
        level: a name of Python's logging levels, for our own packages.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in OUR_PACKAGES:
        logging.getLogger(name).setLevel(level)
    for name in HTTP_CLIENTS:
        # each by its name, because under label-studio-ml the root logger already has another level
        logging.getLogger(name).setLevel(logging.WARNING)
