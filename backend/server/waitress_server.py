"""Runs the app under waitress: one process, and a thread only for a request that is there whole.

So neither clients that send half a request nor many that wait for pages keep `/health` from its answer. A
socket of our own is bound first: that a port is taken is said before models load.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from types import FrameType
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from backend.errors import SettingsWrong
from backend.pipeline import assembly
from backend.server.app import create_app
from backend.server.reception import HEADER_BYTES, Channel, Reception
from backend.settings.settings import Settings

OTHER_FILES = 400
"""Open files beside connections: the store, models, images, and bodies in /tmp."""
CLOSING_S = 0.5
"""What closing may take beside the requests in work, seconds."""
REPEAT_S = 60.0
"""A line of waitress's log is not written again for so long, seconds."""

log = logging.getLogger(__name__)


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until stopped; does not return.

    Args:
        settings: of the backend.
        host: address to listen on, a name or an IP address.
        port: likewise.

    Raises:
        SettingsWrong: the port is taken, the address is not this machine's, or other machines would reach a
            backend to which nobody has to sign in.
        ReaderUnavailable: a reader that the settings name cannot write the language.
    """
    # until there is something to stop; as the first process of a container it would not be ended otherwise
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = listen(host, port, settings)
    assembly.check_readers(settings)
    service = assembly.service(settings)
    close = partial(service.close, settings.stop_s)
    count = service.metrics.count_answer
    serve(create_app(service, settings), listener, settings, close, service.ask_to_reload, count)


def listen(host: str, port: int, settings: Settings) -> socket.socket:
    """Bind the port.

    Args:
        host: a name or an IP address.
        port: 0 takes a free one.
        settings: whether anybody has to sign in.

    Raises:
        SettingsWrong: see `run`.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    shown_to_others = not ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback
    if shown_to_others and settings.basic_auth is None and not settings.allow_no_password:
        listener.close()
        raise SettingsWrong(
            f"{host} shows the backend to other machines, and nobody would have to sign in to spend its "
            "calls and read its images: set BASIC_AUTH_USER and BASIC_AUTH_PASS (in Label Studio's "
            "model connection, too), or ALLOW_NO_PASSWORD=true where nobody else reaches the port."
        )
    return listener


def serve(
    app: Flask,
    listener: socket.socket,
    settings: Settings,
    close: Callable[[], None] = lambda: None,
    reload: Callable[[], None] = lambda: None,
    count: Callable[[str, int], None] = lambda path, status: None,
) -> None:
    """Serve an app on a bound socket until SIGTERM or SIGINT, then end the process with exit code 0.

    Args:
        app: the application.
        listener: bound; closed first, so that a new client is refused at once.
        settings: limits.
        close: ends what the app stands on, so that who waits is answered; called once, in a thread.
        reload: called for each SIGHUP; returns at once.
        count: is told the path and the status of each request that the app never sees.
    """
    for name in ("waitress", "waitress.queue"):
        logging.getLogger(name).addFilter(OneLine())
    # that requests wait for a thread is what the numbers in /metrics are for
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = _server(app, listener, settings, count)
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopping.is_set() and number == signal.SIGINT:
            # somebody at a terminal is in a hurry; what readers still say is lost
            os._exit(130)
        stopping.set()
        server.pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, lambda *_: reload())
    while not stopping.is_set():
        wasyncore.loop(timeout=1, map=server._map, use_poll=True, count=1)
    _end(server, close, settings.stop_s)


def _server(
    app: Flask, listener: socket.socket, settings: Settings, count: Callable[[str, int], None]
) -> Any:
    """A server that listens.

    Raises:
        SettingsWrong: another process took the port since it was bound.
    """
    try:
        server: Any = create_server(
            app,
            sockets=[listener],
            threads=settings.server_threads,
            channel_timeout=max(1, round(settings.request_timeout_s)),
            cleanup_interval=5,
            connection_limit=_connections(settings),
            backlog=2048,
            # Parser's own limits go by path, and its words name the setting
            max_request_body_size=sys.maxsize,
            max_request_header_size=HEADER_BYTES,
            asyncore_use_poll=True,
            log_socket_errors=False,
            ident=None,
        )
    except OSError as error:
        host, port, *_ = listener.getsockname()
        raise _cannot_listen(host, port, error) from error
    server.channel_class = partial(Channel, reception=Reception(settings, count))
    return server


def _cannot_listen(host: str, port: int, error: OSError) -> SettingsWrong:
    return SettingsWrong(
        f"Cannot listen on {host}:{port}: {error.strerror or error}. "
        "Stop what uses that port, or choose another with --port."
    )


def _end(server: Any, close: Callable[[], None], stop_s: float) -> None:
    """Answer who waits, as far as the time allows, and end the process.

    Args:
        server: no longer in its loop.
        close: see `serve`.
        stop_s: for requests in work, seconds.
    """
    end = time.monotonic() + stop_s
    server.del_channel()
    server.socket.close()
    closing = threading.Thread(target=close, name="closing", daemon=True)
    closing.start()
    # the loop goes on, because it is what sends the answers
    while _in_work(server) and time.monotonic() < end:
        wasyncore.loop(timeout=0.05, map=server._map, use_poll=True, count=1)
    if cut_off := _in_work(server):
        log.warning("Stopped with %s requests unanswered; STOP_S is how long they have.", cut_off)
    closing.join(max(0.0, end - time.monotonic()) + CLOSING_S)
    logging.shutdown()
    # a page that a reader still holds must not keep the process
    os._exit(0)


def _in_work(server: Any) -> int:
    """Connections with a request in work, or with an answer that was not taken yet."""
    channels = tuple(server.active_channels.values())
    return sum(bool(channel.requests or channel.total_outbufs_len) for channel in channels)


def _connections(settings: Settings) -> int:
    """As many connections as the settings say, or as this process may have files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < wanted:
            fits = max(64, most - OTHER_FILES)
            log.warning("This process may open %s files only, so it takes %s connections.", most, fits)
            return fits
    return settings.max_connections


class OneLine(logging.Filter):
    """Lets each message of a library through as one line, and not again for a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written; a traceback becomes its last line."""
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            record.msg = f"{record.getMessage()}: {type(error).__name__}: {error}"
            record.args = ()
            record.exc_info = None
        # by the form, not by the values in it
        form = str(record.msg)[:60]
        now = time.monotonic()
        with self._lock:
            if now - self._last.get(form, -REPEAT_S) < REPEAT_S:
                return False
            if len(self._last) > 100:
                self._last.clear()
            self._last[form] = now
        return True
