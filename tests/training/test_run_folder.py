"""A run's folder is one run's: who may work in it, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from backend.errors import BadRequest, TwinreadError
from converters.training.run_folder import NoRoom, RunFolder, RunLocked, check_room, opened


def trained(path) -> RunFolder:
    """A run that was stopped in the middle of its training."""
    folder = RunFolder(path)
    folder.checkpoints.mkdir(parents=True)
    folder.config.write_text("Global: {}\n")
    folder.base_weights.write_bytes(b"")
    folder.note(state="stopped")
    return folder


def test_a_new_folder_is_made_and_what_is_noted_stays(tmp_path):
    with opened(tmp_path / "runs" / "1", resume=False) as folder:
        folder.note(state="composing", seed=1)
        folder.note(state="training")
    found = json.loads((tmp_path / "runs" / "1" / "run.json").read_text("utf-8"))
    assert (found["format"], found["state"], found["seed"]) == (1, "training", 1)
    assert [path.name for path in (tmp_path / "runs" / "1").iterdir() if "partial" in path.name] == []


@pytest.mark.parametrize(
    ("made", "words"),
    [
        pytest.param({"notes.txt": "mine"}, "holds notes.txt, which no run wrote", id="somebody's file"),
        pytest.param({"run.json": "[]"}, "is no record of a run", id="another program's run.json"),
        pytest.param({"run.json": "{"}, "cannot be read", id="a torn run.json"),
        pytest.param(
            {"run.json": '{"state": "sleeping"}'}, "is no record of a run", id="a state that is none"
        ),
    ],
)
def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path, made, words):
    for name, content in made.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(BadRequest, match=words), opened(tmp_path, resume=False):
        pass
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == made


def test_a_file_in_its_place_is_refused(tmp_path):
    (tmp_path / "1").write_text("")
    with pytest.raises(BadRequest, match="is a file"), opened(tmp_path / "1", resume=False):
        pass


def test_a_run_that_trained_is_never_begun_anew(tmp_path):
    trained(tmp_path)
    with (
        pytest.raises(BadRequest, match=r"state: stopped\)\. Go on with it by --resume"),
        opened(tmp_path, resume=False),
    ):
        pass
    with opened(tmp_path, resume=True) as folder:
        assert folder.read()["state"] == "stopped"


def test_a_run_that_failed_before_its_training_makes_room_for_the_next(tmp_path):
    folder = RunFolder(tmp_path)
    folder.lists.mkdir()
    folder.log.write_text("failed")
    folder.note(state="failed")
    with opened(tmp_path, resume=False):
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("made", [False, True], ids=["no folder", "an empty folder"])
def test_there_must_be_a_run_to_go_on_with(tmp_path, made):
    place = tmp_path / "1"
    if made:
        place.mkdir()
    with pytest.raises(BadRequest, match=r"no run in .* to go on with"), opened(place, resume=True):
        pass
    assert place.exists() == made


def test_two_commands_cannot_share_a_folder(tmp_path):
    trained(tmp_path)
    code = (
        "import sys; from pathlib import Path; from converters.training.run_folder import opened\n"
        "with opened(Path(sys.argv[1]), resume=True): pass"
    )
    with opened(tmp_path, resume=True):
        other = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True)
    assert "RunLocked: Another command works in" in other.stderr
    with opened(tmp_path, resume=True):
        pass


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(TwinreadError, match="cannot be written"),
        opened(tmp_path / "file" / "1", resume=False),
    ):
        pass


def test_room_on_the_disk_is_asked_for_first(tmp_path):
    folder = RunFolder(tmp_path)
    check_room(folder, 10 * 2**20, free=lambda path: 120 * 2**20)
    with pytest.raises(NoRoom, match=r"takes up to 120 MiB in .*, and 119 MiB are free"):
        check_room(folder, 10 * 2**20, free=lambda path: 119 * 2**20)
    assert RunLocked("").exit_code == 3
