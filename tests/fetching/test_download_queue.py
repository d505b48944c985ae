"""Who is downloaded next, and how many at once; real threads, and servers that answer when they are let."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from backend.errors import ImageUnreachable, Stopping
from backend.fetching.download_queue import Downloaded, DownloadLimits, DownloadQueue
from backend.tickets import Asker, asking_for


class Servers:
    """Hosts that send an image once they are let.

    begun: what they were asked for, such as "quick 1".
    """

    def __init__(self, **limits: int) -> None:
        self.queue = DownloadQueue(DownloadLimits(**limits))
        self.begun: list[str] = []
        self._let: dict[str, threading.Event] = {}

    def ask(self, name: str, *, project: str = "", urgent: bool = False) -> Future[Downloaded]:
        """Ask for an image; the first word of its name is the host, "LS" for Label Studio."""
        let = self._let.setdefault(name, threading.Event())
        host = name.split()[0]

        def fetch() -> bytes:
            self.begun.append(name)
            assert let.wait(20)
            return name.encode()

        with asking_for(Asker(project)):
            return self.queue.submit(fetch, "" if host == "LS" else host, urgent=urgent)

    def let(self, *names: str) -> None:
        for name in names:
            self._let[name].set()

    def begin(self, *names: str) -> None:
        """Wait until just these were begun, in whatever order."""
        until(lambda: len(self.begun) >= len(names))
        # so that one too many would most likely have begun by now
        time.sleep(0.05)
        assert sorted(self.begun) == sorted(names)

    def let_all(self) -> None:
        self.let(*self._let)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def servers() -> Iterator[Servers]:
    made = Servers(at_once=4, per_host=2)
    yield made
    made.let_all()
    made.queue.close(Stopping("closed"))


def test_one_host_has_its_share_and_the_images_of_other_hosts_overtake_its_next(servers: Servers) -> None:
    slow = [servers.ask(f"slow {number}") for number in (1, 2, 3)]
    servers.begin("slow 1", "slow 2")
    quick = servers.ask("quick 1")
    servers.let("quick 1")
    assert quick.result(20).take() == b"quick 1"
    servers.begin("slow 1", "slow 2", "quick 1")
    servers.let("slow 2")
    assert slow[1].result(20).take() == b"slow 2"
    servers.begin("slow 1", "slow 2", "quick 1", "slow 3")


def test_label_studio_leaves_room_for_one_other_host(servers: Servers) -> None:
    for number in range(5):
        servers.ask(f"LS {number}")
    servers.begin("LS 0", "LS 1")
    for number in range(3):
        servers.ask(f"other {number}")
    servers.begin("LS 0", "LS 1", "other 0", "other 1")


def test_an_image_that_nobody_has_taken_keeps_its_place_in_memory(servers: Servers) -> None:
    hosts = "abcde"
    images = [servers.ask(f"{host} 1") for host in hosts]
    servers.let(*(f"{host} 1" for host in hosts))
    came = [image.result(20) for image in images[:4]]
    servers.begin("a 1", "b 1", "c 1", "d 1")
    assert servers.queue.on_their_way == 0
    assert came[2].take() == b"c 1"
    assert images[4].result(20).take() == b"e 1"


def test_what_annotators_wait_for_finds_room_beside_bulk_downloads_of_the_same_host(
    servers: Servers,
) -> None:
    bulk = [servers.ask(f"slow {number}") for number in range(3)]
    servers.begin("slow 0", "slow 1")
    opened = servers.ask("slow opened", urgent=True)
    servers.let("slow opened", "slow 2")
    assert opened.result(20).take() == b"slow opened"
    servers.queue.hurry([bulk[2]], among=1)
    assert bulk[2].result(20).take() == b"slow 2"


def test_projects_take_turns(servers: Servers) -> None:
    held = [servers.ask(f"{host} 1", project="A") for host in "abcd"]
    servers.begin("a 1", "b 1", "c 1", "d 1")
    for number in (2, 3, 4):
        servers.ask(f"a {number}", project="A")
    servers.ask("z 1", project="B")
    servers.let("a 1")
    held[0].result(20).take()
    until(lambda: len(servers.begun) == 5)
    servers.let("b 1")
    held[1].result(20).take()
    until(lambda: len(servers.begun) == 6)
    assert sorted(servers.begun[4:]) == ["a 2", "z 1"]


def test_a_download_that_fails_makes_room_and_its_error_reaches_who_asked(servers: Servers) -> None:
    def fail() -> bytes:
        raise ImageUnreachable("The server of the image was too slow.")

    failed = [servers.queue.submit(fail, "slow") for _ in range(20)]
    assert [type(future.exception(20)) for future in failed] == [ImageUnreachable] * 20
    servers.let_all()
    last = servers.ask("slow 1")
    servers.let("slow 1")
    assert last.result(20).take() == b"slow 1"


def test_at_the_end_what_waits_is_told_and_what_is_on_its_way_is_left_alone(servers: Servers) -> None:
    begun = [servers.ask(f"slow {number}") for number in (1, 2)]
    waits = servers.ask("slow 3")
    servers.begin("slow 1", "slow 2")
    servers.queue.close(Stopping("closed"))
    assert isinstance(waits.exception(0), Stopping)
    assert isinstance(servers.ask("late 1").exception(0), Stopping)
    servers.let("slow 1")
    assert begun[0].result(20).take() == b"slow 1"


def test_of_many_images_from_many_hosts_none_is_overlooked_and_no_limit_is_broken() -> None:
    queue = DownloadQueue(DownloadLimits(at_once=5, per_host=2))
    lock = threading.Lock()
    now: dict[str, int] = {}
    highest: dict[str, int] = {}

    def fetch(host: str) -> bytes:
        with lock:
            now[host] = now.get(host, 0) + 1
            highest[host] = max(highest.get(host, 0), now[host])
        time.sleep(0.001)
        with lock:
            now[host] -= 1
        return host.encode()

    asked = []
    for number in range(400):
        host = f"host {number % 7}"
        with asking_for(Asker(f"project {number % 3}")):
            asked.append(queue.submit(lambda host=host: fetch(host), host))  # type: ignore[misc]
    taken = [future.result(30).take().decode() for future in asked]
    queue.close(Stopping("closed"))
    assert taken == [f"host {number % 7}" for number in range(400)]
    assert max(highest.values()) <= 2
