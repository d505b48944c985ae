"""Where each character of an approved text stands in its crop, by a recogniser's own probabilities.

A recogniser says for each step across a crop how likely each character is, or none ("blank"). Of all ways
in which the approved text can be laid along these steps, forced alignment finds the likeliest: Viterbi's
search over the text with blanks between its characters, as in Graves et al., "Connectionist Temporal
Classification" (ICML 2006), and used to cut long recordings in Kürzinger et al., "CTC-Segmentation of Large
Corpora for German End-to-End Speech Recognition" (SPECOM 2020). The text is a person's; the recogniser only
says where it stands, so that one which misreads a letter, or lacks it, still helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from backend.errors import ModelMissing
from backend.models import locate
from backend.models.paddle_engine import to_paddle
from backend.page.lines import Pixels
from backend.readers.paddle import at_model_height, filled
from converters.paddleocr.training_config import STEP

Probabilities: TypeAlias = npt.NDArray[np.float32]
Scores: TypeAlias = npt.NDArray[np.float64]

UNKNOWN = -1
"""Stands for a character that the recogniser does not know: any of its characters, but no blank."""

_LEAST = 1e-9
"""A probability is never taken for less: what a recogniser rules out is unlikely, not impossible."""

LEAST_FIT = 0.4
"""Measured with PP-OCRv5_mobile_rec, which knows 11 of the 66 Russian letters. All of 200 rendered lines fit
their own text better than 0.5, half of them better than 0.92. In scripts of which it knows no letter
(Georgian, Armenian, Hebrew) the worst of 72 lines fitted 0.38; each cut was between the right words. Better
than 0.4 fit 21 % of crops that lack a third of their text and 65 % of other lines' texts of that length: the
limit finds crops that show nothing, or far too little, and no more. A text is a person's, and trusted."""


class Aligner(Protocol):
    """Says where the characters of a text stand in its crop."""

    def align(self, crop: Pixels, text: str) -> list[float] | None:
        """Lay a text along a crop.

        Args:
            crop: a line, RGB, uint8, shape (height, width, 3).
            text: what it says, in the order of the picture, from left to right.

        Returns:
            The x of each character's centre, crop pixels, never falling; None where the text does not fit
            the crop.
        """
        ...


@dataclass(frozen=True, slots=True)
class Alignment:
    """A text laid along the steps of a crop.

    centres: of each character, in steps from the left; parts of a step included.
    fit: how well the characters of the text and the marks that the recogniser saw match one to one, whatever
        it took them for: per character, 1 is perfect, 0 not at all.
    """

    centres: tuple[float, ...]
    fit: float


def lay_along(
    probabilities: Probabilities, codes: Sequence[int], *, blank: int = 0, space: int | None = None
) -> Alignment | None:
    """Find the likeliest way to lay a text along the steps of a crop.

    Args:
        probabilities: shape (steps, classes), each row adds up to 1.
        codes: the class of each character; `UNKNOWN` for one that has none.
        blank: the class of no character.
        space: the class of the space, which tells nothing about the fit: many recognisers leave it out.

    Returns:
        None where there are fewer steps than the text takes, or no text.
    """
    steps, length = len(probabilities), len(codes)
    if not length or not steps:
        return None
    marked = _logarithm(1.0 - probabilities[:, blank])
    unmarked = _logarithm(probabilities[:, blank])
    emitted = np.empty((steps, 2 * length + 1))
    emitted[:, 0::2] = unmarked[:, np.newaxis]
    for number, code in enumerate(codes):
        emitted[:, 2 * number + 1] = marked if code == UNKNOWN else _logarithm(probabilities[:, code])
    # from one character right to the next, unless they are the same: those need a blank between them
    jumps = [first != second or first == UNKNOWN for first, second in pairwise(codes)]
    path = _likeliest_path(emitted, np.array(jumps, dtype=bool))
    if path is None:
        return None
    fit = np.where(path % 2, marked, unmarked)
    centres = []
    for number, code in enumerate(codes):
        at = np.flatnonzero(path == 2 * number + 1)
        weight = np.exp(emitted[at, 2 * number + 1])
        centres.append(float((at * weight).sum() / weight.sum()) + 0.5)
        if code == space:
            fit[at] = 0.0
    return Alignment(tuple(centres), float(np.exp(fit.sum() / length)))


