"""The trainer's environment is made once, whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from converters.training.trainer.environment import (
    check_room,
    environment_folder,
    make_environment,
    python_in,
)
from converters.training.trainer.packages import NoRoomForTrainer, TrainerMissing
from tests.parts.trainer import CACHE


class ScriptedInstaller:
    """Fills a folder as uv does, or fails halfway."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        python_in(folder).parent.mkdir(parents=True)
        (folder / "half").touch()
        if self.calls <= self.failures:
            raise TrainerMissing("The package registry cannot be reached.")
        python_in(folder).touch()


def test_what_an_installer_left_half_made_is_made_anew(tmp_path: Path) -> None:
    install = ScriptedInstaller(failures=1)
    with pytest.raises(TrainerMissing):
        make_environment(tmp_path, print, install)
    # a folder is there, and another Python of the same name would not be missed by looking for it
    assert (environment_folder(tmp_path) / "half").exists()
    said: list[str] = []
    python = make_environment(tmp_path, said.append, install)
    assert python.exists()
    assert install.calls == 2
    assert "1.3 GB" in said[0]
    assert make_environment(tmp_path, said.append, install) == python
    assert (install.calls, len(said)) == (2, 1)


def test_two_commands_at_once_make_one_environment(tmp_path: Path) -> None:
    install = ScriptedInstaller()
    made: list[Path] = []
    threads = [
        threading.Thread(target=lambda: made.append(make_environment(tmp_path, lambda words: None, install)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(set(made)), install.calls) == (4, 1, 1)


def test_room_on_the_disk_is_asked_for_first(tmp_path: Path) -> None:
    check_room(tmp_path, free_in=lambda path: 3 * 10**9)
    with pytest.raises(NoRoomForTrainer, match=r"takes 2\.1 GB, and the disk of CACHE_DIR has 1\.9 GB left"):
        check_room(tmp_path, free_in=lambda path: 1_900_000_000)


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    with pytest.raises(TrainerMissing, match="Set CACHE_DIR to a folder that can be written"):
        make_environment(tmp_path / "file", print, ScriptedInstaller())


def test_the_one_that_make_setup_made_is_found_again() -> None:
    said: list[str] = []
    assert make_environment(CACHE, said.append).exists()
    assert said == []
