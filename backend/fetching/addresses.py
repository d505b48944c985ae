"""Checks the network address of an image before connecting to it.

A task can name any host, so a task could make the backend ask machines that only the backend reaches:
cloud metadata, databases, the router. Checking the name is not enough, because a name can lead to another
address a moment later. So the name is resolved once, its address is checked, and that address is used.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpcore

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
Resolver: TypeAlias = Callable[[str, int], list[str]]
"""Gives the addresses of a host name, as text; raises `OSError` for an unknown name, `UnicodeError` for
something that cannot be one."""

# These addresses hold an IPv4 address in their last 32 bits; a gateway forwards the packet to it.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressForbidden(Exception):
    """None of a host's addresses may be asked; the message is the host."""


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host name, in the system's order.

    Args:
        host: a name or an address.
        port: of the connection to come.

    Raises:
        OSError: the name is unknown.
        UnicodeError: it cannot be a host name.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open internet, and so does any address inside it."""
    return all(_is_public(part) for part in _with_embedded(address))


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Private hosts that may be asked all the same: by name, by network, or by host and port.

    names: lower-case host names, trusted wherever they lead.
    networks: such as 10.1.0.0/16; a lone address is a network of one.
    endpoints: one port of one host each, such as Label Studio itself.
    """

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    endpoints: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str], endpoints: Iterable[tuple[str, int]] = ()) -> AllowedHosts:
        """Sort entries into names and networks.

        Args:
            entries: as in ALLOWED_IMAGE_HOSTS: names, addresses, or networks such as 10.1.0.0/16.
            endpoints: (host, port) of services that may always be asked.
        """
        parsed = {entry.strip().lower(): _network(entry) for entry in entries}
        return cls(
            frozenset(name for name, network in parsed.items() if network is None),
            tuple(network for network in parsed.values() if network is not None),
            frozenset((host.lower(), port) for host, port in endpoints),
        )

    def permits(self, host: str, port: int, address: str) -> bool:
        """Whether a host may be asked.

        Args:
            host: the name in the image's address.
            port: its port.
            address: an IP address that the name resolved to.
        """
        if host.lower() in self.names or (host.lower(), port) in self.endpoints:
            return True
        parsed = ipaddress.ip_address(address.partition("%")[0])
        return is_public(parsed) or any(parsed in network for network in self.networks)


class GuardedNetwork(httpcore.NetworkBackend):
    """Connects to permitted addresses only, and ends everything at a deadline."""

    def __init__(
        self,
        allowed: AllowedHosts,
        deadline: float,
        clock: Callable[[], float],
        resolver: Resolver = resolve,
    ) -> None:
        """Guard one download.

        Args:
            allowed: the exceptions to "public addresses only".
            deadline: a time of `clock`, seconds; every wait ends then.
            clock: a monotonic clock, seconds.
            resolver: gives a name's addresses; called once per connection.
        """
        self._allowed = allowed
        self._deadline = deadline
        self._clock = clock
        self._resolver = resolver
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first permitted address that answers.

        The system limits the time for resolving the name; everything after it ends at the deadline.

        Args:
            host: a name or an address.
            port: the port.
            timeout: of the connection, seconds; None waits until the deadline.
            local_address: as for httpcore.
            socket_options: as for httpcore.

        Raises:
            AddressForbidden: none of the host's addresses is permitted.
            httpcore.ConnectError: the name is unknown, or nothing answers.
            httpcore.TimeoutException: the timeout or the deadline has passed.
        """
        try:
            addresses = self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("its name is unknown") from error
        permitted = [address for address in addresses if self._allowed.permits(host, port, address)]
        if not permitted:
            raise AddressForbidden(host)
        *others, last = permitted
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connect(address, port, timeout, local_address, socket_options)
        return self._connect(last, port, timeout, local_address, socket_options)

    def _connect(
        self,
        address: str,
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.NetworkStream:
        remaining = self._remaining(timeout)
        stream = self._network.connect_tcp(address, port, remaining, local_address, socket_options)
        return _TimedStream(stream, self._remaining)

    def _remaining(self, timeout: float | None) -> float:
        remaining = self._deadline - self._clock()
        if remaining <= 0:
            raise httpcore.ReadTimeout("out of time")
        return remaining if timeout is None else min(remaining, timeout)


class _TimedStream(httpcore.NetworkStream):
    """A connection in which every read and write ends at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, remaining: Callable[[float | None], float]) -> None:
        self._stream = stream
        self._remaining = remaining

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._remaining(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._remaining(timeout))
        return _TimedStream(stream, self._remaining)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry.strip().strip("[]"), strict=False)
    except ValueError:
        return None  # a name


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return address.version == 4 or not address.is_site_local


def _with_embedded(address: Address) -> Iterator[Address]:
    """The addresses that a packet would reach: the address itself, or the IPv4 addresses inside it."""
    if address.version == 4:
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo
    elif address in NAT64:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
