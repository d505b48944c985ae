"""A name server of a few names, some of which lead elsewhere each time they are asked for."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

A, AAAA = 1, 28


class NameServer:
    """Answers on UDP; a name that is not known does not exist.

    names: addresses of each name; all of them in each answer.
    changing: addresses of each name, of which each answer gives the next one alone.
    """

    def __init__(self, names: Mapping[str, Sequence[str]], changing: Mapping[str, Sequence[str]]) -> None:
        self.names, self.changing = names, changing
        self.asked: Counter[str] = Counter()

    def serve(self, server: socket.socket) -> None:
        while True:
            try:
                question, client = server.recvfrom(512)
            except OSError:
                return
            server.sendto(self.answer(question), client)

    def answer(self, question: bytes) -> bytes:
        """The answer to one question, as RFC 1035 writes it."""
        labels, at = [], 12
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode("latin-1"))
            at += 1 + length
        name, (kind,) = ".".join(labels).lower(), struct.unpack(">H", question[at + 1 : at + 3])
        found = [ipaddress.ip_address(one) for one in self._addresses(name, kind)]
        wanted = [one.packed for one in found if (one.version == 4) == (kind == A)]
        known = name in self.names or name in self.changing
        records = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(packed)) + packed for packed in wanted
        )
        head = question[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, len(wanted), 0, 0)
        return head + question[12 : at + 5] + records

    def _addresses(self, name: str, kind: int) -> Sequence[str]:
        if name not in self.changing or kind not in (A, AAAA):
            return self.names.get(name, ())
        if kind == A:
            self.asked[name] += 1
        addresses = self.changing[name]
        return [addresses[(self.asked[name] - 1) % len(addresses)]]


@contextmanager
def name_server(
    names: Mapping[str, Sequence[str]], changing: Mapping[str, Sequence[str]], address: str
) -> Iterator[NameServer]:
    """Serve on port 53 of an address while the block runs."""
    told = NameServer(names, changing)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        threading.Thread(target=told.serve, args=(server,), daemon=True).start()
        yield told
