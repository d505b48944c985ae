"""The sub-commands that serve; each imports its work when it is called."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=9090, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
def serve(host: str, port: int) -> None:
    """Run the ML backend that Label Studio asks for predictions.

    Listens on this machine only unless --host says otherwise; set BASIC_AUTH_USER and
    BASIC_AUTH_PASS before you open it to a network.
    """
    from backend import logs, serving, settings

    values = settings.load()
    logs.configure(values.log_level)
    serving.run(values, host, port)
