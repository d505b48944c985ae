"""One table of settings: in the code, the README, `.env.example` and the compose file alike."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.errors import SettingsWrong
from backend.settings import settings, tables

ROOT = Path(__file__).resolve().parents[2]


def between(text: str, name: str) -> str:
    return text.split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0]


def test_the_readme_holds_the_table_of_the_code() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert between(readme, "settings") == tables.markdown_table(), "run: make docs"


def test_env_example_names_every_setting_and_sets_none() -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    assert example == tables.env_example(), "run: make docs"
    assert [line for line in example.splitlines() if line and not line.startswith("#")] == []


@pytest.fixture
def clean_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        pytest.param({"READERS": "paddle"}, "at least two", id="one reader alone"),
        pytest.param({"READERS": "paddle,Paddle,paddle"}, "two ways at most", id="a reader confirms itself"),
        pytest.param(
            {"READERS": "ernie,ernie", "READING_POLICY": "second-when-needed"},
            "READING_POLICY=second-when-needed saves readings of a third reader",
            id="nobody to be asked when needed",
        ),
        pytest.param({"ERNIE_MODEL": "x"}, "together", id="half an ERNIE server"),
        pytest.param({"ERNIE_INPUT_PRICE": "1"}, "ERNIE_OUTPUT_PRICE together", id="half a price"),
        pytest.param({"ERNIE_CACHED_INPUT_PRICE": "1"}, "needs ERNIE_INPUT_PRICE", id="a price of what"),
        pytest.param({"ERNIE_INPUT_PRICE": "nan", "ERNIE_OUTPUT_PRICE": "1"}, "finite", id="no number"),
        pytest.param({"CURRENCY": "[red]"}, "CURRENCY", id="a currency that is markup"),
        pytest.param({"BASIC_AUTH_USER": "x"}, "BASIC_AUTH_PASS", id="user without password"),
        pytest.param(
            {"BASIC_AUTH_USER": "ls", "BASIC_AUTH_PASS": "пароль"},
            "BASIC_AUTH_PASS may hold ASCII",
            id="a password that Label Studio cannot send",
        ),
        pytest.param(
            {"BASIC_AUTH_USER": "a:b", "BASIC_AUTH_PASS": "x"},
            "no colon",
            id="a user that would end too early",
        ),
        pytest.param(
            {"WEBHOOK_SECRET": "секрет"}, "WEBHOOK_SECRET may hold ASCII", id="no header can hold it"
        ),
        pytest.param({"PREDICT_DEADLINE_S": "0"}, "PREDICT_DEADLINE_S", id="no time at all"),
        pytest.param({"MAX_IMAGE_BYTES": "ten"}, "MAX_IMAGE_BYTES", id="a word for a number"),
        pytest.param({"DETECTION_INPUT_SHAPE": "3,640"}, "DETECTION_INPUT_SHAPE", id="two of three sides"),
        pytest.param({"LABEL_STUDIO_URL": "localhost"}, "LABEL_STUDIO_URL", id="no scheme"),
        pytest.param({"LABEL_CHECK": "Text"}, "must all differ", id="doubtful lines look ready"),
    ],
)
def test_a_setting_that_cannot_work_is_named(
    clean_folder: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsWrong, match=sentence):
        settings.load()


def test_a_secret_is_in_no_message(clean_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASIC_AUTH_PASS", "hunter2")
    monkeypatch.setenv("ERNIE_API_KEY", "sk-hunter2")
    with pytest.raises(SettingsWrong) as caught:
        settings.load()
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("BASIC_AUTH_USER", "ls")
    assert "hunter2" not in repr(settings.load())


def test_an_address_with_a_password_is_not_in_what_a_log_would_show(clean_folder: Path) -> None:
    values = settings.load(
        store_url="postgresql://twinread:hunter2@db/twinread",
        ernie_base_url="http://me:hunter2@gateway/v1",
        ernie_model="ernie",
    )
    assert "hunter2" not in repr(values)


def test_a_folder_at_home_may_be_written_with_a_tilde(clean_folder: Path) -> None:
    (clean_folder / ".env").write_text("CACHE_DIR=~/twinread\nTESSDATA_DIR=~/tess\n", "utf-8")
    values = settings.load()
    assert values.cache_dir == Path.home() / "twinread"
    assert values.tessdata_dir == Path.home() / "tess"
    assert values.detection_model_dir is None


def test_the_environment_wins_over_the_file_and_empty_means_unset(
    clean_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clean_folder / ".env").write_text(
        "OCR_LANGUAGE=uk\nREADERS=paddle, Tesseract\nDETECTION_THRESH=0\n", "utf-8"
    )
    monkeypatch.setenv("OCR_LANGUAGE", "ru")
    monkeypatch.setenv("ERNIE_MODEL", "")
    read = settings.load()
    assert (read.ocr_language, read.readers, read.ernie_model) == ("ru", ("paddle", "tesseract"), None)
    assert read.detection_thresh == 0


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    script = (
        "import sys\nfrom backend.commands.cli import main\nsys.argv = ['twinread', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'cv2', 'paddle', 'paddleocr', 'flask', 'openai', 'sqlalchemy', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "setup-project" in done.stdout


def test_neither_a_dotenv_in_the_checkout_nor_an_exported_setting_reaches_a_test(tmp_path: Path) -> None:
    """This test file and its fixtures, run as `make test` does, in a checkout that has both."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import no_settings_of_ones_own", "utf-8")
    (tmp_path / "test_it.py").write_text(
        "from backend.settings import settings\n"
        "def test_it(): assert settings.load().ocr_language == 'en' and not settings.load().readers\n",
        "utf-8",
    )
    (tmp_path / ".env").write_text("OCR_LANGUAGE=zh\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "READERS": "ernie,paddle"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
