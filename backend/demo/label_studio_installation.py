"""Finds the Label Studio that is installed beside twinread, and prepares data folders for it.

Label Studio has its own Python environment, because its pinned dependencies conflict with ours; it is never
imported. The migrations of a fresh database take almost a minute, so a migrated data folder is built once
per version and then copied.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from backend.errors import LabelStudioFailed, SettingsWrong

ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = ROOT / ".venv-label-studio"
TEMPLATES = ROOT / ".cache" / "label-studio"
DATABASE = "label_studio.sqlite3"
MAX_LOG_LINES = 15

# Label Studio reads unprefixed names such as HOST, PORT, DEBUG or PASSWORD as its own settings, so it
# inherits only these.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")

NO_TELEMETRY = {
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "FEATURE_FLAGS_OFFLINE": "true",
}


def installed_version(environment: Path = ENVIRONMENT) -> str:
    """The version of the Label Studio in an environment, read without running it.

    Raises:
        SettingsWrong: it is not installed there.
    """
    found = sorted(environment.glob("lib/python*/site-packages/label_studio-*.dist-info"))
    if not found or not (environment / "bin" / "label-studio").is_file():
        raise SettingsWrong(
            f"Label Studio is not installed in the environment {environment.name}. Run `make setup`.",
            environment=environment.name,
        )
    return found[-1].name.removeprefix("label_studio-").removesuffix(".dist-info")


def migrated_template(environment: Path = ENVIRONMENT, templates: Path = TEMPLATES) -> Path:
    """A data folder with an empty, migrated database for the installed version; built when missing.

    Safe between processes: one builds, the others wait for it, and a folder appears only when it is whole.

    Args:
        environment: the Python environment that Label Studio is installed in.
        templates: holds one template per version.

    Raises:
        SettingsWrong: Label Studio is not installed there.
        LabelStudioFailed: the migrations failed; the message ends with the last lines they printed.
    """
    template = templates / installed_version(environment)
    if template.is_dir():
        return template
    templates.mkdir(parents=True, exist_ok=True)
    with FileLock(templates / "building.lock"):
        if template.is_dir():
            return template
        with tempfile.TemporaryDirectory(dir=templates, prefix="building-") as folder:
            data = Path(folder) / "data"
            data.mkdir()
            variables = bare_variables() | {
                "LABEL_STUDIO_BASE_DATA_DIR": str(data),
                "XDG_CONFIG_HOME": str(Path(folder) / "config"),
            }
            run = subprocess.run(
                [str(environment / "bin" / "label-studio"), "version"],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if run.returncode or not (data / DATABASE).is_file():
                raise LabelStudioFailed(
                    f"Label Studio could not prepare its database (exit code {run.returncode}). "
                    f"The last lines it printed:\n{last_lines(run.stdout)}",
                    exit_code=run.returncode,
                )
            # .env holds the key that signs sessions and tokens; without it every copy makes its own
            (data / ".env").unlink(missing_ok=True)
            data.rename(template)
    return template


def copy_template(template: Path, data: Path) -> None:
    """Copy a template; the database comes last and whole, because its presence means "done".

    Args:
        template: as `migrated_template` returns it.
        data: the new data folder; made where it is missing.
    """
    shutil.copytree(template, data, ignore=shutil.ignore_patterns(DATABASE), dirs_exist_ok=True)
    data.chmod(0o700)
    partial = data / f"{DATABASE}.part"
    shutil.copyfile(template / DATABASE, partial)
    partial.replace(data / DATABASE)


def bare_variables() -> dict[str, str]:
    """The environment variables of every Label Studio process: those that it inherits, and no telemetry."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | NO_TELEMETRY


def last_lines(printed: str, secrets: Sequence[str] = ()) -> str:
    """The last lines of an output, indented for a message.

    Args:
        printed: the whole output.
        secrets: texts to replace by ***.
    """
    for secret in secrets:
        printed = printed.replace(secret, "***")
    return "\n".join(f"    {line}" for line in printed.splitlines()[-MAX_LOG_LINES:])
