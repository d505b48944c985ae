"""What a PaddleOCR training config decides about each row; read from the parsed YAML, pure.

Only what decides about rows is read. Keys under `Global` win over an operator's own, as in PaddleOCR.
`override` and `complete` go the other way: what a config must say so that it fits the rows.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from backend.errors import BadRequest

STEP = 8
"""Pixels of width that one CTC step of PP-OCR's recognisers covers."""

WIDEST = 3200
"""The width, at a height of 48, above which PaddleOCR squeezes a line when it reads."""

# label encoders, and how many places beside the characters each needs within max_text_length
_RESERVED = {"CTCLabelEncode": 0, "NRTRLabelEncode": 2, "SARLabelEncode": 2}

FIXED_STEPS = 40
"""CTC steps of PP-OCRv4 to v6 in training, whatever a crop's width: their networks pool to 40 columns."""

_POOL_TO_FIXED_STEPS = ("PPLCNetV3", "PPLCNetV4", "PPHGNet")
"""How the names of those networks begin; pooling by width is for reading alone."""


@dataclass(frozen=True, slots=True)
class RecognitionRules:
    """What decides about a recognition row; the defaults are PP-OCRv5's multi-language configs.

    max_text_length: the longest text that is looked at, in characters.
    reserved: places of it that the encoder needs for itself; 2 for NRTR and SAR, 0 for CTC alone.
    use_space_char: the space is part of the dictionary.
    dictionary: the config's `character_dict_path` as written; None when it names none.
    scales: (width, height) in pixels to which training resizes crops.
    height: of a crop in pixels when the model reads.
    batch: crops in a batch at the first scale.
    draws_neighbours: training joins crops with others drawn at random (`RecConAug`).
    samples: the config has a `Train.sampler`, which fills the last batch up; else batches follow the loader.
    drop_last: without a sampler, a batch that is not full is left out.
    most_steps: CTC steps that the network has in training, whatever a crop's width; None where they grow
        with the width. A label that takes more has no loss: it is loaded and nothing is learned from it.
    """

    max_text_length: int = 25
    reserved: int = 2
    use_space_char: bool = True
    dictionary: str | None = None
    scales: tuple[tuple[int, int], ...] = ((320, 32), (320, 48), (320, 64))
    height: int = 48
    batch: int = 128
    draws_neighbours: bool = True
    samples: bool = True
    drop_last: bool = True
    most_steps: int | None = FIXED_STEPS

    @property
    def longest_label(self) -> int:
        """The most characters a label may have once those outside the dictionary are deleted."""
        return self.max_text_length - self.reserved

    @property
    def widest(self) -> int:
        """Pixels of width, at `height`, into which training squeezes a wider crop."""
        width, height = min(self.scales, key=lambda scale: abs(scale[1] - self.height))
        return width * self.height // height

    def natural_width(self, width: int, height: int) -> int:
        """The width in pixels of a crop that is brought to `height` without squeezing."""
        return math.ceil(self.height * width / height)

    def steps(self, width: int, height: int) -> int:
        """How many CTC steps lie over a crop of this size once it is resized for training."""
        covered = min(self.widest, self.natural_width(width, height))
        if self.most_steps is not None:
            return math.ceil(self.most_steps * covered / self.widest)
        return math.ceil(covered / STEP)

    def learns(self, label: str) -> bool:
        """Whether the network has the CTC steps in training that a label takes."""
        return self.most_steps is None or steps_needed(label) <= self.most_steps


def steps_needed(label: str) -> int:
    """CTC steps that a label takes at least: one a character, and one between two that are the same."""
    return len(label) + sum(first == second for first, second in pairwise(label))


@dataclass(frozen=True, slots=True)
class DetectionRules:
    """What decides about a detection row; the defaults are PP-OCRv5's detection configs.

    batch: pages in a batch.
    draws_neighbours: training pastes regions of other pages (`CopyPaste`); it then looks, without end,
        for pages whose polygons have four points.
    samples, drop_last: as in `RecognitionRules`.
    """

    batch: int = 8
    draws_neighbours: bool = True
    samples: bool = False
    drop_last: bool = False


TrainingRules: TypeAlias = RecognitionRules | DetectionRules


