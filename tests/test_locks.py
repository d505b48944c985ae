"""What is installed is what was tested: every way into an environment goes by the hashes of a lock."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.test_containers import DOCKERFILES, LOCKS, ROOT, steps

ALL_LOCKS = [*LOCKS, ROOT / "locks" / "uv.txt", ROOT / "locks" / "build.txt"]
UV = ROOT / ".venv" / "bin" / "uv"
PIP = (sys.executable, "-m", "pip")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
IN_MAKEFILE = re.findall(r"^LOCKED = (.*)$", MAKEFILE, re.MULTILINE)
IN_DOCKERFILES = [
    (file.name, found)
    for file in DOCKERFILES
    for step in steps(file)
    for found in re.findall(r"pip (install [^&]*|wheel [^&]*)", step)
]


@pytest.mark.parametrize("lock", ALL_LOCKS, ids=lambda file: file.stem)
def test_a_lock_pins_files_by_hash_and_names_no_address(lock: Path) -> None:
    pins = lock.read_text("utf-8").replace("\\\n", "").splitlines()
    assert pins
    assert [pin for pin in pins if not re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin)] == []
    assert "://" not in lock.read_text("utf-8")


def test_every_lock_is_one_that_is_looked_at() -> None:
    assert {path.name for path in (ROOT / "locks").glob("*.txt")} <= {path.name for path in ALL_LOCKS}


@pytest.mark.parametrize(("name", "command"), IN_DOCKERFILES)
def test_an_image_installs_by_hashes_and_builds_nothing_that_fetches_more(name: str, command: str) -> None:
    if "${PADDLE_INDEX}" in command:
        # Paddle's own index, which the builder names; what is installed already stays as it is
        assert "--constraint /build/installed.txt" in command
    elif "wheel " in command:
        assert "--no-deps --no-build-isolation" in command
    elif "/wheels/*.whl" in command:
        assert "--no-deps" in command  # what the line above built
    else:
        assert "--no-deps --require-hashes --only-binary :all: -r /build/" in command


def test_make_installs_by_hashes_and_builds_our_package_with_locked_tools() -> None:
    lines = [line.strip() for line in MAKEFILE.splitlines() if line.startswith("\t") and "INSTALL" in line]
    assert all(
        re.search(r"\$\((INSTALL|INSTALL_APART)\) -r locks/|\$\(INSTALL_OURS\)$", line) for line in lines
    )
    assert IN_MAKEFILE == ["pip install --quiet --no-deps --require-hashes"]
    assert len(re.findall(r"pip install", MAKEFILE)) == 2
    assert "INSTALL_OURS = $(UV) pip install --quiet --no-deps --no-build-isolation --editable ." in MAKEFILE
    pinned = re.findall(r"^([a-z0-9-]+)==", (ROOT / "locks" / "build.txt").read_text("utf-8"), re.MULTILINE)
    assert {"hatchling", "editables"} <= set(pinned)


@pytest.mark.parametrize("page", ["README.md", *sorted(path.name for path in (ROOT / "docs").glob("*.md"))])
def test_what_a_page_tells_people_to_install_from_a_lock_goes_by_its_hashes(page: str) -> None:
    path = ROOT / page if page == "README.md" else ROOT / "docs" / page
    told = re.findall(r"pip install [^`\n]*-r [^`\n]*", path.read_text("utf-8"))
    assert [line for line in told if "--require-hashes" not in line] == []


def test_what_pyproject_leaves_out_is_in_no_lock_of_ours() -> None:
    table = re.search(
        r"^exclude-dependencies = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text("utf-8"), re.M | re.S
    )
    assert table is not None
    left_out = set(re.findall(r'"([a-z0-9-]+)"', table[1]))
    assert {"attr", "bce-python-sdk", "requests-mock"} <= left_out
    studio = (ROOT / "locks" / "label-studio.txt").read_text("utf-8")
    assert re.findall(r"^(attr|requests-mock)==", studio, re.M) == []
    for lock in ("twinread", "label-studio-ml"):
        pinned = re.findall(r"^([a-z0-9.-]+)==", (ROOT / "locks" / f"{lock}.txt").read_text("utf-8"), re.M)
        assert left_out & set(pinned) == set(), lock
        # they come with those alone
        assert {"future", "pycryptodome", "crc32c", "hyperglot"} & set(pinned) == set(), lock


def wheel(folder: Path, content: str) -> Path:
    """A package of one module, as a registry serves it."""
    folder.mkdir(exist_ok=True)
    about = "twinread_sample-1.0.dist-info"
    files = {
        "twinread_sample.py": content,
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: twinread-sample\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{about}/RECORD"
    rows = []
    path = folder / "twinread_sample-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={digest},{len(text)}\n")
        archive.writestr(zipfile.ZipInfo(record), "".join([*rows, f"{record},,\n"]))
    return path


@pytest.mark.parametrize(
    "command",
    [
        pytest.param((str(UV), *IN_MAKEFILE[0].split(), "--no-cache"), id="uv, as make calls it"),
        pytest.param((*PIP, *IN_MAKEFILE[0].split()[1:], "--no-cache-dir"), id="pip, as make fetches uv"),
        pytest.param(
            (*PIP, "install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"),
            id="pip, as images call it",
        ),
    ],
)
def test_a_wheel_that_was_replaced_in_the_registry_is_refused(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    tested = wheel(tmp_path / "registry", "SAID = 'tested'\n")
    digest = hashlib.sha256(tested.read_bytes()).hexdigest()
    lock = tmp_path / "lock.txt"
    lock.write_text(f"twinread-sample==1.0 \\\n    --hash=sha256:{digest}\n")

    def install(into: str) -> subprocess.CompletedProcess[str]:
        offline = ("--no-index", "--find-links", str(tmp_path / "registry"), "--target", str(tmp_path / into))
        return subprocess.run([*command, *offline, "-r", lock], cwd=tmp_path, capture_output=True, text=True)

    first = install("first")
    assert first.returncode == 0, first.stderr
    assert (tmp_path / "first" / "twinread_sample.py").read_text() == "SAID = 'tested'\n"

    wheel(tmp_path / "registry", "SAID = 'mine now'\n")
    second = install("second")

    assert second.returncode != 0
    assert re.search("hash", second.stderr, re.IGNORECASE)
    assert not (tmp_path / "second" / "twinread_sample.py").exists()

    # one line without a hash is refused as well, and not only the file
    lock.write_text("twinread-sample==1.0\n")
    assert install("third").returncode != 0
    assert not (tmp_path / "third" / "twinread_sample.py").exists()
