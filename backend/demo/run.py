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
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import httpx
from pydantic import SecretStr
from rich.console import Console

from backend.bulk.tasks import count_lacking
from backend.demo.label_studio_installation import ROOT
from backend.demo.label_studio_server import LabelStudioServer, Login
from backend.demo.reading import read_pages
from backend.errors import ModelMissing, OperatorError, SettingsWrong, TwinreadError
from backend.label_studio.client import LabelStudio
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import regions
from backend.models.locate import dictionary, find_model
from backend.outputs import printable, printable_lines
from backend.private_files import private_folder
from backend.projects.backend_connection import backend_status, sign_in_fields
from backend.projects.set_up import ProjectSpec, set_up
from backend.readers import tesseract
from backend.settings import settings
from backend.text import languages

PAGES = ROOT / "demo"
TITLE = "twinread demo"
LANGUAGE = "ru"
"""Of most pages, and of the one that the demo opens with."""
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
        console.print(f"twinread: {printable_lines(str(error))}", style="red", markup=False)
        return error.exit_code
    return 0


def run() -> None:
    """Start both servers, make the project once, let its pages be read, print what to click.

    Raises:
        TwinreadError: a port is taken, a server does not come up, or Label Studio refuses.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        # SIGINT too: a shell starts background jobs with it ignored, and they could not be stopped in order
        signal.signal(number, signal.default_int_handler)
    label_studio_port = _port("LABEL_STUDIO_PORT", 8080)
    backend_port = _port("BACKEND_PORT", 9090)
    state = Path(os.environ.get("TWINREAD_STATE") or ROOT / ".run").resolve()
    private_folder(state, "account.json")
    account = demo_account(state / "account.json")
    values = demo_settings(state)
    for line in left_unread(values, demo_pages().values()):
        console.print(line, style="yellow", markup=False)
    server = LabelStudioServer(state / "label-studio", account, port=label_studio_port)
    console.print("Starting Label Studio and the backend (the first time takes a minute or two) ...")
    variables = backend_variables(values, server.base_url, account, state)
    with server, _backend(variables, backend_port, state / LOG) as backend:
        with LabelStudio(server.base_url, account.token) as api:
            backend_url = f"http://127.0.0.1:{backend_port}"
            wait_until_ready(backend_url, backend, state / LOG)
            project = _project(api, backend_url, values)
            status = backend_status(backend_url, values.basic_auth)
            if count_lacking(api, project, str(status["model_version"])):
                console.print("Reading the pages ...")
                read_pages(project, variables)
            page = page_to_open(api.tasks(project))
            _say(server.base_url, account, (project, page), status, state)
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


def demo_pages() -> dict[str, str]:
    """The language of each page by its file's name, in the order of the project: Russian ones first."""
    named: dict[str, str] = json.loads((PAGES / "languages.json").read_text("utf-8"))
    return dict(sorted(named.items(), key=lambda page: page[1] != LANGUAGE))


def left_unread(values: settings.Settings, pages: Iterable[str]) -> list[str]:
    """Say which pages nothing on this machine reads, and what to install; nothing where all are read.

    Where the settings name who reads, or a model, those are asked, and the backend says who cannot.

    Args:
        values: the settings of the demo.
        pages: the language of each page.
    """
    if values.readers or values.ernie_base_url or values.recognition_model or values.recognition_model_dir:
        return []
    installed = tesseract.installed_languages(values.tessdata_dir)
    letters = _letters_of_packaged_models(values)
    unread = [
        (language, count)
        for language, count in Counter(pages).items()
        if languages.tesseract_code(language) not in installed
        and languages.missing_letters(language, letters)
    ]
    if not unread:
        return []
    named = ", ".join(f"{languages.english_name(language)} ({count})" for language, count in unread)
    packages = [languages.tesseract_package(language) for language, _ in unread]
    return [
        f"Pages that will have boxes without text, unless PaddleOCR can download its models: {named}.",
        f"To have them read, stop this and run: sudo apt-get install -y {' '.join(filter(None, packages))}",
    ]


def _letters_of_packaged_models(values: settings.Settings) -> list[str]:
    """What can be read without a model hub, which is not asked here: that may take minutes."""
    try:
        model = find_model("PP-OCRv5_mobile_rec", source="packages", cache_dir=values.cache_dir / "models")
    except ModelMissing:
        return []
    return dictionary(model)


def page_to_open(tasks: Iterable[Mapping[str, Any]]) -> int | None:
    """The first page whose every line was read twice, of the demo's language before others; None for none."""
    twice = [task for task in tasks if _read_twice(task)]
    twice.sort(key=lambda task: task["data"].get("language") != LANGUAGE)
    return int(twice[0]["id"]) if twice else None


def _read_twice(task: Mapping[str, Any]) -> bool:
    lines = [line for made in task["predictions"] for line in regions(made["result"])]
    kept = [readings_in(line) for line in lines]
    return bool(kept) and all(
        said is not None and sum(not reading.failed for reading in said.readings) > 1 for said in kept
    )


def demo_account(path: Path) -> Login:
    """The demo's own account, made once; there is no password that works everywhere."""
    made = {
        "user": "demo@twinread.example",
        "password": secrets.token_urlsafe(9),
        "token": secrets.token_hex(20),
    }
    kept = _made_once(path, made)
    return Login(kept["user"], SecretStr(kept["password"]), SecretStr(kept["token"]))


def _made_once(path: Path, made: Mapping[str, str]) -> dict[str, str]:
    """What a file holds that only its owner may read; what is made now where there is none yet."""
    if not path.is_file():
        # whole or not at all: Label Studio keeps the account that it was made with
        with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}-", delete=False) as part:
            json.dump(made, part)
        Path(part.name).replace(path)
    kept: dict[str, str] = json.loads(path.read_text("utf-8"))
    return kept


