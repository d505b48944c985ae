"""Runs the app under gunicorn: one process, since models live once, and many threads."""

from __future__ import annotations

import socket
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from backend.errors import SettingsWrong
from backend.pipeline import assembly
from backend.server.app import create_app
from backend.settings.settings import Settings

THREADS = 64
"""Enough that /health is answered while many /predict requests wait for readers."""


class _Server(BaseApplication):
    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self._settings = settings
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": self._address,
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": 300,
            "graceful_timeout": 10,
            "proc_name": "twinread",
            "loglevel": "warning",
            "control_socket_disable": True,
            "worker_exit": _close,
        }
        for name, value in options.items():
            # not every gunicorn from 23 on knows all of them
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        # called in the worker, after the fork: models and threads do not survive one
        service = assembly.service(self._settings)
        app = create_app(service, self._settings)
        app.extensions["twinread"] = service
        return app


def _close(server: Any, worker: Any) -> None:
    app = getattr(worker, "wsgi", None)
    if isinstance(app, Flask):
        app.extensions["twinread"].close()


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until stopped.

    Args:
        settings: of the backend.
        host: address to listen on, a name or an IP address.
        port: likewise.

    Raises:
        SettingsWrong: the port is taken or the address is not this machine's.
        ReaderUnavailable: a reader that the settings name cannot write the language.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0], found[1]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[4])
    except OSError as error:
        raise SettingsWrong(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. "
            "Stop what uses that port, or choose another with --port."
        ) from error
    assembly.check_readers(settings)
    _Server(settings, host, port).run()
