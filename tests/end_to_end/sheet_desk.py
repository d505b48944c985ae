"""Sheets in a real Label Studio: pages written for a test, a line project with sheets of their lines, and its
annotator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Locator

from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.label_studio.message_language import MessageLanguage
from backend.page import image_files
from backend.page.lines import Pixels, Quad
from backend.sheets.keys import Keyboard
from backend.sheets.sheet_config import instructions, sheet_config
from backend.sheets.sheet_tasks import Corners, LineKey, SheetLine, sheet_data
from backend.sheets.shown_lines import shown
from backend.sheets.strips import PageImage
from tests.end_to_end.browser import WAIT_MS, Editor

READY = """() => {
  const blocks = [...document.querySelectorAll('.block')];
  return blocks.length > 0
    && blocks.every(block => block.querySelector('.lsf-choice kbd') && block.querySelector('svg'));
}"""


@dataclass(frozen=True)
class Doubt:
    """A line for a sheet: where it is, and what was read.

    address: of the page's image, where it is not uploaded.
    """

    a: str
    b: str
    page: Path
    quad: Quad | Sequence[Sequence[float]]
    explanation: str = ""
    address: str = ""

    @property
    def corners(self) -> Corners:
        return tuple((float(x), float(y)) for x, y in np.asarray(self.quad))


@dataclass(frozen=True)
class LineProject:
    """A line project, and its sheets in order."""

    id: int
    sheets: tuple[int, ...]


def line_project(
    api: LabelStudio,
    *sheets: Sequence[Doubt],
    languages: Sequence[str] = ("ru",),
    messages: MessageLanguage = "en",
    keyboard: Keyboard = "en",
    show_instructions: bool = False,
) -> LineProject:
    """Upload the pages into a page project, and make a line project that asks about their lines."""
    pages = int(api.create_project(title="pages", label_config=default_config())["id"])
    addresses = {doubt.page: doubt.address for sheet in sheets for doubt in sheet}
    paths = [path for path, address in addresses.items() if not address]
    uploads = zip(paths, api.upload_files(pages, paths), strict=True)
    addresses |= {path: upload.address for path, upload in uploads}
    images = {path: _image(path, address) for path, address in addresses.items()}
    project = int(
        api.create_project(
            title="lines",
            label_config=sheet_config(languages, messages),
            expert_instruction=instructions(messages, keyboard),
            show_instruction=show_instructions,
            enable_empty_annotation=True,
            show_skip_button=False,
            sampling="Sequential sampling",
        )["id"]
    )
    tasks = [{"data": _data(pages, sheet, images, messages, keyboard)} for sheet in sheets]
    return LineProject(project, tuple(api.import_tasks(project, tasks)))


def _data(
    pages: int,
    sheet: Sequence[Doubt],
    images: Mapping[Path, PageImage],
    messages: MessageLanguage,
    keyboard: Keyboard,
) -> dict[str, Any]:
    lines = [
        shown(
            SheetLine(LineKey(pages, 1, f"l{place:03}"), doubt.a, doubt.b, 0, 1, "v1", doubt.corners, place),
            images[doubt.page],
            page_name=doubt.page.name,
            explanation=doubt.explanation,
            messages=messages,
            keyboard=keyboard,
        )
        for place, doubt in enumerate(sheet)
    ]
    return sheet_data(lines, [doubt.page.name for doubt in sheet])


def _image(path: Path, address: str) -> PageImage:
    page = image_files.decode(path.read_bytes(), max_pixels=10**8)
    return PageImage(address, page.width, page.height)


class SheetEditor(Editor):
    """Label Studio's editor with a sheet in it."""

    def _wait_until_ready(self) -> None:
        self.page.wait_for_function(READY, timeout=WAIT_MS)
        # the hotkeys are bound a moment after the answers are drawn
        self.page.wait_for_timeout(300)

    def type(self, text: str) -> None:
        assert self.focused == "INPUT"
        self.page.keyboard.insert_text(text)

    @property
    def answers(self) -> dict[str, str]:
        """What Submit would send: the verdict or the text of each line that has one, by its tag's name."""
        return {answer["from_name"]: only(answer) for answer in self.result}

    @property
    def top(self) -> int:
        """The place on its sheet of the line that stands highest on the screen, from 0."""
        place: int = self.page.evaluate(
            "() => { const tops = [...document.querySelectorAll('.block')]"
            ".map(block => block.getBoundingClientRect().top);"
            " return tops.indexOf(Math.min(...tops)) }"
        )
        return place

    @property
    def whole(self) -> list[int]:
        """The lines that stand whole on the screen and wait for an answer, from the top."""
        places: list[int] = self.page.evaluate(
            "() => { const bottom = document.querySelector('.lsf-bottombar').getBoundingClientRect().top;"
            " return [...document.querySelectorAll('.block')]"
            ".map((block, place) => [block.getBoundingClientRect(), place, block])"
            ".filter(([box, , block]) => box.bottom <= bottom && box.top >= 0"
            " && !block.querySelector('.ant-checkbox-wrapper-checked'))"
            ".sort(([one], [other]) => one.top - other.top).map(([, place]) => place) }"
        )
        return places

    def block(self, place: int) -> Locator:
        """What is shown of a line."""
        return self.page.locator(".block").nth(place)

    def strip(self, place: int, part: int = 0) -> Pixels:
        """A line's strip as it stands on the screen, RGB."""
        picture = self.block(place).locator("svg.strip").nth(part).screenshot()
        return image_files.decode(picture, max_pixels=10**8).pixels


def only(answer: Mapping[str, Any]) -> str:
    """The one choice or text of an answer."""
    ((said,),) = answer["value"].values()
    return str(said)
