"""Folds the learnable affine blocks of PP-LCNetV3 into its convolutions: the same network in fewer steps.

PP-LCNetV3, the backbone of PP-OCR's mobile models of versions 4 and 5 (PaddleOCR's `rec_lcnetv3.py`), puts a
scale and a shift of one number each behind and between its convolutions. onnxruntime fuses neither, so each
is a pass over the whole picture: a third of a recogniser's time on a CPU. Both can be had from the weights.

Only this module imports onnx, and only where a model is folded.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto, numpy_helper

_MOST_SHIFT: Final = 1000.0
"""Largest shift, in the unscaled values, that stays a step of its own: beside more, float32 loses digits."""

_Values = npt.NDArray[np.float64]


class NotFoldable(ValueError):
    """The network has nothing that could be folded, or is built in a way that nobody foresaw."""


def folded(path: Path) -> bytes:
    """Fold a network, and check that the result is one.

    Args:
        path: an ONNX file.

    Returns:
        The content of an ONNX file, the same bytes each time. It has the same inputs and outputs.

    Raises:
        NotFoldable: nothing in it could be folded.
        Exception: whatever onnx raises over a file that is none.
    """
    model = onnx.load(str(path))
    if not _Network(model.graph).fold():
        raise NotFoldable("it has no affine blocks between its convolutions")
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


class _Network:
    """A graph, with who makes and who uses each value; nodes are known by their place."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._nodes: list[NodeProto] = list(graph.node)
        if any(attribute.type in _SUBGRAPHS for node in self._nodes for attribute in node.attribute):
            # it could use any value without being its user
            raise NotFoldable("it has a graph within the graph")
        self._outputs = {output.name for output in graph.output}
        self._constants = _constants(graph, self._nodes)
        self._maker = {name: place for place, node in enumerate(self._nodes) for name in node.output}
        self._users: dict[str, list[int]] = defaultdict(list)
        for place, node in enumerate(self._nodes):
            for name in node.input:
                self._users[name].append(place)
        self._gone: set[int] = set()
        self._made = 0

    def fold(self) -> int:
        """Fold what can be folded; returns how many nodes are gone."""
        places = [place for place, node in enumerate(self._nodes) if node.op_type == "Conv"]
        # all that comes behind a convolution first: what is left before one belongs to the activation
        for step in (self._take_in_behind, self._take_in_before):
            for place in places:
                if self._is_plain(self._nodes[place]):
                    step(place)
        count = len(self._gone)
        self._write()
        return count

    def _is_plain(self, conv: NodeProto) -> bool:
        """Whether a convolution's weights are constants of this file: over pictures, in float32."""
        numbers = [self._constants.get(name) for name in conv.input[1:]]
        return all(array is not None and array.dtype == np.float32 for array in numbers) and (
            numbers[0] is not None and numbers[0].ndim == 4
        )

    def _take_in_behind(self, place: int) -> None:
        """(w * x + b) * s + t = (s * w) * x + (s * b + t), for a number or one for each channel."""
        conv = self._nodes[place]
        weights, bias = self._weights(conv)
        before = len(self._gone)
        while (user := self._only_user(conv.output[0])) is not None:
            node = self._nodes[user]
            values = self._factor(node, conv.output[0], len(weights))
            if values is None:
                break
            if node.op_type == "Mul":
                weights *= values[:, None, None, None]
                bias *= values
            else:
                bias += values
            self._gone.add(user)
            conv.output[0] = node.output[0]
            self._maker[conv.output[0]] = place
        if len(self._gone) > before:
            self._put(conv, weights, bias)

    def _take_in_before(self, place: int) -> None:
        """Take in a number that all of a convolution's input is multiplied by, or that is added to it.

        Where the convolution pads its input, the zeros of the padding are not shifted, so an addition stays;
        a multiplication before it still goes: c * x + d = c * (x + d / c).
        """
        conv = self._nodes[place]
        weights, bias = self._weights(conv)
        before = len(self._gone)
        while (node := self._number_before(conv.input[0], place)) is not None:
            maker, number, other = node
            if self._nodes[maker].op_type == "Mul":
                weights *= number
            elif not _pads(conv):
                bias += number * weights.sum(axis=(1, 2, 3))
            else:
                scale = self._number_before(other, maker)
                if scale is None or self._nodes[scale[0]].op_type != "Mul":
                    break
                below, factor, source = scale
                if abs(number) > _MOST_SHIFT * abs(factor):
                    break
                weights *= factor
                shift = self._name("shift", np.array([number / factor], np.float32))
                addition = self._nodes[maker]
                del addition.input[:]
                addition.input.extend([source, shift])
                self._hand_on(below, source, maker)
                break
            conv.input[0] = other
            self._hand_on(maker, other, place)
        if len(self._gone) > before:
            self._put(conv, weights, bias)

    def _hand_on(self, removed: int, name: str, user: int) -> None:
        """A node is gone, and `user` takes in its place the value that it took."""
        self._gone.add(removed)
        self._users[name] = [user if place == removed else place for place in self._users[name]]

    def _only_user(self, name: str) -> int | None:
        users = self._users[name]
        return users[0] if len(users) == 1 and name not in self._outputs else None

    def _factor(self, node: NodeProto, name: str, channels: int) -> _Values | None:
        """What a Mul or Add does to each channel of a value; None where it is not one number for each."""
        found = self._constant_beside(node, name)
        if found is None or found.ndim > 4:
            return None
        if found.size != 1 and (found.ndim < 3 or found.shape[-3:] != (channels, 1, 1)):
            return None
        return np.broadcast_to(found.reshape(-1).astype(np.float64), (channels,))

    def _number_before(self, name: str, user: int) -> tuple[int, float, str] | None:
        """The Mul or Add of one number that makes a value for this user alone: its place, number, input."""
        maker = self._maker.get(name)
        if maker is None or self._only_user(name) != user:
            return None
        node = self._nodes[maker]
        for other in node.input:
            found = self._constant_beside(node, other)
            if found is not None and found.size == 1 and found.ndim <= 4:
                return maker, float(found.reshape(())), other
        return None

    def _constant_beside(self, node: NodeProto, name: str) -> npt.NDArray[Any] | None:
        """The constant that a Mul or Add takes beside a value that is none."""
        if node.op_type not in ("Mul", "Add") or name in self._constants:
            return None
        found = [self._constants.get(other) for other in node.input if other != name]
        return found[0] if len(found) == 1 and found[0] is not None and found[0].dtype == np.float32 else None

    def _weights(self, conv: NodeProto) -> tuple[_Values, _Values]:
        """In float64, so that many small steps are rounded once."""
        weights = self._constants[conv.input[1]].astype(np.float64)
        given = len(conv.input) > 2
        bias = self._constants[conv.input[2]].astype(np.float64) if given else np.zeros(len(weights))
        return weights, bias

    def _put(self, conv: NodeProto, weights: _Values, bias: _Values) -> None:
        # numbers that float32 does not hold become infinite, and the answers show it
        with np.errstate(over="ignore"):
            arrays = {"weights": weights.astype(np.float32), "bias": bias.astype(np.float32)}
        names = [self._name(what, array) for what, array in arrays.items()]
        source = conv.input[0]
        del conv.input[:]
        conv.input.extend([source, *names])

    def _name(self, what: str, array: npt.NDArray[np.float32]) -> str:
        self._made += 1
        name = f"twinread.{what}.{self._made}"
        self._constants[name] = array
        return name

    def _write(self) -> None:
        """Let the graph have the nodes and constants that are left, in its own order."""
        nodes: list[NodeProto] = []
        # a dictionary, unlike a set, has one order, and so the file the same bytes each time
        used = dict.fromkeys(sorted(self._outputs))
        for place in reversed(range(len(self._nodes))):
            node = self._nodes[place]
            if place not in self._gone and any(name in used for name in node.output):
                nodes.insert(0, node)
                used |= dict.fromkeys(node.input)
        kept = [tensor for tensor in self._graph.initializer if tensor.name in used]
        there = {tensor.name for tensor in kept} | {name for node in nodes for name in node.output}
        kept += [
            numpy_helper.from_array(np.ascontiguousarray(self._constants[name]), name)
            for name in reversed(used)
            if name in self._constants and name not in there
        ]
        del self._graph.node[:]
        self._graph.node.extend(nodes)
        del self._graph.initializer[:]
        self._graph.initializer.extend(kept)


_SUBGRAPHS: Final = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)


def _constants(graph: Any, nodes: list[NodeProto]) -> dict[str, npt.NDArray[Any]]:
    """Every value that is the same for all pictures, as far as Paddle's exports have such values."""
    # what is an input, too, may be given with each picture
    inputs = {one.name for one in graph.input}
    found = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in graph.initializer
        if tensor.name not in inputs
    }
    for node in nodes:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type == "Reshape" and all(name in found for name in node.input):
            shape = found[node.input[1]]
            # a zero stands for the side that was there
            if shape.all():
                found[node.output[0]] = found[node.input[0]].reshape(shape)
    return found


def _pads(conv: NodeProto) -> bool:
    given = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in conv.attribute}
    return any(given.get("pads", ())) or given.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID")
