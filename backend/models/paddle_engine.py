"""Builds PaddleOCR's own predictors on the engine and device that the settings ask for.

Only this module imports paddleocr. The import takes seconds, so it happens in the thread that owns the
model. Where Paddle would silently do something else, such as fall back to the CPU, this module raises.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from backend.cores import cores
from backend.errors import SettingsWrong
from backend.models.locate import EngineName, ModelLocation

PaddlePixels = npt.NDArray[np.uint8]
"""BGR, uint8, shape (height, width, 3), C-contiguous: the only form that PaddleOCR always reads correctly."""


class Predictor(Protocol):
    """The part of PaddleOCR's predictors that twinread uses."""

    def predict(self, input: list[PaddlePixels], **options: Any) -> list[Mapping[str, Any]]:
        """Find or read text in each array.

        Args:
            input: one array per image.
            options: arguments of PaddleOCR's `predict`, such as `batch_size`.

        Returns:
            One result for each array, in order; PaddleOCR may leave some out, see `one_result_each`.
        """
        ...

    def close(self) -> None:
        """Free the memory."""
        ...


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The engine and device that a model runs on; names and meanings are PaddleOCR's.

    engine: "auto" is onnxruntime on a CPU (four times cheaper there) and Paddle's own on a GPU.
    device: "auto" (the GPU that Paddle sees, else the CPU), "cpu", or "gpu:N".
    cpu_threads: threads of either engine on a CPU; None for all cores.
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


def choose_engine(options: EngineOptions) -> Engine:
    """Choose engine and device; imports Paddle, which takes seconds, only where a GPU may be used.

    Raises:
        SettingsWrong: the GPU or the engine that the options ask for is not there, or an option is
            for Paddle's engine and another one runs.
    """
    if options.engine not in ("auto", "onnxruntime", "paddle"):
        raise SettingsWrong(
            f"ENGINE is {options.engine!r}; it can be auto, onnxruntime or paddle.", engine=options.engine
        )
    device = _device(options)
    cheapest: EngineName = "onnxruntime" if device == "cpu" else "paddle"
    name = cheapest if options.engine == "auto" else options.engine
    if name == "paddle" and not _paddle_installed():
        raise SettingsWrong(
            "ENGINE=paddle was asked for, but PaddlePaddle is not installed. Install paddlepaddle 3.x, or "
            "set ENGINE=onnxruntime, which gives the same boxes on a CPU."
        )
    if name == "onnxruntime" and (ignored := _for_paddle_alone(options)):
        raise SettingsWrong(
            f"{', '.join(ignored)} would do nothing: the engine is onnxruntime, and Paddle's own alone looks "
            "at that. Set ENGINE=paddle, or leave it out.",
            settings=ignored,
        )
    return Engine(name, device)


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


def text_detection(
    location: ModelLocation, engine: Engine, options: EngineOptions, **detection_arguments: Any
) -> Predictor:
    """Load a detection model; takes seconds. Call it in the thread that owns the model.

    Args:
        location: the model's folder.
        engine: as `choose_engine` chose it.
        options: the same options that it chose from.
        detection_arguments: more arguments of `paddleocr.TextDetection`, such as `thresh`.

    Raises:
        SettingsWrong: PaddleOCR cannot load the model.
    """
    return _build("TextDetection", location, engine, options, detection_arguments)


def text_recognition(location: ModelLocation, engine: Engine, options: EngineOptions) -> Predictor:
    """Load a recogniser; takes seconds. Call it in the thread that owns the model.

    Args:
        location: the model's folder.
        engine: as `choose_engine` chose it.
        options: the same options that it chose from.

    Raises:
        SettingsWrong: PaddleOCR cannot load the model.
    """
    return _build("TextRecognition", location, engine, options, {})


def _build(
    class_name: str,
    location: ModelLocation,
    engine: Engine,
    options: EngineOptions,
    arguments: Mapping[str, Any],
) -> Predictor:
    # A GPU that is lost later must be an error too, not a server that is silently fifty times slower.
    os.environ.setdefault("PADDLE_PDX_DISABLE_DEVICE_FALLBACK", "1")
    import paddleocr  # type: ignore[import-untyped]

    try:
        predictor: Predictor = getattr(paddleocr, class_name)(
            model_name=location.name,
            model_dir=str(location.directory),
            device=engine.device,
            engine=engine.name,
            **_engine_arguments(engine, options),
            **arguments,
        )
    except ValueError as error:
        if "No engine bindings" not in str(error):
            raise
        raise SettingsWrong(
            f"PaddleOCR loads only models that bear one of its own names, and inference.yml says "
            f"{location.name!r}. Write the name of the model that the training began with there "
            "(Global.model_name), such as eslav_PP-OCRv5_mobile_rec.",
            model=location.name,
        ) from error
    except AssertionError as error:
        # PaddleX asserts, without a message, that it knows each step of the model's description
        raise SettingsWrong(
            f"PaddleOCR cannot read with {location.name} in {location.directory.name!r}: it does not know a "
            "step of PreProcess in inference.yml, as when the training config encodes labels with "
            "CTCLabelEncode alone. Train with one of PP-OCRv5's configs.",
            model=location.name,
        ) from error
    return predictor


