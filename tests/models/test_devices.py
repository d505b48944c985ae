"""Which engine and device a model runs on, on machines that are only described, and how cores are shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from backend.cores import cores
from backend.errors import SettingsWrong
from backend.models import locate, paddle_engine
from backend.models.devices import (
    CUDA,
    Engine,
    EngineOptions,
    Sessions,
    ThisMachine,
    choose_engine,
    refuse_other_device,
    share_cores,
    unused_gpu,
)

CPU_ONLY = ("AzureExecutionProvider", "CPUExecutionProvider")


@dataclass(frozen=True, slots=True)
class Described:
    """A machine by what it has: Paddle and the GPUs it sees, the driver's GPUs, onnxruntime's providers."""

    paddle: int | None = None
    nvidia: int = 0
    onnxruntime: Sequence[str] = CPU_ONLY

    def has_paddle(self) -> bool:
        return self.paddle is not None

    def paddle_gpus(self) -> int:
        return self.paddle or 0

    def nvidia_gpus(self) -> int:
        return self.nvidia

    def providers(self) -> Sequence[str]:
        return self.onnxruntime


NOTHING = Described()
REGISTRY = Described(nvidia=2, onnxruntime=(CUDA, *CPU_ONLY))
PADDLE = Described(paddle=2, nvidia=2)
BOTH = Described(paddle=2, nvidia=2, onnxruntime=(CUDA, *CPU_ONLY))
PADDLE_ON_CPU = Described(paddle=0, nvidia=1, onnxruntime=(CUDA, *CPU_ONLY))
NO_DRIVER = Described(onnxruntime=(CUDA, *CPU_ONLY))


@pytest.mark.parametrize(
    ("machine", "values", "chosen"),
    [
        pytest.param(NOTHING, {}, Engine("onnxruntime", "cpu"), id="no GPU"),
        pytest.param(NO_DRIVER, {}, Engine("onnxruntime", "cpu"), id="onnxruntime-gpu without a GPU"),
        pytest.param(Described(nvidia=1), {}, Engine("onnxruntime", "cpu"), id="a GPU for which nothing is"),
        pytest.param(REGISTRY, {}, Engine("onnxruntime", "gpu:0"), id="onnxruntime-gpu"),
        pytest.param(PADDLE, {}, Engine("paddle", "gpu:0"), id="paddlepaddle-gpu"),
        pytest.param(BOTH, {}, Engine("paddle", "gpu:0"), id="both: Paddle first"),
        pytest.param(
            BOTH, {"engine": "onnxruntime"}, Engine("onnxruntime", "gpu:0"), id="both, ENGINE=onnxruntime"
        ),
        pytest.param(PADDLE_ON_CPU, {}, Engine("onnxruntime", "gpu:0"), id="Paddle for CPUs beside it"),
        pytest.param(
            PADDLE_ON_CPU, {"engine": "paddle"}, Engine("paddle", "cpu"), id="the same, ENGINE=paddle"
        ),
        pytest.param(PADDLE, {"engine": "onnxruntime"}, Engine("onnxruntime", "cpu"), id="no CUDA for it"),
        pytest.param(BOTH, {"device": "cpu"}, Engine("onnxruntime", "cpu"), id="the CPU by name"),
        pytest.param(REGISTRY, {"device": "gpu:1"}, Engine("onnxruntime", "gpu:1"), id="the second GPU"),
        pytest.param(BOTH, {"device": "GPU"}, Engine("paddle", "gpu:0"), id="a GPU by name"),
    ],
)
def test_auto_takes_the_gpu_that_an_engine_sees(
    machine: Described, values: dict[str, Any], chosen: Engine
) -> None:
    assert choose_engine(EngineOptions(**values), machine) == chosen


@pytest.mark.parametrize(
    ("machine", "values", "words"),
    [
        pytest.param(
            NOTHING,
            {"device": "gpu:0"},
            "DEVICE=gpu:0 was asked for, but PaddlePaddle is not installed and the installed onnxruntime has "
            "no CUDA. Install onnxruntime-gpu in place of onnxruntime, or",
            id="nothing for a GPU",
        ),
        pytest.param(
            REGISTRY, {"device": "gpu:2"}, "NVIDIA's driver shows 2 GPUs", id="a third GPU for onnxruntime"
        ),
        pytest.param(
            PADDLE, {"device": "gpu:2", "engine": "paddle"}, "PaddlePaddle sees 2 GPUs", id="a third GPU"
        ),
        pytest.param(
            NO_DRIVER,
            {"device": "gpu", "engine": "onnxruntime"},
            "NVIDIA's driver shows 0 GPUs",
            id="no driver",
        ),
        pytest.param(
            REGISTRY,
            {"precision": "fp16"},
            "PRECISION would do nothing: the engine is onnxruntime",
            id="fp16",
        ),
    ],
)
def test_a_gpu_that_is_not_there_is_an_error_that_says_what_to_install(
    machine: Described, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsWrong) as caught:
        choose_engine(EngineOptions(**values), machine)
    assert words in str(caught.value)


def test_a_model_that_landed_on_the_cpu_in_place_of_its_gpu_is_an_error() -> None:
    location = locate.find_model("PP-OCRv5_mobile_det", source="packages")
    options = EngineOptions(device="cpu")
    loaded = paddle_engine.text_detection(location, Engine("onnxruntime", "cpu"), options)
    really = paddle_engine.providers(loaded)
    assert really == ("CPUExecutionProvider",)
    refuse_other_device(Engine("onnxruntime", "cpu"), really)
    refuse_other_device(Engine("onnxruntime", "gpu:0"), (CUDA, *really))
    with pytest.raises(SettingsWrong, match="CUDA's or cuDNN's libraries are missing") as caught:
        refuse_other_device(Engine("onnxruntime", "gpu:0"), really)
    assert "onnxruntime-gpu[cuda,cudnn]" in str(caught.value)


@pytest.mark.parametrize(
    ("machine", "values", "words"),
    [
        pytest.param(
            Described(nvidia=1), {}, "A GPU is there and not used: install onnxruntime-gpu", id="one"
        ),
        pytest.param(Described(nvidia=4), {}, "4 GPUs are there and not used", id="four"),
        pytest.param(Described(nvidia=1), {"device": "cpu"}, "", id="the CPU is meant"),
        pytest.param(NOTHING, {}, "", id="none"),
        pytest.param(REGISTRY, {}, "", id="used"),
    ],
)
def test_a_gpu_that_stands_idle_is_spoken_of(machine: Described, values: dict[str, Any], words: str) -> None:
    options = EngineOptions(**values)
    said = unused_gpu(choose_engine(options, machine), options, machine)
    assert said.startswith(words)
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("threads", "sessions"),
    [
        pytest.param(1, Sessions(1, 1), id="one core"),
        pytest.param(2, Sessions(2, 1), id="a session for each core"),
        pytest.param(8, Sessions(8, 1), id="as many as there may be"),
        pytest.param(12, Sessions(6, 2), id="more cores than sessions: two threads each"),
        pytest.param(64, Sessions(8, 8), id="a big machine"),
    ],
)
def test_cores_are_shared_among_sessions_as_far_as_memory_goes(threads: int, sessions: Sessions) -> None:
    options = EngineOptions(device="cpu", cpu_threads=threads)
    assert share_cores(Engine("onnxruntime", "cpu"), options, most=8) == sessions


def test_by_default_all_cores_are_used() -> None:
    shared = share_cores(Engine("onnxruntime", "cpu"), EngineOptions(device="cpu"), most=1000)
    assert shared == Sessions(cores(), 1)


@pytest.mark.parametrize(
    ("engine", "values", "sessions"),
    [
        pytest.param(Engine("onnxruntime", "gpu:0"), {}, Sessions(1, 8), id="a GPU has one"),
        pytest.param(Engine("paddle", "cpu"), {}, Sessions(1, 8), id="so has Paddle's engine"),
        pytest.param(
            Engine("onnxruntime", "cpu"),
            {"intra_op_num_threads": 4},
            Sessions(2, 4),
            id="threads by ENGINE_CONFIG",
        ),
    ],
)
def test_one_session_where_more_would_not_help(
    engine: Engine, values: dict[str, Any], sessions: Sessions
) -> None:
    assert share_cores(engine, EngineOptions(cpu_threads=8, engine_config=values), most=8) == sessions


def test_this_machine_says_what_it_has() -> None:
    machine = ThisMachine()
    assert "CPUExecutionProvider" in machine.providers()
    assert machine.nvidia_gpus() >= 0
    assert machine.paddle_gpus() == 0 or machine.has_paddle()
