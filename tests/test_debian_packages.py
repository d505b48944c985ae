"""`scripts/debian-packages`: who is asked before sudo is used, and what is done where nobody can be asked."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from backend.text import languages

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "debian-packages"
LIBRARIES = ("libgl1", "libglib2.0-0")
WELCOME = (
    "tesseract-ocr",
    "tesseract-ocr-rus",
    "tesseract-ocr-ukr",
    "tesseract-ocr-ell",
    "fonts-dejavu-core",
)

COMMANDS = {
    "id": 'echo "$FAKE_USER"',
    "python3": "exit 0",
    "dpkg-query": 'grep -qx "${@: -1}" "$FAKE/installed" && echo "install ok installed"',
    "sudo": 'echo "sudo $*" >> "$FAKE/done"; [ "$1" != -n ] || shift; exec "$@"',
    "apt-get": """\
echo "apt-get $*" >> "$FAKE/done"
[ "$1" = install ] || exit 0
for word in "${@:2}"; do
  [ "${word#-}" = "$word" ] || continue
  grep -qx "$word" "$FAKE/absent" && exit 100
  echo "$word" >> "$FAKE/installed"
done
""",
}
"""What the script calls, on a Debian that stands in one folder."""


class Outcome(NamedTuple):
    code: int
    said: str
    done: str
    installed: set[str]


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the script as somebody, with or without a terminal, answering its question."""
    commands = tmp_path / "bin"
    commands.mkdir()

    def run(
        user: int = 1000,
        *,
        step: str = "run",
        installed: tuple[str, ...] = LIBRARIES,
        absent: tuple[str, ...] = (),
        answer: str | None = None,
        sudo: bool = True,
        **variables: str,
    ) -> Outcome:
        for name, text in COMMANDS.items():
            if name != "sudo" or sudo:
                (commands / name).write_text(f"#!/bin/bash\n{text}\n", "utf-8")
                (commands / name).chmod(0o755)
        for name in ("bash", "env", "grep", "paste"):  # and nothing else of this machine
            (commands / name).unlink(missing_ok=True)
            (commands / name).symlink_to(f"/usr/bin/{name}")
        (tmp_path / "installed").write_text("".join(f"{name}\n" for name in installed), "utf-8")
        (tmp_path / "absent").write_text("".join(f"{name}\n" for name in absent), "utf-8")
        (tmp_path / "done").write_text("", "utf-8")
        environment = {"PATH": str(commands), "FAKE": str(tmp_path), "FAKE_USER": str(user), **variables}
        command = [str(SCRIPT), step]
        if answer is None:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            code, said = done.returncode, done.stdout
        else:
            code, said = in_terminal(command, environment, answer)
        return Outcome(
            code,
            said,
            (tmp_path / "done").read_text("utf-8"),
            set((tmp_path / "installed").read_text("utf-8").split()),
        )

    return run


def in_terminal(command: list[str], environment: dict[str, str], answer: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, answer.encode() + b"\n")
        said = b""
        with suppress(OSError):  # once the other side is closed
            while part := os.read(ours, 4096):
                said += part
    os.close(ours)
    return process.returncode, said.decode()


def test_the_demo_s_languages_are_among_what_make_run_installs(run: Run) -> None:
    wanted = set(json.loads((ROOT / "demo" / "languages.json").read_text("utf-8")).values())
    packages = {languages.tesseract_package(language) for language in wanted} - {"tesseract-ocr-eng"}
    assert packages <= run(user=0).installed


def test_root_installs_what_is_missing_without_a_question(run: Run) -> None:
    outcome = run(user=0, installed=("libgl1",))
    assert outcome.code == 0
    assert outcome.installed == {*LIBRARIES, *WELCOME}
    assert "sudo" not in outcome.done


def test_who_has_a_terminal_is_asked_once_with_each_package_s_purpose(run: Run) -> None:
    outcome = run(answer="y")
    assert outcome.code == 0
    assert outcome.said.count("[y/N]") == 1
    for package in WELCOME:
        assert any(line.strip().startswith(f"{package}: ") for line in outcome.said.splitlines())
    assert "sudo apt-get update" in outcome.done
    assert outcome.installed == {*LIBRARIES, *WELCOME}


@pytest.mark.parametrize("answer", ["n", "", "later"])
def test_sudo_is_not_used_against_a_no_and_the_demo_goes_on(run: Run, answer: str) -> None:
    outcome = run(answer=answer)
    assert outcome.code == 0
    assert outcome.done == ""
    assert f"sudo apt-get install -y {' '.join(WELCOME)}" in outcome.said


@pytest.mark.parametrize(
    ("variables", "answer"),
    [
        pytest.param({}, None, id="no terminal"),
        pytest.param({"CI": "true"}, "y", id="CI, even with a terminal"),
        pytest.param({"TWINREAD_SUDO": "no"}, None, id="another answer than yes"),
    ],
)
def test_where_nobody_can_be_asked_sudo_is_not_used(
    run: Run, variables: dict[str, str], answer: str | None
) -> None:
    outcome = run(installed=(), answer=answer, **variables)
    assert outcome.code == 1
    assert outcome.done == ""
    assert "[y/N]" not in outcome.said
    assert f"sudo apt-get install -y {' '.join((*LIBRARIES, *WELCOME))}" in outcome.said


@pytest.mark.parametrize("answer", [None, ""], ids=["no terminal", "terminal"])
def test_a_yes_in_the_environment_answers_the_question(run: Run, answer: str | None) -> None:
    outcome = run(answer=answer, TWINREAD_SUDO="yes")
    assert outcome.code == 0
    assert "[y/N]" not in outcome.said
    assert ("sudo -n " in outcome.done) is (answer is None)
    assert outcome.installed == {*LIBRARIES, *WELCOME}


def test_without_sudo_the_line_to_run_is_said(run: Run) -> None:
    outcome = run(answer="y", sudo=False, installed=())
    assert outcome.code == 1
    assert "sudo apt-get install -y libgl1" in outcome.said


@pytest.mark.parametrize(
    ("absent", "code"),
    [
        pytest.param("tesseract-ocr-ukr", 0, id="the demo goes on without a language"),
        pytest.param("libgl1", 1, id="and not without a library"),
    ],
)
def test_a_package_that_cannot_be_had(run: Run, absent: str, code: int) -> None:
    outcome = run(user=0, installed=(), absent=(absent,))
    assert outcome.code == code
    assert f"  {absent}: " in outcome.said


def test_where_nothing_is_missing_nothing_is_said_or_done(run: Run) -> None:
    outcome = run(installed=(*LIBRARIES, *WELCOME))
    assert (outcome.code, outcome.said, outcome.done) == (0, "", "")


def test_debian_13_s_name_of_a_library_will_do(run: Run) -> None:
    assert run(installed=("libgl1", "libglib2.0-0t64", *WELCOME)).said == ""
