"""Writes the inference.yml of a recogniser whose ONNX file has its dictionary in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import onnx
import yaml

_DICTIONARY: Final = "character"
"""The key under which the converters of PP-OCR's models keep the dictionary, one entry a line."""


def description(name: str, network: Path) -> bytes:
    """What PaddleOCR's export writes beside the weights of a PP-OCRv5 or PP-OCRv6 recogniser.

    Args:
        name: PaddleOCR's name of the model.
        network: the ONNX file.

    Returns:
        inference.yml, UTF-8: the model's name, how a crop is prepared, and the dictionary.

    Raises:
        ValueError: there is no dictionary in the file.
    """
    found = {entry.key: entry.value for entry in onnx.load(network, load_external_data=False).metadata_props}
    # never splitlines: some entries are line breaks to it
    entries = found.get(_DICTIONARY, "").split("\n")
    if entries == [""]:
        raise ValueError(f"{network.name} holds no dictionary")
    written: dict[str, Any] = {
        "Global": {"model_name": name},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                # PaddleX wants to know this step by name, and does nothing for it
                {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}},
                {"RecResizeImg": {"image_shape": [3, 48, 320]}},
                {"KeepKeys": {"keep_keys": ["image", "label_ctc", "label_gtc", "length", "valid_ratio"]}},
            ]
        },
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": entries},
    }
    dumped: bytes = yaml.dump(
        written, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, encoding="utf-8"
    )
    return dumped
