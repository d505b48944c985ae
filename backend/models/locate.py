"""Where a PaddleOCR model comes from, and what its dictionary can write.

In this order: a folder of one's own, PaddleOCR's cache, PaddleOCR's hubs, and, where no hub can be
reached, the PP-OCRv5 mobile models that registry packages carry. Nothing here loads a model.
"""

from __future__ import annotations

import difflib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from backend.errors import NotReady, SettingsWrong
from backend.models.files import WEIGHTS, EngineName, complete, sha256_of
from backend.models.packaged import CARRIED, INSTALL, STAND_INS, from_packages

__all__ = [
    "DetectionDefaults",
    "EngineName",
    "ModelLocation",
    "Source",
    "detection_defaults",
    "dictionary",
    "find_model",
]

log = logging.getLogger(__name__)

Source = Literal["auto", "packages"]
CameFrom = Literal["folder", "cache", "hub", "packages"]


@dataclass(frozen=True, slots=True)
class ModelLocation:
    """A model on disk.

    name: PaddleOCR's name of the model that is really there.
    directory: holds inference.yml and the weights.
    came_from: folder (a setting), cache (PaddleOCR's), hub (downloaded now) or packages.
    asked: the name that was asked for; differs from `name` where a smaller model stands in.
    fingerprint: eight hex digits of the files of a folder of one's own, whose name alone does not
        say which training it is; empty for PaddleOCR's published models.
    """

    name: str
    directory: Path
    came_from: CameFrom
    asked: str
    fingerprint: str = ""

    @property
    def stands_in(self) -> bool:
        """Another model than the one asked for is used, because that one could not be had."""
        return self.asked != self.name

    @property
    def identity(self) -> str:
        """The name to show and to keep with results."""
        return f"{self.name}@{self.fingerprint}" if self.fingerprint else self.name


def find_model(
    name: str | None,
    directory: Path | None = None,
    *,
    engine: EngineName = "onnxruntime",
    source: Source = "auto",
    cache_dir: Path | None = None,
) -> ModelLocation:
    """Find a model, downloading it with PaddleOCR where it must be; takes seconds to minutes then.

    Args:
        name: PaddleOCR's name of the model; not looked at when a directory is given.
        directory: a folder of one's own (exported by PaddleOCR or converted to ONNX). Its name is read
            from its inference.yml: a model that was trained further keeps the name it began with.
        engine: the engine that must be able to load it.
        source: "auto", or "packages" to ask neither PaddleOCR's cache nor its hubs.
        cache_dir: where models out of packages are put together; by default `models` in twinread's cache.

    Raises:
        SettingsWrong: the folder holds no model for this engine, or PaddleOCR knows no such name.
        NotReady: the model is nowhere at hand; says what to install or copy.
    """
    if directory is not None:
        return _own_folder(directory, engine)
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
    present = STAND_INS.get(name, name)
    carried = from_packages(present, engine, cache_dir or _default_cache_dir())
    if carried is None:
        raise NotReady(
            f"The model {name} is not on this machine ({unreachable}), and the installed packages do not "
            f"carry it. {_cure(name, engine)}",
            model=name,
        )
    location = ModelLocation(present, carried, "packages", name)
    if location.stands_in:
        log.warning(
            "%s is not at hand (%s): %s, from an installed package, stands in for it and is somewhat less "
            "accurate; give this machine access to PaddleOCR's hubs or set a model folder for the other.",
            name,
            unreachable,
            present,
        )
    return location


def dictionary(location: ModelLocation) -> list[str]:
    """List what a recogniser can write: the entries of its dictionary and the space, which it adds.

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
    """What a detection model's own inference.yml sets where nobody sets anything.

    limit_side_len: length to which the page's long side is brought down, pixels.
    thresh, box_thresh, unclip_ratio: as `TextDetection` names them.
    """

    limit_side_len: int
    thresh: float
    box_thresh: float
    unclip_ratio: float


def detection_defaults(location: ModelLocation) -> DetectionDefaults:
    """Read a detection model's own thresholds.

    Raises:
        SettingsWrong: the model finds no text.
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
    # What is not given has the value that PaddleX uses then.
    return DetectionDefaults(
        limit_side_len=int(resize.get("resize_long", 960)),
        thresh=float(post.get("thresh", 0.3)),
        box_thresh=float(post.get("box_thresh", 0.6)),
        unclip_ratio=float(post.get("unclip_ratio", 2.0)),
    )


