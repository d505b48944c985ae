"""What a bulk run works on, and the protocol of whatever reads for it: this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.pipeline.read_task import Failure, Prediction, Wording
from backend.settings.settings import Settings

Outcome: TypeAlias = Prediction | Failure
"""What becomes of a task."""


@dataclass(frozen=True, slots=True)
class BulkWork:
    """Whose tasks are read, and how their data and their predictions are written.

    project: the id of the project.
    config: tag and label names.
    wording: languages.
    """

    project: int
    config: LabelingConfig
    wording: Wording

    @classmethod
    def of(cls, api: LabelStudio, project: int, settings: Settings) -> BulkWork:
        """The work on a project as it stands in Label Studio.

        Raises:
            LabelStudioFailed: Label Studio is out of reach, or has no such project.
            ConfigIncomplete: the project's labeling config lacks a tag that twinread needs.
        """
        xml = str(api.project(project)["label_config"])
        wording = Wording(settings.ocr_language, settings.message_language)
        return cls(project, LabelingConfig.parse(xml, settings.label_names), wording)


class BulkEngine(Protocol):
    """Reads tasks for a bulk run.

    model_version: stands in every prediction that it makes, and stays the same for its whole life.
    """

    model_version: str

    def read(self, tasks: Iterable[Mapping[str, Any]]) -> Iterator[Outcome]:
        """Read tasks, many at once.

        Args:
            tasks: as Label Studio has them, with `id` and `data`; taken one by one, as there is room.

        Yields:
            What became of each task, once, in any order. Whatever goes wrong with a task is its `Failure`,
            never an exception. Closing the iterator gives up what is in hand.
        """
        ...

    def close(self) -> None:
        """Stop, from any thread: tasks in hand end as `Failure` with `Stopping`; what was read is kept."""
        ...