def _likeliest_path(emitted: Scores, jumps: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp] | None:
    """Viterbi's search through a text with blanks around its characters.

    Args:
        emitted: shape (steps, 2 * characters + 1): the logarithm of each place's probability at each step;
            odd places are characters.
        jumps: whether the blank after each character but the last may be passed over.

    Returns:
        The place at each step; None where the steps do not reach.
    """
    steps, places = emitted.shape
    jumped = np.full(places, -np.inf)
    jumped[3::2] = np.where(jumps, 0.0, -np.inf)
    came = np.zeros((steps, places), dtype=np.int8)
    score = np.full(places, -np.inf)
    score[:2] = emitted[0, :2]
    for step in range(1, steps):
        ways = np.full((3, places), -np.inf)
        ways[0] = score
        ways[1, 1:] = score[:-1]
        ways[2, 2:] = score[:-2] + jumped[2:]
        came[step] = ways.argmax(axis=0)
        score = ways.max(axis=0) + emitted[step]
    place = places - 1 if score[-1] >= score[-2] else places - 2
    if not np.isfinite(score[place]):
        return None
    path = np.empty(steps, dtype=np.intp)
    for step in range(steps - 1, -1, -1):
        path[step] = place
        place -= int(came[step, place])
    return path


def _logarithm(probability: npt.NDArray[Any]) -> Scores:
    found: Scores = np.log(np.maximum(probability.astype(np.float64), _LEAST))
    return found


class CtcAligner:
    """An `Aligner` over one PP-OCR recogniser in ONNX; it may be asked from several threads at once.

    Args:
        directory: of the model, with inference.onnx and inference.yml.
        least_fit: a text that fits worse is not laid along its crop.

    Raises:
        ModelMissing: the model cannot be loaded.
    """

    def __init__(self, directory: Path, least_fit: float = LEAST_FIT) -> None:
        # heavy, and only a dataset with long lines needs it
        import onnxruntime  # type: ignore[import-untyped]

        characters = locate.dictionary(locate.find_model(None, directory))
        self._codes = {character: code for code, character in enumerate(characters, start=1)}
        self._least_fit = least_fit
        options = onnxruntime.SessionOptions()
        # lines are spread over threads by who asks
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(directory / "inference.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no class of their own
            raise ModelMissing(
                f"The recogniser in {directory.name!r}, which finds where long lines can be cut, cannot be "
                "loaded; export it again, or start from another base with --base.",
                directory=directory,
            ) from error
        self._input = self._session.get_inputs()[0].name

    def align(self, crop: Pixels, text: str) -> list[float] | None:
        """Lay a text along a crop; see `Aligner`."""
        strip = at_model_height(crop)
        found = lay_along(self.probabilities(strip), self.codes(text), space=self._codes[" "])
        if found is None or found.fit < self._least_fit:
            return None
        scale = STEP * crop.shape[1] / strip.shape[1]
        return [min(centre * scale, float(crop.shape[1])) for centre in found.centres]

    def codes(self, text: str) -> list[int]:
        """The class of each character in the recogniser's output, `UNKNOWN` where it has none."""
        return [self._codes.get(character, UNKNOWN) for character in text]

    def probabilities(self, strip: Pixels) -> Probabilities:
        """What the recogniser says of a line.

        Args:
            strip: at the model's height, RGB, uint8.

        Returns:
            Shape (steps, classes); class 0 is blank.
        """
        pixels = to_paddle(filled(strip)).astype(np.float32) / 255
        given = ((pixels - 0.5) / 0.5).transpose(2, 0, 1)[np.newaxis]
        said: Probabilities = self._session.run(None, {self._input: given})[0][0]
        return said
