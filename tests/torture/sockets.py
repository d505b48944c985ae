"""Many raw connections at once: what they send, what came back, which were closed."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Sockets:
    """Connections to one port, served by a thread of this harness.

    answers: the status line of each that was answered.
    retry_after: how many answers carried that header.
    closed: how many the server has ended, or never taken.
    """

    answers: list[str] = field(default_factory=list)
    retry_after: int = 0
    closed: int = 0
    done: bool = False

    def serve(self, port: int, count: int, first: bytes, drop: bytes) -> None:
        """Open them, send `first`, then `drop` a byte a second, until they are closed or all is done."""
        heads: dict[socket.socket, bytes] = {}
        with selectors.DefaultSelector() as selector:
            for _ in range(count):
                try:
                    one = socket.create_connection(("127.0.0.1", port), timeout=5)
                    one.sendall(first)
                except OSError:
                    self.closed += 1
                    continue
                one.setblocking(False)
                heads[one] = b""
                selector.register(one, selectors.EVENT_READ)
            seconds, next_drop = 0, time.monotonic() + 1
            while heads and not self.done:
                for key, _ in selector.select(0.1):
                    assert isinstance(key.fileobj, socket.socket)
                    self._read(key.fileobj, heads, selector)
                if drop and time.monotonic() >= next_drop:
                    byte = drop[seconds % len(drop) :][:1]
                    seconds, next_drop = seconds + 1, next_drop + 1
                    for one in heads:
                        with suppress(OSError):
                            one.send(byte)
        for one in heads:
            one.close()

    def _read(
        self, one: socket.socket, heads: dict[socket.socket, bytes], selector: selectors.BaseSelector
    ) -> None:
        try:
            piece = one.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if piece and not heads[one]:
            self.answers.append(piece.partition(b"\r\n")[0].decode("latin-1"))
            self.retry_after += b"\r\nretry-after:" in piece.lower()
        if piece:
            heads[one] = b"answered"
            return
        self.closed += 1
        selector.unregister(one)
        del heads[one]
        one.close()


@contextmanager
def many(port: int, count: int, first: bytes, drop: bytes = b"") -> Iterator[Sockets]:
    """Hold so many connections while the block runs."""
    sockets = Sockets()
    thread = threading.Thread(target=sockets.serve, args=(port, count, first, drop), daemon=True)
    thread.start()
    try:
        yield sockets
    finally:
        sockets.done = True
        thread.join(30)
