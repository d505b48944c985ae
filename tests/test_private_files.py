"""What only its owner may read, and what is left as it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import StoreFailed
from backend.private_files import private_file, private_folder, tighten_file
from backend.readers.stored import ReadingStore


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_new_folder_and_a_new_file_are_their_owner_s_alone(tmp_path: Path) -> None:
    private_folder(tmp_path / "cache" / "twinread", "models", "store")
    private_file(tmp_path / "cache" / "twinread" / "readings")
    assert mode(tmp_path / "cache" / "twinread") == "0o700"
    assert mode(tmp_path / "cache" / "twinread" / "readings") == "0o600"
    # what lies above is not ours
    assert mode(tmp_path / "cache") == "0o755"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(0o755, "0o700", id="of an earlier version"),
        pytest.param(0o775, "0o700", id="with umask 002"),
        pytest.param(0o700, "0o700", id="as it shall be"),
        pytest.param(0o2775, "0o2770", id="a group's, on purpose"),
        pytest.param(0o1777, "0o1777", id="everybody's, as /tmp"),
    ],
)
def test_a_folder_that_is_ours_is_tightened(tmp_path: Path, before: int, after: str) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "store").touch()
    folder.chmod(before)
    private_folder(folder, "models", "store")
    assert mode(folder) == after


@pytest.mark.parametrize(
    ("folder", "after"),
    [pytest.param(0o755, "0o600", id="ours"), pytest.param(0o2770, "0o660", id="a group's, on purpose")],
)
def test_a_file_of_an_earlier_version_is_tightened(tmp_path: Path, folder: int, after: str) -> None:
    tmp_path.chmod(folder)
    file = tmp_path / "readings"
    file.write_text("")
    file.chmod(0o664)
    tighten_file(file)
    assert mode(file) == after


def test_a_home_is_never_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    tmp_path.chmod(0o755)
    (tmp_path / "store").touch()
    private_folder(tmp_path, "models", "store")
    assert mode(tmp_path) == "0o755"


def test_what_a_setting_names_by_mistake_stays_as_it_is(tmp_path: Path) -> None:
    # as root, every entry of /etc would be ours
    folder, file = tmp_path / "etc", tmp_path / "etc" / "hostname"
    folder.mkdir(0o755)
    file.write_text("a name")
    private_folder(folder, "models", "store")
    private_file(file)
    with pytest.raises(StoreFailed, match="no database"):
        ReadingStore(f"sqlite:///{file}")
    assert (mode(folder), mode(file), file.read_text()) == ("0o755", "0o644", "a name")
