"""`twinread promote` on real parts: a dataset that the exporter wrote, models that PaddleOCR runs."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backend.commands.cli import twinread
from backend.errors import OperatorError, TwinreadError
from backend.models.locate import fingerprint_of
from backend.models.promoted import PromotedModel, Promotions
from tests.parts.drawn_dataset import drawn_dataset
from tests.parts.promoted import packaged_recogniser, promoted, trained_model
from tests.parts.reviewed_work import Work

ALIKE = {"lines": 60, "equal": 60, "largest_score_difference": 3e-6}
WORDS = ("invoice", "total", "amount", "order", "number", "date", "customer", "paid", "price", "unit", "tax")


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packaged_recogniser(tmp_path_factory.mktemp("packaged"))


def pages(count: int, lines: int, readers: str = "reader") -> list[list[Work]]:
    """Pages of plain English lines, read without an error before people saw them."""
    chance = random.Random(1)
    made = []
    for _ in range(count):
        texts = [" ".join(chance.sample(WORDS, 2)) for _ in range(lines)]
        made.append([Work((text, text), text, readers=readers) for text in texts])
    return made


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """23 pages of 9 lines, all of them in the test part."""
    return drawn_dataset(tmp_path_factory.mktemp("dataset") / "out", pages(23, 9), ratio=(0, 0, 1))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 pages of 3 lines, of which the export keeps two for the test: never enough to promote by."""
    return drawn_dataset(tmp_path_factory.mktemp("small") / "out", pages(4, 3), ratio=(0, 0, 1))


def exported_model(folder: Path, packaged: Path, note: str = "trained", **card: object) -> Path:
    """What `export-model` would have written: the packaged model under another fingerprint."""
    made = trained_model(folder, packaged, note)
    known = {"format": 1, "language": "en", "trained_pages": ["9001"], "parity": ALIKE, **card}
    (made / "model.json").write_text(json.dumps(known), "utf-8")
    return made


