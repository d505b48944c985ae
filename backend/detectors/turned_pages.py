"""A detector whose lines begin at their text's own top left, also where the page lies on its head or side.

The classifier of PP-OCR for lines on their head comes out of an installed package; without that package
pages are taken as they stand, as PaddleOCR does by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from backend.page import turned_pages
from backend.page.crops import TallLines
from backend.page.lines import Detected, Page, Pixels
from backend.seams import LineDetector
from backend.tickets import Urgency

RENDERING: Final = 2
"""Counts up when crops are given to the classifier in another way, or its answers are used in another way."""

_WIDTH, _HEIGHT = 192, 48
"""Pixels of the classifier's picture. A line squeezed into it whole is judged worse than its middle piece: on
Russian lines 71 to 82 % right against 93 to 97 %."""


class HeadClassifier:
    """Says of crops how likely their text stands on its head; thread-safe.

    Args:
        path: the ONNX file of PP-OCR's classifier of text lines.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime  # type: ignore[import-untyped]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._input: str = self._session.get_inputs()[0].name

    def __call__(self, crops: Sequence[Pixels]) -> list[float]:
        """How likely each crop's text stands on its head, 0 to 1.

        Args:
            crops: RGB, uint8, shape (height, width, 3) each.
        """
        if not crops:
            return []
        [answers] = self._session.run(None, {self._input: np.stack([_rendered(crop) for crop in crops])})
        return [float(head) for _, head in answers]


class TurnedPageDetector:
    """A `LineDetector` that lets the lines which another one found vote on the way their page stands.

    Args:
        detector: finds the lines.
        upside_down: judges crops.
        tall_lines: the crop policy for lines that are taller than wide.
    """

    def __init__(
        self, detector: LineDetector, upside_down: turned_pages.UpsideDown, tall_lines: TallLines
    ) -> None:
        self._detector = detector
        self._upside_down = upside_down
        self._tall_lines: TallLines = tall_lines

    @property
    def identity(self) -> str:
        """The other detector's, and the number of the vote."""
        return f"{self._detector.identity}+turned(r{RENDERING})"

    def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
        """Find lines, and let their quads begin at the text's own top left; see `LineDetector`."""
        found = self._detector.detect(page, urgency=urgency)
        voted = turned_pages.direction(page.pixels, found.lines, self._upside_down, self._tall_lines)
        return Detected(voted.lines, found.dropped, voted.turned)


def _rendered(crop: Pixels) -> npt.NDArray[np.float32]:
    """The middle of a line as the classifier wants it: BGR, -1 to 1, shape (3, 48, 192)."""
    height, width = crop.shape[:2]
    spare = max(0, width - height * _WIDTH // _HEIGHT) // 2
    middle = crop[:, spare : width - spare]
    wide = min(_WIDTH, max(1, round(middle.shape[1] * _HEIGHT / height)))
    small = cv2.resize(middle, (wide, _HEIGHT)).astype(np.float32)
    picture = np.zeros((3, _HEIGHT, _WIDTH), dtype=np.float32)
    picture[:, :, :wide] = (small[:, :, ::-1] / 127.5 - 1).transpose(2, 0, 1)
    return picture
