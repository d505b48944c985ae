"""What must have happened, and what must not, before gunicorn forks the worker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PADDLE = """
import os, pathlib
with pathlib.Path(os.environ["LOADED"]).open("a") as note:
    note.write(f"{os.getpid()}\\n")
class device:
    is_compiled_with_cuda = staticmethod(lambda: True)
    class cuda:
        device_count = staticmethod(lambda: 1)
"""
"""A PaddlePaddle for GPUs that notes each process that loads it."""

CHECK = """
import os, sys
from backend.errors import TwinreadError
from backend.server import gunicorn_server
from backend.settings import settings
if __name__ == "__main__":
    try:
        gunicorn_server._check_readers(settings.load(_env_file=None))
    except TwinreadError as error:
        print(error)
    print(os.getpid(), "paddle" in sys.modules)
"""


@pytest.mark.parametrize(
    ("device", "elsewhere"),
    [
        pytest.param("auto", True, id="a GPU is looked for"),
        pytest.param("gpu:0", True, id="a GPU is named"),
        pytest.param("cpu", False, id="no GPU is looked for"),
    ],
)
def test_no_process_that_forks_has_loaded_paddle(tmp_path: Path, device: str, elsewhere: bool) -> None:
    (tmp_path / "paddle").mkdir()
    (tmp_path / "paddle" / "__init__.py").write_text(PADDLE, "utf-8")
    script, note = tmp_path / "check.py", tmp_path / "loaded"
    script.write_text(CHECK, "utf-8")
    root = Path(__file__).parents[2]
    values = {
        "PYTHONPATH": f"{tmp_path}:{root}",
        "LOADED": str(note),
        "DEVICE": device,
        "READERS": "paddle,paddle",
        "OCR_LANGUAGE": "ru",
        "MODEL_SOURCE": "packages",
        "CACHE_DIR": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [sys.executable, str(script)], env=os.environ | values, capture_output=True, text=True, check=True
    )
    *said, last = done.stdout.splitlines()
    pid, loaded = last.split()
    assert "eslav_PP-OCRv5_mobile_rec" in said[0], "the check refuses a reader that cannot write Russian"
    assert loaded == "False"
    by = note.read_text("utf-8").split() if note.exists() else []
    assert (len(by) == 1, pid in by) == (elsewhere, False)
