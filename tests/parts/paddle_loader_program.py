"""Loads `ppocr.data` and answers in JSON what it does with rows; see `paddle_loader`.

Run by path, by the trainer's Python, with the folder of PaddleOCR, the file that asks and the one for
the answer.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """One label file to load.

    encoder: the transform that makes labels of texts, as in a config's list of transforms.
    train: with the transforms and the data set class of training, else of evaluation.
    rows: which rows to ask for, by their number from 0; None for all.
    seeds: of the random numbers; each row is asked for once with each (training draws neighbours).
    """

    kind: str
    label_file: str
    data_dir: str
    global_config: dict[str, Any] = field(default_factory=dict)
    encoder: dict[str, Any] = field(
        default_factory=lambda: {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}}
    )
    train: bool = False
    rows: list[int] | None = None
    seeds: list[int] = field(default_factory=lambda: [0])


class _Log:
    """Keeps what the loader logs as an error."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def info(self, message: str) -> None: ...

    def error(self, message: str) -> None:
        self.errors.append(message.strip().splitlines()[-1])


def _config(job: Job) -> dict[str, Any]:
    decode = {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}
    if job.kind == "recognition":
        label = "label" if "CTCLabelEncode" in job.encoder else "label_ctc"
        keep = {"KeepKeys": {"keep_keys": ["image", label, "length"]}}
        join = {"prob": 0.5, "ext_data_num": 2, "image_shape": [48, 320, 3], "max_text_length": 25}
        train = [decode, {"RecConAug": join}, {"RecAug": None}, job.encoder, keep]
        evaluate = [decode, job.encoder, {"RecResizeImg": {"image_shape": [3, 48, 320]}}, keep]
    else:
        keep = {"KeepKeys": {"keep_keys": ["image", "ignore_tags", "polys", "texts"]}}
        crop = {"size": [640, 640], "max_tries": 50, "keep_ratio": True}
        border = {"shrink_ratio": 0.4, "thresh_min": 0.3, "thresh_max": 0.7, "total_epoch": 100}
        shrink = {"shrink_ratio": 0.4, "min_text_size": 8, "total_epoch": 100}
        augment = [{"EastRandomCropData": crop}, {"MakeBorderMap": border}, {"MakeShrinkMap": shrink}]
        train = [decode, {"DetLabelEncode": None}, {"CopyPaste": None}, *augment, keep]
        evaluate = [decode, {"DetLabelEncode": None}, {"DetResizeForTest": None}, keep]
    dataset: dict[str, Any] = {
        "data_dir": job.data_dir,
        "label_file_list": [job.label_file],
        "transforms": train if job.train else evaluate,
    }
    if job.kind == "recognition" and job.train:
        dataset["ext_op_transform_idx"] = 1
    mode = "Train" if job.train else "Eval"
    return {"Global": job.global_config, mode: {"dataset": dataset, "loader": {"shuffle": False}}}


def _answer(job: Job) -> list[dict[str, Any]]:
    import random

    import numpy as np
    from ppocr.data.simple_dataset import MultiScaleDataSet, SimpleDataSet

    log = _Log()
    visited: list[tuple[int, int]] = []  # row, and errors logged before it was reached
    scaled = job.kind == "recognition" and job.train
    base = MultiScaleDataSet if scaled else SimpleDataSet

    class Watched(base):  # type: ignore[misc, valid-type]
        def __getitem__(self, wanted: Any) -> Any:
            visited.append((wanted[2] if scaled else wanted, len(log.errors)))
            return super().__getitem__(wanted)

    dataset = Watched(_config(job), "Train" if job.train else "Eval", log, 0)
    with Path(job.label_file).open("rb") as file:  # training shuffles; here a row's number is its place
        dataset.data_lines = file.readlines()
    encoders = [getattr(step, "ctc_encode", step) for step in dataset.ops]
    characters = next((step.character for step in encoders if hasattr(step, "character")), [])
    answers = []
    for row in range(len(dataset)) if job.rows is None else job.rows:
        for seed in job.seeds:
            visited.clear()
            log.errors.clear()
            np.random.seed(seed)
            random.seed(seed)
            try:
                sample = dataset[(320, 48, row) if scaled else row]
            except RecursionError:
                answers.append({"outcome": "stuck", "error": ""})
                continue
            if len(visited) > 1:
                # an error that was logged before the next row was reached is this row's own
                error = log.errors[0] if visited[1][1] else ""
                answers.append({"outcome": "replaced" if error else "dropped", "error": error})
            elif job.kind == "recognition":
                text = "".join(characters[code] for code in sample[1][: int(sample[2])])
                answers.append({"outcome": "kept", "error": "", "text": text})
            else:
                regions = [[text, bool(ignored)] for text, ignored in zip(sample[3], sample[1], strict=False)]
                points = np.asarray(sample[2], dtype=float).tolist()
                answers.append({"outcome": "kept", "error": "", "regions": regions, "points": points})
    return answers


def _built(config: dict[str, Any]) -> dict[str, Any]:
    import paddle
    from ppocr.data import build_dataloader

    batches = None
    try:
        for mode in ("Train", "Eval"):
            loader = build_dataloader(config, mode, paddle.set_device("cpu"), _Log())
            batches = len(loader) if mode == "Train" else batches
    except Exception as error:  # noqa: BLE001  (whatever PaddleOCR stops with is the answer)
        return {"error": f"{type(error).__name__}: {error}", "batches": batches}
    return {"error": "", "batches": batches}


def _main() -> None:
    source, asked, answered = map(Path, sys.argv[1:])
    sys.path.insert(0, str(source))
    question = json.loads(asked.read_text("utf-8"))
    if isinstance(question, dict):
        answered.write_text(json.dumps([_built(config) for config in question["configs"]]), "utf-8")
        return
    jobs = [Job(**job) for job in question]
    answered.write_text(json.dumps([_answer(job) for job in jobs]), "utf-8")


if __name__ == "__main__":
    _main()
