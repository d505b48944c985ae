"""A real HTTP server on this machine whose answers are scripts, faults included."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """One request; scripts write to `wfile` what they like."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.server.requests.append(Request(self.command, self.path, dict(self.headers.items()), body))
        self.close_connection = True
        script = self.server.scripts.get(self.path.partition("?")[0], missing)
        # the client had enough, which is what some scripts are for
        with suppress(BrokenPipeError, ConnectionResetError):
            script(self)

    do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


Script = Callable[[Handler], None]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, host: str, port: int, scripts: dict[str, Script]) -> None:
        self.scripts = scripts
        self.requests: list[Request] = []
        super().__init__((host, port), Handler)


@dataclass
class HttpScript:
    """A running scripted server; `scripts` may change while it runs."""

    host: str
    port: int
    scripts: dict[str, Script]
    requests: list[Request]

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextmanager
def serving(
    scripts: Mapping[str, Script] | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[HttpScript]:
    """Serve scripts by path while the block runs."""
    server = _Server(host, port, dict(scripts or {}))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield HttpScript(host, server.server_address[1], server.scripts, server.requests)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def missing(handler: Handler) -> None:
    handler.answer(404)


def says(body: bytes, status: int = 200, **headers: str) -> Script:
    return lambda handler: handler.answer(status, body, **headers)


def redirects_to(location: str, status: int = 302) -> Script:
    return lambda handler: handler.answer(status, Location=location)
