"""PaddleOCR's network of a config, and its tensors as a model for reading has them.

Imports nothing of twinread: the two live in different environments.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

GUIDES = ("head.gtc_head.", "head.before_gtc.", "head.sar_head.")
"""Parts that only training has."""
BRANCHES = (".conv_kxk.", ".conv_1x1.", ".identity.")
"""Parts of a block that reading has fused into one convolution, `.reparam_conv.`."""
CTC_SPECIALS, NRTR_SPECIALS = 1, 4
"""Rows before the first character: the blank; and blank, unknown, start and end."""

State = dict[str, np.ndarray[Any, Any]]


class Unfit(Exception):
    """The base does not fit the config; the message says where."""


def characters(config: dict[str, Any]) -> list[str]:
    """The characters that a config's network writes, in the order of its last layer, after the blank."""
    settings = config["Global"]
    lines = Path(settings["character_dict_path"]).read_bytes().decode("utf-8").split("\n")
    entries = [line.rstrip("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]
    return [*entries, " "] if settings.get("use_space_char") else entries


def network(config: dict[str, Any], count: int) -> Any:
    """PaddleOCR's network of a config, for that many characters, with random weights."""
    from ppocr.modeling.architectures import build_model

    architecture = copy.deepcopy(config["Architecture"])
    ctc = count + CTC_SPECIALS
    if architecture["Head"]["name"] == "MultiHead":
        architecture["Head"]["out_channels_list"] = {
            "CTCLabelDecode": ctc,
            "SARLabelDecode": ctc + 2,
            "NRTRLabelDecode": ctc + 3,
        }
    else:
        architecture["Head"]["out_channels"] = ctc
    return build_model(architecture)


def fuse(model: Any) -> None:
    """Fuse the branches of each block, as PaddleOCR's exporter does."""
    model.eval()
    for layer in model.sublayers():
        if hasattr(layer, "rep") and not getattr(layer, "is_repped", False):
            layer.rep()


def for_reading(model: Any) -> State:
    """The tensors of a fused network that reading needs, in the order of the network."""
    return {
        name: value.numpy()
        for name, value in model.state_dict().items()
        if not name.startswith(GUIDES) and not any(branch in name for branch in BRANCHES)
    }
