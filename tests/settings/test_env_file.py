"""A `.env` may come from anybody: what it decides is told, and another user's is not read."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import SettingsWrong
from backend.settings import env_file, settings
from tests.parts.backend_process import variables
from tests.parts.http_script import HttpScript, says, serving
from tests.parts.scripted import CONFIG

KEY = "deadbeef" * 5
ANSWERS = {
    "/api/version/": {"release": "1.23"},
    "/api/projects/": {"results": [], "next": None},
    "/api/projects/3/": {"id": 3, "title": "Чеки", "label_config": CONFIG, "model_version": ""},
    "/api/tasks/": {"tasks": []},
    "/api/users/": [],
}
"""A Label Studio, or somebody who takes its place to see what arrives."""


@pytest.fixture
def listener() -> Iterator[HttpScript]:
    with serving({path: says(json.dumps(answer).encode()) for path, answer in ANSWERS.items()}) as server:
        yield server


def status(folder: Path, **environment: object) -> subprocess.CompletedProcess[str]:
    """`twinread status` as a person runs it in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "backend", "status", "--project", "3", "--summary-json", "/dev/stdout"],
        cwd=folder,
        env=variables(folder, environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def keys(listener: HttpScript) -> set[str]:
    return {request.headers.get("Authorization", "") for request in listener.requests}


def test_who_gets_the_key_of_the_environment_is_said_on_the_first_line(
    tmp_path: Path, listener: HttpScript
) -> None:
    """A dataset that somebody packed with a .env in it, and a command that is run there."""
    quiet = status(tmp_path, label_studio_api_key=KEY, label_studio_url=listener.url)
    (tmp_path / ".env").write_text(f"LABEL_STUDIO_URL={listener.url}\nTRAINER_PYTHON=./python\n")
    told = status(tmp_path, label_studio_api_key=KEY)

    host = listener.url.removeprefix("http://")
    assert told.stderr.splitlines() == [
        f"Settings from ./.env; the key from your environment goes to {host}; it sets TRAINER_PYTHON"
    ]
    assert (quiet.returncode, quiet.stderr) == (told.returncode, "") == (0, "")
    # what a pipe or another program reads is the same
    assert told.stdout == quiet.stdout
    assert json.loads(told.stdout[told.stdout.index("{") :])["round"] is None
    assert keys(listener) == {f"Token {KEY}"}


def test_an_env_file_that_every_user_can_change_sends_the_key_nowhere(
    tmp_path: Path, listener: HttpScript
) -> None:
    (tmp_path / ".env").write_text(f"LABEL_STUDIO_URL={listener.url}\n")
    (tmp_path / ".env").chmod(0o666)

    refused = status(tmp_path, label_studio_api_key=KEY)

    assert listener.requests == []
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr == (
        "twinread: The file .env in this folder can be changed by every user, so it is not used, and nothing "
        "was done: it would decide where keys go and what runs. Look at what it says, then: chmod o-w .env.\n"
    )


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `.env` to be written, in a working folder and an environment without settings."""
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".env"


def owned_by(user: int, mode: int = 0o600) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 0, 0, 1, user, 0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("link", "file", "trusted"),
    [
        pytest.param(1000, 1000, True, id="one's own"),
        pytest.param(0, 0, True, id="root's"),
        pytest.param(1000, 4711, False, id="one's own link to a file of another user"),
        pytest.param(4711, 1000, False, id="another user's link to one's own file"),
        pytest.param(4711, 4711, False, id="another user's"),
    ],
)
def test_an_env_file_of_another_user_is_refused_and_a_link_counts_too(
    link: int, file: int, trusted: bool
) -> None:
    if trusted:
        env_file.check_owners(owned_by(link), owned_by(file), 1000)
        return
    with pytest.raises(SettingsWrong, match=r"belongs to another user \(number 4711\).*chown"):
        env_file.check_owners(owned_by(link), owned_by(file), 1000)


def test_a_link_to_an_env_file_is_followed(env: Path) -> None:
    target = env.with_name("elsewhere")
    target.write_text("OCR_LANGUAGE=uk\n")
    env.symlink_to(target)
    assert settings.load().ocr_language == "uk"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(None, "is no plain file", id="a pipe, which would be waited for"),
        pytest.param("nowhere", "is a link to nothing", id="a link to nothing"),
        pytest.param(b"OCR_LANGUAGE=\xff\n", "UTF-8", id="no text"),
        pytest.param(b"#" * (env_file.MAX_BYTES + 1), "larger than 1 MiB", id="too large"),
    ],
)
def test_what_cannot_be_a_settings_file_is_refused_in_one_sentence(
    env: Path, content: bytes | str | None, sentence: str
) -> None:
    if content is None:
        os.mkfifo(env)
    elif isinstance(content, str):
        env.symlink_to(content)
    else:
        env.write_bytes(content)
    with pytest.raises(SettingsWrong, match=sentence) as caught:
        settings.load()
    assert "\n" not in str(caught.value)


def test_a_folder_of_that_name_is_a_virtual_environment(env: Path) -> None:
    env.mkdir()
    assert settings.load().ocr_language == "en"


@pytest.mark.parametrize(
    ("text", "environment", "line"),
    [
        pytest.param("OCR_LANGUAGE=ru\nTALL_LINES=never", {}, "", id="nothing that has power"),
        pytest.param(
            "LABEL_STUDIO_URL=https://labels.example\nlabel_studio_api_key=x",
            {},
            "Settings from ./.env; the key goes to labels.example\n",
            id="address and key, in any case of letters",
        ),
        pytest.param(
            "LABEL_STUDIO_API_KEY=x",
            {},
            "Settings from ./.env; the key goes to localhost:8080\n",
            id="a key for the usual address",
        ),
        pytest.param(
            "LABEL_STUDIO_URL=http://other:8080",
            {},
            "Settings from ./.env; Label Studio is other:8080\n",
            id="no key",
        ),
        pytest.param(
            "LABEL_STUDIO_URL=http://other:8080\nLABEL_STUDIO_API_KEY=x",
            {"LABEL_STUDIO_URL": "http://mine:8080", "LABEL_STUDIO_API_KEY": "y"},
            "",
            id="the environment wins, so the file decides nothing",
        ),
        pytest.param(
            "ERNIE_BASE_URL=https://me:secret@gate.example/v1\nERNIE_MODEL=ernie",
            {"ERNIE_API_KEY": "y"},
            "Settings from ./.env; pictures of lines and the key of ERNIE from your environment go to "
            "gate.example\n",
            id="ERNIE, without the password of its address",
        ),
        pytest.param(
            "STORE_URL=postgresql://me:secret@db.example/readings",
            {},
            "Settings from ./.env; readings are kept in db.example\n",
            id="the store",
        ),
        pytest.param(
            "PADDLEOCR_DIR=./paddle\nROUND_TRAIN_OPTIONS=--init x\nCACHE_DIR=/tmp/x",
            {},
            "Settings from ./.env; it sets PADDLEOCR_DIR, CACHE_DIR, ROUND_TRAIN_OPTIONS\n",
            id="code that would run",
        ),
    ],
)
def test_the_line_names_what_the_file_decides(
    env: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    environment: dict[str, str],
    line: str,
) -> None:
    env.write_text(text)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.load()
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", line)


def test_no_variable_of_the_environment_gets_into_an_address(
    env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMEBODY_S_SECRET", "hunter2")
    env.write_text("LABEL_TEXT=${SOMEBODY_S_SECRET}\n")
    assert settings.load().label_text == "${SOMEBODY_S_SECRET}"


def test_every_setting_that_the_line_may_name_is_one() -> None:
    assert set(settings.Settings.model_fields) >= env_file.POWERFUL


def test_a_setting_that_is_no_json_is_one_sentence_without_its_value(
    env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env.write_text("ERNIE_EXTRA_BODY={secret\n")
    with pytest.raises(SettingsWrong, match=r"ERNIE_EXTRA_BODY: this is not JSON\. Set it") as in_file:
        settings.load()
    env.unlink()
    monkeypatch.setenv("ENGINE_CONFIG", "{secret")
    with pytest.raises(SettingsWrong, match=r"ENGINE_CONFIG: this is not JSON") as in_environment:
        settings.load()
    assert "secret" not in f"{in_file.value}{in_environment.value}"
