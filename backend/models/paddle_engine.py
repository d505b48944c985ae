"""Builds PaddleOCR's own predictors on the engine and device that were chosen.

Only this module imports paddleocr. The import takes seconds, so it happens in the thread that owns the
model. Where an engine would silently do something else, such as fall back to the CPU, this module raises.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from backend.cores import cores
from backend.errors import SettingsWrong
from backend.models import folding, renamed
from backend.models.devices import Engine, EngineOptions, choose_engine, refuse_other_device
from backend.models.locate import ModelLocation

__all__ = [
    "Engine",
    "EngineOptions",
    "PaddlePixels",
    "Predictor",
    "choose_engine",
    "one_result_each",
    "providers",
    "text_detection",
    "text_recognition",
    "to_paddle",
]

log = logging.getLogger(__name__)

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


def text_detection(
    location: ModelLocation,
    engine: Engine,
    options: EngineOptions,
    *,
    threads: int | None = None,
    cache_dir: Path | None = None,
    **detection_arguments: Any,
) -> Predictor:
    """Load a detection model; takes seconds. Call it in the thread that owns the model.

    Args:
        location: the model's folder.
        engine: as `choose_engine` chose it.
        options: the same options that it chose from.
        threads: of this copy of the model on a CPU; None for all that the options allow.
        cache_dir: where folded copies of models are kept, as `locate.find_model` takes it.
        detection_arguments: more arguments of `paddleocr.TextDetection`, such as `thresh`.

    Raises:
        SettingsWrong: PaddleOCR cannot load the model, or not on the device.
    """
    return _build("TextDetection", location, engine, options, threads, cache_dir, detection_arguments)


def text_recognition(
    location: ModelLocation,
    engine: Engine,
    options: EngineOptions,
    *,
    threads: int | None = None,
    cache_dir: Path | None = None,
) -> Predictor:
    """Load a recogniser; takes seconds. Call it in the thread that owns the model.

    Args:
        location: the model's folder.
        engine: as `choose_engine` chose it.
        options: the same options that it chose from.
        threads: of this copy of the model on a CPU; None for all that the options allow.
        cache_dir: where folded copies of models are kept, as `locate.find_model` takes it.

    Raises:
        SettingsWrong: PaddleOCR cannot load the model, or not on the device.
    """
    return _build("TextRecognition", location, engine, options, threads, cache_dir, {})


def providers(predictor: Predictor) -> tuple[str, ...]:
    """What onnxruntime runs a loaded model with, first choice first; none where Paddle's engine runs it."""
    inner: Any = predictor
    session = getattr(inner.paddlex_predictor.runner, "session", None)
    return tuple(session.get_providers()) if session is not None else ()


def _build(
    class_name: str,
    location: ModelLocation,
    engine: Engine,
    options: EngineOptions,
    threads: int | None,
    cache_dir: Path | None,
    arguments: Mapping[str, Any],
) -> Predictor:
    # A GPU that is lost later must be an error too, not a server that is silently fifty times slower.
    os.environ.setdefault("PADDLE_PDX_DISABLE_DEVICE_FALLBACK", "1")
    import paddleocr  # type: ignore[import-untyped]

    loaded = renamed.under_base_name(location, engine.name, cache_dir)
    if engine.name == "onnxruntime":
        loaded = folding.folded(loaded, cache_dir)
        if engine.device != "cpu":
            _load_cuda()
    try:
        predictor: Predictor = getattr(paddleocr, class_name)(
            model_name=loaded.name,
            model_dir=str(loaded.directory),
            device=engine.device,
            engine=engine.name,
            **_engine_arguments(engine, options, threads),
            **arguments,
        )
    except ValueError as error:
        if "No engine bindings" not in str(error):
            raise
        raise SettingsWrong(
            f"PaddleOCR loads only models that bear one of its own names, and inference.yml says "
            f"{location.name!r}. Write the name of the model that the training began with there "
            "(Global.model_name), such as eslav_PP-OCRv5_mobile_rec, or a name that ends in it.",
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
    # who names providers in ENGINE_CONFIG means them
    if "providers" not in options.engine_config:
        refuse_other_device(engine, providers(predictor))
    return predictor


def _load_cuda() -> None:
    """Let onnxruntime find the CUDA libraries that Python packages brought; it looks there only if asked."""
    import onnxruntime  # type: ignore[import-untyped]

    if hasattr(onnxruntime, "preload_dlls"):
        said = io.StringIO()
        # it prints; whether all is there is seen once the model is loaded
        with contextlib.redirect_stdout(said):
            onnxruntime.preload_dlls()
        log.debug("onnxruntime.preload_dlls: %s", said.getvalue())


def _engine_arguments(engine: Engine, options: EngineOptions, threads: int | None) -> dict[str, Any]:
    threads = threads or options.cpu_threads or cores()
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
