"""The address on a sheet opens the page's own image for who is signed in, wherever the image is kept."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.sheets.making import Made
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.read_tasks import VERSION, predicted
from tests.parts.sheet_projects import lines, sheets_of

pytestmark = LABEL_STUDIO

PICTURE = b"\x89PNG, as far as Label Studio looks"


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as Label Studio asks for."""

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(PICTURE)

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def bucket() -> Iterator[str]:
    """A storage; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def project_of(api: LabelStudio, image: str) -> int:
    project = int(api.create_project(title="Images", label_config=default_config())["id"])
    api.import_tasks(project, [{"data": {"image": image}, "predictions": [predicted(("а", "б"))]}])
    api.update_project(project, model_version=VERSION)
    return project


def opened(server: RunningLabelStudio, api: LabelStudio, made: Made) -> tuple[str, bytes]:
    """The name of the page on the one sheet, and what a signed-in person gets at the address in its strip."""
    ((sheet),) = sheets_of(api, made)
    found = re.search(r'<image href="([^"]+)"', sheet["data"]["lines"][0]["strip"])
    assert found is not None
    address = httpx.URL(server.base_url).join(unescape(found[1]))
    key = {"Authorization": f"Token {server.legacy_token.get_secret_value()}"}
    answer = httpx.get(address, headers=key, trust_env=False)
    assert answer.status_code == 200
    return str(sheet["data"]["pages"]), answer.content


def test_an_upload_opens(label_studio: RunningLabelStudio, tmp_path: Path) -> None:
    api = label_studio.api()
    file = tmp_path / "книга 1.png"
    file.write_bytes(PICTURE)
    project = int(api.create_project(title="Images", label_config=default_config())["id"])
    (upload,) = api.upload_files(project, [file])
    made = lines(api, project_of(api, upload.address), tmp_path)
    name, content = opened(label_studio, api, made)
    assert content == PICTURE
    assert name.endswith(".png")


def test_a_local_file_opens(label_studio: RunningLabelStudio, tmp_path: Path) -> None:
    api = label_studio.api()
    folder = label_studio.local_files / "sheets"
    folder.mkdir()
    (folder / "лист 1.png").write_bytes(PICTURE)
    project = project_of(api, "/data/local-files/?d=sheets/лист%201.png")
    connected: dict[str, Any] = {"project": project, "path": str(folder), "use_blob_urls": True}
    api.call("POST", "/api/storages/localfiles/", "connect a folder", body=connected)
    assert opened(label_studio, api, lines(api, project, tmp_path)) == ("лист 1.png", PICTURE)


def test_a_file_of_a_cloud_storage_opens(label_studio: RunningLabelStudio, tmp_path: Path) -> None:
    api = label_studio.api()
    project = project_of(api, "s3://scans/лист 1.png")
    # while no storage of the project holds it, nobody could see the line
    assert lines(api, project, tmp_path).lines == 0
    with bucket() as address:
        connected = {
            "project": project,
            "bucket": "scans",
            "s3_endpoint": address,
            "aws_access_key_id": "key",
            "aws_secret_access_key": "secret",
            "region_name": "eu",
            "use_blob_urls": True,
            "presign": False,
        }
        api.call("POST", "/api/storages/s3/", "connect a bucket", body=connected)
        assert opened(label_studio, api, lines(api, project, tmp_path)) == ("лист 1.png", PICTURE)