def _engine_arguments(engine: Engine, options: EngineOptions) -> dict[str, Any]:
    threads = options.cpu_threads or cores()
    if engine.name == "onnxruntime":
        # This engine ignores cpu_threads. For a converted model it logs dozens of unneeded constants, so it
        # logs errors only.
        ours = {"intra_op_num_threads": threads, "log_severity_level": 3}
        return {"engine_config": {**ours, **options.engine_config}}
    mkldnn = _mkldnn_works() if options.enable_mkldnn is None else options.enable_mkldnn
    return {
        "engine_config": dict(options.engine_config) or None,
        "enable_hpi": options.enable_hpi,
        "use_tensorrt": options.use_tensorrt,
        "precision": options.precision,
        "enable_mkldnn": mkldnn,
        "mkldnn_cache_capacity": options.mkldnn_cache_capacity,
        "cpu_threads": threads,
        "enable_cinn": options.enable_cinn,
    }


def _device(options: EngineOptions) -> str:
    device = options.device.strip().lower()
    if device == "cpu":
        return "cpu"
    if device == "auto":
        # ENGINE=onnxruntime means the CPU, where it is fast; a GPU for it must be named in DEVICE.
        return "gpu:0" if options.engine != "onnxruntime" and _paddle_gpus() else "cpu"
    match = re.fullmatch(r"gpu(?::(\d+))?", device)
    if match is None:
        raise SettingsWrong(f"DEVICE is {options.device!r}; it can be auto, cpu or gpu:N.", device=device)
    number = int(match[1] or 0)
    if options.engine == "onnxruntime":
        import onnxruntime  # type: ignore[import-untyped]

        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise SettingsWrong(
                f"DEVICE={device} was asked for, but the installed onnxruntime has no CUDA. Install "
                "onnxruntime-gpu, or set ENGINE=paddle, or DEVICE=cpu.",
                device=device,
            )
    elif number >= (gpus := _paddle_gpus()):
        seen = f"PaddlePaddle sees {gpus} GPUs" if _paddle_installed() else "PaddlePaddle is not installed"
        raise SettingsWrong(
            f"DEVICE={device} was asked for, but {seen}. Install paddlepaddle-gpu 3.x from Paddle's own "
            "index and check the driver (README, 'On a GPU'), or set DEVICE=cpu.",
            device=device,
            gpus=gpus,
        )
    return f"gpu:{number}"


def _paddle_installed() -> bool:
    spec = importlib.util.find_spec("paddle")
    # any folder named "paddle" on the path is found, too, but has no origin
    return spec is not None and spec.origin is not None


def _paddle_gpus() -> int:
    """How many GPUs Paddle can use."""
    if not _paddle_installed():
        return 0
    import paddle

    return int(paddle.device.cuda.device_count()) if paddle.device.is_compiled_with_cuda() else 0


def _mkldnn_works() -> bool:
    versions = [_version(name) for name in ("paddlepaddle", "paddlepaddle-gpu")]
    return all(version is None or version < (3, 3) for version in versions)


def _version(distribution: str) -> tuple[int, ...] | None:
    try:
        return tuple(int(part) for part in metadata.version(distribution).split(".")[:2])
    except (metadata.PackageNotFoundError, ValueError):
        return None


def to_paddle(pixels: npt.NDArray[np.uint8]) -> PaddlePixels:
    """Turn RGB pixels, uint8, shape (height, width, 3), into the form that PaddleOCR needs."""
    # numpy's own reversing takes ten times as long
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)


def allow_candidates(detector: Predictor, most: int) -> Callable[[], int]:
    """Let a detector keep more candidates for a line than PaddleOCR's 1,000, and count what is above.

    Args:
        detector: a `TextDetection`, used by one thread.
        most: candidates in one picture.

    Returns:
        Asked after a picture: how many of its candidates were never looked at.
    """
    inner: Any = detector
    inner = inner.paddlex_predictor
    counted = _CountedCandidates(inner.post_op, most)
    inner.post_op = counted
    return lambda: counted.ignored


class _CountedCandidates:
    """PaddleX's step from the network's map to boxes, which counts the candidates that it passes over."""

    def __init__(self, step: Any, most: int) -> None:
        step.max_candidates = most
        self._step = step
        self._most = most
        self.ignored = 0

    def __call__(
        self, maps: Any, shapes: Any, thresh: float | None = None, **arguments: Any
    ) -> tuple[Sequence[Any], Sequence[Any]]:
        boxes, scores = self._step(maps, shapes, thresh=thresh, **arguments)
        self.ignored = 0
        for one in maps[0]:
            text = np.asarray(one[0] > (thresh or self._step.thresh), dtype=np.uint8)
            found, _ = cv2.findContours(text, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
            self.ignored += max(0, len(found) - self._most)
        return boxes, scores


def one_result_each(
    results: Sequence[Mapping[str, Any]], arrays: Sequence[PaddlePixels]
) -> Sequence[Mapping[str, Any]]:
    """Check that PaddleOCR gave a result for every array; arrays that it cannot use it leaves out silently.

    Args:
        results: what `Predictor.predict` returned.
        arrays: its input.

    Returns:
        The results, unchanged.

    Raises:
        RuntimeError: the number of results differs.
    """
    if len(results) != len(arrays):
        raise RuntimeError(f"PaddleOCR gave {len(results)} results for {len(arrays)} images")
    return results
