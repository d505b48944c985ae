"""Image references in a network of its own, where every address answers and names change."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import posixpath
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.torture.asking import Answer, ask, body, task
from tests.torture.counting_ernie import counting_ernie
from tests.torture.image_host import page_file
from tests.torture.name_server import name_server
from tests.torture.references import (
    CHANGING,
    LABEL_STUDIO,
    LABEL_STUDIO_ADDRESS,
    NAMES,
    PASSWORD,
    references,
)
from tests.torture.row import Row, Run, at_most
from tests.torture.victim import EVERYWHERE, Victim, victim

PORTS = (80, 443, 5432, 6379, 8080, 8081)
NAME_SERVER = "127.0.0.53"
KEY = str(EVERYWHERE["label_studio_api_key"])
FILE_PATHS = re.compile(
    r"/data/upload/|/data/local-files|/storage-data/uploaded/|/(tasks|projects)/\d+/(resolve|presign)"
)
SLOWEST_S = 15.0
IN_OPEN = 0x20


@dataclass(frozen=True, slots=True)
class Reached:
    """One connection: the address that it was made to, and what was sent."""

    address: str
    port: int
    head: str

    @property
    def is_label_studio(self) -> bool:
        return (self.address, self.port) == (LABEL_STUDIO_ADDRESS, 8080)

    @property
    def path(self) -> str:
        return (
            posixpath.normpath(unquote(self.head.split(" ")[1].partition("?")[0])) if " " in self.head else ""
        )


@dataclass
class World:
    """Every address of the internet, in one process."""

    reached: list[Reached] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        address, port = connection.getsockname()[:2]
        mapped = ipaddress.ip_address(address.partition("%")[0])
        if mapped.version == 6 and mapped.ipv4_mapped is not None:
            mapped = mapped.ipv4_mapped
        with connection, suppress(OSError):
            connection.settimeout(5)
            head = ""
            with suppress(OSError):
                head = connection.recv(65536).decode("latin-1")
            self.reached.append(Reached(str(mapped), port, head))
            target = head.split(" ")[1] if head.count(" ") > 1 else ""
            if "/redirect" in target:
                to = parse_qs(urlsplit(target).query, keep_blank_values=True).get("to", [""])[0]
                where = b"Location: %b\r\n" % to.encode("utf-8", "replace")
                connection.sendall(b"HTTP/1.1 302 Found\r\n" + where + b"Content-Length: 0\r\n\r\n")
                return
            content = page_file(7)
            length = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(content)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n" + length + content)


def rows(run: Run) -> Iterator[Row]:
    """Every reference as a task and as a drawn box."""
    _own_network(run.folder)
    canary = run.folder / "canary" / "secret.png"
    canary.parent.mkdir()
    canary.write_bytes(page_file(8))
    tried = references(canary)
    settings = {
        "label_studio_url": LABEL_STUDIO,
        "allowed_image_hosts": "",
        "log_level": "DEBUG",
        "predict_deadline_s": 10,
        "image_timeout_s": 5,
    }
    with (
        name_server(NAMES, CHANGING, NAME_SERVER) as names,
        _world() as world,
        counting_ernie(0.01) as ernie,
        victim(run, "ssrf", ernie, settings) as attacked,
        _opened(canary.parent) as opened,
    ):
        control = ask(
            attacked.url, body([task(1, "http://public.test/control.png"), task(2, "/data/upload/1/c.png")])
        )
        with_key = [one for one in world.reached if KEY in one.head]
        yield Row(
            "control: a public image and one of Label Studio's, which gets the key",
            "2 read, 1 with the key",
            f"{control.done} read, {len(with_key)} with the key",
            control.done == 2 and len(with_key) == 1,
        )
        run.say(f"{len(tried)} references as tasks and as drawn boxes")
        answers = _ask_all(attacked, tried)
        good = sum(answer.status == 200 for answer in answers)
        yield Row(
            "references x (task, drawn box): answered 200", f"all of at least {2 * 200}",
            f"{good} of {len(answers)}; {sum(answer.done for answer in answers[::2])} tasks were read",
            good == len(answers) >= 400,
        )  # fmt: skip
        slowest = max(answer.seconds for answer in answers)
        yield at_most("the slowest of them", SLOWEST_S, slowest, "s")
        asked = sum(names.asked.values())
        yield Row("names that changed: questions answered", "at least 20", str(asked), asked >= 20)
        yield from _judged(world.reached)
        yield _counted("files of this machine that were opened", opened())
        told = {
            "log at DEBUG": attacked.backend.log,
            "/status": attacked.backend.get("/status").text,
            "/metrics": attacked.backend.get("/metrics").text,
            "answers": "".join(answer.text for answer in answers),
        }
        secrets = {"the key": KEY, "a password in an address": PASSWORD}
        leaks = [
            f"{name} in {place}"
            for name, secret in secrets.items()
            for place, text in told.items()
            if secret in text
        ]
        yield _counted("key or passwords in log, status, metrics, answers", leaks)
        yield _counted("tracebacks in the log", ["one"] * attacked.tracebacks())


def _judged(reached: list[Reached]) -> Iterator[Row]:
    private = [
        f"{one.address}:{one.port}" for one in reached if _forbidden(one.address) and not one.is_label_studio
    ]
    yield _counted("private addresses that were reached", private)
    # Label Studio's own address is private here, and only its port is open to references
    strangers = [
        f"{one.address}:{one.port}" for one in reached if KEY in one.head and not one.is_label_studio
    ]
    yield _counted("times the key went to another host or port", strangers)
    elsewhere = [
        one.path
        for one in reached
        if KEY in one.head and one.is_label_studio and not FILE_PATHS.match(one.path)
    ]
    yield _counted("times the key went to a path of Label Studio's that is no file", elsewhere)
    injected = [one.head[:60] for one in reached if "\r\nX-Injected" in one.head]
    yield _counted("headers that a reference put into a request", injected)


def _ask_all(attacked: Victim, tried: list[str]) -> list[Answer]:
    bodies = [
        body([task(n, reference)], drawn=drawn)
        for n, reference in enumerate(tried, 10)
        for drawn in (False, True)
    ]
    with ThreadPoolExecutor(4) as at_once:
        return list(at_once.map(lambda one: ask(attacked.url, one), bodies))


def _forbidden(address: str) -> bool:
    """By the lists of IANA, as the standard library has them, and by what an IPv6 address holds."""
    one = ipaddress.ip_address(address)
    if one.version == 6:
        last = ipaddress.IPv4Address(int(one) & 0xFFFFFFFF)
        inside = one.sixtofour or (last if one in ipaddress.IPv6Network("64:ff9b::/96") else None)
        if inside is not None:
            return not inside.is_global
    return not one.is_global


def _own_network(folder: Path) -> None:
    """Loopback up, every address of IPv4 and IPv6 on it, and our name server in /etc/resolv.conf."""
    resolver = folder / "resolv.conf"
    resolver.write_text(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n", "ascii")
    for command in (
        "ip link set lo up",
        "ip route add local 0.0.0.0/0 dev lo",
        "ip -6 addr add 2606:2800:220:1::1/128 dev lo",
        "ip -6 route add local ::/0 dev lo",
        f"mount --bind {resolver} {os.path.realpath('/etc/resolv.conf')}",
    ):
        subprocess.run(command.split(), check=True)


@contextmanager
def _world() -> Iterator[World]:
    world, listeners = World(), []
    for port in PORTS:
        listener = socket.socket(socket.AF_INET6)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("::", port))
        listener.listen(128)
        listeners.append(listener)
        threading.Thread(target=world.serve, args=(listener,), daemon=True).start()
    try:
        yield world
    finally:
        for listener in listeners:
            listener.close()


@contextmanager
def _opened(folder: Path) -> Iterator[Callable[[], list[str]]]:
    """A function that says which files of a folder were opened since the block began."""
    library = ctypes.CDLL(None)
    watch = library.inotify_init1(os.O_NONBLOCK)
    assert watch >= 0 and library.inotify_add_watch(watch, bytes(folder), IN_OPEN) >= 0

    def so_far() -> list[str]:
        try:
            return [folder.name] if os.read(watch, 65536) else []
        except BlockingIOError:
            return []

    try:
        yield so_far
    finally:
        os.close(watch)


def _counted(what: str, found: list[str]) -> Row:
    some = "; ".join(dict.fromkeys(map(ascii, found[:4])))
    return Row(what, "0", f"{len(found)}{some and f' ({some})'}", not found)
