"""Files given to Label Studio, in lots that it takes in one request."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from backend.label_studio.http_client import HttpClient

UPLOAD_FILES = 100  # DATA_UPLOAD_MAX_NUMBER_FILES
UPLOAD_BYTES = 200 * 1024**2  # under DATA_UPLOAD_MAX_MEMORY_SIZE, 250 MB


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that Label Studio keeps.

    id: Label Studio's id of the upload.
    address: what a task's data holds to show it, `/data/upload/...`, percent-encoded.
    """

    path: Path
    id: int
    address: str


def upload_files(client: HttpClient, project: int, paths: Sequence[Path]) -> list[Upload]:
    """Give files to Label Studio without making tasks of them; see `LabelStudio.upload_files`.

    Raises:
        LabelStudioFailed: it is out of reach, or refused.
    """
    return [upload for lot in batches(paths) for upload in _upload_batch(client, project, lot)]


def batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Files in lots that Label Studio takes in one request."""
    lot: list[Path] = []
    size = 0
    for path in paths:
        length = path.stat().st_size
        if lot and (len(lot) == UPLOAD_FILES or size + length > UPLOAD_BYTES):
            yield lot
            lot, size = [], 0
        lot.append(path)
        size += length
    if lot:
        yield lot


def _upload_batch(client: HttpClient, project: int, paths: Sequence[Path]) -> Iterator[Upload]:
    with contextlib.ExitStack() as opened:
        # Label Studio keeps one file per field name
        files = [
            (f"file{number}", (path.name, opened.enter_context(path.open("rb"))))
            for number, path in enumerate(paths)
        ]
        answer = client.call(
            "POST",
            f"/api/projects/{project}/import",
            f"take {len(paths)} files for project {project}",
            params={"commit_to_project": "false"},
            files=files,
            bulk=True,
        )
    ids = answer["file_upload_ids"]
    rows = client.call(
        "GET",
        f"/api/projects/{project}/file-uploads",
        f"list the files of project {project}",
        params={"ids": json.dumps(ids)},
    )
    names = {row["id"]: row["file"] for row in rows}
    for path, upload in zip(paths, ids, strict=True):
        yield Upload(path, upload, f"{client.url.path.rstrip('/')}/data/{quote(names[upload])}")
