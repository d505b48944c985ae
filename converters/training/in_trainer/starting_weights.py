"""Makes the weights that a training starts from: out of a model for reading, or out of training weights.

By the trainer's Python: `python starting_weights.py ORDER.json ANSWER.json`. A model for reading is the
trained network in another form: its branches of convolutions and normalisations are fused into one
convolution each, and the part that only guides the training is gone. Fused convolutions go back into the
first branch, with the other branches at weight 0, so that the network gives the same answers; the guiding
part starts at random.

The last layers have one row for each character. Where the dictionary differs, rows go by character, never by
position: a longer dictionary moves the space, which is always last.

Imports nothing of twinread: the two live in different environments.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import launch
import numpy as np
from networks import (
    CTC_SPECIALS,
    GUIDES,
    NRTR_SPECIALS,
    State,
    Unfit,
    characters,
    for_reading,
    fuse,
    network,
)
from statistics_of_crops import measure

BY_CHARACTER = {
    "head.ctc_head.fc.weight": (CTC_SPECIALS, 1),
    "head.ctc_head.fc.bias": (CTC_SPECIALS, 0),
    "head.gtc_head.embedding.embedding.weight": (NRTR_SPECIALS, 0),
    "head.gtc_head.tgt_word_prj.weight": (NRTR_SPECIALS, 1),
}
"""Tensors with one row for each character: where the first character is, and on which axis."""


def exported_state(directory: Path, config: dict[str, Any], count: int) -> State:
    """The tensors of an exported model, named as in a network of the config that is fused.

    An exported program declares its parameters in the reverse order of the network, and keeps no names; so
    they are told by their place, and every shape must fit.
    """
    import paddle

    loaded = paddle.jit.load(str(directory / "inference"))
    values = {value.name: value for value in loaded.state_dict().values()}
    declared = [
        operation.attrs()["parameter_name"]
        for operation in loaded.program().global_block().ops
        if operation.name() == "builtin.parameter"
    ]
    expected = network(config, count)
    fuse(expected)
    named = for_reading(expected)
    if len(declared) != len(named):
        raise Unfit(f"it has {len(declared)} tensors, and the network of the config has {len(named)}")
    state = {}
    for (name, empty), parameter in zip(named.items(), reversed(declared), strict=True):
        value = values[parameter].numpy()
        if value.shape != empty.shape:
            raise Unfit(f"{name} has the shape {value.shape}, and in the network of the config {empty.shape}")
        state[name] = value
    return state


def unfused(state: State, model: Any) -> State:
    """Tensors for a network with branches that answers as a fused one does.

    Args:
        state: as `for_reading` names them.
        model: a network with branches; its own values stay where the state has none.
    """
    target: State = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    blocks = [name.removesuffix("weight") for name in state if name.endswith(".reparam_conv.weight")]
    for name, value in state.items():
        if ".reparam_conv." not in name:
            target[name] = value
    for inner in blocks:
        block = inner.removesuffix("reparam_conv.")
        for name in target:
            # a branch whose last factor is 0 adds nothing, and can still learn
            is_normalisation = ".bn." in name or ".identity." in name
            if name.startswith(block) and is_normalisation and name.endswith((".weight", ".bias")):
                target[name][:] = 0
        first = f"{block}conv_kxk.0."
        epsilon = _block(model, block).conv_kxk[0].bn._epsilon
        target[f"{first}conv.weight"] = state[f"{inner}weight"]
        target[f"{first}bn._mean"][:] = 0
        target[f"{first}bn._variance"][:] = 1
        target[f"{first}bn.weight"][:] = np.sqrt(1 + epsilon)
        target[f"{first}bn.bias"] = state[f"{inner}bias"]
    return target


def _block(model: Any, path: str) -> Any:
    for part in path.rstrip(".").split("."):
        model = model[int(part)] if part.isdigit() else getattr(model, part)
    return model


def reheaded(
    old: np.ndarray[Any, Any],
    fresh: np.ndarray[Any, Any],
    rows: dict[int, int],
    *,
    specials: int,
    axis: int,
) -> np.ndarray[Any, Any]:
    """A tensor with one row for each character, for another dictionary.

    Args:
        old: of the base.
        fresh: the random one of the new network; its rows stay for characters that the base lacks.
        rows: new number of a character to its old one, both from 0.
        specials: rows before the first character, which stay in place.
        axis: along which the characters lie.
    """
    made = np.moveaxis(fresh.copy(), axis, 0)
    source = np.moveaxis(old, axis, 0)
    made[:specials] = source[:specials]
    for new, before in rows.items():
        made[specials + new] = source[specials + before]
    return np.ascontiguousarray(np.moveaxis(made, 0, axis))


def training_state(file: Path, config: dict[str, Any], count: int) -> tuple[State, bool]:
    """The tensors of training weights; fused, and True, where the config has another number of branches."""
    import paddle

    loaded: State = {
        name: np.asarray(value).astype("float32") for name, value in paddle.load(str(file)).items()
    }
    parts = [name.split(".conv_kxk.")[1].split(".")[0] for name in loaded if ".conv_kxk." in name]
    branches = max(map(int, parts)) + 1 if parts else 0
    backbone = config["Architecture"]["Backbone"]
    if not branches or branches == backbone.get("conv_kxk_num", 4):
        return loaded, False
    same = copy.deepcopy(config)
    same["Architecture"]["Backbone"]["conv_kxk_num"] = branches
    model = network(same, count)
    own = model.state_dict()
    model.set_state_dict(
        {
            name: value
            for name, value in loaded.items()
            if name in own and list(own[name].shape) == list(value.shape)
        }
    )
    fuse(model)
    return for_reading(model), True


def make(order: dict[str, Any]) -> dict[str, Any]:
    """Write starting weights as an order wants them; returns what was done.

    Args:
        order: `source` (PaddleOCR), `config` (YAML of the training), `directory` or `weights` (of the base),
            `base_characters` (after the blank, with the space where it has one), `alike` (character that the
            base lacks to one that it has), `pictures` (crops to measure on, or none), `out` (file to write).

    Raises:
        Unfit: the base does not fit the config.
    """
    import paddle
    import yaml

    config = yaml.safe_load(Path(order["config"]).read_text("utf-8"))
    base: list[str] = order["base_characters"]
    wanted = characters(config)
    model = network(config, len(wanted))
    fresh: State = {name: value.numpy() for name, value in model.state_dict().items()}
    if order.get("directory"):
        state, fused = exported_state(Path(order["directory"]), config, len(base)), True
    else:
        state, fused = training_state(Path(order["weights"]), config, len(base))
    rows, counts = _rows(base, wanted, order["alike"])
    at_random = []
    head = state.get("head.ctc_head.fc.bias")
    if head is None or len(head) != len(base) + CTC_SPECIALS:
        found = "none" if head is None else len(head) - CTC_SPECIALS
        raise Unfit(f"its last layer is for {found} characters, and its dictionary has {len(base)}")
    made = unfused(state, model) if fused else {name: state.get(name, value) for name, value in fresh.items()}
    for name, value in fresh.items():
        if name in BY_CHARACTER and name in state and _fits(state[name], value, BY_CHARACTER[name][1]):
            specials, axis = BY_CHARACTER[name]
            made[name] = reheaded(state[name], value, rows, specials=specials, axis=axis)
        elif made[name].shape != value.shape or (not fused and name not in state):
            if not name.startswith(GUIDES):
                raise Unfit(f"{name} is missing in it or has another shape than in the network of the config")
            made[name] = value
            at_random.append(name)
        elif fused and name.startswith(GUIDES):
            at_random.append(name)
    model.set_state_dict(made)
    if order.get("pictures"):
        measure(model, order["pictures"])
    answer: dict[str, Any] = {**counts, "tensors": len(made), "tensors_at_random": len(at_random)}
    if order.get("directory"):
        answer["difference"] = _difference(Path(order["directory"]), model, base, wanted)
    partial = f"{order['out']}.partial.pdparams"
    paddle.save(model.state_dict(), partial)
    Path(partial).replace(order["out"])
    return answer


def _fits(old: np.ndarray[Any, Any], new: np.ndarray[Any, Any], axis: int) -> bool:
    """Whether two tensors differ in the number of characters alone."""
    return [*old.shape[:axis], *old.shape[axis + 1 :]] == [*new.shape[:axis], *new.shape[axis + 1 :]]


def _rows(base: list[str], wanted: list[str], alike: dict[str, str]) -> tuple[dict[int, int], dict[str, int]]:
    place = {character: number for number, character in enumerate(base)}
    rows, counts = {}, {"copied": 0, "alike": 0, "random": 0}
    for number, character in enumerate(wanted):
        other = alike.get(character)
        if character in place:
            rows[number] = place[character]
            counts["copied"] += 1
        elif other in place:
            rows[number] = place[other]
            counts["alike"] += 1
        else:
            counts["random"] += 1
    return rows, counts


def _difference(directory: Path, model: Any, base: list[str], wanted: list[str]) -> float:
    """Largest difference of a probability between an exported model and the network made of it.

    Among the characters that both have, and the blank; on a picture of noise.
    """
    import paddle

    picture = np.random.default_rng(1).uniform(-1, 1, (1, 3, 48, 160)).astype("float32")
    model.eval()
    with paddle.no_grad():
        new = model(paddle.to_tensor(picture)).numpy()
        old = paddle.jit.load(str(directory / "inference"))(paddle.to_tensor(picture)).numpy()
    place = {character: number for number, character in enumerate(base)}
    both = [(number, place[one]) for number, one in enumerate(wanted) if one in place]
    left = [0, *(CTC_SPECIALS + number for number, _ in both)]
    right = [0, *(CTC_SPECIALS + number for _, number in both)]
    first, second = new[..., left], old[..., right]
    return float(np.abs(first / first.sum(-1, keepdims=True) - second / second.sum(-1, keepdims=True)).max())


def main() -> None:
    """Read the order, write the weights and the answer; an unfit base is an answer, too."""
    asked, answered = sys.argv[1:]
    order = json.loads(Path(asked).read_text("utf-8"))
    launch.prepare(Path(order["source"]))
    try:
        answer = make(order)
    except Unfit as error:
        answer = {"unfit": str(error)}
    Path(answered).write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    main()
