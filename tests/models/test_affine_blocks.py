"""Networks of a few steps, folded: which steps are left, and that the answers are the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from backend.models import affine_blocks
from backend.models.affine_blocks import NotFoldable
from backend.models.packaged import head_classifier
from tests.parts.folding import packaged_network

CHANNELS = 4
NUMBERS = {
    "two": np.float32([2]),
    "three": np.float32([[[[3]]]]),
    "half": np.float32([0.5]),
    "tiny": np.float32([1e-6]),
    "each": np.float32([1, -2, 3, -4]).reshape(1, CHANNELS, 1, 1),
    "column": np.float32(range(8)).reshape(1, 1, 1, 8),
    "bias": np.float32([0.1, -0.2, 0.3, 0.4]),
}


def step(kind: str, *names: str, **attributes: object) -> NodeProto:
    """One node: its inputs, then its output."""
    return helper.make_node(kind, names[:-1], names[-1:], **attributes)


def conv(source: str, target: str, kernel: int = 1, *bias: str, **attributes: object) -> NodeProto:
    return step("Conv", source, f"weights {kernel}", *bias, target, **attributes)


def network(
    path: Path, nodes: Sequence[NodeProto], outputs: Sequence[str], given: Sequence[str] = ()
) -> Path:
    """A file with the input `x`, pictures of four channels and 8 pixels a side, and the inputs `given`."""
    random = np.random.default_rng(3)
    weights = {
        "weights 1": random.normal(size=(CHANNELS, CHANNELS, 1, 1)).astype(np.float32),
        "weights 3": random.normal(size=(CHANNELS, 1, 3, 3)).astype(np.float32),
    }
    constants = [numpy_helper.from_array(array, name) for name, array in {**weights, **NUMBERS}.items()]
    sides = [1, CHANNELS, 8, 8]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, sides)]
    inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, NUMBERS[name].shape) for name in given]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [*"abcd"]) for name in outputs]
    graph = helper.make_graph(nodes, "small", inputs, made, constants)
    opset = [helper.make_opsetid("", 14)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path


def answers(content: bytes, x: np.ndarray) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"x": x})


def kinds(content: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_model_from_string(content).graph.node]


PADDED = {"group": CHANNELS, "pads": [1, 1, 1, 1]}


@pytest.mark.parametrize(
    ("nodes", "left"),
    [
        pytest.param(
            [
                conv("x", "a"),
                step("Add", "a", "each", "b"),
                step("Mul", "two", "b", "c"),
                step("Add", "c", "three", "y"),
            ],
            ["Conv"],
            id="bias, scale and shift behind a convolution",
        ),
        pytest.param(
            [conv("x", "a", 3, "bias", **PADDED), step("Mul", "a", "each", "y")],
            ["Conv"],
            id="a scale for each channel, behind a convolution of each channel with a bias",
        ),
        pytest.param(
            [step("Mul", "x", "two", "a"), step("Add", "a", "three", "b"), conv("b", "y", 1, "bias")],
            ["Conv"],
            id="scale and shift before a convolution without padding",
        ),
        pytest.param(
            [step("Mul", "x", "two", "a"), step("Add", "a", "three", "b"), conv("b", "y", 3, **PADDED)],
            ["Add", "Conv"],
            id="before padding, whose zeros are not shifted, the shift stays",
        ),
        pytest.param(
            [
                step("Mul", "x", "two", "a"),
                step("Add", "a", "three", "b"),
                conv("b", "y", 3, group=CHANNELS, auto_pad="SAME_UPPER"),
            ],
            ["Add", "Conv"],
            id="the same where the padding is said in the other way",
        ),
        pytest.param(
            [
                conv("x", "a"),
                step("Mul", "a", "half", "b"),
                step("HardSwish", "b", "c"),
                step("Mul", "c", "two", "d"),
                step("Add", "d", "three", "e"),
                conv("e", "f", 3, **PADDED),
                step("Add", "f", "each", "y"),
            ],
            ["Conv", "HardSwish", "Add", "Conv"],
            id="a block as PP-LCNetV3 has it",
        ),
    ],
)
def test_what_can_be_had_from_the_weights_is_no_step_any_more(
    tmp_path: Path, nodes: list[NodeProto], left: list[str]
) -> None:
    path = network(tmp_path / "small.onnx", nodes, ["y"])
    folded = affine_blocks.folded(path)
    x = np.random.default_rng(1).normal(size=(1, CHANNELS, 8, 8)).astype(np.float32)
    assert kinds(folded) == left
    np.testing.assert_allclose(answers(folded, x)[0], answers(path.read_bytes(), x)[0], atol=1e-4)


@pytest.mark.parametrize(
    ("nodes", "outputs", "given"),
    [
        pytest.param([conv("x", "a"), step("Mul", "a", "two", "y")], ["y", "a"], [], id="an output, behind"),
        pytest.param([step("Mul", "x", "two", "a"), conv("a", "y")], ["y", "a"], [], id="an output, before"),
        pytest.param(
            [conv("x", "a"), step("Mul", "a", "two", "b"), step("Sub", "b", "a", "y")],
            ["y"],
            [],
            id="a second user, behind",
        ),
        pytest.param(
            [step("Mul", "x", "two", "a"), conv("a", "b"), step("Sub", "b", "a", "y")],
            ["y"],
            [],
            id="a second user, before",
        ),
        pytest.param(
            [conv("x", "a"), step("Mul", "a", "column", "y")], ["y"], [], id="a number for each column"
        ),
        pytest.param(
            [conv("x", "a"), step("Mul", "a", "two", "y")],
            ["y"],
            ["two"],
            id="a number that may be given",
        ),
        pytest.param(
            [step("Mul", "x", "tiny", "a"), step("Add", "a", "three", "b"), conv("b", "y", 3, **PADDED)],
            ["y"],
            [],
            id="a shift that would drown the picture",
        ),
        pytest.param([step("Mul", "x", "two", "a"), step("Relu", "a", "y")], ["y"], [], id="no convolution"),
    ],
)
def test_what_others_need_or_weights_cannot_say_stays(
    tmp_path: Path, nodes: list[NodeProto], outputs: list[str], given: list[str]
) -> None:
    with pytest.raises(NotFoldable, match="no affine blocks"):
        affine_blocks.folded(network(tmp_path / "small.onnx", nodes, outputs, given))


def test_a_network_with_a_graph_within_the_graph_is_left_alone(tmp_path: Path) -> None:
    inner = helper.make_graph(
        [step("Identity", "a", "z")],
        "in",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [*"abcd"])],
    )
    nodes = [
        conv("x", "a"),
        step("Mul", "a", "two", "b"),
        step("Constant", "yes", value=numpy_helper.from_array(np.array(True))),
        helper.make_node("If", ["yes"], ["c"], then_branch=inner, else_branch=inner),
        step("Add", "b", "c", "y"),
    ]
    with pytest.raises(NotFoldable, match="graph within the graph"):
        affine_blocks.folded(network(tmp_path / "small.onnx", nodes, ["y"]))


@pytest.mark.parametrize(
    ("model", "before", "after"),
    [
        pytest.param("PP-OCRv5_mobile_det", {"Mul": 62, "Add": 117}, {"Mul": 14, "Add": 27}, id="detector"),
        pytest.param("PP-OCRv5_mobile_rec", {"Mul": 72, "Add": 112}, {"Mul": 19, "Add": 40}, id="recogniser"),
    ],
)
def test_of_a_published_model_most_multiplications_and_additions_go(
    model: str, before: dict[str, int], after: dict[str, int]
) -> None:
    path = packaged_network(model)
    there = kinds(path.read_bytes())
    assert {kind: there.count(kind) for kind in before} == before
    left = kinds(affine_blocks.folded(path))
    assert {kind: left.count(kind) for kind in after} == after


def test_a_network_of_another_family_is_no_matter_for_folding() -> None:
    path = head_classifier()
    assert path is not None
    with pytest.raises(NotFoldable):
        affine_blocks.folded(path)


def test_each_process_comes_to_the_same_bytes() -> None:
    """Python orders sets by a seed that is another one in each process."""
    code = (
        "import hashlib, sys; from pathlib import Path; from backend.models.affine_blocks import folded;"
        "print(hashlib.sha256(folded(Path(sys.argv[1]))).hexdigest())"
    )
    path = packaged_network("PP-OCRv5_mobile_det")
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, str(path)],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
