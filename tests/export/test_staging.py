"""A dataset takes its place whole or not at all, and one export at a time writes it."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.errors import BadRequest, LabelStudioFailed
from converters.export.file_system import CannotWrite
from converters.export.page_records import SPILL, STATE, EarlierPages, record_line
from converters.export.staging import DatasetLocked, Staging
from converters.shared.exchange import exchange
from tests.parts.exported import PROJECT, run


def write(out: Path, text: str, *, finish: bool = True) -> None:
    with Staging(out) as staging:
        staging.write(STATE, b"")
        staging.write("crops/0/1.png", text.encode())
        if finish:
            staging.finish()


def around(out: Path) -> list[str]:
    """What lies beside the dataset, but for the lock."""
    return sorted(path.name for path in out.parent.iterdir() if path.name != f".{out.name}.lock")


def test_a_dataset_appears_when_it_is_whole(tmp_path):
    out = tmp_path / "deep" / "set"
    with Staging(out) as staging:
        staging.write(STATE, b"")
        assert not out.exists()
        staging.finish()
    assert around(out) == ["set"]


def test_a_new_dataset_replaces_the_old_one_and_what_others_put_there_stays(tmp_path):
    out = tmp_path / "set"
    write(out, "old")
    (out / "crops" / "0" / "2.png").write_text("old")
    (out / "check.dict.txt").write_text("mine")
    (out / "output").mkdir()
    (out / "output" / "best.pdparams").write_text("trained")
    write(out, "new")
    assert (out / "crops/0/1.png").read_text() == "new"
    assert not (out / "crops/0/2.png").exists()
    assert (out / "check.dict.txt").read_text() == "mine"
    assert (out / "output/best.pdparams").read_text() == "trained"
    assert around(out) == ["set"]


def test_the_folder_that_a_link_names_is_replaced_and_the_link_stays(tmp_path):
    out = tmp_path / "disk" / "set"
    write(out, "old")
    (out / "check.dict.txt").write_text("mine")
    link = tmp_path / "latest"
    link.symlink_to(out)
    for text in ("newer", "newest"):
        write(link, text)
    assert link.is_symlink()
    assert (out / "crops/0/1.png").read_text() == "newest"
    assert (out / "check.dict.txt").read_text() == "mine"
    assert (around(out), around(link)) == (["set"], ["disk", "latest"])


def test_a_folder_that_no_export_wrote_is_left_alone(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "thesis.doc").write_text("ten years")
    with pytest.raises(BadRequest, match=r"set exists and is no dataset"):
        write(tmp_path / "set", "new")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadRequest, match=r"file exists"):
        write(tmp_path / "file", "new")
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", "new")


def test_the_second_of_two_exports_gets_one_sentence(tmp_path):
    with Staging(tmp_path / "set"):
        with pytest.raises(DatasetLocked, match=r"Another export is writing into set\."):
            write(tmp_path / "set", "second")
        write(tmp_path / "other", "another folder")
    write(tmp_path / "set", "afterwards")


@pytest.mark.parametrize("error", [LabelStudioFailed("away"), KeyboardInterrupt()], ids=["server", "Ctrl-C"])
def test_what_a_stopped_export_wrote_is_kept_for_the_next(tmp_path, error):
    out = tmp_path / "set"
    with pytest.raises(type(error)), Staging(out) as staging:
        staging.write(SPILL, b'{"key":"7","torn')
        staging.write("crops/0/7.png", b"x")
        raise error
    with Staging(out) as staging:
        [stopped] = staging.stopped
        assert staging.take(stopped, ["crops/0/7.png"])
        assert not staging.take(stopped, ["crops/0/8.png", "crops/0/9.png"])
        assert len(stopped) == 0
        staging.write(STATE, b"")
        staging.finish()
    assert (out / "crops/0/7.png").read_bytes() == b"x"
    assert around(out) == ["set"]


@pytest.fixture
def pages(tmp_path):
    """Pages as an export records them, by key."""
    run(tmp_path / "made" / "set", PROJECT[:4])
    earlier = EarlierPages(tmp_path / "made" / "set")
    return {key: earlier.page(key) for key in earlier}


def stop(out: Path, *pages, text: str = "", torn: bytes = b"") -> None:
    """An export that Ctrl-C ends when it has made these pages; their crops say `text`."""
    with contextlib.suppress(KeyboardInterrupt), Staging(out) as staging:
        for page in pages:
            staging.write(page.image, b"page")
            for line in page.lines:
                staging.write(line.crop, f"{text} {line.crop}".encode())
        staging.write(SPILL, b"".join(map(record_line, pages)) + torn)
        raise KeyboardInterrupt


def test_after_many_stops_the_next_export_has_every_page_and_two_folders_at_most(tmp_path, pages):
    out = tmp_path / "set"
    one, two, three, four = pages.values()
    stop(out, one, text="older", torn=b'{"key":"9","torn')
    for _ in range(3):
        stop(out, two, three)
        assert set(around(out)) <= {".set.part", ".set.stopped", "made"}
    stop(out, one, text="newer", torn=b'{"key":"9","torn')
    stop(out, four)
    with Staging(out) as staging:
        [stopped] = staging.stopped
        assert {key: stopped.page(key) for key in stopped} == pages
        assert (stopped.folder / one.lines[0].crop).read_text() == f"newer {one.lines[0].crop}"
        assert (stopped.folder / three.lines[2].crop).exists()
        assert around(out) == [".set.part", ".set.stopped", "made"]
        staging.write(STATE, b"")
        staging.finish()
    assert around(out) == ["made", "set"]


def test_a_page_that_a_stop_cut_off_is_not_written_over(tmp_path, pages):
    out = tmp_path / "set"
    one, two, *_ = pages.values()
    stop(out, one, text="whole")
    # the next one had taken the crop over from a dataset, and was stopped before it could note the page
    (tmp_path / "of a dataset").write_text("theirs")
    stop(out, two)
    cut_off = tmp_path / ".set.part" / one.lines[0].crop
    cut_off.hardlink_to(tmp_path / "of a dataset")
    with Staging(out) as staging:
        [stopped] = staging.stopped
        assert (stopped.folder / one.lines[0].crop).read_text() == f"whole {one.lines[0].crop}"
    assert (tmp_path / "of a dataset").read_text() == "theirs"


def test_an_export_that_is_stopped_before_its_first_page_leaves_nothing(tmp_path):
    stop(tmp_path / "set")
    assert around(tmp_path / "set") == []


def test_lines_that_are_no_pages_are_passed_over_and_counted(tmp_path, pages):
    one, two, *_ = map(record_line, pages.values())
    broken = one.replace("Счёт".encode(), b"\xd1", 1)
    (tmp_path / STATE).write_bytes(broken + two + b'{"key":}\n{"key":["x"]}\n' + one[:40])
    earlier = EarlierPages(tmp_path)
    assert [earlier.page(key) for key in earlier] == [list(pages.values())[1]]
    assert earlier.damaged == 4


def test_a_folder_whose_place_no_dataset_can_take_is_refused(tmp_path, monkeypatch):
    (tmp_path / "in" / "here").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "in" / "here")
    for out in (".", "", "..", "../..", tmp_path / "link", "/"):
        with pytest.raises(BadRequest, match="the folder you are in or holds it"):
            Staging(Path(out))
    Staging(Path("new"))
    Staging(Path("../sister"))
    with pytest.raises(BadRequest, match=r"mount point.*--out /proc/dataset\."):
        Staging(Path("/proc"))
    (tmp_path / "in" / "here").rmdir()
    with pytest.raises(BadRequest, match="is gone"):
        Staging(Path("new"))


def test_what_could_not_be_written_takes_no_space_afterwards(tmp_path):
    with pytest.raises(CannotWrite), Staging(tmp_path / "set") as staging:
        staging.write("x" * 400, b"")
    assert around(tmp_path / "set") == []


@pytest.mark.parametrize("step", ["exchanged", "moved aside"])
def test_a_kill_between_the_steps_of_taking_place_loses_nothing(tmp_path, step):
    out = tmp_path / "set"
    write(out, "old")
    (out / "mine.txt").write_text("mine")
    new = tmp_path / "elsewhere" / "new"
    write(new, "new")
    if step == "exchanged":
        out.rename(tmp_path / ".set.part")
        new.rename(out)
    else:
        out.rename(tmp_path / ".set.old")
        new.rename(tmp_path / ".set.part")
    with Staging(out):
        assert (out / "mine.txt").read_text() == "mine"
        assert (out / "crops/0/1.png").read_text() == "new"
    assert around(out) == ["elsewhere", "set"]


def test_a_failure_between_the_steps_of_taking_place_loses_nothing(tmp_path):
    out = tmp_path / "set"
    write(out, "old")
    (out / "mine.txt").write_text("mine")
    in_the_way = tmp_path / ".set.old" / "in the way"
    with pytest.raises(CannotWrite), Staging(out) as staging:
        staging.write(STATE, b"")
        in_the_way.mkdir(parents=True)
        staging.finish()
    in_the_way.rmdir()
    write(out, "new")
    assert (out / "mine.txt").read_text() == "mine"
    assert around(out) == ["set"]


def test_a_system_that_cannot_exchange_folders_takes_two_steps(tmp_path):
    class NoExchange:
        renameat2 = None

    old, new, aside = (tmp_path / name for name in ("old", "new", "aside"))
    for folder in (old, new):
        folder.mkdir()
        (folder / "who").write_text(folder.name)
    exchange(new, old, aside, NoExchange())
    assert (old / "who").read_text() == "new"
    assert (aside / "who").read_text() == "old"


@contextmanager
def small_disk(folder: Path, options: str):
    """A file system of its own on a folder; made by root, as tests run in containers."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def full_disk(folder: Path):
    """A place where two small files fit and a large one does not, for root and for others."""
    if os.geteuid() == 0:
        with small_disk(folder, "size=64k"):
            yield b"x" * 100_000
    else:
        folder.mkdir()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
        try:
            yield b"x" * 100_000
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_old_dataset_and_says_what_to_do(tmp_path):
    with full_disk(tmp_path / "disk") as large:
        out = tmp_path / "disk" / "set"
        write(out, "old")
        with (
            pytest.raises(CannotWrite, match=r"set cannot be written: .*untouched\. Make room"),
            Staging(out) as staging,
        ):
            staging.write("crops/0/1.png", large)
        assert (out / "crops/0/1.png").read_text() == "old"
        assert around(out) == ["set"]


def test_a_folder_that_may_not_be_written_is_one_sentence(tmp_path):
    if os.geteuid() == 0:
        with (
            small_disk(tmp_path / "disk", "ro"),
            pytest.raises(CannotWrite, match="cannot be written: Read-only"),
        ):
            write(tmp_path / "disk" / "set", "new")
    else:
        (tmp_path / "disk").mkdir(mode=0o500)
        with pytest.raises(CannotWrite, match="cannot be written: Permission denied"):
            write(tmp_path / "disk" / "set", "new")
