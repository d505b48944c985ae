"""Chooses the engine and device that PaddleOCR's models run on, and how many copies of a model work at once.

Where a GPU was asked for and is not there, this module raises; nothing here falls back to a CPU in silence.
"""

from __future__ import annotations

import ctypes
import importlib.util
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from backend.cores import cores
from backend.errors import SettingsWrong
from backend.models.files import EngineName

CUDA: Final = "CUDAExecutionProvider"
"""onnxruntime's name of what runs a model on an NVIDIA GPU."""

_INSTALL: Final = (
    "install onnxruntime-gpu in place of onnxruntime, or paddlepaddle-gpu 3.x from Paddle's own index, and "
    "check the driver (README, 'On a GPU')"
)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The engine and device that a model runs on; names and meanings are PaddleOCR's.

    engine: "auto" is onnxruntime on a CPU (four times cheaper there), and on a GPU Paddle's own where it sees
        the GPU, else onnxruntime.
    device: "auto" (a GPU that the engine sees, else the CPU), "cpu", or "gpu:N".
    cpu_threads: cores that all copies of a model use together on a CPU; None for all.
    engine_config: options of the engine; with Paddle's engine they replace the ones below.
    enable_mkldnn: None enables it wherever it works (not in PaddlePaddle 3.3 and later, where
        detection crashes with it).
    """

    engine: Literal["auto", "onnxruntime", "paddle"] = "auto"
    device: str = "auto"
    cpu_threads: int | None = None
    engine_config: Mapping[str, Any] = field(default_factory=dict)
    enable_hpi: bool = False
    use_tensorrt: bool = False
    precision: Literal["fp32", "fp16"] = "fp32"
    enable_mkldnn: bool | None = None
    mkldnn_cache_capacity: int = 10
    enable_cinn: bool = False


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine and device that were chosen."""

    name: EngineName
    device: str


@dataclass(frozen=True, slots=True)
class Sessions:
    """Copies of a model that work side by side.

    count: how many, each in a thread of its own.
    threads: of each copy.
    """

    count: int
    threads: int


class Machine(Protocol):
    """What a machine has to run models on. Asking may take seconds, so each thing is asked when needed."""

    def has_paddle(self) -> bool:
        """Whether PaddlePaddle is installed."""
        ...

    def paddle_gpus(self) -> int:
        """How many GPUs Paddle can use."""
        ...

    def nvidia_gpus(self) -> int:
        """How many GPUs NVIDIA's driver lets this process use."""
        ...

    def providers(self) -> Sequence[str]:
        """What the installed onnxruntime was built with; whether it loads is seen only when a model does."""
        ...


class ThisMachine:
    """The machine that this process runs on."""

    def has_paddle(self) -> bool:
        """Whether PaddlePaddle is installed; it is not imported."""
        spec = importlib.util.find_spec("paddle")
        # any folder named "paddle" on the path is found, too, but has no origin
        return spec is not None and spec.origin is not None

    def paddle_gpus(self) -> int:
        """How many GPUs Paddle can use; imports it."""
        if not self.has_paddle():
            return 0
        import paddle

        return int(paddle.device.cuda.device_count()) if paddle.device.is_compiled_with_cuda() else 0

    def nvidia_gpus(self) -> int:
        """How many GPUs the driver shows; CUDA_VISIBLE_DEVICES may hide some."""
        try:
            driver = ctypes.CDLL("libcuda.so.1")
        except OSError:
            return 0
        count = ctypes.c_int(0)
        failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
        return 0 if failed else count.value

    def providers(self) -> Sequence[str]:
        """Imports onnxruntime."""
        import onnxruntime  # type: ignore[import-untyped]

        providers: list[str] = onnxruntime.get_available_providers()
        return providers


def choose_engine(options: EngineOptions, machine: Machine | None = None) -> Engine:
    """Choose engine and device; imports Paddle, which takes seconds, only where a GPU may be used.

    Args:
        options: what the settings ask for.
        machine: None for this one.

    Raises:
        SettingsWrong: the GPU or the engine that the options ask for is not there, or an option is
            for Paddle's engine and another one runs.
    """
    if options.engine not in ("auto", "onnxruntime", "paddle"):
        raise SettingsWrong(
            f"ENGINE is {options.engine!r}; it can be auto, onnxruntime or paddle.", engine=options.engine
        )
    machine = machine or ThisMachine()
    device = options.device.strip().lower()
    if device == "auto":
        engine = _on_any_gpu(options, machine) or _on_cpu(options)
    elif device == "cpu":
        engine = _on_cpu(options)
    else:
        match = re.fullmatch(r"gpu(?::(\d+))?", device)
        if match is None:
            raise SettingsWrong(f"DEVICE is {options.device!r}; it can be auto, cpu or gpu:N.", device=device)
        engine = _on_gpu(options, int(match[1] or 0), machine)
    if engine.name == "paddle" and not machine.has_paddle():
        raise SettingsWrong(
            "ENGINE=paddle was asked for, but PaddlePaddle is not installed. Install paddlepaddle 3.x, or "
            "set ENGINE=onnxruntime, which gives the same boxes on a CPU."
        )
    if engine.name == "onnxruntime" and (ignored := _for_paddle_alone(options)):
        raise SettingsWrong(
            f"{', '.join(ignored)} would do nothing: the engine is onnxruntime, and Paddle's own alone looks "
            "at that. Set ENGINE=paddle, or leave it out.",
            settings=ignored,
        )
    return engine


