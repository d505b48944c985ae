"""`twinread preannotate --engine ray` on a real Label Studio and a cluster of two nodes."""

from __future__ import annotations

import io
import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from backend.commands.preannotate_run import RunRequest, preannotate_project
from backend.label_studio.default_config import default_config
from backend.settings.settings import load
from tests.parts.bulk_runs import BulkRun, preannotate
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.ernie_stand_in import Asked, Say, StandIn, fingerprint
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.postgres import postgres
from tests.parts.ray_cluster import RayCluster, ray_cluster

pytestmark = [LABEL_STUDIO, pytest.mark.timeout(600)]

HEAD, SECOND = "127.0.0.4", "127.0.0.5"
LIMIT = 4
"""Calls in flight, over both nodes."""
PAGES, LINES = 30, 2
KEY, PASSWORD = "ernie-key-that-nobody-may-see", "password-that-nobody-may-see"


class Ray:
    """The command as a process, on projects of the same drawn pages."""

    def __init__(self, labels: RunningLabelStudio, ernie: StandIn, cluster: RayCluster, folder: Path) -> None:
        self.api = labels.api()
        self.ernie = ernie
        self.cluster = cluster
        self.folder = folder
        self.files = [folder / f"page-{number}.png" for number in range(PAGES)]
        for number, file in enumerate(self.files):
            texts = [f"Invoice {number} {line} of {number * 7919}" for line in range(LINES)]
            file.write_bytes(file_of(drawn_page(texts)[0]))
        self.settings: dict[str, object] = {
            "label_studio_url": labels.base_url,
            "label_studio_api_key": labels.personal_token,
            "ocr_language": "en",
            "ernie_base_url": ernie.base_url,
            "witness": "off",
            "ernie_model": ernie.model,
            "ernie_api_key": KEY,
            "ernie_concurrency": LIMIT,
            "detection_model": "PP-OCRv5_mobile_det",
            "reading_claim_s": 2,
        }

    def project(self) -> int:
        made = int(self.api.create_project(title="on a cluster", label_config=default_config())["id"])
        uploads = self.api.upload_files(made, self.files)
        self.api.import_tasks(made, [{"data": {"image": upload.address}} for upload in uploads])
        return made

    def stored(self, project: int) -> list[str]:
        """What stands in Label Studio, page by page: all of every prediction that is ours to choose."""
        tasks = sorted(self.api.tasks(project), key=lambda task: int(task["id"]))
        names = ("model_version", "score", "result")
        return [
            json.dumps([[made[name] for name in names] for made in task["predictions"]]) for task in tasks
        ]

    def wait_for_calls(self, count: int, run: BulkRun) -> None:
        end = time.monotonic() + 120
        while self.ernie.answered < count:
            assert run.process.poll() is None and time.monotonic() < end, run.text
            time.sleep(0.02)

    def wait_until_idle(self) -> None:
        """Until no worker of ours is left on the cluster."""
        end = time.monotonic() + 60
        while ours := [name for name in self.cluster.workers if "Stage" in name or "Treasurer" in name]:
            assert time.monotonic() < end, ours
            time.sleep(0.1)


@pytest.fixture(scope="module")
def ray(label_studio: RunningLabelStudio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ray]:
    def brain(asked: Asked) -> Say:
        return Say(f"Invoice {int(fingerprint(asked), 16) % 1000}")

    with (
        postgres() as url,
        StandIn(brain, latency_s=0.3, key=KEY).running() as ernie,
        ray_cluster(HEAD, cpus=1) as cluster,
    ):
        cluster.add(SECOND, cpus=1)
        made = Ray(label_studio, ernie, cluster, tmp_path_factory.mktemp("ray"))
        made.settings["store_url"] = url.replace("@", f":{PASSWORD}@")
        yield made


def test_killed_stopped_and_without_a_node_it_stores_once_what_one_machine_stores(ray: Ray) -> None:
    project, ernie, folder = ray.project(), ray.ernie, ray.folder / "run"
    arguments = ("--project", project, "--engine", "ray", "--address", ray.cluster.address)

    with preannotate(folder, *arguments, settings=ray.settings) as killed:
        ray.wait_for_calls(6, killed)
    ray.wait_until_idle()

    with preannotate(folder, *arguments, settings=ray.settings) as stopped:
        ray.wait_for_calls(16, stopped)
        stopped.process.send_signal(signal.SIGINT)
        assert stopped.wait(120) == 1, stopped.text
    assert "Stopping: what is in hand" in stopped.text
    assert f"To go on from here: twinread preannotate {' '.join(map(str, arguments))}\n" in stopped.text
    ray.wait_until_idle()

    with preannotate(folder, *arguments, settings=ray.settings) as last:
        ray.wait_for_calls(ernie.answered + 6, last)
        ray.cluster.kill(SECOND)
        assert last.wait(240) == 0, last.text
    assert "Traceback" not in last.text
    secrets = [KEY, PASSWORD, ray.settings["label_studio_api_key"].get_secret_value()]  # type: ignore[attr-defined]
    assert [secret for secret in secrets if secret in last.text + ray.cluster.logs] == []

    # nothing is paid twice but what the driver and the node had in flight, and once more what a stop gave up
    asked = Counter((fingerprint(asked), asked.prompt) for asked in ernie.asked)
    assert len(asked) == PAGES * LINES * 2
    assert sum(asked.values()) - len(asked) <= LIMIT + LIMIT + LIMIT // 2

    alone = ray.project()
    here = load(**{**ray.settings, "store_url": "", "cache_dir": ray.folder / "here"}, _env_file=None)
    assert preannotate_project(RunRequest(alone), here, Console(file=io.StringIO())) == 0
    stored = ray.stored(project)
    assert [len(json.loads(page)) for page in stored] == [1] * PAGES
    assert stored == ray.stored(alone)