def demo_settings(state: Path) -> settings.Settings:
    """The settings, with a password of the demo's own for its backend where they set none.

    Without one, every program and web page on this machine could have pages read. It is made once, and kept
    beside the account.

    Args:
        state: the demo's folder.
    """
    values = settings.load()
    made = {"basic_auth_user": "label-studio", "basic_auth_pass": secrets.token_urlsafe(18)}
    kept = _made_once(state / "backend.json", {**made, "webhook_secret": secrets.token_urlsafe(18)})
    if values.basic_auth is not None:
        kept = {name: value for name, value in kept.items() if name not in made}
    return settings.load(**{name: value for name, value in kept.items() if getattr(values, name) is None})


def backend_variables(
    values: settings.Settings, label_studio_url: str, account: Login, state: Path
) -> dict[str, str]:
    """The environment of the demo's backend.

    Where to find Label Studio is the demo's to say; what else the environment or .env does not set gets a
    value that fits the demo.
    """
    fitting = {"ocr_language": "ru", "store_url": f"sqlite:///{state / 'readings.sqlite3'}"}
    lacking = {name.upper(): value for name, value in fitting.items() if name not in values.model_fields_set}
    opens: dict[str, str] = {}
    if values.basic_auth is not None:
        user, password = values.basic_auth
        opens |= {"BASIC_AUTH_USER": user, "BASIC_AUTH_PASS": password.get_secret_value()}
    if values.webhook_secret is not None:
        opens["WEBHOOK_SECRET"] = values.webhook_secret.get_secret_value()
    return {
        **os.environ,
        **lacking,
        **opens,
        "LABEL_STUDIO_URL": label_studio_url,
        "LABEL_STUDIO_API_KEY": account.token.get_secret_value(),
    }


@contextmanager
def _backend(variables: Mapping[str, str], port: int, log_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`twinread serve` as a process of its own."""
    log = log_file.open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "serve", "--port", str(port)],
        env=variables,
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


def wait_until_ready(backend_url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the backend's models.

    Raises:
        OperatorError: it ended, failed, or took too long; the message ends with its log's last line.
    """
    end = time.monotonic() + START_LIMIT_S
    reason = "it does not answer"
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            answer = httpx.get(f"{backend_url}/health", timeout=2, trust_env=False).json()
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


def _project(api: LabelStudio, backend_url: str, values: settings.Settings) -> int:
    """The demo project, with its pages imported."""
    for project in api.projects():
        if project["title"] == TITLE:
            _move_backend(api, int(project["id"]), backend_url, values)
    done = set_up(api, ProjectSpec(TITLE, backend_url), values)
    tasks = list(api.tasks(done.project, fields="task_only"))
    if not tasks:
        pages = demo_pages()
        uploads = api.upload_files(done.project, [PAGES / name for name in pages])
        api.import_tasks(
            done.project,
            [{"image": upload.address, "language": pages[upload.path.name]} for upload in uploads],
        )
    return done.project


def _move_backend(api: LabelStudio, project: int, url: str, values: settings.Settings) -> None:
    """Let the demo's project ask the backend where it is now; the last run may have had another port.

    Label Studio tries what it is given, so the password, which may be new, goes with the address.
    """
    before = [backend for backend in api.backends(project) if backend["url"] != url]
    for backend in before:
        body = {"project": project, "url": url, **sign_in_fields(values.basic_auth)}
        api.call("PATCH", f"/api/ml/{backend['id']}", "move the backend's connection", body=body)
    for webhook in api.webhooks(project):
        if webhook["url"] in {f"{backend['url']}/webhook" for backend in before}:
            api.update_webhook(webhook["id"], url=f"{url}/webhook")


def _say(
    url: str, account: Login, opened: tuple[int, int | None], status: Mapping[str, Any], state: Path
) -> None:
    project, page = opened
    console.print()
    console.print("[bold]Label Studio is ready.[/bold]")
    if page is not None:
        console.print(f"  open      {url}/projects/{project}/data?task={page}  (a page that was read twice)")
    console.print(f"  all pages {url}/projects/{project}/data")
    console.print(f"  login     {account.user}", markup=False)
    console.print(f"  password  {account.password.get_secret_value()}", markup=False)
    console.print("  click     'Label All Tasks': green lines were read alike twice, orange ones are yours")
    console.print(printable(f"  readers   {status['readers']}"), markup=False)
    for language, cure in status["unread_languages"].items():
        unread = f"pages in '{language}': boxes without text. To read them: {cure}"
        console.print(printable(f"  unread    {unread}"), markup=False)
    for task, reason in status["failed_tasks"].items():
        console.print(printable(f"  failed    {task}: {reason}"), style="red", markup=False)
    for task, note in status["noted_tasks"].items():
        console.print(printable(f"  note      {task}: {note}"), markup=False)
    if status["misreading"]:
        console.print(printable(f"  warning   {status['misreading']}"), style="yellow", markup=False)
    console.print("  train     `make practice` in another terminal adds a reviewed project, to train on it")
    console.print("  ERNIE     set ERNIE_BASE_URL and ERNIE_MODEL (in .env) to let ERNIE 4.5 VL read instead")
    console.print(f"Ctrl-C stops both; your work is kept in {state}.", markup=False)


def _stay(backend: subprocess.Popen[bytes], log: Path) -> None:
    code = backend.wait()
    raise OperatorError(f"The backend stopped (exit code {code}); its log is {log}.")


if __name__ == "__main__":
    sys.exit(main())