def share_cores(engine: Engine, options: EngineOptions, most: int) -> Sessions:
    """How many copies of a model use the cores best.

    One thread for each copy and one copy for each core: the threads of one copy wait for each other at each
    of its steps, and while they wait they keep their cores busy. Where there are more cores than copies may
    be, the copies have more threads. Paddle's own engine, and any on a GPU, has one copy.

    Args:
        engine: as `choose_engine` chose it.
        options: the same options that it chose from.
        most: copies that the memory is meant for.
    """
    allowed = options.cpu_threads or cores()
    if engine != Engine("onnxruntime", "cpu"):
        return Sessions(1, allowed)
    given = options.engine_config.get("intra_op_num_threads")
    threads = given if isinstance(given, int) and given > 0 else math.ceil(allowed / most)
    return Sessions(max(1, min(most, allowed // threads)), threads)


def is_small(name: str) -> bool:
    """Whether a model is made for small machines, so that several copies of it cost little memory.

    Args:
        name: PaddleOCR's, such as `PP-OCRv5_mobile_det`.
    """
    return any(size in name for size in ("_mobile", "_small", "_tiny"))


def refuse_other_device(engine: Engine, providers: Sequence[str]) -> None:
    """Make sure that a model was really loaded for its GPU: onnxruntime takes the CPU where CUDA fails.

    Args:
        engine: as it was chosen.
        providers: those of the loaded model.

    Raises:
        SettingsWrong: it would run on the CPU; says what is missing.
    """
    if engine.name == "onnxruntime" and engine.device != "cpu" and CUDA not in providers:
        raise SettingsWrong(
            f"onnxruntime cannot use {engine.device}: it was built for CUDA, but CUDA's or cuDNN's libraries "
            "are missing or of another version, and it would take the CPU instead, fifty times slower. "
            "Install them (pip install \"onnxruntime-gpu[cuda,cudnn]\"; README, 'On a GPU'), or set "
            "DEVICE=cpu.",
            device=engine.device,
            providers=tuple(providers),
        )


def unused_gpu(engine: Engine, options: EngineOptions, machine: Machine | None = None) -> str:
    """What to install where a GPU stands idle, as a sentence; empty where none does or DEVICE says cpu.

    Args:
        engine: as `choose_engine` chose it.
        options: the same options that it chose from.
        machine: None for this one.
    """
    if engine.device != "cpu" or options.device.strip().lower() == "cpu":
        return ""
    gpus = (machine or ThisMachine()).nvidia_gpus()
    if not gpus:
        return ""
    seen = "A GPU is there" if gpus == 1 else f"{gpus} GPUs are there"
    return f"{seen} and not used: {_INSTALL}; or set DEVICE=cpu where the CPU is meant."


def _on_cpu(options: EngineOptions) -> Engine:
    return Engine("onnxruntime" if options.engine == "auto" else options.engine, "cpu")


def _on_any_gpu(options: EngineOptions, machine: Machine) -> Engine | None:
    if options.engine != "onnxruntime" and machine.paddle_gpus():
        return Engine("paddle", "gpu:0")
    # asked in this order, because the driver answers at once
    if options.engine != "paddle" and machine.nvidia_gpus() and CUDA in machine.providers():
        return Engine("onnxruntime", "gpu:0")
    return None


def _on_gpu(options: EngineOptions, number: int, machine: Machine) -> Engine:
    device = f"gpu:{number}"
    lacking = []
    if options.engine != "onnxruntime":
        if number < (gpus := machine.paddle_gpus()):
            return Engine("paddle", device)
        lacking.append(
            f"PaddlePaddle sees {gpus} GPUs" if machine.has_paddle() else "PaddlePaddle is not installed"
        )
    if options.engine != "paddle":
        if CUDA not in machine.providers():
            lacking.append("the installed onnxruntime has no CUDA")
        elif number < (gpus := machine.nvidia_gpus()):
            return Engine("onnxruntime", device)
        else:
            lacking.append(f"NVIDIA's driver shows {gpus} GPUs")
    raise SettingsWrong(
        f"DEVICE={options.device.strip()} was asked for, but {' and '.join(lacking)}. "
        f"{_INSTALL[0].upper()}{_INSTALL[1:]}, or set DEVICE=cpu.",
        device=device,
        lacking=lacking,
    )


def _for_paddle_alone(options: EngineOptions) -> list[str]:
    """The settings in use that only Paddle's engine knows."""
    chosen = {
        "ENABLE_HPI": options.enable_hpi,
        "USE_TENSORRT": options.use_tensorrt,
        "PRECISION": options.precision != "fp32",
        "ENABLE_MKLDNN": options.enable_mkldnn is True,
        "ENABLE_CINN": options.enable_cinn,
    }
    return [name for name, set_ in chosen.items() if set_]
