"""Runs the app under gunicorn: one process, since models live once, and many threads."""

from __future__ import annotations

import multiprocessing
import signal
import socket
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from backend.errors import SettingsWrong, UnexpectedFailure
from backend.models.paddle_engine import asks_paddle_for_gpus
from backend.pipeline import assembly
from backend.pipeline.reader_kinds import engine_options
from backend.server.app import create_app
from backend.settings.settings import Settings

THREADS = 64
"""Enough that /health is answered while many /predict requests wait for readers."""


class _Arbiter(Arbiter):
    """gunicorn's master, for which SIGHUP is no restart: the worker looks for a promoted model."""

    def handle_hup(self) -> None:
        """Hand the signal on; a restart would leave annotators without an answer while models load."""
        self.kill_workers(signal.SIGHUP)


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
        signal.signal(signal.SIGHUP, lambda *_: service.ask_to_reload())
        return app

    def run(self) -> None:
        try:
            _Arbiter(self).run()
        except RuntimeError as error:
            sys.exit(f"twinread: {error}")


def _close(server: Any, worker: Any) -> None:
    app = getattr(worker, "wsgi", None)
    if isinstance(app, Flask):
        app.extensions["twinread"].close()


def _check_readers(settings: Settings) -> None:
    """Refuse readers that cannot read, and leave this process without Paddle and CUDA.

    gunicorn forks the worker from here, and CUDA that a process has touched works in none of its forks.
    """
    if not asks_paddle_for_gpus(engine_options(settings)):
        assembly.check_readers(settings)
        return
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        try:
            apart.submit(assembly.check_readers, settings).result()
        except BrokenProcessPool as error:
            raise UnexpectedFailure(
                "PaddlePaddle ended the process that looked for a GPU. Check the driver (README, 'On a "
                "GPU'), or set DEVICE=cpu."
            ) from error


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
    _check_readers(settings)
    _Server(settings, host, port).run()
