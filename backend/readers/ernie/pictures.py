"""Crops as the pictures that a vision model is shown, encoded beside the event loop."""

from __future__ import annotations

import asyncio
import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from cachetools import LRUCache

from backend.page.image_files import encode
from backend.page.lines import Pixels
from backend.readers.ernie.prompts import Prompt, lay_out

KEPT = 256
"""Pictures that the second prompt may still ask for."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is sent.

    url: a data URL.
    width, height: pixels.
    """

    url: bytes
    width: int
    height: int


class Pictures:
    """Encodes crops, and keeps the last ones: two prompts that show the same picture share it.

    Everything but `close` is called in one event loop.

    Args:
        kind: file format of the pictures.
        jpeg_quality: 1 to 100; not looked at for PNG.
    """

    def __init__(self, kind: Literal["png", "jpeg"], jpeg_quality: int) -> None:
        self._kind = kind
        self._jpeg_quality = jpeg_quality
        # an entry keeps its crop alive, so that no other crop can have the same id meanwhile
        self._kept: LRUCache[tuple[object, ...], tuple[Pixels, asyncio.Future[Picture]]] = LRUCache(KEPT)
        self._encoders = ThreadPoolExecutor(2, thread_name_prefix="ernie-picture")

    async def of(self, crop: Pixels, prompt: Prompt) -> Picture:
        """The crop as it is shown with a prompt.

        Args:
            crop: RGB, uint8, shape (height, width, 3).
            prompt: names line height, border and colours.
        """
        key = (id(crop), prompt.line_height, prompt.border, prompt.grey)
        if key not in self._kept:
            encoding = asyncio.get_running_loop().run_in_executor(self._encoders, self._encoded, crop, prompt)
            self._kept[key] = (crop, encoding)
        # shielded: a call that runs out of time must not cancel the picture of the other reading
        return await asyncio.shield(self._kept[key][1])

    def close(self) -> None:
        """End the encoders."""
        self._encoders.shutdown()

    def _encoded(self, crop: Pixels, prompt: Prompt) -> Picture:
        laid = lay_out(crop, prompt)
        file = encode(laid, self._kind, self._jpeg_quality)
        url = f"data:image/{self._kind};base64,".encode() + base64.b64encode(file)
        return Picture(url, laid.shape[1], laid.shape[0])