def with_letters_exchanged(folder: Path, packaged: Path, pairs: Sequence[str] = ("at",)) -> Path:
    """A model that reads one letter for another: their entries in the dictionary are exchanged."""
    made = exported_model(folder, packaged, "exchanged " + " ".join(pairs))
    description = made / "inference.yml"
    text = description.read_text("utf-8")
    for one, other in pairs:
        text = text.replace(f"  - {one}\n", "  - <>\n").replace(f"  - {other}\n", f"  - {one}\n")
        text = text.replace("  - <>\n", f"  - {other}\n")
    description.write_text(text, "utf-8")
    return made


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls `twinread promote` with a CACHE_DIR of its own."""
    for name in list(os.environ):
        if name in {"READERS", "RECOGNITION_MODEL_DIR", "RECOGNITION_MODEL"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MODEL_SOURCE", "packages")
    monkeypatch.setenv("OCR_LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(twinread, ["promote", *map(str, arguments)])

    return call


@pytest.fixture
def promotions(tmp_path: Path) -> Promotions:
    return Promotions.under(tmp_path / "cache")


def test_a_better_model_takes_the_place_of_a_worse_one_and_gives_it_back(
    run: Any, promotions: Promotions, packaged: Path, dataset: Path, tmp_path: Path
) -> None:
    worse = with_letters_exchanged(tmp_path / "models" / "1", packaged)
    promotions.promote(promoted(worse))
    better = exported_model(tmp_path / "models" / "2", packaged)
    summary = tmp_path / "summary.json"

    done = run(better, "--dataset", dataset, "--summary-json", summary)
    assert done.exit_code == 0, done.output
    assert "NO" not in done.output
    assert "It is better: it misreads" in done.output
    current = promotions.current()
    assert current is not None
    assert (current.by, current.languages) == ("rule", ("en",))
    assert current.fingerprint == fingerprint_of(better)
    assert current.evaluation["difference"]["pages"] == 23
    assert current.evaluation["difference"]["lines"] == 207
    written = json.loads(summary.read_text("utf-8"))
    assert (written["promoted"], written["by"], written["sentence"]) == (True, "rule", current.why)

    # the backend reads with a copy: the runs folder may be cleaned up
    shutil.rmtree(better)
    assert current.directory == promotions.folder / current.fingerprint
    assert fingerprint_of(current.directory) == current.fingerprint
    assert json.loads((current.directory / "model.json").read_text("utf-8"))["trained_pages"] == ["9001"]

    undone = run("--undo")
    assert undone.exit_code == 0, undone.output
    assert promotions.current() == promoted(worse)
    again = run("--undo", "--summary-json", summary)
    assert again.exit_code == 0
    assert json.loads(summary.read_text("utf-8")) == {"undone": True, "reads": current.identity}
    assert promotions.current() == current


def test_a_worse_model_stays_outside_and_is_said_by_how_much(
    run: Any, promotions: Promotions, packaged: Path, dataset: Path, tmp_path: Path
) -> None:
    worse = with_letters_exchanged(tmp_path / "1", packaged)
    summary = tmp_path / "summary.json"
    done = run(worse, "--dataset", dataset, "--summary-json", summary)
    assert done.exit_code == 1, done.output
    assert "It is not better" in done.output
    assert "It forgot letters that the present one reads: a (" in done.output
    assert promotions.current() is None
    written = json.loads(summary.read_text("utf-8"))
    assert (written["promoted"], written["directory"]) == (False, None)
    assert {one["name"] for one in written["conditions"] if not one["met"]} >= {"better", "letters"}
    assert not promotions.folder.exists(), "nothing was copied"

    # somebody insists
    done = run(worse, "--dataset", dataset, "--force", "--why", "Anna wants to see it on pages.")
    assert done.exit_code == 0, done.output
    current = promotions.current()
    assert current is not None
    assert (current.by, current.why) == ("force", "Anna wants to see it on pages.")
    assert "@" in current.who
    assert current.evaluation["better"] is False


@pytest.mark.parametrize(
    ("readers", "met", "says"),
    [
        pytest.param("tesseract-5(eng)", False, "whose place it would take is better", id="other"),
        pytest.param("ernie:exact@1", False, "whose place it would take is better", id="vision"),
        pytest.param("PP-OCRv5_mobile_rec@12345678", True, "No reading is known", id="its own kind"),
    ],
)
def test_the_first_model_is_held_against_the_reader_that_gives_up_its_place(
    run: Any, packaged: Path, tmp_path: Path, promotions: Promotions, readers: str, met: bool, says: str
) -> None:
    by_others = drawn_dataset(tmp_path / "out", pages(3, 6, readers), ratio=(0, 0, 1))
    young = with_letters_exchanged(tmp_path / "1", packaged)

    def place() -> dict[str, Any]:
        summary = tmp_path / "summary.json"
        run(young, "--dataset", by_others, "--summary-json", summary)
        conditions = {one["name"]: one for one in json.loads(summary.read_text("utf-8"))["conditions"]}
        return conditions["place"]

    first = place()
    assert first["met"] is met
    assert says in first["says"]
    # from the second model on it is a trained one that gives up its place
    promotions.promote(promoted(trained_model(tmp_path / "before", packaged, "before")))
    assert place()["met"]


def test_pages_that_it_was_trained_on_do_not_speak_for_it(
    run: Any, promotions: Promotions, packaged: Path, small: Path, tmp_path: Path
) -> None:
    promotions.promote(promoted(with_letters_exchanged(tmp_path / "1", packaged)))
    before = promotions.current()
    # by the dataset that model.json names
    card = {"trained_pages": ["1"], "dataset": {"path": str(small)}}
    done = run(exported_model(tmp_path / "2", packaged, **card))
    assert done.exit_code == 1
    assert "It can be judged on 1 page and 3 lines that it never saw (3 lines of pages that" in done.output
    assert "19 pages more and 197 lines more" in done.output
    assert promotions.current() == before


def test_a_dataset_that_is_gone_judges_nothing(run: Any, packaged: Path, tmp_path: Path) -> None:
    done = run(exported_model(tmp_path / "1", packaged, dataset={"path": "/nowhere/dataset"}))
    assert isinstance(done.exception, TwinreadError)
    assert "/nowhere/dataset, from which it was trained, is gone" in str(done.exception)


def test_by_force_it_is_promoted_unseen_and_recorded(
    run: Any, promotions: Promotions, packaged: Path, tmp_path: Path
) -> None:
    done = run(exported_model(tmp_path / "1", packaged), "--force")
    assert done.exit_code == 0, done.output
    current = promotions.current()
    assert current is not None
    assert (current.by, dict(current.evaluation)) == ("force", {})
    assert "judged by nothing" in current.why


def test_what_cannot_read_cannot_be_forced(
    run: Any, promotions: Promotions, packaged: Path, tmp_path: Path
) -> None:
    broken = exported_model(tmp_path / "1", packaged)
    done = run(broken, "--force", "--language", "ru")
    assert isinstance(done.exception, TwinreadError)
    assert "not even with --force" in str(done.exception)
    assert "cannot write 'ru'" in str(done.exception)
    (broken / "inference.onnx").write_bytes(b"no network")
    done = run(broken, "--force")
    assert isinstance(done.exception, TwinreadError)
    assert promotions.current() is None
    assert not promotions.folder.exists()


def test_a_folder_in_the_settings_is_named_because_it_wins(
    run: Any, promotions: Promotions, packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOGNITION_MODEL_DIR", str(packaged))
    done = run(exported_model(tmp_path / "1", packaged), "--force")
    assert done.exit_code == 0
    assert "RECOGNITION_MODEL_DIR names the model" in done.output
    assert promotions.current() is not None


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        pytest.param((), "Name the folder of one MODEL", id="nothing"),
        pytest.param(("model", "--undo"), "Name the folder of one MODEL", id="both"),
        pytest.param(("model",), "--dataset FOLDER", id="nothing to judge by"),
        pytest.param(
            ("model", "--why", "x", "--dataset", "d"), "--why goes with --force", id="a reason alone"
        ),
        pytest.param(("--undo", "--force"), "--undo goes with no other", id="undo by force"),
        pytest.param(("model", "--dataset", "d"), "no folder of a model", id="no model"),
        pytest.param(("--undo",), "No model was ever promoted", id="nothing to undo"),
    ],
)
def test_a_wrong_call_is_one_sentence(run: Any, arguments: Sequence[str], why: str) -> None:
    done = run(*arguments)
    assert isinstance(done.exception, TwinreadError)
    assert why in str(done.exception)


def test_a_damaged_record_stops_it_before_anything_is_copied(
    run: Any, promotions: Promotions, packaged: Path, tmp_path: Path
) -> None:
    promotions.path.parent.mkdir(parents=True)
    promotions.path.write_text("{", "utf-8")
    done = run(exported_model(tmp_path / "1", packaged), "--force")
    assert "promoted.json in CACHE_DIR/models is damaged" in str(done.exception)
    assert promotions.path.read_text("utf-8") == "{"
    assert [path.name for path in promotions.folder.iterdir()] == [".lock"]


STEPS = """
import os, sys
from pathlib import Path
from backend.models.promoted import Promotions
from backend.settings import settings
from converters.promotion.promote import PromoteRequest, judged, promote

