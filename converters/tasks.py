"""Tasks from a Label Studio export or from its API, one at a time, so that memory stays flat."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from backend.errors import BadRequest, ConfigLacking, ImageRefused, ImageUnreachable
from backend.label_studio_api import LabelStudioApi
from backend.labeling_config import LabelingConfig, LabelNames
from backend.references import LOCAL_FILES, climbs, shown
from converters.json_list import items_of
from converters.reviewed import Approval, Json

_MIN_FIELDS = {"annotator", "annotation_id", "lead_time"}
_IMAGE = re.compile(r"(?i)^(/data/|https?://|s3://|gs://|azure-blob://)|\.(png|jpe?g|webp|bmp|gif|tiff?)$")
_USUAL_FIELDS = ("image", "ocr", "img", "captioning", "url")


@dataclass(frozen=True, slots=True)
class TaskSource:
    """Tasks, and how far they are read.

    tasks: whatever stands in their place, also what is no task.
    config: the labeling config, where it is known.
    total: how many tasks there are; None where nobody can tell before they are read.
    """

    tasks: Iterator[object]
    config: LabelingConfig | None = None
    total: int | None = None


def from_file(path: Path) -> Iterator[object]:
    """The tasks of an export.

    Read are Label Studio's JSON (a list of tasks), one task by itself, an answer of its API with the
    tasks under `tasks`, and one annotation with its task inside, as webhooks and target storages have it.

    Args:
        path: the file.

    Raises:
        BadRequest: the file is none of these, and why; also while tasks are being read.
    """
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


def as_task(item: object) -> Json | None:
    """The item as a task with its annotations, or None where it is none."""
    if not isinstance(item, dict):
        return None
    if isinstance(item.get("data"), dict):
        return item
    inside = item.get("task")
    if (
        isinstance(item.get("result"), list)
        and isinstance(inside, dict)
        and isinstance(inside.get("data"), dict)
    ):
        return {**inside, "annotations": [{key: value for key, value in item.items() if key != "task"}]}
    return None


def task_name(task: Json) -> str:
    """A task's id, or what takes its place in names where it has none."""
    identity = task.get("id")
    if isinstance(identity, int) and not isinstance(identity, bool):
        return str(identity)
    plain = json.dumps([identity, task.get("data")], sort_keys=True, default=repr)
    return f"task-{hashlib.sha256(plain.encode()).hexdigest()[:12]}"


def _checked(path: Path, items: Iterator[object]) -> Iterator[object]:
    """Refuse what is no export of tasks at all; a single item that is no task is the account's to name."""
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
    api: LabelStudioApi, project: int, names: LabelNames, since: datetime | None = None
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
    return TaskSource(
        api.tasks(project, updated_since=since),
        config_of(str(about.get("label_config") or ""), names),
        int(total) if isinstance(total, int) and since is None else None,
    )


def config_of(xml: str, names: LabelNames) -> LabelingConfig | None:
    """A labeling config, or None for one that twinread could not work with, whose tasks it can still read."""
    try:
        return LabelingConfig.parse(xml, names)
    except ConfigLacking:
        return None


def with_user_id(api: LabelStudioApi, approval: Approval) -> Approval:
    """The rule with a user's id in place of an e-mail address; the API tells annotations' users by id.

    Raises:
        BadRequest: nobody has that address.
        LabelStudioFailed: it is out of reach or refuses.
    """
    if "@" not in approval.user:
        return approval
    for user in api.call("GET", "/api/users/", "list its users"):
        if str(user.get("email", "")).casefold() == approval.user.casefold():
            return Approval("by", str(user["id"]))
    raise BadRequest(f"Nobody in Label Studio has the e-mail address {approval.user}.", user=approval.user)


def references_of(
    data: Mapping[str, Any], config: LabelingConfig | None, image_field: str | None
) -> tuple[str, ...]:
    """The images of a task, one per page.

    Args:
        data: the task's data.
        config: names the field, where it is known.
        image_field: names it, too, and wins.

    Raises:
        BadRequest: there is none, or several fields could be it.
    """
    if image_field is None and config is not None:
        return config.references(data)
    fields = [image_field] if image_field is not None else [name for name in data if _images_in(data[name])]
    if len(fields) > 1:
        fields = [name for name in _USUAL_FIELDS if name in fields][:1] or fields
    if len(fields) != 1 or not _images_in(data.get(fields[0]), any_text=True):
        if image_field is not None:
            raise BadRequest(f"The task's data has no image in the field {image_field} (--image-field).")
        raise BadRequest(
            "The task's data names no image for certain. Pass --image-field with the field that holds it, "
            "or --config with the project's labeling config."
        )
    return _images_in(data[fields[0]], any_text=True)


def _images_in(value: object, *, any_text: bool = False) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    images = [item for item in listed if isinstance(item, str) and item and (any_text or _IMAGE.search(item))]
    return tuple(images) if len(images) == len(listed) else ()


class ImageFolder:
    """Finds images on this machine by the names that tasks give them."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Name the folder.

        Args:
            folder: where the images lie, also in folders of their own.
            max_bytes: largest file.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._asked: dict[Path, str] = {}
        self._one_at_a_time = Lock()

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        """The bytes of an image: the file whose path ends most like the reference.

        Raises:
            ImageRefused: the reference leads out of the folder or is none, the file is too large, or is
                what another reference came to as well.
            ImageUnreachable: there is no such file.
        """
        name = shown(reference)
        if climbs(reference) or "\0" in unquote(reference):
            raise ImageRefused(f"The image reference {name} leads out of its folder.", reference=name)
        try:
            parts = [part for part in _path_of(reference).split("/") if part not in ("", ".")]
        except ValueError as error:
            raise ImageRefused(f"The image reference {name} is no address.", reference=name) from error
        for start in range(len(parts)):
            path = self._folder.joinpath(*parts[start:])
            try:
                if not path.is_file():
                    continue
                if path.stat().st_size > self._max_bytes:
                    raise ImageRefused(
                        f"The image file {name} is larger than the limit of MAX_IMAGE_BYTES.", reference=name
                    )
                self._check_alone(path, "/".join(parts))
                return path.read_bytes()
            except OSError as error:
                raise ImageUnreachable(
                    f"The image file {name} cannot be read: {error.strerror}.", reference=name
                ) from error
        raise ImageUnreachable(
            f"There is no file for the image {name} in the folder of images.", reference=name
        )

    def _check_alone(self, path: Path, asked: str) -> None:
        """Of a/1.png and b/1.png only one can be the 1.png that is there: the other's texts do not fit it."""
        with self._one_at_a_time:
            # 1.png may be short for a/1.png
            short, long = sorted((self._asked.get(path, asked), asked), key=len)
            if f"/{long}".endswith(f"/{short}"):
                self._asked[path] = long
                return
        raise ImageRefused(
            f"The images {short} and {long} would both be the one file {path.name} in the folder of images. "
            "Pass a folder with --images that tells them apart, such as the one above.",
            reference=asked,
        )


def _path_of(reference: str) -> str:
    address = urlsplit(reference)
    if LOCAL_FILES.rstrip("/") in address.path:
        return parse_qs(address.query).get("d", [""])[0]
    return unquote(address.path)
