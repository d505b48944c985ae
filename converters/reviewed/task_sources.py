"""Tasks from a Label Studio export or from its API, one at a time, so that memory stays flat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.errors import BadRequest
from backend.label_studio.annotations import Json
from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig, LabelNames
from converters.reviewed.approval import Approval
from converters.reviewed.json_list import items_of
from converters.reviewed.tasks import as_task, config_of, labels_in, task_name

_MIN_FIELDS = {"annotator", "annotation_id", "lead_time"}


@dataclass(frozen=True, slots=True)
class TaskSource:
    """Tasks, and how far they are read.

    tasks: whatever stands in their place, also what is no task.
    config: the labeling config, where it is known.
    total: how many tasks there are; None where nobody can tell before they are read.
    labels: every label that the config offers; None where that is not known.
    """

    tasks: Iterator[object]
    config: LabelingConfig | None = None
    total: int | None = None
    labels: tuple[str, ...] | None = None


def from_file(path: Path) -> Iterator[object]:
    """The tasks of an export.

    Read are Label Studio's JSON (a list of tasks), one task by itself, an answer of its API with the
    tasks under `tasks`, and one annotation with its task inside, as webhooks and target storages have it;
    and a folder of those, which a target storage is. Such a folder may keep annotations that were deleted
    in Label Studio since, and has no predictions.

    Args:
        path: the file, or the folder.

    Raises:
        BadRequest: the file is none of these, and why; also while tasks are being read.
    """
    if path.is_dir():
        yield from _from_storage(path)
        return
    try:
        with path.open("rb") as file:
            head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if head == b"[":
            yield from _checked(path, items_of(path))
        elif head == b"{":
            whole = json.loads(path.read_bytes())
            listed = whole.get("tasks")
            yield from _checked(path, iter(listed if isinstance(listed, list) else [whole]))
        elif path.suffix.lower() in (".csv", ".tsv"):
            raise BadRequest(
                f"{path.name} is a CSV export, which has no region ids, so texts and boxes cannot be paired "
                "safely: export the project as JSON."
            )
        else:
            raise BadRequest(f"{path.name} is no JSON file. Export the project from Label Studio as JSON.")
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            f"{path.name} is not whole or no valid JSON ({error}). Export the project again as JSON."
        ) from error
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read: {error.strerror}.") from error


def _from_storage(folder: Path) -> Iterator[object]:
    """The tasks of a target storage: one file for each annotation, with its task inside."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    of_task: dict[str, list[Path]] = {}
    for path in files:
        of_task.setdefault(task_name(_stored(path)), []).append(path)
    if not of_task:
        raise BadRequest(
            f"{folder.name} is an empty folder. Pass an export of Label Studio (JSON), or the folder of a "
            "target storage with a file for each annotation."
        )
    for paths in of_task.values():
        tasks = [_stored(path) for path in paths]
        yield {**tasks[0], "annotations": [one for task in tasks for one in task.get("annotations") or []]}


def _stored(path: Path) -> Json:
    try:
        task = as_task(json.loads(path.read_bytes()))
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError):
        task = None
    if task is None:
        raise BadRequest(
            f"{path.parent.name} is no target storage of Label Studio, because {path.name} in it is no "
            "JSON of an annotation with its task. Pass an export (JSON), or a folder that holds nothing else."
        )
    return task


def _checked(path: Path, items: Iterator[object]) -> Iterator[object]:
    """Refuse what is no export of tasks at all; a single item that is no task is counted by who reads it."""
    number = tasks = 0
    example: object = None
    inside: set[str] = set()
    for number, item in enumerate(items, start=1):
        if (
            isinstance(item, dict)
            and "data" not in item
            and not _MIN_FIELDS.isdisjoint(item)
            and "task" not in item
        ):
            raise BadRequest(
                f"{path.name} is a JSON-MIN export, which has no region ids, so texts and boxes cannot be "
                "paired safely: export the project as JSON.",
                item=number,
            )
        task = as_task(item)
        tasks += task is not None
        if task is not None and isinstance(item, dict) and "data" not in item:
            if task_name(task) in inside:
                raise BadRequest(
                    f"{path.name} holds annotations one by one, and more than one of task "
                    f"{task_name(task)}, so which of them counts cannot be told while it is read: export the "
                    "project as JSON.",
                    item=number,
                )
            inside.add(task_name(task))
        example = item if number == 1 else example
        yield item
    if number and not tasks:
        keys = ", ".join(sorted(example)[:6]) if isinstance(example, dict) else type(example).__name__
        raise BadRequest(
            f"{path.name} holds no task: none of its {number} items has data and annotations (the first has "
            f"{keys}). Export the project from Label Studio as JSON."
        )


def from_project(
    api: LabelStudio, project: int, names: LabelNames, since: datetime | None = None
) -> TaskSource:
    """The tasks of a project, a page of them at a time, by growing id.

    Args:
        api: Label Studio.
        project: its id.
        names: what the labels are called.
        since: only tasks that were changed after this moment.

    Raises:
        LabelStudioFailed: it is out of reach or refuses; also while tasks are being read.
    """
    about = api.project(project)
    total = about.get("task_number")
    xml = str(about.get("label_config") or "")
    return TaskSource(
        api.tasks(project, updated_since=since),
        config_of(xml, names),
        int(total) if isinstance(total, int) and since is None else None,
        labels_in(xml),
    )


def with_user_id(api: LabelStudio, approval: Approval) -> Approval:
    """The rule with a user's id in place of an e-mail address; in the API's answers users are ids.

    Args:
        api: Label Studio.
        approval: the rule as it was asked for; one without an address is returned as it is.

    Raises:
        BadRequest: nobody has that address.
        LabelStudioFailed: it is out of reach or refuses.
    """
    if "@" not in approval.user:
        return approval
    for user, email in api.users().items():
        if email.casefold() == approval.user.casefold():
            return Approval("by", str(user))
    raise BadRequest(f"Nobody in Label Studio has the e-mail address {approval.user}.", user=approval.user)