def rules_of(config: object) -> TrainingRules:
    """Read the rules from a parsed training config.

    Raises:
        BadRequest: it is no training config, or its rows go through an encoder that is not known here,
            so that nothing true can be said about them.
    """
    try:
        train: Mapping[str, Any] = config["Train"]  # type: ignore[index]
        dataset: Mapping[str, Any] = train["dataset"]
        operators = {name: options or {} for step in dataset["transforms"] for name, options in step.items()}
        overall: Mapping[str, Any] = config["Global"]  # type: ignore[index]
        if dataset.get("delimiter", "\t") != "\t" or dataset.get("ds_width"):
            raise BadRequest(
                "The config sets `delimiter` or `ds_width`: its label files have other columns than "
                "image<TAB>text, which this check does not know. Leave both settings out."
            )
        _check_reads_label_files(config)
        loader = train.get("loader") or {}
        if "DetLabelEncode" in operators:
            batch = int(loader.get("batch_size_per_card", 8))
            samples, drop_last = bool(train.get("sampler")), bool(loader.get("drop_last", False))
            return DetectionRules(batch, "CopyPaste" in operators, samples, drop_last)
        most_steps = _most_steps(config.get("Architecture"))  # type: ignore[attr-defined]
        return _recognition_rules(overall, operators, train.get("sampler") or {}, loader, most_steps)
    except KeyError as error:
        raise _no_training_config(f"it lacks {error.args[0]}") from error
    except (TypeError, AttributeError, ValueError) as error:
        what = "Global, Train.dataset.transforms or a setting of theirs is missing or not what it should be"
        raise _no_training_config(what) from error


_LABEL_FILE_SETS = {
    "SimpleDataSet",
    "MultiScaleDataSet",
    "TextDetDataset",
    "TextRecDataset",
    "MSTextRecDataset",
}
"""The classes of PaddleOCR that read label files with rows of image<TAB>text."""


def _check_reads_label_files(config: Any) -> None:
    for part in ("Train", "Eval"):
        name = ((config.get(part) or {}).get("dataset") or {}).get("name")
        if name is not None and name not in _LABEL_FILE_SETS:
            store = "an LMDB store" if str(name).startswith("LMDB") else "something else than label files"
            raise BadRequest(
                f"The config reads its rows from {store} ({part}.dataset.name is {name}), so PaddleOCR would "
                "never look at these label files. Choose a config with SimpleDataSet or MultiScaleDataSet, "
                "such as one of PP-OCRv5's.",
                dataset=name,
            )


def lists_of(config: Any, part: str) -> list[str]:
    """The label files that a config names for "Train" or "Eval"; PaddleOCR takes one as a text, too."""
    dataset = (config.get(part) or {}).get("dataset") if isinstance(config, Mapping) else None
    named = dataset.get("label_file_list") if isinstance(dataset, Mapping) else None
    listed = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    return [name for name in listed if isinstance(name, str)]


def _no_training_config(why: str) -> BadRequest:
    return BadRequest(
        f"This is not a PaddleOCR training config, because {why}; pass the YAML file that you give to "
        "tools/train.py."
    )


def _recognition_rules(
    overall: Mapping[str, Any],
    operators: Mapping[str, Mapping[str, Any]],
    sampler: Mapping[str, Any],
    loader: Mapping[str, Any],
    most_steps: int | None,
) -> RecognitionRules:
    encoder = next((name for name in operators if name.endswith("LabelEncode")), "none")
    deciding = encoder
    if encoder == "MultiLabelEncode":
        deciding = operators[encoder].get("gtc_encode") or "SARLabelEncode"
    if deciding not in _RESERVED:
        raise BadRequest(
            f"The config's label encoder is {deciding}, whose rules this check does not know. "
            "It knows CTCLabelEncode, NRTRLabelEncode, SARLabelEncode, MultiLabelEncode and DetLabelEncode.",
            encoder=deciding,
        )
    options = {**operators[encoder], **overall}
    shape = operators.get("RecResizeImg", {}).get("image_shape") or overall.get("d2s_train_image_shape")
    _, height, width = shape or (3, 48, 320)
    scales = tuple((int(w), int(h)) for w, h in sampler.get("scales") or [(width, height)])
    return RecognitionRules(
        max_text_length=int(options["max_text_length"]),
        reserved=_RESERVED[deciding],
        use_space_char=bool(options.get("use_space_char", False)),
        dictionary=options.get("character_dict_path"),
        scales=scales,
        height=int(height),
        batch=int(sampler.get("first_bs") or loader.get("batch_size_per_card", 128)),
        draws_neighbours="RecConAug" in operators,
        samples=bool(sampler),
        drop_last=bool(loader.get("drop_last", False)),
        most_steps=most_steps if deciding != "NRTRLabelEncode" or encoder == "MultiLabelEncode" else None,
    )


def _most_steps(architecture: Any) -> int | None:
    """The fixed number of CTC steps of a config's network; of several networks the fewest."""
    if isinstance(architecture, list):
        found = [_most_steps(part) for part in architecture]
    elif isinstance(architecture, Mapping):
        name = str(architecture.get("name") or "")
        if name.startswith(_POOL_TO_FIXED_STEPS):
            return FIXED_STEPS
        if name == "SVTRNet" and architecture.get("last_stage", True):
            return int(architecture.get("out_char_num", 25))
        found = [_most_steps(part) for part in architecture.values()]
    else:
        return None
    return min((steps for steps in found if steps is not None), default=None)


