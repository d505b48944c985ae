"""How many lines people approved since a moment; about as `twinread export` would count them.

About: a page that is submitted again counts with all its lines, and what `export` leaves out for its own
reasons (a text with a tab, a box beside the page, an annotation that the rule passes over) is counted here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from backend.label_studio.annotations import Json, changed_at, latest, submitted_annotations
from backend.label_studio.client import LabelStudio
from backend.label_studio.config_tags import LabelNames
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.second_reading import texts_of_work


def count_new(api: LabelStudio, project: int, names: LabelNames, since: datetime | None, enough: int) -> int:
    """Count in Label Studio; reads only annotated tasks that changed, and stops where it is enough.

    Args:
        api: Label Studio.
        project: its id.
        names: what the labels are called.
        since: lines approved after this moment; None takes all.
        enough: no need to count any further.

    Raises:
        LabelStudioFailed: it is out of reach or refuses.
        ConfigIncomplete: the project's labeling config lacks a tag that is needed.
    """
    config = LabelingConfig.parse(str(api.project(project)["label_config"]), names)
    tasks = api.tasks(project, updated_since=since, annotated=True, page_size=20)
    return new_lines(tasks, config, since, enough)


def new_lines(tasks: Iterable[Json], config: LabelingConfig, since: datetime | None, enough: int) -> int:
    """Count in tasks as Label Studio's API gives them; arguments as for `count_new`. Pure."""
    count = 0
    for task in tasks:
        last = latest(submitted_annotations(task))
        if last is not None and (since is None or changed_at(last) > since):
            approved = (texts for _, texts in texts_of_work(task, last, config))
            count += sum(any(text.strip() for text in texts) for texts in approved)
        if count >= enough:
            break
    return count