def _own_folder(directory: Path, engine: EngineName) -> ModelLocation:
    shown = f"The model folder {directory.name!r}"
    if not directory.is_dir():
        raise SettingsWrong(f"{shown} does not exist; correct the *_MODEL_DIR setting.", directory=directory)
    found = _description(directory).get("Global", {}).get("model_name")
    if not found:
        raise SettingsWrong(
            f"{shown} is no exported PaddleOCR model: its inference.yml is missing or names no model. Give "
            "the folder that PaddleOCR's export wrote (inference.yml and the weights side by side).",
            directory=directory,
        )
    if not complete(directory, engine):
        raise SettingsWrong(f"{shown} {_lacks(directory, engine)}", directory=directory, engine=engine)
    return ModelLocation(found, directory, "folder", found, _fingerprint(directory))


def _lacks(directory: Path, engine: EngineName) -> str:
    other: EngineName = "paddle" if engine == "onnxruntime" else "onnxruntime"
    wanted = " and ".join(WEIGHTS[engine][0])
    if not complete(directory, other):
        return f"holds no weights: {wanted} must lie beside inference.yml. Export the model again."
    if engine == "onnxruntime":
        return (
            "holds Paddle's weights only, and the onnxruntime engine needs inference.onnx. Convert them in "
            "the environment of the training, activated: pip install paddle2onnx, then paddlex --paddle2onnx "
            "--paddle_model_dir FOLDER --onnx_model_dir NEW_FOLDER, and set the new folder; or install "
            "paddlepaddle beside twinread and set ENGINE=paddle."
        )
    return f"holds ONNX weights only, and Paddle's engine needs {wanted}. Set ENGINE=onnxruntime."


def _cached(name: str, engine: EngineName) -> Path | None:
    home = os.environ.get("PADDLE_PDX_CACHE_HOME") or Path.home() / ".paddlex"
    folders = [name, f"{name}_onnx"] if engine == "paddle" else [f"{name}_onnx", name]
    for folder in folders:
        directory = Path(home) / "official_models" / folder
        if complete(directory, engine):
            return directory
    return None


def _download(name: str, engine: EngineName) -> Path | str:
    """Let PaddleOCR fetch a published model; returns its folder, or why there is none."""
    # Importing PaddleX takes seconds; a model that is at hand must not wait for it. The path is PaddleX's
    # own affair: nothing public tells which models there are or fetches one without building a predictor
    # on it. Hence the narrow range of paddlex in pyproject.toml, and test_locate.py, which looks for it.
    from paddlex.inference.utils.official_models import official_models  # type: ignore[import-untyped]

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
    except Exception as error:  # noqa: BLE001 - PaddleX raises bare Exceptions here, whatever went wrong
        log.debug("PaddleOCR's answer: %s", error)
        if "hosting platforms" in str(error):
            return "none of PaddleOCR's hubs can be reached"
        return "PaddleOCR's hubs did not give it"
    directory = Path(found)
    if not complete(directory, engine):
        raise NotReady(
            f"The folder {directory.name!r} in PaddleOCR's cache is not complete, as after a download that "
            "was cut off, and PaddleOCR would use it as it is. Delete that folder and start again.",
            directory=directory,
        )
    return directory


def _cure(name: str, engine: EngineName) -> str:
    folder = f"{name}_onnx" if engine == "onnxruntime" else name
    cures = [
        f"Give this machine access to PaddleOCR's hubs once, or copy the folder {folder!r} from the "
        "official_models folder of another machine's PaddleOCR cache into this one's"
    ]
    if STAND_INS.get(name, name) in CARRIED:
        cures.append(f"or install the packages that carry a mobile model: {INSTALL}")
    return ", ".join(cures) + "."


def _description(directory: Path) -> dict[str, Any]:
    """What inference.yml says; every scalar as text, because a dictionary's "1" and "~" are letters."""
    try:
        with (directory / "inference.yml").open("rb") as file:
            loaded = yaml.load(file, yaml.CBaseLoader)  # noqa: S506 - the base loader builds text only
    except (OSError, yaml.YAMLError):
        return {}
    sections = loaded if isinstance(loaded, dict) else {}
    return {name: section for name, section in sections.items() if isinstance(section, dict)}


def _fingerprint(directory: Path) -> str:
    """The same whichever engine loads the folder."""
    names = {"inference.yml", *(name for groups in WEIGHTS.values() for group in groups for name in group)}
    return sha256_of([directory / name for name in sorted(names) if (directory / name).is_file()])[:8]


def _default_cache_dir() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twinread" / "models"
