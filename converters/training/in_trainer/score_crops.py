"""Reads crops with a checkpoint and with the model exported from it, to compare the two.

By the trainer's Python: `python score_crops.py ORDER.json ANSWER.json`. The order names `source`
(PaddleOCR), `config` (YAML of the training), `weights` (the checkpoint), `directory` (the exported model)
and `crops`, a file of numpy with crops as the model takes them: BGR, uint8, (48, width, 3). The answer has
`checkpoint` and `exported`, each with [text, score] for each crop.

Imports nothing of twinread: the two live in different environments.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import launch
import numpy as np
from networks import Unfit, characters, network

Probabilities = np.ndarray[Any, Any]


def by_checkpoint(
    config: dict[str, Any], weights: Path, entries: list[str]
) -> Callable[[Any], Probabilities]:
    """The network of a config with a checkpoint's weights, as it is when it reads.

    Raises:
        Unfit: a tensor is missing in the checkpoint, or has another shape.
    """
    import paddle

    model = network(config, len(entries))
    loaded = paddle.load(str(weights))
    for name, value in model.state_dict().items():
        if name not in loaded or list(loaded[name].shape) != list(value.shape):
            raise Unfit(f"{name} is missing in the checkpoint or has another shape")
    model.set_state_dict(loaded)
    model.eval()

    def run(batch: Any) -> Probabilities:
        with paddle.no_grad():
            answer: Probabilities = model(paddle.to_tensor(batch)).numpy()
        return answer

    return run


def by_engine(directory: Path) -> Callable[[Any], Probabilities]:
    """An exported model on Paddle's inference engine."""
    from paddle import inference

    config = inference.Config(str(directory / "inference.json"), str(directory / "inference.pdiparams"))
    config.disable_gpu()
    config.disable_glog_info()
    predictor = inference.create_predictor(config)
    (given,), (answered,) = predictor.get_input_names(), predictor.get_output_names()

    def run(batch: Any) -> Probabilities:
        predictor.get_input_handle(given).copy_from_cpu(batch)
        predictor.run()
        answer: Probabilities = predictor.get_output_handle(answered).copy_to_cpu()
        return answer

    return run


def decoded(probabilities: Probabilities, entries: list[str]) -> tuple[str, float]:
    """Text and score of one line: the likeliest character of each column, repeated ones and blanks left out.

    Args:
        probabilities: (columns, 1 + entries); the first is the blank.
        entries: the characters of the model.

    Returns:
        The text, and the mean of its characters' probabilities; 0 for no text.
    """
    best = probabilities.argmax(axis=1)
    kept = [
        column
        for column, number in enumerate(best)
        if number != 0 and (column == 0 or best[column - 1] != number)
    ]
    text = "".join(entries[best[column] - 1] for column in kept)
    return text, float(np.mean([probabilities[column, best[column]] for column in kept])) if kept else 0.0


def main() -> None:
    """Read the order, write the answer; a checkpoint that does not fit is an answer, too."""
    asked, answered = sys.argv[1:]
    order = json.loads(Path(asked).read_text("utf-8"))
    launch.prepare(Path(order["source"]))
    import yaml

    config = yaml.safe_load(Path(order["config"]).read_text("utf-8"))
    entries = characters(config)
    try:
        checkpoint = by_checkpoint(config, Path(order["weights"]), entries)
    except Unfit as error:
        Path(answered).write_text(json.dumps({"unfit": str(error)}), "utf-8")
        return
    exported = by_engine(Path(order["directory"]))
    answer: dict[str, list[tuple[str, float]]] = {"checkpoint": [], "exported": []}
    with np.load(order["crops"]) as crops:
        for name in crops.files:
            batch = (crops[name].astype("float32").transpose(2, 0, 1)[None] / 255 - 0.5) / 0.5
            for who, run in (("checkpoint", checkpoint), ("exported", exported)):
                answer[who].append(decoded(run(batch)[0], entries))
    Path(answered).write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    main()
