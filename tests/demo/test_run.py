"""What `make run` does before anything is started; `end_to_end/test_demo.py` starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from backend.demo.label_studio_server import Login
from backend.demo.run import (
    backend_variables,
    demo_account,
    demo_pages,
    demo_settings,
    left_unread,
    page_to_open,
    wait_until_ready,
)
from backend.projects.backend_connection import backend_status
from backend.settings import settings
from tests.parts.http_script import says, serving
from tests.parts.reviewed_work import Work, prediction

ACCOUNT = Login("demo@twinread.example", SecretStr("password"), SecretStr("0" * 40))


@pytest.fixture
def clean_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_account_is_made_once_for_its_owner_alone_and_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    made = demo_account(path)
    assert demo_account(path) == made
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in tmp_path.iterdir()] == ["account.json"]
    path.unlink()
    (tmp_path / "account.json-cut").write_text("", "utf-8")  # as a kill leaves it
    assert demo_account(path) != made
    assert json.loads(path.read_text("utf-8"))["user"] == made.user


@pytest.mark.parametrize(
    ("file", "language"),
    [pytest.param("", "ru", id="nothing set"), pytest.param("OCR_LANGUAGE=uk\n", "uk", id="set in .env")],
)
def test_the_demo_sets_only_what_nobody_set(clean_folder: Path, file: str, language: str) -> None:
    (clean_folder / ".env").write_text(file + "LABEL_STUDIO_API_KEY=of-the-containers\n", "utf-8")
    variables = backend_variables(settings.load(), "http://127.0.0.1:8080", ACCOUNT, clean_folder)
    given = {"ocr_language": variables["OCR_LANGUAGE"]} if "OCR_LANGUAGE" in variables else {}
    assert settings.load(**given).ocr_language == language
    assert variables["LABEL_STUDIO_API_KEY"] == "0" * 40


def test_the_demos_backend_has_a_password_of_its_own_that_only_its_owner_can_read(clean_folder: Path) -> None:
    values = demo_settings(clean_folder)
    assert demo_settings(clean_folder) == values
    assert (clean_folder / "backend.json").stat().st_mode & 0o077 == 0
    variables = backend_variables(values, "http://127.0.0.1:8080", ACCOUNT, clean_folder)
    given = [variables[name] for name in ("BASIC_AUTH_USER", "BASIC_AUTH_PASS", "WEBHOOK_SECRET")]
    assert given[0] == "label-studio"
    assert len({*given, "password"}) == 4
    assert min(map(len, given[1:])) == 24


def test_a_password_of_the_settings_is_the_demos_too(clean_folder: Path) -> None:
    (clean_folder / ".env").write_text("BASIC_AUTH_USER=ls\nBASIC_AUTH_PASS=hunter2\n", "utf-8")
    values = demo_settings(clean_folder)
    assert values.basic_auth == ("ls", SecretStr("hunter2"))
    assert values.webhook_secret is not None


def test_a_backend_that_wants_a_sign_in_is_asked_with_it_and_never_through_a_proxy(
    clean_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    values = settings.load(basic_auth_user="ls", basic_auth_pass="hunter2")
    with (
        serving() as server,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process,
    ):
        server.scripts["/health"] = says(b'{"state": "ready"}')
        server.scripts["/status"] = says(b'{"readers": "two"}')
        wait_until_ready(server.url, process, clean_folder / "backend.log")
        assert backend_status(server.url, values.basic_auth) == {"readers": "two"}
        assert server.requests[-1].headers["Authorization"].startswith("Basic ")
        process.kill()


def test_the_first_page_of_the_project_is_a_russian_one() -> None:
    pages = list(demo_pages().values())
    assert pages == sorted(pages, key=lambda language: language != "ru")
    assert pages.count("ru") == 9


@pytest.mark.parametrize(
    ("data", "values", "words"),
    [
        pytest.param(
            [], {}, [": Russian (9), Ukrainian (1), Greek (1).", "-rus tesseract-ocr-ukr tesseract-ocr-ell"],
            id="a packaged model reads English",
        ),
        pytest.param(["rus", "ukr"], {}, [": Greek (1).", "apt-get install -y tesseract-ocr-ell"], id="one"),
        pytest.param(["rus", "ukr", "ell"], {}, [], id="all are read"),
        pytest.param([], {"readers": "tesseract,paddle"}, [], id="readers are named"),
        pytest.param(
            [], {"ernie_base_url": "http://127.0.0.1:9/v1", "ernie_model": "ernie"}, [], id="ERNIE reads all"
        ),
    ],
)  # fmt: skip
def test_pages_that_nobody_will_read_are_named_with_what_to_install(
    clean_folder: Path, data: list[str], values: dict[str, Any], words: list[str]
) -> None:
    for language in data:
        (clean_folder / f"{language}.traineddata").touch()
    chosen = settings.load(tessdata_dir=clean_folder, cache_dir=clean_folder, **values)
    said = left_unread(chosen, demo_pages().values())
    assert len(said) == len(words)
    assert all(word in line for word, line in zip(words, said, strict=True))


def page(number: int, language: str, *lines: Work) -> dict[str, Any]:
    predicted = [prediction(lines, (1000, 1400), language=language)] if lines else []
    return {"id": number, "data": {"language": language}, "predictions": predicted}


AGREED, DISPUTED = Work(("Чай", "Чай")), Work(("Чай", "Час"))
ONE_FAILED, UNREAD = Work(("Чай", None)), Work(())


@pytest.mark.parametrize(
    ("pages", "number"),
    [
        pytest.param([page(1, "en", AGREED), page(2, "ru", AGREED, DISPUTED)], 2, id="Russian before others"),
        pytest.param([page(1, "ru", UNREAD), page(2, "ru", AGREED)], 2, id="an unread one is none"),
        pytest.param([page(1, "ru", AGREED, ONE_FAILED), page(2, "ru", AGREED)], 2, id="nor one read half"),
        pytest.param([page(1, "ru", UNREAD), page(2, "en", AGREED)], 2, id="another language where none is"),
        pytest.param([page(1, "ru"), page(2, "en", UNREAD)], None, id="nothing was read"),
    ],
)
def test_the_page_to_open_is_russian_and_read_twice(pages: list[dict[str, Any]], number: int | None) -> None:
    assert page_to_open(pages) == number
