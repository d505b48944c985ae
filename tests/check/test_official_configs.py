"""What `--fix` writes loads in PaddleOCR's own `build_dataloader`, for all shapes of its recognition configs.

PaddleOCR's distribution holds no config. The shapes here are those of the 95 recognition configs of its
repository: which data set, with or without a sampler, which encoder, which resizing.
"""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from rich.console import Console

from backend.errors import BadRequest
from converters.check.command import check, run
from converters.check.fixes import FIXED_CONFIG
from tests.parts import paddle_loader
from tests.parts.paddle_loader import ESLAV

pytestmark = pytest.mark.xdist_group("paddle loader")

DECODE = {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}
JOIN = {"RecConAug": {"prob": 0.5, "ext_data_num": 2, "image_shape": [48, 320, 3], "max_text_length": 25}}
RESIZE = {"RecResizeImg": {"image_shape": [3, 48, 320]}}
SAMPLER = {
    "name": "MultiScaleSampler",
    "scales": [[320, 32], [320, 48], [320, 64]],
    "first_bs": 128,
    "fix_bs": False,
    "divided_factor": [8, 16],
    "is_training": True,
}
NRTR = {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}}
TWO_LABELS = ["image", "label_ctc", "label_gtc", "length", "valid_ratio"]


def config(
    name: str,
    encoder: dict[str, Any],
    keys: list[str],
    *,
    train: list[Any],
    resize: dict[str, Any] = RESIZE,
    sampler: dict[str, Any] | None = None,
    evaluated: str = "SimpleDataSet",
) -> dict[str, Any]:
    keep = {"KeepKeys": {"keep_keys": keys}}
    dataset = {"data_dir": "./train_data/", "label_file_list": ["./train_data/train_list.txt"]}
    loader = {"shuffle": True, "batch_size_per_card": 128, "drop_last": True, "num_workers": 4}
    made: dict[str, Any] = {
        "Global": {
            "character_dict_path": str(ESLAV),
            "max_text_length": 25,
            "use_space_char": True,
            "epoch_num": 1,
        },
        "Architecture": {"model_type": "rec", "Backbone": {"name": "MobileNetV3"}},
        "Train": {
            "dataset": {
                "name": name,
                **dataset,
                "ext_op_transform_idx": 1,
                "transforms": [DECODE, *train, encoder, *([] if sampler else [resize]), keep],
            },
            "loader": loader,
        },
        "Eval": {
            "dataset": {"name": evaluated, **dataset, "transforms": [DECODE, encoder, resize, keep]},
            "loader": {**loader, "shuffle": False, "drop_last": False},
        },
    }
    if sampler:
        made["Train"]["sampler"] = sampler
    return copy.deepcopy(made)


