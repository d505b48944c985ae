"""PaddleOCR's own data loader, asked in its own environment what it does with each row of a label file.

This file is two things: a fixture for tests, and (run by `.venv-paddle`'s Python) the program that
loads `ppocr.data` from the unpacked source distribution and answers in JSON. `scripts/setup_paddle.sh`
prepares both; nothing of PaddleOCR is committed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / ".cache" / "paddleocr" / "paddleocr-3.7.0"
PYTHON = ROOT / ".venv-paddle" / "bin" / "python"
DICTIONARIES = SOURCE / "ppocr" / "utils" / "dict"
ESLAV = DICTIONARIES / "ppocrv5_eslav_dict.txt"


@dataclass(frozen=True)
class Job:
    """One label file to load.

    encoder: the transform that makes labels of texts, as in a config's list of transforms.
    train: with the transforms and the data set class of training, else of evaluation.
    rows: which rows to ask for, by their number from 0; None for all.
    times: how often each row is asked for (training draws neighbours at random).
    """

    kind: str
    label_file: str
    data_dir: str
    global_config: dict[str, Any] = field(default_factory=dict)
    encoder: dict[str, Any] = field(default_factory=lambda: {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}})
    train: bool = False
    joins_neighbours: bool = False
    rows: list[int] | None = None
    times: int = 1


def ask(jobs: list[Job], folder: Path) -> list[list[dict[str, Any]]]:
    """What the loader does with each row of each job, in order.

    Each answer has `outcome` ("kept", "dropped" for nothing logged, "replaced" for an error logged, or
    "stuck" when the loader runs into itself), `error` (the last line logged), and what would be trained:
    `text` (recognition) or `regions` as [text, ignored] with `points` (detection).
    """
    if not (PYTHON.exists() and ESLAV.exists()):
        raise FileNotFoundError("PaddleOCR's own loader is not set up: run scripts/setup_paddle.sh")
    asked, answered = folder / "asked.json", folder / "answered.json"
    asked.write_text(json.dumps([asdict(job) for job in jobs]), "utf-8")
    done = subprocess.run(  # noqa: S603
        [PYTHON, "-W", "ignore", __file__, asked, answered], cwd=SOURCE, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"PaddleOCR's loader failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return json.loads(answered.read_text("utf-8"))


class _Log:
    """Keeps what the loader logs as an error."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def info(self, message: str) -> None: ...

    def error(self, message: str) -> None:
        self.errors.append(message.strip().splitlines()[-1])


def _config(job: Job) -> dict[str, Any]:
    decode = {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}
    common = ["image"]
    if job.kind == "recognition":
        join = {"RecConAug": {"prob": 0.5, "ext_data_num": 2, "image_shape": [48, 320, 3], "max_text_length": 25}}
        keep = {"KeepKeys": {"keep_keys": [*common, "label_ctc", "length", "img_path"]}}
        if next(iter(job.encoder)) == "CTCLabelEncode":
            keep = {"KeepKeys": {"keep_keys": [*common, "label", "length", "img_path"]}}
        if job.train:
            transforms = [decode, *([join] if job.joins_neighbours else []), {"RecAug": None}, job.encoder, keep]
        else:
            transforms = [decode, job.encoder, {"RecResizeImg": {"image_shape": [3, 48, 320]}}, keep]
    else:
        keep = {"KeepKeys": {"keep_keys": [*common, "ignore_tags", "polys", "texts"]}}
        augment = [
            {"CopyPaste": None},
            {"EastRandomCropData": {"size": [640, 640], "max_tries": 50, "keep_ratio": True}},
            {"MakeBorderMap": {"shrink_ratio": 0.4, "thresh_min": 0.3, "thresh_max": 0.7, "total_epoch": 100}},
            {"MakeShrinkMap": {"shrink_ratio": 0.4, "min_text_size": 8, "total_epoch": 100}},
        ]
        transforms = [decode, {"DetLabelEncode": None}, *(augment if job.train else [{"DetResizeForTest": None}]), keep]
    dataset = {
        "name": "SimpleDataSet",
        "data_dir": job.data_dir,
        "label_file_list": [job.label_file],
        "transforms": transforms,
    }
    if job.kind == "recognition" and job.train:
        dataset |= {"ext_op_transform_idx": 1}
    return {"Global": job.global_config, "Train": {"dataset": dataset, "loader": {"shuffle": False}}}


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

    config = _config(job)
    mode = "Train"
    if not job.train:
        config["Eval"] = config.pop("Train")
        mode = "Eval"
    dataset = Watched(config, mode, log, 0)
    if job.train:  # the order of the file, so that a row's number means the same in both modes
        with Path(job.label_file).open("rb") as file:
            dataset.data_lines = file.readlines()
    characters: list[str] = next((op.ctc_encode if hasattr(op, "ctc_encode") else op for op in dataset.ops
                                  if hasattr(op, "ctc_encode") or hasattr(op, "character")), None)
    answers = []
    for row in job.rows if job.rows is not None else range(len(dataset)):
        for turn in range(job.times):
            visited.clear()
            log.errors.clear()
            np.random.seed(turn * 31 + 7)
            random.seed(turn)
            try:
                sample = dataset[(320, 48, row) if scaled else row]
            except RecursionError:
                answers.append({"outcome": "stuck", "error": log.errors[0] if log.errors else ""})
                continue
            answer: dict[str, Any] = {"outcome": "kept", "error": ""}
            if len(visited) > 1:
                # the first row visited is ours; an error of a later one is not its own
                logged = visited[1][1] > 0
                answer = {"outcome": "replaced" if logged else "dropped", "error": log.errors[0] if logged else ""}
            elif job.kind == "recognition":
                codes = sample[1][: int(sample[2])]
                answer |= {"text": "".join(characters.character[code] for code in codes)}
            else:
                answer |= {"regions": [[text, bool(ignored)] for text, ignored in zip(sample[3], sample[1])]}
                answer |= {"points": np.asarray(sample[2], dtype=float).tolist()}
            answers.append(answer)
    return answers


def _main() -> None:
    sys.path.insert(0, str(SOURCE))
    asked, answered = map(Path, sys.argv[1:])
    jobs = [Job(**job) for job in json.loads(asked.read_text("utf-8"))]
    answered.write_text(json.dumps([_answer(job) for job in jobs]), "utf-8")


if __name__ == "__main__":
    _main()
