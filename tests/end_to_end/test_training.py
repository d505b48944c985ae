"""What people approved is exported, checked, trained on by PaddleOCR, and read with by twinread."""

from __future__ import annotations

import json
import shutil
import subprocess
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from backend.commands.cli import twinread
from tests.parts.exported import rows
from tests.parts.paddle_loader import ESLAV, PYTHON, ROOT
from tests.parts.paddle_trainer import train_and_export
from tests.parts.reviewed_work import Work, task
from tests.parts.samples import sample

pytestmark = pytest.mark.xdist_group("paddle loader")

SIGNS = ("syn_007", "syn_008", "syn_009", "syn_010", "syn_011")

ENCODE = {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}}
KEEP = {"KeepKeys": {"keep_keys": ["image", "label_ctc", "label_gtc", "length", "valid_ratio"]}}
DECODE = {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}
CONFIG: dict[str, Any] = {
    "Global": {
        "model_name": "eslav_PP-OCRv5_mobile_rec",
        "use_gpu": False,
        "epoch_num": 75,
        "log_smooth_window": 20,
        "print_batch_step": 10,
        "save_model_dir": "./output",
        "save_epoch_step": 1000,
        "eval_batch_step": [0, 1000],
        "cal_metric_during_train": False,
        "character_dict_path": "./ppocr/utils/dict/ppocrv5_eslav_dict.txt",
        "max_text_length": 20,
        "use_space_char": True,
    },
    "Optimizer": {"lr": {"learning_rate": 0.005}},
    "Architecture": {"model_type": "rec", "algorithm": "SVTR_LCNet", "Head": {"name": "CTCHead"}},
    "Loss": {"name": "CTCLoss"},
    "PostProcess": {"name": "CTCLabelDecode"},
    "Metric": {"name": "RecMetric", "main_indicator": "acc"},
    "Train": {
        "dataset": {
            "name": "MultiScaleDataSet",
            "data_dir": "./train_data/",
            "label_file_list": ["./train_data/train_list.txt"],
            "transforms": [DECODE, ENCODE, KEEP],
        },
        "sampler": {
            "name": "MultiScaleSampler",
            "scales": [[320, 48]],
            "first_bs": 128,
            "fix_bs": False,
            "divided_factor": [8, 16],
            "is_training": True,
        },
        "loader": {"shuffle": True, "batch_size_per_card": 128, "drop_last": True, "num_workers": 0},
    },
    "Eval": {
        "dataset": {
            "name": "SimpleDataSet",
            "data_dir": "./train_data/",
            "label_file_list": ["./train_data/val_list.txt"],
            "transforms": [
                DECODE,
                ENCODE,
                {"RecResizeImg": {"image_shape": [3, 48, 320]}},
                KEEP,
            ],
        },
        "loader": {"shuffle": False, "drop_last": False, "batch_size_per_card": 128, "num_workers": 0},
    },
}
"""As PaddleOCR's multi-language configs, but for the network, which their package does not have."""

READ = """
import json, sys
from pathlib import Path
# twinread beside paddlepaddle, as on a machine with a GPU: PaddlePaddle's environment comes first
sys.path += [sys.argv[1], sys.argv[2]]
import numpy as np
from PIL import Image
from backend.models.paddle_engine import EngineOptions
from backend.readers.paddle import PaddleReader, RecognitionOptions
engine = EngineOptions(engine="paddle", device="cpu", cpu_threads=1)
reader = PaddleReader("ru", RecognitionOptions(engine=engine), model_dir=Path(sys.argv[3]))
reader.start()
reader.wait(300)
crops = [np.asarray(Image.open(path).convert("RGB")) for path in sys.argv[4:]]
said = [future.result(300) for future in reader.submit(crops)]
reader.stop()
print(json.dumps([[one.reader, one.text, one.error] for one in said]))
"""


def reviewed(name: str, number: int) -> dict[str, Any]:
    """A sample page whose every line a person approved."""
    page = sample(name)
    lines = [Work([line["text"]] * 2, line["text"], quad=np.float32(line["poly"])) for line in page.lines]
    image = f"/data/upload/1/{page.path.name}"
    return task(number, lines, size=(page.width, page.height), language="ru", image=image)


def command(*arguments: object) -> str:
    done = CliRunner().invoke(twinread, [*map(str, arguments)], catch_exceptions=False)
    return done.output


def test_a_model_that_paddleocr_trained_on_approved_lines_reads_what_it_learned(tmp_path: Path) -> None:
    images, dataset, model = tmp_path / "scans", tmp_path / "набор", tmp_path / "model"
    images.mkdir()
    for name in SIGNS:
        shutil.copy(sample(name).path, images)
    reviews = [reviewed(name, number) for number, name in enumerate(SIGNS, start=1)]
    (tmp_path / "export.json").write_text(json.dumps(reviews), "utf-8")
    command(
        "export", "--json", tmp_path / "export.json", "--images", images, "--out", dataset, "--split", "6:3:1"
    )
    (tmp_path / "config.yml").write_text(yaml.safe_dump(CONFIG), "utf-8")
    told = command("check", dataset, "--config", tmp_path / "config.yml", "--dict", ESLAV, "--fix")
    # one text is longer than 20 characters, and the Greek ones want two letters more
    trained = dataset / "check.train.yml"
    assert f"python tools/train.py -c '{trained}'" in told
    assert yaml.safe_load(trained.read_text("utf-8"))["Global"]["max_text_length"] == 23

    log = train_and_export(trained, model, Global__epoch_num=100, Global__eval_batch_epoch=50)
    assert "ERROR" not in log
    assert "train dataloader has 1 iters" in log

    texts = rows(dataset, "rec_gt_train.txt")
    assert len(texts) >= 6
    site = next((ROOT / ".venv/lib").glob("python3*/site-packages"))
    crops = [dataset / name for name in texts]
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", READ, site, ROOT, model / "inference", *crops],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert {error for _, _, error in said} == {None}
    assert len({reader for reader, _, _ in said}) == 1
    assert said[0][0].startswith("eslav_PP-OCRv5_mobile_rec@")
    alike = [
        SequenceMatcher(None, text, true).ratio()
        for (_, text, _), true in zip(said, texts.values(), strict=True)
    ]
    # a network of a few lines, for a few seconds: by a wrong place in the dictionary it would be about 0.1
    assert sum(alike) / len(alike) > 0.5, said
    assert set("άό") & set("".join(text for _, text, _ in said)), "letters that --fix added"
