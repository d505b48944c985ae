"""One whole training config for PaddleOCR's trainer, composed from a plan; pure but for `template_of`.

Everything is in one file, which the trainer takes with `-c`: nothing is laid over it on the command line
(`-o` loses all but its last use, and fails on a path with "="). PaddleOCR's own format is that of 3.7.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from backend.errors import BadRequest
from converters.paddleocr import training_config
from converters.training.run_plan import RunPlan

NEVER = 1_000_000
"""Epochs between copies of the checkpoint that nobody needs: each takes as much of the disk as the model."""

_DECODE: dict[str, Any] = {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}
_LABELS: dict[str, Any] = {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}}
_KEEP: dict[str, Any] = {
    "KeepKeys": {"keep_keys": ["image", "label_ctc", "label_gtc", "length", "valid_ratio"]}
}
_JOIN: dict[str, Any] = {
    "RecConAug": {"prob": 0.5, "ext_data_num": 2, "image_shape": [48, 320, 3], "max_text_length": 25}
}

MOBILE: Mapping[str, Any] = {
    "Global": {
        "debug": False,
        "log_smooth_window": 20,
        "cal_metric_during_train": True,
        "save_inference_dir": None,
        "use_visualdl": False,
        "infer_img": None,
        "infer_mode": False,
        "use_space_char": True,
        "save_res_path": None,
        "d2s_train_image_shape": [3, 48, 320],
        "max_text_length": 25,
    },
    "Optimizer": {
        "name": "Adam",
        "beta1": 0.9,
        "beta2": 0.999,
        "lr": {"name": "Cosine"},
        "regularizer": {"name": "L2", "factor": 3e-05},
    },
    "Architecture": {
        "model_type": "rec",
        "algorithm": "SVTR_LCNet",
        "Transform": None,
        "Backbone": {"name": "PPLCNetV3", "scale": 0.95},
        "Head": {
            "name": "MultiHead",
            "head_list": [
                {
                    "CTCHead": {
                        "Neck": {
                            "name": "svtr",
                            "dims": 120,
                            "depth": 2,
                            "hidden_dims": 120,
                            "kernel_size": [1, 3],
                        },
                        "Head": {"fc_decay": 1e-05},
                    }
                },
                {"NRTRHead": {}},
            ],
        },
    },
    "Loss": {"name": "MultiLoss", "loss_config_list": [{"CTCLoss": None}, {"NRTRLoss": None}]},
    "PostProcess": {"name": "CTCLabelDecode"},
    "Metric": {"name": "RecMetric", "main_indicator": "norm_edit_dis", "ignore_space": False},
    "Train": {
        "dataset": {
            "name": "MultiScaleDataSet",
            "ds_width": False,
            # the transforms after this many are applied to joined rows
            "ext_op_transform_idx": 1,
            "transforms": [_DECODE, _JOIN, {"RecAug": None}, _LABELS, _KEEP],
        },
        "sampler": {
            "name": "MultiScaleSampler",
            "fix_bs": False,
            "divided_factor": [8, 16],
            "is_training": True,
        },
        "loader": {"shuffle": True, "drop_last": True},
    },
    "Eval": {
        "dataset": {
            "name": "SimpleDataSet",
            "transforms": [_DECODE, _LABELS, {"RecResizeImg": {"image_shape": [3, 48, 320]}}, _KEEP],
        },
        "loader": {"shuffle": False, "drop_last": False},
    },
}
"""The network of PP-OCRv5_mobile_rec and of the mobile recognisers of single languages, as it is trained."""

_MOBILE_NAME = "PP-OCRv5_mobile_rec"


def template_of(model_name: str, source: Path | None) -> Mapping[str, Any]:
    """The config that a run of a model begins with.

    Args:
        model_name: PaddleOCR's name of the base model.
        source: a checkout of PaddleOCR, whose own config is taken for a network that twinread knows none
            for; None, or a trainer without configs, where there is none.

    Raises:
        BadRequest: nothing says how this network is trained.
    """
    if model_name.endswith(_MOBILE_NAME):
        return MOBILE
    named = f"{model_name}.yml"
    found = next(iter(sorted(source.glob(f"configs/rec/**/{named}"))), None) if source else None
    if found is None:
        raise BadRequest(
            f"twinread has no training config for {model_name}, only for {_MOBILE_NAME} and the mobile "
            "recognisers of single languages. Name one of these with --base, or a checkout of PaddleOCR "
            f"that has {named} below configs/rec with --paddleocr.",
            model=model_name,
        )
    try:
        parsed = yaml.safe_load(found.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise BadRequest(f"PaddleOCR's config {found} cannot be read; take a fresh checkout.") from error
    training_config.rules_of(parsed)
    return dict(parsed)


def compose_config(template: Mapping[str, Any], plan: RunPlan) -> dict[str, Any]:
    """Lay a plan over a template.

    Args:
        template: `MOBILE`, or the parsed config of a checkout; it is not changed.
        plan: what the run is to do.

    Returns:
        A config that says everything by itself: full paths, lists as lists, one batch size in the two
        places that name it, an evaluation and so a best model after each epoch.
    """
    paths = plan.paths
    architecture = template["Architecture"]
    # networks of another make have no such branches
    folded = architecture["Backbone"]["name"] == "PPLCNetV3"
    changes: dict[str, Any] = {
        "Global": {
            "model_name": plan.model_name,
            "use_gpu": plan.gpus > 0,
            "distributed": plan.gpus > 1,
            "epoch_num": plan.epochs,
            "seed": plan.seed,
            "print_batch_step": plan.print_every,
            "save_model_dir": str(paths.checkpoints),
            "save_epoch_step": NEVER,
            "pretrained_model": _weights(plan),
            "checkpoints": str(paths.resume) if paths.resume else None,
            "save_res_path": str(paths.checkpoints / "predicts.txt"),
            "use_space_char": True,
            "cal_metric_during_train": True,
            "max_text_length": plan.max_text_length,
        },
        "Optimizer": {"lr": {"learning_rate": plan.lr, "warmup_epoch": plan.warmup}},
        "Architecture": {
            "Backbone": {"conv_kxk_num": plan.network.branches} if folded else {},
            "Head": {"head_list": _heads(architecture["Head"]["head_list"], plan)},
        },
        # its own best model then is the one that we call so, too: acc stays at 0 for long in small sets
        "Metric": {"main_indicator": "norm_edit_dis"},
        "Train": {
            "sampler": {"scales": [list(scale) for scale in plan.scales], "first_bs": plan.batch},
            "loader": {"batch_size_per_card": plan.batch, "num_workers": plan.workers},
        },
        "Eval": {"loader": {"batch_size_per_card": plan.eval_batch, "num_workers": plan.workers}},
    }
    return training_config.complete(
        template,
        changes,
        data_dir=str(paths.data_dir),
        train=[str(paths.train)],
        val=[str(paths.val)],
        dictionary=str(paths.dictionary),
    )


def config_file(config: Mapping[str, Any]) -> str:
    """A config as the YAML file that the trainer takes."""
    # every node written out: PaddleOCR changes one of two aliases and means both
    return yaml.dump(dict(config), Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=10_000)


class _PlainDumper(yaml.SafeDumper):
    """Writes no anchors and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write every node whole."""
        return True


def _weights(plan: RunPlan) -> str | None:
    """The starting weights without their ending: PaddleOCR would take it out of folders' names, too."""
    weights = plan.paths.weights
    if weights is None or plan.paths.resume:
        return None
    return str(weights.with_suffix("") if weights.suffix == ".pdparams" else weights)


def _heads(heads: list[dict[str, Any]], plan: RunPlan) -> list[dict[str, Any]]:
    made = copy.deepcopy(heads)
    for head in made:
        if "CTCHead" in head:
            head["CTCHead"]["Neck"]["use_guide"] = plan.network.guided
        if "NRTRHead" in head:
            head["NRTRHead"] |= {
                "nrtr_dim": plan.network.guide_width,
                "num_decoder_layers": plan.network.guide_layers,
                "max_text_length": plan.max_text_length,
            }
    return made
