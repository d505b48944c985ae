"""One config that says everything: our own rules read it, PaddleOCR's loader builds from it."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from backend.errors import BadRequest
from converters.paddleocr.training_config import RecognitionRules, rules_of
from converters.training.run_config import MOBILE, compose_config, config_file, template_of
from converters.training.run_plan import (
    AS_EXPORTED,
    AS_TRAINED,
    GIB,
    ONE_SCALE,
    THREE_SCALES,
    Machine,
    RunPaths,
    Wishes,
    plan,
    steps_per_epoch,
)
from tests.parts import paddle_loader


def paths_in(folder: Path) -> RunPaths:
    return RunPaths(
        data_dir=folder / "dataset",
        train=folder / "lists/train.txt",
        val=folder / "lists/val.txt",
        dictionary=folder / "dict.txt",
        checkpoints=folder / "checkpoints",
        weights=folder / "base.pdparams",
    )


def planned(folder=Path("/runs/1"), machine=None, **changes):
    made = plan(
        paths_in(folder),
        model_name="eslav_PP-OCRv5_mobile_rec",
        network=AS_EXPORTED,
        train_rows=480,
        val_rows=100,
        machine=machine or Machine(0, 2, 8 * GIB, GIB),
        wishes=Wishes(epochs=4),
    )
    return replace(made, **changes)


def composed(*of, **changes):
    return compose_config(MOBILE, planned(*of, **changes))


GPUS = {count: Machine(count, 16, 80 * GIB, 64 * GIB) for count in (1, 2)}


def test_our_own_rules_read_the_composed_config():
    assert rules_of(composed()) == RecognitionRules(
        max_text_length=25,
        reserved=2,
        dictionary="/runs/1/dict.txt",
        scales=((320, 48),),
        height=48,
        batch=32,
        draws_neighbours=True,
        samples=True,
        most_steps=40,
    )


def test_the_plan_is_in_the_config():
    made = composed()
    overall = made["Global"]
    assert overall["model_name"] == "eslav_PP-OCRv5_mobile_rec"
    assert overall["epoch_num"] == 4
    assert overall["seed"] == 1
    assert overall["pretrained_model"] == "/runs/1/base"
    assert overall["save_model_dir"] == "/runs/1/checkpoints"
    assert overall["print_batch_step"] == 1
    assert made["Optimizer"]["lr"] == {"name": "Cosine", "learning_rate": 0.001, "warmup_epoch": 0}
    assert made["Train"]["loader"]["num_workers"] == 0
    assert made["Architecture"]["Backbone"] == {"name": "PPLCNetV3", "scale": 0.95, "conv_kxk_num": 1}


@pytest.mark.parametrize(
    ("network", "guide", "guided"),
    [
        pytest.param(
            AS_EXPORTED, {"nrtr_dim": 64, "num_decoder_layers": 1}, False, id="random: small, no teacher"
        ),
        pytest.param(
            AS_TRAINED, {"nrtr_dim": 384, "num_decoder_layers": 4}, True, id="trained: as PaddleOCR's"
        ),
    ],
)
def test_a_random_guide_does_not_teach_the_backbone(network, guide, guided):
    ctc, nrtr = composed(network=network)["Architecture"]["Head"]["head_list"]
    assert nrtr["NRTRHead"] == {**guide, "max_text_length": 25}
    assert ctc["CTCHead"]["Neck"]["use_guide"] is guided


def every(config, name):
    """Each value of that name, wherever it stands."""
    if isinstance(config, dict):
        for key, value in config.items():
            yield from [value] if key == name else every(value, name)
    elif isinstance(config, list):
        for value in config:
            yield from every(value, name)


FOLDERS = [
    pytest.param(Path("/runs/lr=1 & b=2/стр 1"), id="equals signs, blanks, Cyrillic"),
    pytest.param(Path("/runs/№1: {a}, [b] #c"), id="marks that YAML gives a meaning"),
    pytest.param(Path("/runs/x.pdparams.old"), id="an ending of weights in a folder's name"),
    pytest.param(Path("/runs/null"), id="a word that YAML gives a meaning"),
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_the_trainer_reads_from_the_file_is_what_was_composed(folder):
    made = composed(folder)
    assert yaml.safe_load(config_file(made)) == made
    assert made["Global"]["pretrained_model"] == f"{folder}/base"
    assert made["Train"]["dataset"]["label_file_list"] == [f"{folder}/lists/train.txt"]


class TestWhatPeopleMeetWhenTheyTrain:
    """Classes of failure that a composed config cannot have."""

    def test_a_cpu_is_never_taken_for_a_gpu(self):
        assert composed()["Global"]["use_gpu"] is False
        assert composed(machine=GPUS[1])["Global"]["use_gpu"] is True

    def test_only_several_gpus_are_a_distributed_run(self):
        flags = [composed()["Global"]["distributed"]]
        flags += [composed(machine=GPUS[count])["Global"]["distributed"] for count in (1, 2)]
        assert flags == [False, False, True]

    def test_paths_mean_the_same_from_any_folder(self):
        made = composed()
        named = [
            *made["Train"]["dataset"]["label_file_list"],
            *made["Eval"]["dataset"]["label_file_list"],
            *every(made, "data_dir"),
            *(made["Global"][name] for name in ("character_dict_path", "save_model_dir", "save_res_path")),
            made["Global"]["pretrained_model"],
        ]
        assert len(named) == 8
        assert all(Path(name).is_absolute() for name in named)

    def test_lists_are_lists_and_no_share_of_them_is_left_out(self):
        made = composed()
        assert all(isinstance(value, list) for value in every(made, "label_file_list"))
        assert not list(every(made, "ratio_list"))

    def test_both_batch_sizes_say_the_same(self):
        made = composed(batch=24)
        assert made["Train"]["sampler"]["first_bs"] == 24
        assert made["Train"]["loader"]["batch_size_per_card"] == 24

    def test_evaluation_takes_no_larger_batch_than_training(self):
        assert composed(machine=GPUS[1])["Eval"]["loader"]["batch_size_per_card"] == 64

    def test_there_is_a_best_model_after_each_epoch_and_no_copy_of_every_one(self):
        overall = composed()["Global"]
        assert overall["eval_batch_epoch"] == 1
        assert overall["save_epoch_step"] == 1_000_000

    def test_one_length_stands_everywhere(self):
        assert set(every(composed(), "max_text_length")) == {25}

    def test_no_scale_is_wider_than_the_network_has_steps_for(self):
        assert {scale[0] for scale in composed(machine=GPUS[1])["Train"]["sampler"]["scales"]} == {320}

    def test_the_export_keeps_the_name_without_which_paddleocr_does_not_load_it(self):
        assert composed()["Global"]["model_name"]

    def test_a_resumed_run_takes_its_own_checkpoint_and_not_the_starting_weights(self):
        made = planned()
        going_on = replace(made, paths=replace(made.paths, resume=Path("/runs/1/checkpoints/latest")))
        overall = compose_config(MOBILE, going_on)["Global"]
        assert (overall["checkpoints"], overall["pretrained_model"]) == ("/runs/1/checkpoints/latest", None)

    def test_no_alias_changes_two_settings_at_once(self):
        assert not {"&", "*"} & set(config_file(composed()))


def test_composing_leaves_the_template_as_it_is():
    before = copy.deepcopy(MOBILE)
    composed(machine=GPUS[2])
    assert before == MOBILE


def checkout(folder: Path, name: str, backbone: dict) -> dict:
    """A checkout of PaddleOCR with one config in the shape of its own."""
    config = copy.deepcopy(dict(MOBILE))
    config["Global"] |= {"character_dict_path": "./ppocr/utils/dict/ppocrv5_dict.txt", "max_text_length": 25}
    config["Architecture"]["Backbone"] = backbone
    config["Train"]["dataset"] |= {
        "data_dir": "./train_data/",
        "label_file_list": ["./a.txt"],
        "ratio_list": [0.5],
    }
    place = folder / "configs/rec/PP-OCRv5"
    place.mkdir(parents=True)
    (place / f"{name}.yml").write_text(yaml.safe_dump(config), "utf-8")
    return config


def test_a_network_of_another_make_is_trained_as_the_checkout_says(tmp_path):
    checkout(tmp_path, "PP-OCRv5_server_rec", {"name": "PPHGNetV2_B4", "text_rec": True})
    template = template_of("PP-OCRv5_server_rec", tmp_path)
    made = compose_config(template, planned())
    assert made["Architecture"]["Backbone"] == {"name": "PPHGNetV2_B4", "text_rec": True}
    assert made["Global"]["character_dict_path"] == "/runs/1/dict.txt"
    assert made["Train"]["dataset"]["label_file_list"] == ["/runs/1/lists/train.txt"]
    assert not list(every(made, "ratio_list"))


@pytest.mark.parametrize("name", ["PP-OCRv5_mobile_rec", "th_PP-OCRv5_mobile_rec"])
def test_the_mobile_recognisers_need_no_checkout(name):
    assert template_of(name, None) is MOBILE


@pytest.mark.parametrize("source", [None, Path("/nowhere")])
def test_a_network_that_nothing_says_how_to_train_is_refused(source):
    with pytest.raises(BadRequest, match="no training config for PP-OCRv5_server_rec"):
        template_of("PP-OCRv5_server_rec", source)


@pytest.mark.xdist_group("paddle loader")
def test_paddleocrs_own_loader_builds_from_it(tmp_path):
    folder = tmp_path / "lr=1, стр 1"
    dataset = folder / "dataset"
    dataset.mkdir(parents=True)
    (folder / "lists").mkdir()
    (folder / "dict.txt").write_text("а\nб\n", "utf-8")
    for number in range(20):
        noise = np.random.default_rng(number).integers(0, 255, (48, 160, 3), dtype=np.uint8)
        Image.fromarray(noise).save(dataset / f"{number}.png")
    (folder / "lists/train.txt").write_text("".join(f"{number}.png\tаб\n" for number in range(18)), "utf-8")
    (folder / "lists/val.txt").write_text("18.png\tаб\n19.png\tба\n", "utf-8")
    each = [ONE_SCALE, THREE_SCALES]
    answers = paddle_loader.build([composed(folder, batch=8, scales=scales) for scales in each], tmp_path)
    assert answers == [{"error": "", "batches": 3}, {"error": "", "batches": 6}]
    assert [steps_per_epoch(18, 8, scales) for scales in each] == [3, 6]
