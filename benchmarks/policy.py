"""What READING_POLICY saves, and what it does to the labels: calls a line, precision, yield.

No ERNIE runs here. Two looks of Tesseract behind an HTTP server stand in for ERNIE's two prompts, with
PaddleOCR as the engine of this machine, and then the other way round. How often two looks of one engine share
an error is not how often two prompts of ERNIE do: the order of the policies is worth reading, not the level.
Russian pages, which only Tesseract can write here, have the truth with planted misreadings as the server: of
those the calls are worth reading, and nothing else.

`rows()` compares two policies on a few lines. `python -m benchmarks.policy [FOLDER]` prints the whole table;
the folder has pages with their truth beside them, such as `phototest.tif` and `phototest.json`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from backend.page import image_files
from backend.page.crops import crop_line
from backend.page.lines import Line, Page, Pixels, ReadLine, Verdict
from backend.pipeline.annotate import read_lines
from backend.pipeline.panels import Panels
from backend.pipeline.reader_kind import ReaderSetup
from backend.pipeline.reader_kinds import kinds
from backend.rendering.fonts import fonts_with
from backend.rendering.lines import rendered_line
from backend.rendering.texts import sample_texts
from backend.seams import LineReader
from backend.settings.settings import Settings
from backend.text.house_style import folded
from benchmarks.table import Row
from tests.parts.ernie_brains import Tesseract, Truth
from tests.parts.ernie_stand_in import Asked, Brain, Say, StandIn, fingerprint

ROOT = Path(__file__).resolve().parent.parent
PAGES, TRUTH = ROOT / "tests/data/pages", ROOT / "tests/data/truth"
LATIN = {"en", "latin-mixed"}
"""Languages of lines, as their truth names them, that both engines at hand can write."""
FEW, MANY = 120, 400
"""Rendered lines, for `rows` and for the table."""
MISREAD = 0.04, 0.06
"""Share of the lines that the two prompts of the planted server misread, never both the same."""

SET_UPS = (
    ("ernie,ernie", "all"),
    ("ernie,{local}", "all"),
    ("ernie,{local},ernie", "all"),
    ("", "second-when-needed"),
)
"""READERS and READING_POLICY; without READERS the panel is the one that the policy chooses."""

TrueLine = tuple[Page, Line, str]


@dataclass(frozen=True, slots=True)
class Worth:
    """What came of some lines under one policy.

    calls: to the server.
    agreed: lines that nobody needs to look at.
    right: of these, lines whose text is right.
    filled: lines whose text is right, agreed or not.
    """

    lines: int
    calls: int
    agreed: int
    right: int
    filled: int


def rows() -> list[Row]:
    """A third reading when it is needed, against two of one model for every line."""
    lines = damaged_lines(FEW)
    with tesseract_as_ernie() as server:
        every = worth(server, lines, "ernie,ernie", "all")
        sparing = worth(server, lines, "", "second-when-needed")
    share = sparing.calls / every.calls
    before, now = every.right / every.agreed, sparing.right / sparing.agreed
    return [
        Row(
            "calls to the server, second when needed against all",
            f"{share:.2f}",
            "at most 0.85",
            share <= 0.85,
        ),
        Row(
            "precision of agreed lines, second when needed (all)",
            f"{100 * now:.1f} % ({100 * before:.1f} %)",
            "no less",
            now >= before,
        ),
    ]


def worth(
    server: StandIn,
    lines: Sequence[TrueLine],
    readers: str,
    policy: str,
    local: str = "paddle",
    code: str = "en",
) -> Worth:
    """Read lines with the real pipeline, without a store.

    Args:
        server: stands for ERNIE.
        lines: with their true texts.
        readers: as READERS has them; `{local}` is the engine of this machine.
        policy: as READING_POLICY has it.
        local: the engine of this machine.
        code: the language of the lines.
    """
    # what the policy takes where nobody is named, but for an engine that is not the first at hand
    named = readers.format(local=local) or (f"ernie,{local},ernie" if code == "en" else "")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            cache_dir=Path(folder),
            model_source="packages",
            ocr_language=code,
            ernie_base_url=server.base_url,  # type: ignore[arg-type]
            ernie_model=server.model,
            ernie_concurrency=4,
            ernie_timeout_s=300,
            readers=named,  # type: ignore[arg-type]
            reading_policy=policy,  # type: ignore[arg-type]
        )
        before = server.calls
        with Panels(settings, None) as panels, ThreadPoolExecutor(8) as pool:
            panel = panels.panel(code)
            panels.wait()

            def read(true: TrueLine) -> ReadLine:
                page, line, _ = true
                return read_lines(page, [line], panel)[0]

            judged = [one.judgement for one in pool.map(read, lines)]
    right = [folded(one.text) == folded(text) for one, (_, _, text) in zip(judged, lines, strict=True)]
    agreed = [one.verdict is Verdict.AGREED for one in judged]
    both = sum(map(all, zip(right, agreed, strict=True)))
    return Worth(len(lines), server.calls - before, sum(agreed), both, sum(right))


@cache
def damaged_lines(count: int) -> tuple[TrueLine, ...]:
    """English lines rendered by us, as low as small print, blurred and noisy."""
    texts = sample_texts("en", count, seed=12)
    fonts = fonts_with("".join(texts))
    lines = []
    for number, text in enumerate(texts):
        random = np.random.default_rng(number)
        crop = rendered_line(text, fonts[number % len(fonts)], height=48, seed=number, clean=False)
        height = int(random.integers(9, 20))
        small = cv2.resize(crop, (max(1, crop.shape[1] * height // 48), height), interpolation=cv2.INTER_AREA)
        noisy = np.clip(small + random.normal(0, random.uniform(2, 18), small.shape), 0, 255).astype(np.uint8)
        lines.append((Page(np.ascontiguousarray(noisy)), Line(_whole(noisy)), text))
    return tuple(lines)


def scanned_lines(languages: Collection[str], folder: Path | None = None) -> list[TrueLine]:
    """The lines of real and drawn pages, where their truth says that they are.

    Args:
        languages: of the lines, as the truth names them.
        folder: with pages and their truth; None takes those of the tests.
    """
    lines = []
    for path in sorted((folder or TRUTH).glob("*.json")):
        (image,) = [each for each in (folder or PAGES).glob(f"{path.stem}.*") if each != path] or [None]
        truth = json.loads(path.read_text("utf-8"))
        if image is None or not any(line["lang"] in languages for line in truth["lines"]):
            continue
        page = image_files.decode(image.read_bytes(), max_pixels=50_000_000)
        for line in truth["lines"]:
            quad = np.array(line["poly"], np.float32)
            if line["lang"] in languages and quad.shape == (4, 2) and not line.get("curved"):
                lines.append((page, Line(quad), line["text"]))
    return lines


@contextmanager
def tesseract_as_ernie() -> Iterator[StandIn]:
    """A server that reads with Tesseract, for the second prompt in another rendering."""
    with StandIn(remembered(Tesseract("eng")), in_threads=True).running() as server:
        yield server


@contextmanager
def paddle_as_ernie() -> Iterator[StandIn]:
    """A server that reads with PaddleOCR's recogniser, for the second prompt with a margin."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        settings = Settings(_env_file=None, cache_dir=Path(folder), model_source="packages")  # type: ignore[call-arg]
        kind = kinds(ReaderSetup(settings))["paddle"]
        opened.callback(kind.close)
        looks: list[LineReader] = [kind.build("en", turn, opened) for turn in (0, 1)]

        def say(asked: Asked) -> Say:
            if asked.picture is None:
                return Say("ready")
            (future,) = looks[asked.second].submit([_without_border(asked.picture)])
            return Say(future.result().text or "###")

        with StandIn(remembered(say), in_threads=True).running() as server:
            yield server


