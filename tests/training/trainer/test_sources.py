"""Where PaddleOCR's trainer comes from: the registry, pinned, or a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend.errors import BadRequest
from converters.training.trainer import sources
from converters.training.trainer.packages import TrainerMissing, run_installer
from converters.training.trainer.preparation import get_trainer
from tests.parts.trainer import PYTHON, ROOT, SOURCE

GET = """
import sys
from pathlib import Path
from backend.errors import TwinreadError
from converters.training.trainer.preparation import get_trainer
python = Path(sys.argv[2]) if len(sys.argv) > 2 else None
try:
    trainer = get_trainer(None, Path(sys.argv[1]), print, python=python)
    print("known" if trainer.known else "unknown", trainer.digest)
except TwinreadError as error:
    print(type(error).__name__, error)
"""
OUT_OF_REACH = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_RETRIES": "1",
    "UV_NO_CONFIG": "1",
    "UV_NO_CACHE": "1",
    "UV_HTTP_RETRIES": "0",
    "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
    "UV_FIND_LINKS": "",
}


def got(cache: Path, *python: Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", GET, cache, *python],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_commands_at_once_put_one_whole_trainer_together(tmp_path: Path) -> None:
    both = [got(tmp_path, PYTHON) for _ in range(2)]
    said = "".join(process.communicate(timeout=300)[0] for process in both).splitlines()
    assert said.count(f"known {sources.ASSEMBLED}") == 2, said
    assert len([line for line in said if "together" in line]) == 1
    (folder,) = (path for path in (tmp_path / "trainer").iterdir() if not path.name.startswith("."))
    assert sources.source_digest(folder) == sources.ASSEMBLED
    assert (folder / "ppocr/modeling/backbones/rec_lcnetv3.py").is_file()
    assert (folder / "LICENSE").is_file()
    leftovers = {path.suffix for path in (tmp_path / "trainer").iterdir() if path != folder}
    assert leftovers <= {".lock"}


@pytest.mark.parametrize("python", [(), (PYTHON,)], ids=["environment", "source"])
def test_a_registry_out_of_reach_is_one_sentence_and_leaves_nothing_half_made(
    python: tuple[Path, ...], tmp_path: Path
) -> None:
    said, _ = got(tmp_path, *python, **OUT_OF_REACH).communicate(timeout=300)
    last = said.splitlines()[-1]
    assert last.startswith("TrainerMissing ")
    assert "the package registry cannot be reached" in last
    assert not list(tmp_path.glob("trainer/*/complete"))
    assert not sources.assembled_folder(tmp_path).exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(
            "THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that twinread was tested with", id="pip"
        ),
        pytest.param(
            "error: Hash mismatch for `numpy`", "not the one that twinread was tested with", id="uv"
        ),
        pytest.param(
            "ERROR: No matching distribution found for onnx", "No matching distribution", id="no wheel"
        ),
        pytest.param("error: Connection refused", "cannot be reached", id="network"),
    ],
)
def test_an_installer_that_fails_is_put_in_a_sentence(words: str, expected: str) -> None:
    installer = [sys.executable, "-c", f"import sys; print({words!r}, file=sys.stderr); sys.exit(1)"]
    with pytest.raises(TrainerMissing, match=expected):
        run_installer(installer, "The trainer")


def test_a_source_that_somebody_edited_is_put_together_again(tmp_path: Path) -> None:
    edited = sources.assembled_folder(tmp_path)
    shutil.copytree(SOURCE, edited)
    (edited / "tools" / "train.py").write_text("print('looking for a fault')", "utf-8")
    assert sources.assemble(tmp_path, PYTHON, lambda words: None) == edited
    assert (edited / "tools" / "train.py").read_bytes() == (SOURCE / "tools" / "train.py").read_bytes()


def test_the_digest_is_of_names_and_bytes_and_not_of_what_python_compiled(tmp_path: Path) -> None:
    for name in ("ppocr/a.py", "ppocr/b/c.py", "tools/train.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, "utf-8")
    first = sources.source_digest(tmp_path)
    (tmp_path / "ppocr/__pycache__").mkdir()
    (tmp_path / "ppocr/__pycache__/a.cpython-311.pyc").write_bytes(b"compiled")
    (tmp_path / "README.md").write_text("not part of it", "utf-8")
    assert sources.source_digest(tmp_path) == first
    (tmp_path / "ppocr/a.py").rename(tmp_path / "ppocr/z.py")
    renamed = sources.source_digest(tmp_path)
    (tmp_path / "ppocr/z.py").write_text("ppocr/a.py ", "utf-8")
    assert len({first, renamed, sources.source_digest(tmp_path)}) == 3


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        pytest.param([], "has no ppocr/modeling", id="an empty folder"),
        pytest.param(["ppocr/data", "tools/train.py"], "has no ppocr/modeling", id="the package, unpacked"),
        pytest.param(["ppocr/modeling", "ppocr/data", "tools/train.py"], "export_model.py", id="no exporter"),
    ],
)
def test_a_folder_that_cannot_train_is_refused(there: list[str], expected: str, tmp_path: Path) -> None:
    for name in there:
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(BadRequest, match=expected):
        get_trainer(tmp_path, tmp_path / "cache", print, python=PYTHON)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="there is no such folder"):
        get_trainer(tmp_path / "PaddleOCR", tmp_path / "cache", print, python=PYTHON)
    with pytest.raises(BadRequest, match="TRAINER_PYTHON"):
        get_trainer(None, tmp_path / "cache", print, python=tmp_path / "python")


def test_a_checkout_that_is_not_known_is_used_and_its_version_said(tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "PaddleOCR")
    said: list[str] = []
    known = get_trainer(tmp_path / "PaddleOCR", tmp_path / "cache", said.append, python=PYTHON)
    assert (known.known, said) == (True, [])
    (tmp_path / "PaddleOCR/PKG-INFO").write_text("Name: paddleocr\nVersion: 3.8.0.dev1\n", "utf-8")
    (tmp_path / "PaddleOCR/tools/train.py").write_text("print('mine')\n", "utf-8")
    mine = get_trainer(tmp_path / "PaddleOCR", tmp_path / "cache", said.append, python=PYTHON)
    assert (mine.known, mine.version) == (False, "3.8.0.dev1")
    (warning,) = said
    assert "3.8.0.dev1" in warning
    assert "3.7.0" in warning
