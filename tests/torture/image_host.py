"""A web server of images: pages that are all different, slow ones, and whatever else is given to it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache

from aiohttp import web

from tests.parts.backend_process import free_port
from tests.parts.drawn_pages import drawn_page, file_of

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
"""Three hosts of one server: what one of them delays must not delay pages of another."""

BOX = {"x": 3.0, "y": 8.0, "width": 80.0, "height": 24.0}
"""Percent of a page in which its first line stands."""


@lru_cache(4096)
def page_file(number: int, lines: int = 2) -> bytes:
    """A page whose lines no other number has."""
    words = [f"Счёт {number} строка {line}" for line in range(lines)]
    return file_of(drawn_page(words, (480, 40 + 60 * lines))[0], "PNG", compress_level=1)


class ImageHost:
    """`/page/7.png` at once, `/drip/7.png` half a byte a second, `/file/NAME` what `files` holds."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.files: dict[str, bytes] = {}
        self.lines = 2
        self.asked: Counter[str] = Counter()

    def page(self, number: int, host: str = HOSTS[0]) -> str:
        return f"http://{host}:{self.port}/page/{number}.png"

    def slow(self, number: int, host: str = HOSTS[1]) -> str:
        return f"http://{host}:{self.port}/drip/{number}.png"

    def file(self, name: str) -> str:
        return f"http://{HOSTS[0]}:{self.port}/file/{name}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path.split("/")[1]] += 1
        return web.Response(body=page_file(int(request.match_info["number"]), self.lines))

    async def drip(self, request: web.Request) -> web.StreamResponse:
        self.asked["drip"] += 1
        content = page_file(int(request.match_info["number"]), self.lines)
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        with suppress(ConnectionError):
            for byte in content:
                await response.write(bytes([byte]))
                await asyncio.sleep(0.5)
        return response

    async def given(self, request: web.Request) -> web.Response:
        self.asked["file"] += 1
        return web.Response(body=self.files[request.match_info["name"]])


@contextmanager
def image_host() -> Iterator[ImageHost]:
    """Serve on all `HOSTS` while the block runs."""
    host = ImageHost(free_port())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="image-host", daemon=True)
    thread.start()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/page/{number}.png", host.answer)
        app.router.add_get("/drip/{number}.png", host.drip)
        app.router.add_get("/file/{name}", host.given)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        for name in HOSTS:
            await web.TCPSite(runner, name, host.port, backlog=1024).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        yield host
    finally:
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