request = PromoteRequest(Path(sys.argv[1]), None, force=True)
values = settings.load(_env_file=None)
def reached(step):
    if step == sys.argv[2]:
        os._exit(9)  # as kill -9
promote(request, judged(request, values), Promotions.under(values.cache_dir), reached)
"""


@pytest.mark.parametrize(
    ("step", "reads"),
    [
        pytest.param("began", "old", id="before the copy"),
        pytest.param("copied", "old", id="between copy and record"),
        pytest.param("promoted", "new", id="before the cleaning up"),
        pytest.param("cleaned up", "new", id="at the end"),
    ],
)
def test_a_crash_between_two_steps_leaves_a_whole_model_reading(
    promotions: Promotions, packaged: Path, tmp_path: Path, run: Any, step: str, reads: str
) -> None:
    old, new = (exported_model(tmp_path / name, packaged, name) for name in ("old", "new"))
    assert run(old, "--force").exit_code == 0
    half = promotions.folder / "abababab.partial"
    half.mkdir()  # of an earlier crash
    done = subprocess.run(
        [sys.executable, "-c", STEPS, str(new), step], env={**os.environ}, check=False, capture_output=True
    )
    assert done.returncode == 9, done.stderr.decode()
    current = promotions.current()
    assert current is not None
    assert current.fingerprint == fingerprint_of(tmp_path / reads)
    assert fingerprint_of(current.directory) == current.fingerprint, "the copy is whole"
    # the next one goes through, and cleans up
    assert run(new, "--force").exit_code == 0
    copies = {path.name for path in promotions.folder.iterdir() if path.is_dir()}
    assert copies == {fingerprint_of(old), fingerprint_of(new)}


def test_two_promotions_at_once_do_not_clean_up_after_each_other(
    run: Any, promotions: Promotions, packaged: Path, tmp_path: Path
) -> None:
    from converters.promotion.kept_models import one_at_a_time

    model = exported_model(tmp_path / "1", packaged)
    with one_at_a_time(promotions):
        done = run(model, "--force")
    assert isinstance(done.exception, OperatorError)
    assert "Another promotion is under way" in str(done.exception)


def test_a_copy_that_was_damaged_is_made_anew(
    run: Any, promotions: Promotions, packaged: Path, tmp_path: Path
) -> None:
    model = exported_model(tmp_path / "1", packaged)
    assert run(model, "--force").exit_code == 0
    current = promotions.current()
    assert current is not None
    (current.directory / "inference.onnx").write_bytes(b"half")
    assert run(model, "--force").exit_code == 0
    assert fingerprint_of(current.directory) == current.fingerprint


def test_a_language_keeps_its_trained_reader(
    run: Any, promotions: Promotions, packaged: Path, small: Path, tmp_path: Path
) -> None:
    of_two: PromotedModel = replace(
        promoted(with_letters_exchanged(tmp_path / "1", packaged)), languages=("en", "zh")
    )
    promotions.promote(of_two)
    done = run(exported_model(tmp_path / "2", packaged), "--dataset", small)
    assert done.exit_code == 1
    assert "The promoted model reads 'zh', too" in done.output
    assert promotions.current() == of_two
