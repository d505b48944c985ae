"""Which engine and device a model runs on, without loading one."""

from __future__ import annotations

from typing import Any

import pytest

from backend.errors import SettingsWrong
from backend.models.paddle_engine import Engine, EngineOptions, choose_engine


@pytest.mark.parametrize(
    ("values", "setting"),
    [
        pytest.param({"precision": "fp16"}, "PRECISION", id="half precision"),
        pytest.param({"use_tensorrt": True}, "USE_TENSORRT", id="TensorRT"),
        pytest.param({"enable_hpi": True}, "ENABLE_HPI", id="high-performance inference"),
        pytest.param({"enable_cinn": True}, "ENABLE_CINN", id="the CINN compiler"),
        pytest.param({"enable_mkldnn": True}, "ENABLE_MKLDNN", id="MKL-DNN"),
    ],
)
def test_what_only_paddles_engine_does_is_refused_elsewhere_instead_of_ignored(
    values: dict[str, Any], setting: str
) -> None:
    with pytest.raises(SettingsWrong, match=f"^{setting} would do nothing"):
        choose_engine(EngineOptions(engine="onnxruntime", device="cpu", **values))


def test_a_cpu_without_wishes_takes_onnxruntime() -> None:
    for options in (EngineOptions(device="cpu"), EngineOptions(device="cpu", enable_mkldnn=False)):
        assert choose_engine(options) == Engine("onnxruntime", "cpu")
