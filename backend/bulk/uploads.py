"""Stores predictions in Label Studio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backend.label_studio.client import LabelStudio
from backend.pipeline.read_task import Prediction


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of predictions, by the ids of their tasks.

    stored: they are in Label Studio now.
    already: their tasks had one of this version.
    gone: their tasks were deleted meanwhile.
    dropped: what Label Studio does not take, and why.
    """

    stored: tuple[int, ...] = ()
    already: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    dropped: Mapping[int, str] = field(default_factory=dict)


class Uploader:
    """Stores predictions of one project."""

    def __init__(self, api: LabelStudio, project: int, config_xml: str) -> None:
        self._api = api
        self._project = project

    def store(self, predictions: Sequence[Prediction]) -> Stored:
        """Store predictions."""
        rows = [{"task": made.task, **made.answer()} for made in predictions]
        kept = self._api.import_predictions(self._project, rows)
        dropped = {misfit.task: misfit.sentence for misfit in kept.left_out if misfit.task is not None}
        tasks = [made.task for made in predictions if made.task is not None]
        return Stored(tuple(task for task in tasks if task not in dropped), dropped=dropped)