def fitting_width(rules: RecognitionRules, natural_widths: list[int], steps_needed: int) -> int:
    """A width, at the rules' height, into which nearly all crops go unsqueezed and every label has its steps.

    Args:
        rules: the rules in force; the width is never below theirs.
        natural_widths: of the crops, in pixels, as `RecognitionRules.natural_width` gives them.
        steps_needed: CTC steps that the most demanding label takes.

    Returns:
        Pixels, a multiple of 32, at most what PaddleOCR reads without squeezing.
    """
    ordered = sorted(natural_widths)
    most = ordered[max(0, math.ceil(len(ordered) * 0.99) - 1)] if ordered else 0
    wanted = max(rules.widest, most, steps_needed * STEP)
    return min(WIDEST, math.ceil(wanted / 32) * 32)


def override(
    config: Mapping[str, Any] | None,
    rules: RecognitionRules,
    *,
    max_text_length: int | None = None,
    width: int | None = None,
    dictionary: str | None = None,
    rows: int | None = None,
) -> dict[str, Any]:
    """The settings to lay over a training config so that it fits the rows.

    Args:
        config: the config that is overridden, for its lists of transforms; None when there is none.
        rules: what that config says.
        max_text_length: a new `Global.max_text_length`.
        width: a new training width at the rules' height; batches shrink by as much as it grows.
        dictionary: a new `Global.character_dict_path`.
        rows: that can be trained on; a batch that is larger becomes as small, instead of being filled
            up with repeats. None where that does not matter.

    Returns:
        Nested mappings as in the config's YAML; a list replaces the config's list.
    """
    overall: dict[str, Any] = {}
    changes: dict[str, Any] = {"Global": overall}
    if max_text_length is not None:
        overall["max_text_length"] = max_text_length
    if dictionary is not None:
        overall["character_dict_path"] = dictionary
    batch = rules.batch if width is None else max(1, rules.batch * rules.widest // width)
    batch = min(batch, rows or batch)
    sampler: dict[str, Any] = {}
    if width is not None:
        overall["d2s_train_image_shape"] = [3, rules.height, width]
        sampler["scales"] = [[width, height] for _, height in rules.scales]
    if batch != rules.batch:
        # PaddleOCR's sampler and its loader each have a number of their own, and both must say it
        sampler["first_bs"] = batch
        changes["Train"] = {"loader": {"batch_size_per_card": batch}}
    # PaddleOCR takes any sampler in a config for one with a name, and stops where it has none
    if sampler and rules.samples:
        changes.setdefault("Train", {})["sampler"] = sampler
    if width is not None:
        for part in ("Train", "Eval"):
            transforms = _reshaped(config, part, rules.height, width)
            if transforms is not None:
                changes.setdefault(part, {})["dataset"] = {"transforms": transforms}
    return changes


def complete(
    config: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    data_dir: str,
    train: Sequence[str],
    val: Sequence[str],
    dictionary: str | None,
) -> dict[str, Any]:
    """A whole training config for a dataset: PaddleOCR's trainer takes one file, and no second over it.

    Args:
        config: the one to begin with.
        changes: settings to lay over it, as `override` gives them.
        data_dir: what image names are relative to, a full path; the trainer runs elsewhere.
        train: full paths of the lists to train on; without any the config keeps its own.
        val: the same for evaluation.
        dictionary: the full path of the dictionary; None where PaddleOCR's built-in one is meant.

    Returns:
        The config with the changes, the paths, and an evaluation after each epoch: a small set never
        reaches PaddleOCR's first one, after 1,000 steps, and without it there is no best model to export.
    """
    made = _laid_over(config, changes)
    overall = made["Global"]
    overall["eval_batch_step"], overall["eval_batch_epoch"] = [0, 1000], 1
    if dictionary is not None:
        overall["character_dict_path"] = dictionary
    for part, lists in (("Train", train), ("Eval", val)):
        if lists:
            dataset = made.setdefault(part, {}).setdefault("dataset", {})
            dataset |= {"data_dir": data_dir, "label_file_list": list(lists)}
            # how much to take of each list that the config named
            dataset.pop("ratio_list", None)
    length = changes.get("Global", {}).get("max_text_length")
    return made if length is None else dict(_of_length(made, length))


def _laid_over(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are joined; anything else replaces what was there."""
    made = {**copy.deepcopy(config)}
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(made.get(key), Mapping)
        made[key] = _laid_over(made[key], value) if both else copy.deepcopy(value)
    return made


def _of_length(node: Any, length: int) -> Any:
    """The same with one `max_text_length` everywhere: in PaddleOCR's configs all are aliases of one."""
    if isinstance(node, dict):
        return {
            key: length if key == "max_text_length" else _of_length(value, length)
            for key, value in node.items()
        }
    return [_of_length(one, length) for one in node] if isinstance(node, list) else node


def _reshaped(config: Mapping[str, Any] | None, part: str, height: int, width: int) -> list[Any] | None:
    if config is None or part not in config:
        return None
    transforms: list[Any] = copy.deepcopy(config[part]["dataset"]["transforms"])
    for step in transforms:
        for name, options in step.items():
            if name == "RecResizeImg":
                options["image_shape"] = [3, height, width]
            if name == "RecConAug":
                options["image_shape"] = [height, width, 3]
    return transforms
