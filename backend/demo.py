"""`make run`: a real Label Studio with the demo pages, found and read, from nothing.

Label Studio and the backend run as two processes of this one; their state is kept in `.run/` (or the
folder that TWINREAD_STATE names), so that a second start takes seconds and loses nothing that a person did.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from rich.console import Console

from backend import settings as settings_module
from backend.errors import OperatorError, SettingsWrong, TwinreadError
from backend.label_studio_api import LabelStudioApi
from backend.label_studio_server import ROOT, Account, LabelStudioServer
from backend.project import Wanted, choose_predictions, retrieve, set_up

PAGES = ROOT / "demo"
TITLE = "twinread demo"
LOG = "backend.log"
START_LIMIT_S = 900
"""Seconds for the models to load; the first time PaddleOCR may have to download them."""

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Bring everything up, show where to look, and wait for Ctrl-C."""
    try:
        run()
    except KeyboardInterrupt:
        console.print("Stopped. `make run` goes on from here.")
    except TwinreadError as error:
        console.print(f"twinread: {error}", style="red", markup=False)
        return error.exit_code
    return 0


def run() -> None:
    """Start both servers, make the project once, retrieve predictions, print what to click.

    Raises:
        TwinreadError: a port is taken, a server does not come up, or Label Studio refuses.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        # SIGINT too: a shell starts background jobs with it ignored, and they could not be stopped in order
        signal.signal(number, signal.default_int_handler)
    label_studio_port = _port("LABEL_STUDIO_PORT", 8080)
    backend_port = _port("BACKEND_PORT", 9090)
    state = Path(os.environ.get("TWINREAD_STATE") or ROOT / ".run").resolve()
    state.mkdir(parents=True, exist_ok=True)
    account = _account(state / "account.json")
    server = LabelStudioServer(state / "label-studio", account, port=label_studio_port)
    console.print("Starting Label Studio and the backend (the first time takes a minute or two) ...")
    with server, _backend(server.base_url, account, backend_port, state) as backend:
        with LabelStudioApi(server.base_url, account.token) as api:
            backend_url = f"http://127.0.0.1:{backend_port}"
            _wait_until_ready(backend_url, backend, state / LOG)
            project = _project(api, backend_url)
            status = httpx.get(f"{backend_url}/status", timeout=10).json()
            _say(server.base_url, account, project, status, state)
        _stay(backend, state / LOG)


def _port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SettingsWrong(f"{name} must be a port between 1 and 65535, not '{text}'.")
    port = int(text)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsWrong(
                f"Port {port} is taken. Stop what uses it, or choose another: make run {name}={port + 1}"
            ) from error
    return port


def _account(path: Path) -> Account:
    """The demo's own account, made once; there is no password that works everywhere."""
    if not path.exists():
        made = {
            "user": "demo@twinread.example",
            "password": secrets.token_urlsafe(9),
            "token": secrets.token_hex(20),
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(made), "utf-8")
    kept = json.loads(path.read_text("utf-8"))
    return Account(kept["user"], SecretStr(kept["password"]), SecretStr(kept["token"]))


@contextmanager
def _backend(
    label_studio_url: str, account: Account, port: int, state: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """`twinread serve` as a process of its own, with the settings of the environment and .env."""
    variables = {
        "OCR_LANGUAGE": "ru",
        "STORE_URL": f"sqlite:///{state / 'readings.sqlite3'}",
        **os.environ,
        "LABEL_STUDIO_URL": label_studio_url,
        "LABEL_STUDIO_API_KEY": account.token.get_secret_value(),
    }
    log = (state / LOG).open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "serve", "--port", str(port)],
        env=variables,
        cwd=ROOT,
        stdout=log,
        stderr=log,
        # Ctrl-C reaches this process alone; it stops the other two in order
        start_new_session=True,
    )
    try:
        yield process
    finally:
        log.close()
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(backend_url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_LIMIT_S
    reason = "it does not answer"
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            answer = httpx.get(f"{backend_url}/health", timeout=2).json()
        except httpx.HTTPError:
            time.sleep(0.3)
            continue
        if answer.get("state") == "ready":
            return
        reason = str(answer.get("reason") or answer.get("error"))
        if "error" in answer:
            break
        time.sleep(0.5)
    last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
    raise OperatorError(
        f"The backend did not come up: {reason} Its log is {log}; last line: {' '.join(last)}"
    )


def _project(api: LabelStudioApi, backend_url: str) -> int:
    """The demo project, with its pages imported and predictions retrieved for those that lack them."""
    done = set_up(api, Wanted(TITLE, backend_url), settings_module.load())
    tasks = list(api.tasks(done.project, fields="task_only"))
    if not tasks:
        languages: Mapping[str, str] = json.loads((PAGES / "languages.json").read_text("utf-8"))
        uploads = api.upload_files(done.project, [PAGES / name for name in sorted(languages)])
        api.import_tasks(
            done.project,
            [{"image": upload.address, "language": languages[upload.path.name]} for upload in uploads],
        )
    for left in retrieve(api, done.project):
        if left:
            console.print(f"Reading {left} pages ...")
    choose_predictions(api, done.project)
    return done.project


def _say(url: str, account: Account, project: int, status: Mapping[str, Any], state: Path) -> None:
    console.print()
    console.print("[bold]Label Studio is ready.[/bold]")
    console.print(f"  open      {url}/projects/{project}/data")
    console.print(f"  login     {account.user}", markup=False)
    console.print(f"  password  {account.password.get_secret_value()}", markup=False)
    console.print("  click     'Label All Tasks': green lines were read alike twice, orange ones are yours")
    console.print(f"  readers   {status['readers']}", markup=False)
    for language, cure in status["unread_languages"].items():
        console.print(
            f"  unread    pages in '{language}': boxes without text. To read them: {cure}", markup=False
        )
    for task, reason in status["failed_tasks"].items():
        console.print(f"  failed    {task}: {reason}", style="red", markup=False)
    console.print("  ERNIE     set ERNIE_BASE_URL and ERNIE_MODEL (in .env) to let ERNIE 4.5 VL read instead")
    console.print(f"Ctrl-C stops both; your work is kept in {state}.", markup=False)


def _stay(backend: subprocess.Popen[bytes], log: Path) -> None:
    code = backend.wait()
    raise OperatorError(f"The backend stopped (exit code {code}); its log is {log}.")


if __name__ == "__main__":
    sys.exit(main())
