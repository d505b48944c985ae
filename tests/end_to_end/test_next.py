"""The order that `twinread next` writes is the order in which a real Label Studio serves its stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.read_tasks import VERSION, predicted

pytestmark = LABEL_STUDIO

PAGES: Mapping[str, tuple[str | tuple[str, str], ...]] = {
    "agreed": ("Дата", "Сумма", "Итого"),
    "one in three": (("Дата", "Дота"), "Сумма", "Итого"),
    "two in three": (("Дата", "Дота"), ("Сумма", "Суммв"), "Итого"),
    "all": (("Дата", "Дота"), ("Сумма", "Суммв"), ("Итого", "Итого1")),
    "all alike": (("Дата", "Дота"), ("Сумма", "Суммв"), ("Итого", "Итого1")),
    "begun": (("Дата", "Дота"), "Сумма"),
    "nothing found": (),
    "rare": ("Ґанок", "Сумма", "Итого"),
}


class Work:
    """A project with these pages and no backend."""

    def __init__(self, label_studio: RunningLabelStudio, folder: Path) -> None:
        self._label_studio = label_studio
        self._summary = folder / "next.json"
        self.api: LabelStudio = label_studio.api()
        project = self.api.create_project(title="What comes next", label_config=default_config())
        self.id = int(project["id"])
        numbers = self.api.import_tasks(self.id, [{"data": {"image": f"/data/{name}.png"}} for name in PAGES])
        self.names = dict(zip(numbers, PAGES, strict=True))
        self.tasks = {name: number for number, name in self.names.items()}
        made = [{"task": self.tasks[name], **predicted(*lines)} for name, lines in PAGES.items()]
        self.api.import_predictions(self.id, made)
        # a re-read's prediction, which the stream must not look at
        self.api.create_prediction(self.tasks["agreed"], predicted("Дата")["result"], f"reread {VERSION}")
        draft = {"result": predicted("Дата")["result"], "lead_time": 1}
        self.api.call("POST", f"/api/tasks/{self.tasks['begun']}/drafts", "draft", body=draft)
        self.api.update_project(self.id, model_version=VERSION, sampling="Uncertainty sampling")

    def next(self, *options: str, exit_code: int = 0) -> tuple[list[str], str]:
        """Run `twinread next`; the names of the pages in its order, and what it printed."""
        variables = {
            **os.environ,
            "LABEL_STUDIO_URL": self._label_studio.base_url,
            "LABEL_STUDIO_API_KEY": self._label_studio.personal_token.get_secret_value(),
            "COLUMNS": "200",
        }
        command = [sys.executable, "-m", "backend", "next", "--project", str(self.id), *options]
        done = subprocess.run(
            [*command, "--summary-json", str(self._summary)], env=variables, capture_output=True, text=True
        )
        assert done.returncode == exit_code, done.stderr
        if exit_code:
            return [], done.stderr
        order = json.loads(self._summary.read_text("utf-8"))["order"]
        return [self.names[row["task"]] for row in order], done.stdout

    def all_tasks(self) -> dict[str, dict[str, Any]]:
        return {
            self.names[int(task["id"])]: self.api.task(int(task["id"])) for task in self.api.tasks(self.id)
        }

    def scores(self) -> dict[str, float]:
        return {
            name: made["score"]
            for name, task in self.all_tasks().items()
            for made in task["predictions"]
            if made["model_version"] == VERSION
        }

    def served(self) -> str:
        """The page that the label stream gives now."""
        task = self.api.call("GET", f"/api/projects/{self.id}/next", "show the next task")
        return self.names[int(task["id"])]

    def submit(self, name: str, *texts: str) -> None:
        self.api.create_annotation(self.tasks[name], predicted(*texts)["result"])


@pytest.fixture
def work(label_studio: RunningLabelStudio, tmp_path: Path) -> Work:
    return Work(label_studio, tmp_path)


def test_label_studio_serves_pages_in_the_order_that_was_written_and_nothing_else_changed(work: Work) -> None:
    before = work.all_tasks()
    assert [work.names[task["id"]] for task in work.api.tasks(work.id, begun=True)] == ["begun"]
    planned, said = work.next("--dry-run")
    assert "3 of 3 lines disputed" in said
    assert work.all_tasks() == before

    order, said = work.next()

    assert order == planned
    assert set(order) == {"agreed", "one in three", "two in three", "all", "all alike", "rare"}
    assert order[0] == "all"
    assert "1 begun (a draft), 1 without a line" in said
    assert "the place now" in said
    after = work.all_tasks()
    for name, task in after.items():
        for then, now in zip(before[name]["predictions"], task["predictions"], strict=True):
            may_differ = {"score", "updated_at", "created_ago"}
            assert {k: v for k, v in then.items() if k not in may_differ} == {
                k: v for k, v in now.items() if k not in may_differ
            }
            if name in ("begun", "nothing found") or now["model_version"] != VERSION:
                assert now == {**then, "created_ago": now["created_ago"]}
        assert task["annotations"] == before[name]["annotations"]
    served = []
    for _ in order:
        served.append(work.served())
        work.submit(served[-1], "Готово")
        if served[-1] == "begun":
            served.append(work.served())
            work.submit(served[-1], "Готово")
    assert [name for name in served if name in order] == order


def test_approved_work_changes_the_order_and_undo_brings_the_shares_back(work: Work) -> None:
    shares = work.scores()
    first, _ = work.next()
    assert first.index("rare") < first.index("agreed")

    # its letters are approved often enough, and so is its kind of page
    work.submit("all", *["Ґанок", "Сумма", "Итого"] * 20)
    second, _ = work.next()
    assert "all" not in second
    assert second.index("agreed") < second.index("rare")

    work.next("--undo")
    assert work.scores() == shares
    assert work.next("--undo")[1].startswith("0 scores")


def test_where_the_stream_would_not_follow_nothing_is_written(work: Work) -> None:
    before = work.scores()
    work.api.update_project(work.id, sampling="Sequential sampling")

    _, said = work.next(exit_code=1)

    assert "looks at no scores" in said
    assert "Traceback" not in said
    assert work.scores() == before
    assert "looks at no scores" in work.next("--dry-run")[1]
