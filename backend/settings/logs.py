"""Logging: our own words at LOG_LEVEL, other libraries' warnings alone."""

from __future__ import annotations

import logging
import sys

OWN = ("backend", "converters")
CLIENTS = ("aiohttp", "httpcore", "httpcore2", "httpx", "httpx2", "openai", "urllib3")


def configure(level: str) -> None:
    """Send log lines to standard error.

    Other libraries stay at WARNING whatever the level: at DEBUG the HTTP clients print headers with
    keys, and Label Studio's /setup bodies hold its project's token.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in OWN:
        logging.getLogger(name).setLevel(level)
    for name in CLIENTS:
        # by name, too: under label-studio-ml the root is set up already, to whatever level was asked for
        logging.getLogger(name).setLevel(logging.WARNING)
