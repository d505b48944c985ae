from __future__ import annotations

import os
import shutil
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.demo.label_studio_installation import installed_version, migrated_template
from backend.demo.label_studio_server import LabelStudioServer
from backend.errors import LabelStudioFailed, SettingsWrong
from backend.label_studio.client import LabelStudio
from tests.parts.http_script import serving
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio, new_account


def environment(folder: Path, start: str, migrate: str = "") -> Path:
    """An environment whose label-studio is a shell script with these two ways to behave."""
    (folder / "bin").mkdir(parents=True)
    (folder / "lib/python3.11/site-packages/label_studio-1.99.0.dist-info").mkdir(parents=True)
    script = folder / "bin" / "label-studio"
    made = migrate or 'echo schema > "$LABEL_STUDIO_BASE_DATA_DIR/label_studio.sqlite3"'
    script.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then\n{made}\nelse\n{start}\nfi\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder


def ends(pid: int) -> bool:
    """Whether a process that was killed is gone; that takes a moment."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
            # it stays in the table until its new parent has looked
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_an_environment_without_label_studio_says_how_to_install_it(tmp_path: Path) -> None:
    server = LabelStudioServer(
        tmp_path / "data", new_account(), environment=tmp_path / "none", templates=tmp_path
    )

    with pytest.raises(SettingsWrong, match="make setup"):
        server.start()


def test_the_installed_version_is_read_without_running_it(tmp_path: Path) -> None:
    assert installed_version(environment(tmp_path / "env", "exit 1")) == "1.99.0"


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    env = environment(tmp_path / "env", "exit 1")
    with serving() as other:
        server = LabelStudioServer(
            tmp_path / "data", new_account(), port=other.port, environment=env, templates=tmp_path
        )
        with pytest.raises(SettingsWrong, match=rf"Port {other.port} is taken"):
            server.start()


def test_a_server_that_ends_while_starting_shows_the_end_of_its_log_without_secrets(tmp_path: Path) -> None:
    start = (
        "for n in $(seq 50); do echo line $n; done; "
        "echo $LABEL_STUDIO_PASSWORD $LABEL_STUDIO_USER_TOKEN; echo disk full; exit 3"
    )
    env = environment(tmp_path / "env", start)
    account = new_account()
    server = LabelStudioServer(tmp_path / "data", account, environment=env, templates=tmp_path)

    with pytest.raises(LabelStudioFailed, match="exit code 3") as caught:
        server.start()

    shown = str(caught.value)
    assert shown.endswith("*** ***\n    disk full")
    assert "line 50" in shown
    assert "line 30\n" not in shown


def test_a_server_that_never_answers_is_ended_with_its_children(tmp_path: Path) -> None:
    stubborn = 'sh -c "trap : TERM; while :; do sleep 0.1; done" & echo $! > child'
    env = environment(tmp_path / "env", f"{stubborn}; echo $$ > self; wait; sleep 60")
    server = LabelStudioServer(
        tmp_path / "data", new_account(), environment=env, templates=tmp_path, start_timeout_s=1
    )

    with pytest.raises(LabelStudioFailed, match="did not answer within 1 s"):
        server.start()

    assert ends(int((tmp_path / "data" / "self").read_text()))
    assert ends(int((tmp_path / "data" / "child").read_text()))


def test_label_studio_inherits_no_settings_by_accident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG", "true")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "not for you")
    env = environment(tmp_path / "env", "env; exit 1")
    server = LabelStudioServer(
        tmp_path / "data", new_account(), environment=env, templates=tmp_path, private_backends=False
    )

    with pytest.raises(LabelStudioFailed):
        server.start()

    names = {line.partition("=")[0] for line in server.log.read_text().splitlines()}
    assert not names & {"DEBUG", "LABEL_STUDIO_API_KEY", "USE_DEFAULT_BANNED_SUBNETS"}
    assert {"COLLECT_ANALYTICS", "SENTRY_DSN", "LATEST_VERSION_CHECK"} <= names


def test_the_template_is_built_once_and_holds_no_secret_key(tmp_path: Path) -> None:
    count = tmp_path / "count"
    migrate = (
        f'echo x >> "{count}"; sleep 0.3; echo SECRET_KEY=s > "$LABEL_STUDIO_BASE_DATA_DIR/.env"; '
        'echo schema > "$LABEL_STUDIO_BASE_DATA_DIR/label_studio.sqlite3"'
    )
    env = environment(tmp_path / "env", "exit 1", migrate)

    with ThreadPoolExecutor(4) as pool:
        built = set(pool.map(lambda _: migrated_template(env, tmp_path / "templates"), range(4)))

    assert built == {tmp_path / "templates" / "1.99.0"}
    assert count.read_text() == "x\n"
    assert [path.name for path in next(iter(built)).iterdir()] == ["label_studio.sqlite3"]


def test_migrations_that_fail_leave_no_template(tmp_path: Path) -> None:
    env = environment(tmp_path / "env", "exit 1", "echo no such table; exit 9")

    with pytest.raises(LabelStudioFailed, match=r"exit code 9\)(?s:.*)no such table"):
        migrated_template(env, tmp_path / "templates")
    assert [path.name for path in (tmp_path / "templates").iterdir()] == ["building.lock"]


@LABEL_STUDIO
def test_the_personal_token_is_given_once(label_studio: RunningLabelStudio) -> None:
    with pytest.raises(LabelStudioFailed, match="shown only once"):
        label_studio.server.create_personal_access_token()


@LABEL_STUDIO
def test_a_data_folder_keeps_its_account_and_tokens_over_a_restart(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    shutil.copytree(label_studio.server.data, tmp_path / "data")
    account = label_studio.server.account

    with (
        LabelStudioServer(tmp_path / "data", account) as server,
        LabelStudio(server.base_url, label_studio.personal_token) as api,
        LabelStudio(server.base_url, account.token) as legacy,
    ):
        assert api.whoami()["email"] == legacy.whoami()["email"] == account.user


@LABEL_STUDIO
def test_a_data_folder_is_closed_to_others(label_studio: RunningLabelStudio) -> None:
    assert label_studio.server.data.stat().st_mode & 0o077 == 0
