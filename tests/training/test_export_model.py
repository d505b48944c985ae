"""`twinread export-model`, on a checkpoint that was not trained: PaddleOCR's exporter does not mind."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from backend.commands.cli import twinread
from backend.errors import BadRequest, TwinreadError
from backend.models.locate import find_model
from converters.training.export_model import export_model, open_run, trained_pages, weights_of
from converters.training.parity import ExportDiffers
from converters.training.run_plan import Wishes
from converters.training.trainer import calls
from tests.parts.trainer import CACHE, TRAINER
from tests.parts.training_run import TRAINED_FONTS, SmallRun, compose_run, rendered, write_lines

pytestmark = pytest.mark.xdist_group("paddle loader")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    folder = tmp_path_factory.mktemp("export")
    lines = rendered(16, TRAINED_FONTS, seed=7)
    train = write_lines(lines, folder / "dataset", "train")
    val = write_lines(lines[:6], folder / "dataset", "val")
    made = compose_run(
        folder / "run", folder / "dataset", train=train, val=val, wishes=Wishes(epochs=1, batch=8)
    )
    calls.starting_weights(TRAINER, made.base, made.config, made.folder / "base.pdparams")
    for name in ("checkpoints/latest.pdparams", "best/best.pdparams"):
        (made.folder / name).parent.mkdir()
        shutil.copy(made.folder / "base.pdparams", made.folder / name)
    (made.folder / "run.json").write_text(json.dumps({"state": "done", "language": "ru"}), "utf-8")
    return made


def copy_of(run: SmallRun, folder: Path) -> Path:
    """The run's folder, elsewhere; its config with the paths of the copy."""
    copied = folder / "run"
    shutil.copytree(run.folder, copied)
    config = (copied / "config.yml").read_text("utf-8").replace(str(run.folder), str(copied))
    (copied / "config.yml").write_text(config, "utf-8")
    return copied


def exported(*arguments: object) -> Result:
    environment = {"CACHE_DIR": str(CACHE), "OCR_LANGUAGE": "en"}
    return CliRunner().invoke(twinread, ["export-model", *map(str, arguments)], env=environment)


def test_a_model_appears_whole_with_what_it_was_made_from(
    run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as people type it; PaddleOCR's tools run elsewhere
    monkeypatch.chdir(tmp_path)
    copied, dataset, out = copy_of(run, tmp_path), tmp_path / "dataset", tmp_path / "models" / "ru-1"
    dataset.mkdir()
    manifest = "".join(
        json.dumps({"kind": "recognition", "file": file, "image": "crops/1.png", "task": task, "page": 0})
        + "\n"
        for file, task in (("rec_gt_train.txt", 7), ("rec_gt_val.txt", 8), ("rec_gt_test.txt", 9))
    )
    (dataset / "manifest.jsonl").write_text(manifest, "utf-8")
    record = {
        "state": "done",
        "language": "ru",
        "dataset": {
            "path": str(dataset),
            "manifest_sha256": sha256(manifest.encode()).hexdigest(),
            "lines": 16,
        },
        "base": {"name": "PP-OCRv5_mobile_rec", "sha256": "ab"},
        "best": {"epoch": 3, "acc": 0.5, "norm_edit_dis": 0.9},
    }
    (copied / "run.json").write_text(json.dumps(record), "utf-8")

    done = exported(copied, "--out", "models/ru-1", "--summary-json", "summary.json")
    assert done.exit_code == 0, done.output
    assert "6 lines, 6 equal in all forms" in done.output
    assert "not known any more" not in done.output
    written = json.loads((out / "model.json").read_text("utf-8"))
    assert (written["format"], written["name"], written["dictionary_size"]) == (
        1,
        "eslav_PP-OCRv5_mobile_rec",
        517,
    )
    assert {key: written[key] for key in ("dataset", "base", "best")} == {
        key: record[key] for key in ("dataset", "base", "best")
    }
    assert written["trained_pages"] == ["7", "8"]
    assert json.loads((tmp_path / "summary.json").read_text("utf-8")) == {**written, "directory": str(out)}
    assert [path.name for path in out.parent.iterdir()] == ["ru-1"]
    for engine in ("onnxruntime", "paddle"):
        assert find_model(None, out, engine=engine).name == "eslav_PP-OCRv5_mobile_rec"

    again = exported(copied, "--out", out)
    assert isinstance(again.exception, BadRequest)
    assert "holds a model already" in str(again.exception)
    replaced = exported(copied, "--out", out, "--replace", "--no-onnx")
    assert replaced.exit_code == 0, replaced.output
    assert not (out / "inference.onnx").exists()
    assert [path.name for path in out.parent.iterdir()] == ["ru-1"]


def test_another_dictionary_than_the_one_trained_with_is_no_model(run: SmallRun, tmp_path: Path) -> None:
    copied = copy_of(run, tmp_path)
    with (copied / "dict.txt").open("a", encoding="utf-8") as file:
        file.write("ᚠ\n")
    # PaddleOCR warns, exports random rows, and reports success
    with pytest.raises(calls.TrainerFailed, match=r"left out 4 tensors .* not matched"):
        export_model(open_run(copied), tmp_path / "models" / "ru-1", TRAINER, language="ru")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_dictionary_in_another_order_is_no_model(run: SmallRun, tmp_path: Path) -> None:
    copied = copy_of(run, tmp_path)
    opened = open_run(copied)
    entries = opened.dictionary
    made = tmp_path / "model"
    made.mkdir()
    described: dict[str, Any] = {
        "Global": {"model_name": opened.model_name},
        "PostProcess": {"character_dict": list(reversed(entries))},
    }
    (made / "inference.yml").write_text(yaml.safe_dump(described, allow_unicode=True), "utf-8")
    from converters.training.export_model import check_description

    with pytest.raises(ExportDiffers, match="its dictionary was changed since"):
        check_description(made, opened)
    described["PostProcess"]["character_dict"] = entries
    (made / "inference.yml").write_text(yaml.safe_dump(described, allow_unicode=True), "utf-8")
    check_description(made, opened)


def test_what_is_in_the_way_is_said_before_any_work(run: SmallRun, tmp_path: Path) -> None:
    def refused(folder: Path, out: Path, *options: str) -> str:
        done = exported(folder, "--out", out, *options)
        assert isinstance(done.exception, TwinreadError), done.output
        return str(done.exception)

    copied = copy_of(run, tmp_path)
    full = tmp_path / "full"
    full.mkdir()
    (full / "letter.txt").touch()
    assert "no model of twinread" in refused(copied, full)
    assert "no model of twinread" in refused(copied, full, "--replace")
    assert "is a file" in refused(copied, full / "letter.txt")
    assert "no folder of a training run" in refused(full, tmp_path / "model")
    shutil.rmtree(copied / "best")
    assert "--from latest" in refused(copied, tmp_path / "model")
    (copied / "run.json").write_text(json.dumps({"state": "training"}), "utf-8")
    assert "being trained" in refused(copied, tmp_path / "model", "--from", "latest")
    (copied / "run.json").write_text(json.dumps({"state": "stopped"}), "utf-8")
    assert weights_of(open_run(copied), "latest").name == "latest.pdparams"
    shutil.rmtree(copied / "checkpoints")
    assert "twinread train --resume" in refused(copied, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_pages_are_not_known_where_the_dataset_is_another_one_now(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text("{}\n", "utf-8")
    assert trained_pages({"path": str(tmp_path), "manifest_sha256": "0" * 64}) is None
    assert trained_pages({"path": str(tmp_path / "gone"), "manifest_sha256": "0" * 64}) is None
    assert trained_pages(None) is None
