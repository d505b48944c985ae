"""What a training config says about its rows, and what to lay over it."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from backend.errors import BadRequest
from converters.paddleocr import training_config
from converters.paddleocr.training_config import DetectionRules, RecognitionRules

DECODE = {"DecodeImage": {"img_mode": "BGR"}}
CONFIG = {
    "Global": {
        "max_text_length": 25,
        "use_space_char": True,
        "character_dict_path": "./ppocr/utils/dict/ppocrv5_eslav_dict.txt",
        "d2s_train_image_shape": [3, 48, 320],
    },
    "Architecture": {"model_type": "rec", "Backbone": {"name": "PPLCNetV3", "scale": 0.95}},
    "Train": {
        "dataset": {
            "transforms": [
                DECODE,
                {
                    "RecConAug": {
                        "prob": 0.5,
                        "ext_data_num": 2,
                        "image_shape": [48, 320, 3],
                        "max_text_length": 25,
                    }
                },
                {"RecAug": None},
                {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}},
                {"KeepKeys": {"keep_keys": ["image"]}},
            ]
        },
        "sampler": {"scales": [[320, 32], [320, 48], [320, 64]], "first_bs": 128},
        "loader": {"batch_size_per_card": 128, "drop_last": True},
    },
    "Eval": {"dataset": {"transforms": [DECODE, {"RecResizeImg": {"image_shape": [3, 48, 320]}}]}},
}
DICTIONARY = "./ppocr/utils/dict/ppocrv5_eslav_dict.txt"


def changed(**overall):
    return {**CONFIG, "Global": {**CONFIG["Global"], **overall}}


def encoded_by(step):
    config = copy.deepcopy(CONFIG)
    config["Train"]["dataset"]["transforms"] = [DECODE, step]
    return config


def test_the_defaults_are_the_multi_language_config():
    assert training_config.rules_of(CONFIG) == RecognitionRules(dictionary=DICTIONARY)


@pytest.mark.parametrize(
    ("config", "longest"),
    [
        pytest.param(CONFIG, 23, id="NRTR takes two places"),
        pytest.param(changed(max_text_length=40), 38, id="a raised limit"),
        pytest.param(encoded_by({"MultiLabelEncode": None}), 23, id="SAR takes two places"),
        pytest.param(encoded_by({"CTCLabelEncode": None}), 25, id="CTC alone takes none"),
        pytest.param(encoded_by({"CTCLabelEncode": {"max_text_length": 9}}), 25, id="Global wins"),
    ],
)
def test_the_longest_label_depends_on_the_encoder(config, longest):
    assert training_config.rules_of(config).longest_label == longest


def test_a_detection_config_is_known_by_its_encoder():
    config = {
        "Global": {},
        "Train": {
            "dataset": {"transforms": [DECODE, {"DetLabelEncode": None}, {"CopyPaste": None}]},
            "loader": {"batch_size_per_card": 4},
        },
    }
    assert training_config.rules_of(config) == DetectionRules(batch=4, draws_neighbours=True)


@pytest.mark.parametrize(
    ("config", "word"),
    [
        pytest.param(None, "not a PaddleOCR training config", id="an empty file"),
        pytest.param([1], "not a PaddleOCR training config", id="a list"),
        pytest.param({"Global": {}}, "not a PaddleOCR training config", id="an inference config"),
        pytest.param(changed(max_text_length="long"), "not a PaddleOCR training config", id="no number"),
        pytest.param(
            encoded_by({"AttnLabelEncode": None}), "AttnLabelEncode", id="an encoder with other rules"
        ),
        pytest.param(
            {**CONFIG, "Train": {"dataset": {"transforms": [], "ds_width": True}}},
            "ds_width",
            id="other columns",
        ),
    ],
)
def test_a_config_that_cannot_be_foretold_is_refused(config, word):
    with pytest.raises(BadRequest, match=word):
        training_config.rules_of(config)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        pytest.param([{"a": 1}], "Global, Train.dataset.transforms or a setting of theirs is missing or not "
                     "what it should be", id="a list"),
        pytest.param({"Global": None, "Train": None}, "Global, Train.dataset.transforms or a setting of "
                     "theirs is missing or not what it should be", id="empty headings"),
        pytest.param("services:", "Global, Train.dataset.transforms or a setting of theirs is missing or not "
                     "what it should be", id="a text"),
        pytest.param({"services": {}}, "it lacks Train", id="another kind of YAML"),
    ],
)  # fmt: skip
def test_another_kind_of_yaml_is_refused_in_one_sentence_without_words_of_python(config, why):
    with pytest.raises(BadRequest) as refused:
        training_config.rules_of(config)
    assert str(refused.value) == (
        f"This is not a PaddleOCR training config, because {why}; pass the YAML file that you give to "
        "tools/train.py."
    )


@pytest.mark.parametrize(
    ("size", "natural", "steps"),
    [
        pytest.param((320, 48), 320, 40, id="just fits"),
        pytest.param((3000, 20), 7200, 40, id="a strip is squeezed"),
        pytest.param((20, 300), 4, 1, id="a tall crop keeps one step"),
        pytest.param((40, 24), 80, 10, id="enlarged"),
    ],
)
def test_a_crop_has_one_step_in_eight_pixels_of_its_width(size, natural, steps):
    rules = RecognitionRules()
    assert rules.natural_width(*size) == natural
    assert rules.steps(*size) == steps


@pytest.mark.parametrize(
    ("architecture", "steps"),
    [
        pytest.param({"Backbone": {"name": "PPLCNetV3"}}, 40, id="PP-OCRv5 mobile"),
        pytest.param({"Backbone": {"name": "PPHGNetV2_B4"}}, 40, id="PP-OCRv5 server"),
        pytest.param({"Backbone": {"name": "PPHGNet_small"}}, 40, id="PP-OCRv4 server"),
        pytest.param({"Backbone": {"name": "PPLCNetV4"}}, 40, id="PP-OCRv6"),
        pytest.param({"Backbone": {"name": "SVTRNet", "out_char_num": 80}}, 80, id="SVTR says how many"),
        pytest.param({"Backbone": {"name": "MobileNetV1Enhance"}}, None, id="PP-OCRv3 pools by width"),
        pytest.param(
            {"Models": {"Teacher": {"Backbone": {"name": "SVTRv2"}},
                        "Student": {"Backbone": {"name": "PPLCNetV3"}}}},
            40, id="distillation: the network with the fewest",
        ),
        pytest.param(None, None, id="no network named"),
    ],
)  # fmt: skip
def test_the_steps_of_training_hang_on_the_network_and_not_on_the_width(architecture, steps):
    rules = training_config.rules_of({**CONFIG, "Architecture": architecture})
    assert rules.most_steps == steps
    wide = dataclasses.replace(rules, scales=((1408, 48),))
    assert wide.learns("аб" * 20)
    assert wide.learns("аб" * 20 + "в") == (steps != 40)
    # 40 steps over the whole of a wide training image leave fewer for a short crop in it
    assert wide.steps(704, 48) == (88 if steps is None else steps // 2)


def test_a_label_of_equal_letters_takes_a_step_between_them():
    assert [training_config.steps_needed(label) for label in ("", "а", "аа", "абба")] == [0, 1, 3, 5]
    assert [RecognitionRules().learns("а" * count) for count in (20, 21)] == [True, False]


@pytest.mark.parametrize(
    ("widths", "needed", "fitting"),
    [
        pytest.param([100, 200], 10, 320, id="never below the config's"),
        pytest.param([600] * 100, 10, 608, id="a multiple of 32"),
        pytest.param([300] * 99 + [9000], 10, 320, id="one strip in a hundred does not count"),
        pytest.param([300], 60, 480, id="steps for the longest label"),
        pytest.param([9000] * 10, 10, 3200, id="never above what is read"),
        pytest.param([], 0, 320, id="no crop"),
    ],
)
def test_the_width_fits_nearly_all_crops(widths, needed, fitting):
    assert training_config.fitting_width(RecognitionRules(), widths, needed) == fitting


def test_an_override_widens_training_and_evaluation_alike_and_leaves_the_config_as_it_is():
    before = copy.deepcopy(CONFIG)
    rules = training_config.rules_of(CONFIG)
    changes = training_config.override(CONFIG, rules, max_text_length=40, width=640, dictionary="/d.txt")
    assert changes["Global"] == {
        "max_text_length": 40,
        "character_dict_path": "/d.txt",
        "d2s_train_image_shape": [3, 48, 640],
    }
    assert changes["Train"]["sampler"] == {"scales": [[640, 32], [640, 48], [640, 64]], "first_bs": 64}
    assert changes["Train"]["loader"] == {"batch_size_per_card": 64}
    assert changes["Train"]["dataset"]["transforms"][1]["RecConAug"]["image_shape"] == [48, 640, 3]
    assert changes["Eval"]["dataset"]["transforms"][1] == {"RecResizeImg": {"image_shape": [3, 48, 640]}}
    assert before == CONFIG


def test_an_override_says_only_what_changes():
    assert training_config.override(CONFIG, RecognitionRules(), max_text_length=30) == {
        "Global": {"max_text_length": 30}
    }


@pytest.mark.parametrize(
    ("rows", "width", "batch"),
    [
        pytest.param(7, None, 7, id="a batch is no larger than the list"),
        pytest.param(7, 640, 7, id="nor when crops are widened"),
        pytest.param(100, 640, 64, id="wider crops, fewer at once"),
        pytest.param(500, None, None, id="rows enough"),
    ],
)
def test_a_batch_fits_the_memory_and_the_rows(rows, width, batch):
    train = training_config.override(CONFIG, RecognitionRules(), width=width, rows=rows).get("Train", {})
    assert train.get("sampler", {}).get("first_bs") == batch
    assert train.get("loader", {}).get("batch_size_per_card") == batch


PLACES = {
    "data_dir": "/set",
    "train": ["/set/a.txt", "/set/b.txt"],
    "val": ["/set/v.txt"],
    "dictionary": "/d.txt",
}


def test_a_whole_config_trains_from_anywhere_and_evaluates_a_small_set_too():
    before = copy.deepcopy(CONFIG)
    made = training_config.complete(CONFIG, {"Global": {}}, **PLACES)
    assert made["Global"] == {
        **CONFIG["Global"],
        "character_dict_path": "/d.txt",
        "eval_batch_step": [0, 1000],
        "eval_batch_epoch": 1,
    }
    assert made["Train"]["dataset"] == {
        **CONFIG["Train"]["dataset"],
        "data_dir": "/set",
        "label_file_list": ["/set/a.txt", "/set/b.txt"],
    }
    assert made["Eval"]["dataset"]["label_file_list"] == ["/set/v.txt"]
    assert made["Train"]["sampler"] == CONFIG["Train"]["sampler"]
    assert before == CONFIG


def test_a_config_keeps_its_own_list_where_the_dataset_has_none():
    own = copy.deepcopy(CONFIG)
    own["Eval"]["dataset"] |= {"data_dir": "./mine", "label_file_list": ["./mine/val.txt"]}
    made = training_config.complete(own, {"Global": {}}, **{**PLACES, "val": []})
    assert made["Eval"] == own["Eval"]


def test_shares_of_the_lists_that_a_config_named_do_not_stay_for_others():
    own = copy.deepcopy(CONFIG)
    own["Train"]["dataset"]["ratio_list"] = [0.3]
    assert "ratio_list" not in training_config.complete(own, {"Global": {}}, **PLACES)["Train"]["dataset"]


def test_a_longer_text_is_said_wherever_a_config_repeats_its_limit():
    head = {"Head": {"head_list": [{"CTCHead": None}, {"NRTRHead": {"max_text_length": 25}}]}}
    changes = training_config.override(CONFIG, RecognitionRules(), max_text_length=40)
    made = training_config.complete({**CONFIG, "Architecture": head}, changes, **PLACES)
    assert made["Global"]["max_text_length"] == 40
    assert made["Architecture"]["Head"]["head_list"][1] == {"NRTRHead": {"max_text_length": 40}}
    assert made["Train"]["dataset"]["transforms"][1]["RecConAug"]["max_text_length"] == 40
