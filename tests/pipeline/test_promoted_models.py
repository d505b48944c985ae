"""A service takes a promoted model over while it serves, or keeps the one that reads and says why."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import NotReady, ReaderUnavailable, SettingsWrong, StoreFailed, TwinreadError
from backend.models.promoted import PromotedModel, Promotions
from backend.pipeline.engines import Engines
from backend.pipeline.metrics import Metrics
from backend.pipeline.promoted_models import AGAIN_S, PromotedModels
from backend.pipeline.service import Service, ServiceOptions
from tests.parts.scripted import scripted_engines

NEVER_S = 3600.0
"""Between looks, where a test looks itself."""

RU_1 = PromotedModel(
    Path("/models/1"), "11111111", "ours", ("ru",), "2026-11-26T10:00:00+00:00", "rule", "Better."
)
RU_2 = replace(RU_1, directory=Path("/models/2"), fingerprint="22222222")


class Machine:
    """A machine with a promoted.json, engines that are named by their model, and errors on demand."""

    def __init__(self, cache: Path) -> None:
        self.promotions = Promotions.under(cache)
        self.loaded: list[str] = []
        self.closed: list[str] = []
        self.checked: list[str] = []
        self.unreadable: dict[str, TwinreadError] = {}
        self.broken: TwinreadError | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.now = 0.0

    def load(self, _: Metrics, model: PromotedModel | None) -> Engines:
        name = model.fingerprint if model else "stock"
        self.gate.wait(30)
        self.loaded.append(name)
        if self.broken:
            raise self.broken
        return scripted_engines(version=name, close=lambda: self.closed.append(name))

    def check(self, model: PromotedModel) -> None:
        self.checked.append(model.fingerprint)
        if model.fingerprint in self.unreadable:
            raise self.unreadable[model.fingerprint]

    @contextmanager
    def serving(self, look_s: float = NEVER_S, fixed: str = "") -> Iterator[Service]:
        models = PromotedModels(
            self.promotions, self.load, self.check, fixed=fixed, look_s=look_s, clock=lambda: self.now
        )
        service = Service(models.load, ServiceOptions(watch_s=0.01, retry_s=(0.01,)), models)
        try:
            yield service
        finally:
            self.gate.set()
            service.close()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def ready(service: Service) -> Service:
    service.engines(timeout_s=20)
    return service


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def promoted_status(service: Service) -> dict[str, object]:
    status = service.status()["promoted"]
    assert isinstance(status, dict)
    return status


def test_what_was_promoted_before_the_start_reads_from_the_start(machine: Machine) -> None:
    machine.promotions.promote(RU_1)
    with machine.serving() as service:
        assert ready(service).model_version == "11111111"
        status = promoted_status(service)
    assert (status["reads"], status["by"], status["why"]) == ("ours@11111111", "rule", "Better.")
    assert machine.loaded == ["11111111"]


def test_a_promotion_is_noticed_by_the_watch_and_so_is_its_undoing(machine: Machine) -> None:
    with machine.serving(look_s=0.01) as service:
        assert ready(service).model_version == "stock"
        assert promoted_status(service)["reads"] is None
        machine.promotions.promote(RU_1)
        until(lambda: service.model_version == "11111111")
        machine.promotions.promote(RU_2)
        until(lambda: service.model_version == "22222222")
        machine.promotions.undo("now")
        until(lambda: service.model_version == "11111111")
        until(lambda: machine.closed == ["stock", "11111111", "22222222"])
    assert machine.loaded == ["stock", "11111111", "22222222", "11111111"], "each was loaded once"


def test_reload_answers_when_the_promoted_model_reads(machine: Machine) -> None:
    with machine.serving() as service:
        ready(service)
        assert service.reload(20).outcome == "unchanged"
        machine.promotions.promote(RU_1)
        look = service.reload(20)
        assert (look.outcome, look.says) == ("took over", "ours@11111111 reads from now on: 11111111.")
        assert service.model_version == "11111111"
        assert service.reload(20).outcome == "unchanged"


def test_a_signal_wakes_the_watch(machine: Machine) -> None:
    with machine.serving() as service:
        ready(service)
        machine.promotions.promote(RU_1)
        service.ask_to_reload()
        until(lambda: service.model_version == "11111111")


def test_a_model_that_cannot_read_leaves_the_present_one_and_says_why(machine: Machine) -> None:
    machine.promotions.promote(RU_1)
    with machine.serving() as service:
        ready(service)
        machine.unreadable["22222222"] = ReaderUnavailable("It reads 'xx' for 'Счёт'.")
        machine.promotions.promote(RU_2)
        look = service.reload(20)
        assert look.outcome == "stays"
        assert look.says == "ours@22222222 was promoted and does not read: It reads 'xx' for 'Счёт'."
        assert service.model_version == "11111111"
        status = promoted_status(service)
        assert (status["reads"], status["refused"]) == ("ours@11111111", look.says)
        assert machine.loaded == ["11111111"], "nothing was loaded beside it"
        # mended, and promoted again by nobody
        machine.unreadable.clear()
        assert service.reload(20).outcome == "took over"
        assert promoted_status(service)["refused"] is None


def test_engines_that_cannot_be_loaded_with_it_leave_the_present_ones(machine: Machine) -> None:
    with machine.serving() as service:
        ready(service)
        machine.broken = StoreFailed("The database is full.")
        machine.promotions.promote(RU_1)
        assert "The database is full." in service.reload(20).says
        assert (service.model_version, service.state[0]) == ("stock", "ready")


def test_a_refused_model_is_not_loaded_every_ten_seconds_but_now_and_then(machine: Machine) -> None:
    machine.unreadable["11111111"] = ReaderUnavailable("no")
    with machine.serving(look_s=0.001) as service:
        ready(service)
        machine.promotions.promote(RU_1)
        until(lambda: machine.checked == ["11111111"])
        until(lambda: promoted_status(service)["refused"] is not None)
        tried = len(machine.checked)
        threading.Event().wait(0.1)  # a hundred looks
        assert len(machine.checked) == tried
        machine.now += AGAIN_S
        until(lambda: len(machine.checked) == tried + 1)


def test_a_broken_model_does_not_stop_the_start(machine: Machine) -> None:
    machine.promotions.promote(RU_1)
    machine.unreadable["11111111"] = SettingsWrong("The model folder '11111111' does not exist.")
    with machine.serving() as service:
        assert ready(service).model_version == "stock"
        status = promoted_status(service)
    assert status["reads"] is None
    assert "'11111111' does not exist" in str(status["refused"])


def test_a_damaged_file_leaves_whoever_reads(machine: Machine) -> None:
    machine.promotions.promote(RU_1)
    with machine.serving() as service:
        ready(service)
        machine.promotions.path.write_text("{", "utf-8")
        look = service.reload(20)
        assert (look.outcome, service.model_version) == ("stays", "11111111")
        assert "no whole JSON" in look.says
        machine.promotions.path.unlink()
        assert service.reload(20).outcome == "took over"
        assert service.model_version == "stock"
        machine.promotions.path.write_text("{", "utf-8")
    with machine.serving() as service:
        assert ready(service).model_version == "stock"
        assert "no whole JSON" in str(promoted_status(service)["refused"])


def test_engines_that_fail_later_come_back_with_the_promoted_model_or_without_it(machine: Machine) -> None:
    failure: list[TwinreadError] = []

    def load(metrics: Metrics, model: PromotedModel | None) -> Engines:
        made = machine.load(metrics, model)
        return replace(made, failure=lambda: failure[0] if failure else None)

    models = PromotedModels(machine.promotions, load, machine.check, look_s=NEVER_S)
    service = Service(models.load, ServiceOptions(watch_s=0.01, retry_s=(0.01,)), models)
    try:
        ready(service)
        machine.promotions.promote(RU_1)
        service.reload(20)
        # its folder is deleted while it reads, and then the model does not answer any more
        machine.unreadable["11111111"] = SettingsWrong("The model folder does not exist.")
        failure.append(ReaderUnavailable("given up"))
        until(lambda: machine.loaded[-1] == "stock" and len(machine.loaded) > 2)
        failure.clear()
        until(lambda: service.state[0] == "ready")
        assert service.model_version == "stock"
    finally:
        service.close()


def test_what_the_settings_name_stays_and_the_file_is_not_looked_at(machine: Machine) -> None:
    machine.promotions.promote(RU_1)
    with machine.serving(look_s=0.001, fixed="RECOGNITION_MODEL_DIR names the model.") as service:
        assert ready(service).model_version == "stock"
        look = service.reload(20)
        assert (look.outcome, look.says) == ("unchanged", "RECOGNITION_MODEL_DIR names the model.")
        assert promoted_status(service)["why"] == "RECOGNITION_MODEL_DIR names the model."
    assert machine.loaded == ["stock"]


def test_nobody_waits_longer_than_asked_and_the_taking_over_goes_on(machine: Machine) -> None:
    with machine.serving() as service:
        ready(service)
        machine.gate.clear()
        machine.promotions.promote(RU_1)
        assert service.reload(0.05).outcome == "loading"
        assert service.reload(0.05).outcome == "loading"
        assert service.model_version == "stock"
        machine.gate.set()
        assert service.reload(20).outcome == "took over"
    assert machine.loaded == ["stock", "11111111"], "two who asked had it loaded once"


def test_while_the_first_engines_load_there_is_nothing_to_take_over(machine: Machine) -> None:
    machine.gate.clear()
    with machine.serving() as service:
        assert service.reload(20).outcome == "loading"
        with pytest.raises(NotReady):
            service.engines()
        machine.gate.set()
        ready(service)
    assert machine.loaded == ["stock"]


def test_a_stop_while_a_model_loads_ends_and_is_no_refusal(machine: Machine) -> None:
    with machine.serving() as service:
        ready(service)
        machine.gate.clear()
        machine.promotions.promote(RU_1)
        assert service.reload(0.05).outcome == "loading"
    assert sorted(machine.closed) == ["11111111", "stock"]
    assert promoted_status(service)["refused"] is None


def test_a_newer_reason_for_the_same_model_loads_nothing(machine: Machine) -> None:
    machine.promotions.promote(RU_1)
    with machine.serving() as service:
        ready(service)
        machine.promotions.promote(replace(RU_1, why="Better by far."))
        assert service.reload(20).outcome == "unchanged"
        assert promoted_status(service)["why"] == "Better by far."
    assert machine.loaded == ["11111111"]
