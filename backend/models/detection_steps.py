"""PaddleX's steps before and behind a detector's network: the same boxes in less time, none uncounted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from backend.models.paddle_engine import PaddlePixels, Predictor

Planes: TypeAlias = npt.NDArray[np.float32]
"""What a network sees of one picture: float32, shape (3, height, width), C-contiguous."""

_STEPS: Final = {"Normalize": "NormalizeImage", "ToCHW": "ToCHWImage", "ToBatch": "ToBatch"}
"""PaddleX's steps between the resized picture and the network, and their classes."""


def normalise_in_one_pass(detector: Predictor) -> bool:
    """Write the network's input where it is to lie, with the very numbers that PaddleX computes.

    PaddleX's steps put the scaled channels together again, then turn, stack and copy the whole:
    four arrays of 8 MB for a page, each in fresh memory.

    Args:
        detector: a `TextDetection`, used by one thread.

    Returns:
        Whether it is so now; a PaddleX with other steps stays as it is.
    """
    inner: Any = detector
    steps = getattr(inner.paddlex_predictor, "pre_tfs", {})
    if {name: type(steps.get(name)).__name__ for name in _STEPS} != _STEPS:
        return False
    if steps["Normalize"].order != "hwc":
        return False
    steps.update(
        Normalize=_Normalise(steps["Normalize"]), ToCHW=lambda imgs: imgs, ToBatch=_ToBatch(steps["ToBatch"])
    )
    return True


class _Normalise:
    """PaddleX's `NormalizeImage`, with the result in the order of the network: channel by channel."""

    def __init__(self, step: Any) -> None:
        self._scales_and_shifts = tuple(zip(step.alpha, step.beta, strict=True))

    def __call__(self, imgs: Sequence[PaddlePixels]) -> list[Planes]:
        return [self._planes(pixels) for pixels in imgs]

    def _planes(self, pixels: PaddlePixels) -> Planes:
        height, width, count = pixels.shape
        planes = np.empty((count, height, width), dtype=np.float32)
        for plane, channel, (scale, shift) in zip(
            planes, cv2.split(pixels), self._scales_and_shifts, strict=True
        ):
            plane[...] = channel
            plane *= scale
            plane += shift
        return planes


class _ToBatch:
    """PaddleX's `ToBatch`, without a copy of what is a batch of one."""

    def __init__(self, step: Any) -> None:
        self._step = step

    def __call__(self, imgs: Sequence[Planes]) -> Any:
        return [imgs[0][np.newaxis]] if len(imgs) == 1 else self._step(imgs)


def allow_candidates(detector: Predictor, most: int) -> Callable[[], int]:
    """Let a detector keep more candidates for a line than PaddleOCR's 1,000, and count what is above.

    Args:
        detector: a `TextDetection`, used by one thread.
        most: candidates in one picture.

    Returns:
        Asked after a picture: how many of its candidates were never looked at.
    """
    inner: Any = detector
    inner = inner.paddlex_predictor
    counted = _CountedCandidates(inner.post_op, most)
    inner.post_op = counted
    return lambda: counted.ignored


class _CountedCandidates:
    """PaddleX's step from the network's map to boxes, which counts the candidates that it passes over."""

    def __init__(self, step: Any, most: int) -> None:
        step.max_candidates = most
        self._step = step
        self._most = most
        self.ignored = 0

    def __call__(
        self, maps: Any, shapes: Any, thresh: float | None = None, **arguments: Any
    ) -> tuple[Sequence[Any], Sequence[Any]]:
        boxes, scores = self._step(maps, shapes, thresh=thresh, **arguments)
        self.ignored = 0
        for one in maps[0]:
            text = np.asarray(one[0] > (thresh or self._step.thresh))
            # each outline, of a piece or of a hole in one, has a place where a run of text begins in its row,
            # and no place belongs to more than one of both
            if 2 * _runs(text) > self._most:
                found, _ = cv2.findContours(text.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
                self.ignored += max(0, len(found) - self._most)
        return boxes, scores


def _runs(text: npt.NDArray[np.bool_]) -> int:
    """How many runs of True all rows have together."""
    return int(np.count_nonzero(text[:, 1:] > text[:, :-1]) + np.count_nonzero(text[:, 0]))