CONFIGS = {
    "PP-OCRv5 and v6": config(
        "MultiScaleDataSet", NRTR, TWO_LABELS, train=[JOIN, {"RecAug": None}], sampler=SAMPLER
    ),
    "PP-OCRv3": config(
        "SimpleDataSet",
        {"MultiLabelEncode": None},
        ["image", "label_ctc", "label_sar", "length", "valid_ratio"],
        train=[JOIN, {"RecAug": None}],
    ),
    "PP-OCRv2 and the older languages": config(
        "SimpleDataSet", {"CTCLabelEncode": None}, ["image", "label", "length"], train=[{"RecAug": None}]
    ),
    "SVTR": config(
        "SimpleDataSet",
        {"CTCLabelEncode": None},
        ["image", "label", "length"],
        train=[],
        resize={"SVTRRecResizeImg": {"image_shape": [3, 64, 256], "padding": False}},
    ),
    "SAR": config(
        "SimpleDataSet",
        {"SARLabelEncode": None},
        ["image", "label", "valid_ratio"],
        train=[],
        resize={"SARRecResizeImg": {"image_shape": [3, 48, 48, 160], "width_downsample_ratio": 0.25}},
    ),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten lines to train on and two to evaluate on: fewer than any config's batch."""
    folder = tmp_path_factory.mktemp("small")
    for number in range(12):
        noise = np.random.default_rng(number).integers(0, 255, (48, 160, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    for part, numbers in {"train": range(10), "val": range(10, 12)}.items():
        rows = "".join(f"{number}.png\tстрока {number}\n" for number in numbers)
        (folder / f"rec_gt_{part}.txt").write_text(rows, "utf-8")
    return folder


@pytest.fixture(scope="module")
def built(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What PaddleOCR makes of each config as `--fix` writes it."""
    written = []
    for made in CONFIGS.values():
        path = tmp_path_factory.mktemp("configs") / "config.yml"
        path.write_text(yaml.safe_dump(made), "utf-8")
        run(dataset, config=path, fix=True, console=Console(file=io.StringIO()))
        written.append(yaml.safe_load((dataset / FIXED_CONFIG).read_text("utf-8")))
    return dict(zip(CONFIGS, paddle_loader.build(written, dataset), strict=True))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_loads_in_paddleocr_after_fix_and_trains_the_ten_lines(
    built: dict[str, dict[str, Any]], name: str
) -> None:
    # the sampler makes a batch for each of its three scales
    assert built[name] == {"error": "", "batches": 3 if name.startswith("PP-OCRv5") else 1}


@pytest.mark.parametrize(
    ("train", "evaluated", "named"),
    [
        pytest.param("LMDBDataSet", "LMDBDataSet", "Train.dataset.name is LMDBDataSet", id="LMDB"),
        pytest.param(
            "SimpleDataSet", "LMDBDataSet", "Eval.dataset.name is LMDBDataSet", id="LMDB to evaluate"
        ),
        pytest.param("LaTeXOCRDataSet", "SimpleDataSet", "LaTeXOCRDataSet", id="formulas"),
    ],
)
def test_a_config_that_never_looks_at_label_files_is_refused_by_name(
    dataset: Path, tmp_path: Path, train: str, evaluated: str, named: str
) -> None:
    made = config(train, {"CTCLabelEncode": None}, ["image"], train=[], evaluated=evaluated)
    (tmp_path / "config.yml").write_text(yaml.safe_dump(made), "utf-8")
    with pytest.raises(BadRequest, match=named):
        check(dataset, config=tmp_path / "config.yml")


@pytest.mark.parametrize(
    ("name", "drop_last", "batch", "code"),
    [
        pytest.param("PP-OCRv3", True, 128, 1, id="a batch that is never full is left out"),
        pytest.param("PP-OCRv3", True, 10, 0, id="one full batch"),
        pytest.param("PP-OCRv3", False, 128, 0, id="a batch that is not full is trained"),
        pytest.param("PP-OCRv5 and v6", True, 128, 0, id="a sampler fills the batch up"),
    ],
)
def test_a_set_smaller_than_a_batch_without_a_sampler_trains_nothing_and_the_check_says_so(
    dataset: Path, tmp_path: Path, name: str, drop_last: bool, batch: int, code: int
) -> None:
    made = copy.deepcopy(CONFIGS[name])
    made["Train"]["loader"] |= {"drop_last": drop_last, "batch_size_per_card": batch}
    (tmp_path / "config.yml").write_text(yaml.safe_dump(made), "utf-8")
    result = check(dataset, config=tmp_path / "config.yml")
    assert result.exit_code == code
    said = [problem.sentence for problem in result.files[0].problems if problem.stops]
    assert [sentence.partition(",")[0] for sentence in said] == ["10 rows to train on"] * code
    # PaddleOCR itself: no batch at all, and no error
    for part, label_file in (("Train", "rec_gt_train.txt"), ("Eval", "rec_gt_val.txt")):
        made[part]["dataset"] |= {"data_dir": str(dataset), "label_file_list": [str(dataset / label_file)]}
    (answer,) = paddle_loader.build([made], tmp_path)
    assert answer["error"] == ""
    assert (answer["batches"] == 0) == bool(code)
