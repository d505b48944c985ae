"""Images of a real Label Studio, fetched with either kind of key."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr

from backend.errors import ImageRefused, ImageUnreachable
from backend.fetching.sources import SourceLimits, Sources
from backend.label_studio.client import LabelStudio
from tests.parts.label_studio import CONFIG, LABEL_STUDIO, RunningLabelStudio
from tests.parts.samples import sample

pytestmark = LABEL_STUDIO


@pytest.fixture(params=["personal_token", "legacy_token"])
def key(request: pytest.FixtureRequest, label_studio: RunningLabelStudio) -> SecretStr:
    found: SecretStr = getattr(label_studio, request.param)
    return found


@pytest.fixture(scope="module")
def project(label_studio: RunningLabelStudio) -> int:
    return int(label_studio.api().create_project(title="Sources", label_config=CONFIG)["id"])


@pytest.fixture(scope="module")
def storage(label_studio: RunningLabelStudio, project: int) -> Path:
    """A folder that Label Studio serves, next to one that it does not."""
    for name in ("served", "private"):
        (label_studio.local_files / name).mkdir()
    folder = label_studio.local_files / "served"
    body = {"project": project, "title": "served", "path": str(folder.resolve()), "use_blob_urls": True}
    label_studio.api().call("POST", "/api/storages/localfiles/", "make a local file storage", body=body)
    return folder


def test_an_upload_with_a_name_of_200_bytes_in_cyrillic_comes_back_as_it_was(
    label_studio: RunningLabelStudio, project: int, key: SecretStr, tmp_path: Path
) -> None:
    content = sample("syn_067").path.read_bytes()
    path = tmp_path / ("Ы" * 98 + ".png")
    assert len(path.name.encode()) == 200
    path.write_bytes(content)
    api = label_studio.api(key)
    upload = api.upload_files(project, [path])[0]
    task = api.task(api.import_tasks(project, [{"data": {"image": upload.address}}])[0])

    images = Sources(api, SourceLimits(), cache_dir=tmp_path / "cache")

    for reference in (task["data"]["image"], label_studio.base_url + task["data"]["image"]):
        assert images.fetch(reference, task_id=task["id"]) == content


def test_local_files_are_served_through_label_studio(
    label_studio: RunningLabelStudio, storage: Path, key: SecretStr
) -> None:
    (storage / "папка").mkdir(exist_ok=True)
    (storage / "папка" / "скан 1.tif").write_bytes(b"II*\x00 and the rest")
    images = Sources(label_studio.api(key), SourceLimits())

    reference = "/data/local-files/?d=" + quote("served/папка/скан 1.tif")
    assert images.fetch(reference, task_id=1) == b"II*\x00 and the rest"


@pytest.mark.parametrize(
    ("inside", "error", "words"),
    [
        pytest.param("served/none.png", ImageUnreachable, "404", id="not there"),
        pytest.param("private/secret.png", ImageUnreachable, "404", id="outside of every storage"),
        pytest.param("served/../private/secret.png", ImageRefused, r"'\.\.'", id="climbs"),
        pytest.param("../../etc/passwd", ImageRefused, r"'\.\.'", id="climbs out of the root"),
    ],
)
def test_local_files_outside_of_a_storage_stay_private(
    label_studio: RunningLabelStudio, storage: Path, inside: str, error: type[Exception], words: str
) -> None:
    (storage.parent / "private" / "secret.png").write_bytes(b"secret")
    images = Sources(label_studio.api(), SourceLimits())

    with pytest.raises(error, match=words):
        images.fetch(f"/data/local-files/?d={inside}", task_id=1)


def test_an_upload_that_is_gone_is_an_error(label_studio: RunningLabelStudio, project: int) -> None:
    with pytest.raises(ImageUnreachable, match="HTTP"):
        Sources(label_studio.api(), SourceLimits()).fetch(
            f"/data/upload/{project}/00000000-gone.png", task_id=1
        )


def test_cloud_storage_that_label_studio_does_not_know_is_an_error(
    label_studio: RunningLabelStudio, project: int
) -> None:
    api = label_studio.api()
    task = api.import_tasks(project, [{"data": {"image": "s3://bucket/a.png"}}])[0]

    with pytest.raises(ImageUnreachable, match="404"):
        Sources(api, SourceLimits()).fetch("s3://bucket/a.png", task_id=task)


class StaleFirst(httpx.BaseTransport):
    """The network, except that the first access token comes with a signature that is good no more."""

    def __init__(self) -> None:
        self._network = httpx.HTTPTransport()
        self.exchanges = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._network.handle_request(request)
        if request.url.path == "/api/token/refresh/":
            response.read()
            self.exchanges += 1
            if self.exchanges == 1:
                access = json.loads(response.content)["access"]
                return httpx.Response(200, json={"access": access.rpartition(".")[0] + ".c3RhbGU"})
        return response

    def close(self) -> None:
        self._network.close()


@pytest.mark.parametrize("first", ["file", "api"])
def test_an_access_token_that_label_studio_refuses_is_renewed(
    label_studio: RunningLabelStudio, project: int, tmp_path: Path, first: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(sample("syn_067").path.read_bytes())
    upload = label_studio.api().upload_files(project, [path])[0]
    transport = StaleFirst()

    with LabelStudio(label_studio.base_url, label_studio.personal_token, transport=transport) as api:
        images = Sources(api, SourceLimits())
        if first == "api":
            assert api.whoami()["email"] == label_studio.user
        assert images.fetch(upload.address, task_id=1) == path.read_bytes()

    assert transport.exchanges == 2


def test_a_key_of_another_label_studio_fetches_nothing(label_studio: RunningLabelStudio) -> None:
    with (
        LabelStudio(label_studio.base_url, SecretStr("0" * 40)) as api,
        pytest.raises(ImageUnreachable, match="LABEL_STUDIO_API_KEY"),
    ):
        Sources(api, SourceLimits()).fetch("/data/upload/1/a.png", task_id=1)
