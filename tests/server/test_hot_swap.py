"""A real backend at work takes a promoted model over: nobody who asks meanwhile notices anything."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.models.promoted import PromotedModel, Promotions
from tests.parts.backend_process import RunningBackend, backend_process
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.promoted import packaged_recogniser, promoted, trained_model
from tests.parts.scripted import CONFIG

LINES = ("Invoice", "Total 12")
SECRET = {"X-Twinread-Secret": "s3cret"}


def task(number: int) -> dict[str, Any]:
    """A page that nobody asked for before."""
    content = file_of(drawn_page([*LINES, f"Page {number}"], (480, 240))[0])
    return {
        "id": number,
        "data": {"image": f"data:image/png;base64,{base64.b64encode(content).decode()}"},
    }


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    folder = tmp_path_factory.mktemp("hot-swap")
    with backend_process(folder, ocr_language="en", webhook_secret="s3cret") as running:
        yield running


@pytest.fixture(scope="module")
def packaged(backend: RunningBackend) -> Path:
    return packaged_recogniser(backend.folder / "cache" / "models")


@pytest.fixture
def promotions(backend: RunningBackend) -> Iterator[Promotions]:
    """The file of the backend; gone after the test, and so is what it promoted."""
    made = Promotions.under(backend.folder / "cache")
    yield made
    made.path.unlink(missing_ok=True)
    reload(backend)


def reload(backend: RunningBackend) -> httpx.Response:
    return httpx.post(backend.url + "/reload", headers=SECRET, timeout=120, trust_env=False)


def version(backend: RunningBackend) -> str:
    found: str = backend.status()["model_version"]
    return found


def reading(backend: RunningBackend) -> Any:
    return backend.status()["promoted"]["reads"]


def is_whole(result: dict[str, Any]) -> bool:
    """A prediction with a text for each of the three lines."""
    texts = [item for item in result.get("result", []) if item["type"] == "textarea"]
    return len(texts) == 3 and all(item["value"]["text"] for item in texts)


def test_under_load_every_request_is_answered_whole_by_one_model_or_the_other(
    backend: RunningBackend, promotions: Promotions, packaged: Path, tmp_path: Path
) -> None:
    old = version(backend)
    model = promoted(trained_model(tmp_path / "ru-1", packaged))
    numbers, enough = itertools.count(1000), threading.Event()

    def ask_on(_: int) -> list[dict[str, Any]]:
        """Ask for pages one after the other, as annotators do; the last one after the swap."""
        answers = []
        last = False
        while not last:
            last = enough.is_set()
            (answer,) = backend.predict([task(next(numbers))], CONFIG)
            answers.append(answer)
        return answers

    with ThreadPoolExecutor(3) as annotators:
        asked = [annotators.submit(ask_on, number) for number in range(3)]
        try:
            promotions.promote(model)
            answer = reload(backend)
        finally:
            enough.set()
        answers = [future.result() for future in asked]
    assert (answer.status_code, answer.json()["outcome"]) == (200, "took over")
    new = version(backend)
    assert new != old
    assert f"{model.identity} reads from now on" in answer.json()["says"]
    assert all(is_whole(result) for results in answers for result in results)
    for results in answers:
        versions = [result["model_version"] for result in results]
        assert versions == sorted(versions, key=[old, new].index), "never back to the old one"
        assert versions[-1] == new
    assert backend.status()["failed_tasks"] == {}
    status = backend.status()["promoted"]
    assert (status["reads"], status["by"], status["why"]) == (model.identity, "rule", "It reads better.")
    # Label Studio asks anew for what nobody has done, because /setup and /versions name another version
    assert backend.get("/versions").json()["versions"] == [new]


def test_a_second_signal_does_not_restart_the_worker_and_takes_over(
    backend: RunningBackend, promotions: Promotions, packaged: Path, tmp_path: Path
) -> None:
    children = Path(f"/proc/{backend.process.pid}/task/{backend.process.pid}/children")
    worker = children.read_text("utf-8")
    model = promoted(trained_model(tmp_path / "signalled", packaged, "by SIGHUP"))
    promotions.promote(model)
    backend.process.send_signal(signal.SIGHUP)
    backend.wait_until(lambda: reading(backend) == model.identity, "the worker took it over", 60)
    assert children.read_text("utf-8") == worker


def test_without_being_asked_it_takes_over_and_goes_back_when_that_is_undone(
    backend: RunningBackend, promotions: Promotions, packaged: Path, tmp_path: Path
) -> None:
    before = version(backend)
    model = promoted(trained_model(tmp_path / "watched", packaged, "watched"))
    promotions.promote(model)
    backend.wait_until(lambda: reading(backend) == model.identity, "the watch saw it", 60)
    promotions.undo("2026-11-27T10:00:00+00:00")
    backend.wait_until(lambda: reading(backend) is None, "the watch saw the undoing", 60)
    assert version(backend) == before


def no_onnx(model: PromotedModel) -> PromotedModel:
    (model.directory / "inference.onnx").write_bytes(b"no network")
    return promoted(model.directory)


def deleted(model: PromotedModel) -> PromotedModel:
    shutil.rmtree(model.directory)
    return model


def of_other_letters(model: PromotedModel) -> PromotedModel:
    return replace(model, languages=("en", "ru"))


def changed_since(model: PromotedModel) -> PromotedModel:
    with (model.directory / "inference.yml").open("a", encoding="utf-8") as description:
        description.write("# and trained a little more\n")
    return model


def nonsense(model: PromotedModel) -> PromotedModel:
    """Its dictionary has every letter, in another order than it was trained with."""
    description = model.directory / "inference.yml"
    head, mark, entries = description.read_text("utf-8").partition("  character_dict:\n")
    rows = [row for row in entries.splitlines() if row.startswith("  - ")]
    moved = [*rows[100:], *rows[:100]]
    description.write_text(head + mark + "\n".join(moved) + "\n", "utf-8")
    return promoted(model.directory)


@pytest.mark.parametrize(
    ("breaking", "why"),
    [
        pytest.param(no_onnx, "failed to load", id="no network in the file"),
        pytest.param(deleted, "Its folder is gone", id="its folder is gone"),
        pytest.param(of_other_letters, "cannot write 'ru'", id="letters are lacking"),
        pytest.param(changed_since, "changed after it was promoted", id="other files than promoted"),
        pytest.param(nonsense, "misreads clean print", id="it reads nonsense"),
    ],
)
def test_a_broken_model_never_takes_over(
    backend: RunningBackend, promotions: Promotions, packaged: Path, tmp_path: Path, breaking: Any, why: str
) -> None:
    backend.quiet = False  # a network that cannot be read is in the log with its traceback
    before = version(backend)
    broken = breaking(promoted(trained_model(tmp_path / "broken", packaged, why)))
    promotions.promote(broken)
    answer = reload(backend)
    assert answer.status_code == 409
    assert why in answer.json()["error"]
    assert str(tmp_path) not in answer.text
    assert (version(backend), reading(backend)) == (before, None)
    assert why in backend.status()["promoted"]["refused"]
    assert is_whole(backend.predict([task(1)], CONFIG)[0])


def test_reload_wants_the_secret(backend: RunningBackend) -> None:
    for headers in ({}, {"X-Twinread-Secret": "guess"}):
        answer = httpx.post(backend.url + "/reload", headers=headers, trust_env=False)
        assert answer.status_code == 401
    assert httpx.post(backend.url + "/reload/s3cret", trust_env=False).json()["outcome"] == "unchanged"
    assert httpx.get(backend.url + "/reload/s3cret", trust_env=False).status_code == 405


def test_a_damaged_file_changes_nothing(backend: RunningBackend, promotions: Promotions) -> None:
    before = version(backend)
    promotions.path.write_text(json.dumps({"format": 1}), "utf-8")
    answer = reload(backend)
    assert (answer.status_code, version(backend)) == (409, before)
    assert "the model that reads stays" in answer.json()["error"]