def remembered(brain: Callable[[Asked], Say]) -> Brain:
    """The brain, asked once for each picture and prompt: every policy is answered the same, and sooner."""
    answers: dict[tuple[str, bool], Say] = {}

    def say(asked: Asked) -> Say:
        key = (fingerprint(asked), asked.second)
        if key not in answers:
            answers[key] = brain(asked)
        return answers[key]

    return say


@contextmanager
def planted_as_ernie(lines: Sequence[TrueLine]) -> Iterator[StandIn]:
    """A server that knows the lines, and misreads some of them."""
    known = [(crop_line(page.pixels, line.quad, "auto"), text) for page, line, text in lines]
    with StandIn(Truth(known, MISREAD), in_threads=True).running() as server:
        yield server


def _without_border(picture: Pixels) -> Pixels:
    """The crop without the margin that ERNIE's pictures have, as the recogniser wants it."""
    return np.ascontiguousarray(picture[24:-24, 24:-24])


def _whole(crop: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    height, width = crop.shape[:2]
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)


def main(folder: Path | None = None) -> None:
    """Print what every policy is worth, on every set of lines and with either engine as the server."""
    table = Table("lines", "server / this machine", "READERS", "READING_POLICY", "calls a line", "agreed",
                  "precision", "ready and right", "filled in right")  # fmt: skip
    sets = {"scans, Latin": scanned_lines(LATIN, folder), "damaged, English": damaged_lines(MANY)}
    russian = scanned_lines({"ru"}, folder)

    def measure(
        who: str, server: StandIn, local: str, kind: str, lines: Sequence[TrueLine], code: str
    ) -> None:
        for readers, policy in SET_UPS:
            found = worth(server, lines, readers, policy, local, code)
            wrong = found.agreed - found.right
            table.add_row(
                f"{kind}: {found.lines}",
                f"{who} / {local}",
                readers.format(local=local),
                policy,
                f"{found.calls / found.lines:.2f}",
                f"{100 * found.agreed / found.lines:.1f} %",
                f"{100 * found.right / max(1, found.agreed):.1f} % ({wrong} wrong)",
                f"{100 * found.right / found.lines:.1f} %",
                f"{100 * found.filled / found.lines:.1f} %",
            )

    with tesseract_as_ernie() as server:
        for kind, lines in sets.items():
            measure("Tesseract", server, "paddle", kind, lines, "en")
    with paddle_as_ernie() as server:
        for kind, lines in sets.items():
            measure("PaddleOCR", server, "tesseract", kind, lines, "en")
    with planted_as_ernie(russian) as server:
        measure("planted", server, "tesseract", "pages, Russian", russian, "ru")
    Console(width=170).print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
