from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.fetching.cache import ImageCache


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_what_was_put_comes_back_under_a_key_of_any_length(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "images", 1000)
    key = "/data/upload/1/" + "Щ" * 3000

    assert cache.get(key) is None
    cache.put(key, b"page")

    assert cache.get(key) == b"page"
    assert ImageCache(tmp_path / "images", 1000).get(key) == b"page"


@pytest.mark.parametrize(
    ("age", "kept"),
    [
        pytest.param(299, b"page", id="young"),
        pytest.param(301, None, id="old"),
        pytest.param(-5, None, id="from the future, as after a clock was set back"),
    ],
)
def test_an_image_that_may_change_is_kept_for_a_while(tmp_path: Path, age: int, kept: bytes | None) -> None:
    clock = Clock()
    cache = ImageCache(tmp_path, 1000, now=clock)
    cache.put("k", b"page")
    clock.seconds += age

    assert cache.get("k", max_age_s=300) == kept
    assert cache.get("k") == b"page"


def test_being_wanted_does_not_make_an_image_younger(tmp_path: Path) -> None:
    clock = Clock()
    cache = ImageCache(tmp_path, 1000, now=clock)
    cache.put("k", b"page")
    for _ in range(3):
        clock.seconds += 200
        cache.get("k", max_age_s=1000)

    assert cache.get("k", max_age_s=300) is None


def test_the_folder_stays_under_its_limit_and_loses_what_was_wanted_longest_ago(tmp_path: Path) -> None:
    clock = Clock()
    cache = ImageCache(tmp_path, 1000, now=clock)
    for number in range(40):
        clock.seconds += 1
        cache.put(f"image {number}", bytes([number]) * 100)
        cache.get("image 0")

    assert size(tmp_path) <= 1000
    kept = [number for number in range(40) if cache.get(f"image {number}")]
    assert len(kept) >= 8
    assert kept == [0, *range(40 - len(kept) + 1, 40)]


@pytest.mark.parametrize(
    "limit", [pytest.param(0, id="nothing is kept"), pytest.param(3, id="larger than all")]
)
def test_an_image_larger_than_the_limit_is_not_kept(tmp_path: Path, limit: int) -> None:
    cache = ImageCache(tmp_path / "images", limit)
    cache.put("k", b"page")

    assert cache.get("k") is None
    assert not (tmp_path / "images").exists()


def test_the_leavings_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    (tmp_path / "part-killed").write_bytes(b"half")
    os.utime(tmp_path / "part-killed", (1_000_000, 1_000_000))
    (tmp_path / "part-busy").write_bytes(b"half")

    ImageCache(tmp_path, 1000).put("k", b"page")

    assert not (tmp_path / "part-killed").exists()
    assert (tmp_path / "part-busy").exists()


def test_a_folder_that_cannot_be_written_fails_no_page(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = ImageCache(tmp_path / "file" / "images", 1000)

    cache.put("k", b"page")

    assert cache.get("k") is None
    assert "fetched again" in caplog.text


def test_threads_and_processes_never_see_half_an_image(tmp_path: Path) -> None:
    writer = (
        "import sys; from pathlib import Path; from backend.fetching.cache import ImageCache\n"
        "cache = ImageCache(Path(sys.argv[1]), 500_000)\n"
        "for turn in range(200): cache.put(f'k{turn % 7}', bytes([turn % 251 + 1]) * 60_000)\n"
    )
    cache = ImageCache(tmp_path, 500_000)

    def read(turn: int) -> set[int] | None:
        content = cache.get(f"k{turn % 7}")
        return None if content is None else {len(content), *set(content)}

    process = subprocess.Popen([sys.executable, "-c", writer, str(tmp_path)])
    with ThreadPoolExecutor(4) as pool:
        for turn in range(200):
            pool.submit(cache.put, f"k{turn % 7}", bytes([turn % 251 + 1]) * 60_000)
        seen = list(pool.map(read, range(400)))
    assert process.wait() == 0

    assert all(found is None or (len(found) == 2 and 60_000 in found) for found in seen)
    assert size(tmp_path) <= 500_000 * 1.2
