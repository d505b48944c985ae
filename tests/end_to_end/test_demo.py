"""`make run`'s body: everything from nothing, again with the work kept, and no process left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from backend.demo.label_studio_installation import ROOT
from backend.label_studio.client import LabelStudio
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import regions
from tests.end_to_end.projects import texts_of
from tests.parts.backend_process import free_port, variables

pytestmark = pytest.mark.xdist_group("demo")  # it starts servers of its own, beside the shared ones

LAST_LINE = "Ctrl-C stops both"


def demo_process(state: Path, ports: tuple[int, int]) -> subprocess.Popen[str]:
    environment = variables(state.parent, {"label_studio_port": ports[0], "backend_port": ports[1]})
    return subprocess.Popen(
        [sys.executable, "-m", "backend.demo.run"],
        cwd=state.parent,  # not the checkout, whose .env it would read
        env={**environment, "PYTHONPATH": str(ROOT), "TWINREAD_STATE": str(state), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def processes_of(state: Path) -> list[str]:
    """The command lines of all processes that were given this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                given = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # ended meanwhile
            if str(state).encode() in given:
                found.append(command.replace(b"\0", b" ").decode())
    return found


@contextmanager
def running(state: Path, ports: tuple[int, int]) -> Iterator[str]:
    """The demo up and ready, with what it said; ended by Ctrl-C, which must leave nothing."""
    process = demo_process(state, ports)
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if LAST_LINE in line:
                break
        assert LAST_LINE in said, said
        assert len(processes_of(state)) >= 3
        yield said
        # as a terminal does: to the whole group
        os.killpg(process.pid, signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, rest
        assert "Stopped." in rest
        assert "Traceback" not in rest
        assert processes_of(state) == []
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


def test_the_demo_comes_up_from_nothing_keeps_the_work_and_leaves_no_process(tmp_path: Path) -> None:
    state = tmp_path / "state"
    ports = (free_port(), free_port())
    pages = json.loads((ROOT / "demo" / "languages.json").read_text("utf-8"))
    with running(state, ports) as said:
        assert "Label Studio is ready." in said
        assert f"http://127.0.0.1:{ports[0]}/projects/" in said
        assert "ERNIE_BASE_URL" in said
        assert "tesseract" in said
        account = json.loads((state / "account.json").read_text("utf-8"))
        assert account["password"] in said
        assert (state / "account.json").stat().st_mode & 0o077 == 0
        with LabelStudio(f"http://127.0.0.1:{ports[0]}", SecretStr(account["token"])) as api:
            (project,) = api.projects()
            tasks = list(api.tasks(project["id"]))
            assert len(tasks) == len(pages)
            assert {len(task["predictions"]) for task in tasks} == {1}
            assert all(regions(task["predictions"][0]["result"]) for task in tasks)
            (sign,) = [task for task in tasks if "syn_007" in task["data"]["image"]]
            (opened,) = [task for task in tasks if f"data?task={task['id']} " in said]
            assert opened["data"]["language"] == "ru"
            kept = [readings_in(line) for line in regions(opened["predictions"][0]["result"])]
            assert {line and len(line.readings) for line in kept} == {2}
            assert texts_of(sign["predictions"][0]) == ["АПТЕКА", "круглосуточно", "24 часа"]
            # pages stay pre-filled while the backend is down, because the project shows what is stored
            version = sign["predictions"][0]["model_version"]
            assert api.project(project["id"])["model_version"] == version
            api.create_annotation(sign["id"], sign["predictions"][0]["result"])

    # as a state has none that an earlier twinread made: the connection must get the new one
    (state / "backend.json").unlink()
    ports = (free_port(), free_port())
    with running(state, ports) as said:
        assert json.loads((state / "account.json").read_text("utf-8")) == account
        made = json.loads((state / "backend.json").read_text("utf-8"))
        sign_in = (made["basic_auth_user"], made["basic_auth_pass"])
        address = f"http://127.0.0.1:{ports[1]}/metrics"
        assert httpx.get(address, trust_env=False).status_code == 401
        metrics = httpx.get(address, auth=sign_in, trust_env=False).text
        assert 'twinread_pages_total{outcome="done"}' not in metrics, "a page was read again"
        with LabelStudio(f"http://127.0.0.1:{ports[0]}", SecretStr(account["token"])) as api:
            (again,) = api.projects()
            assert again["id"] == project["id"]
            kept = list(api.tasks(project["id"]))
            assert {len(task["predictions"]) for task in kept} == {1}
            (annotated,) = [task for task in kept if task["annotations"]]
            assert annotated["id"] == sign["id"]
            backend_url = f"http://127.0.0.1:{ports[1]}"
            assert [backend["url"] for backend in api.backends(project["id"])] == [backend_url]
            (hook,) = api.webhooks(project["id"])
            assert hook["url"] == f"{backend_url}/webhook"
            assert hook["headers"] == {"X-Twinread-Secret": made["webhook_secret"]}
            assert [backend["state"] for backend in api.backends(project["id"])] == ["CO"], "connected"


@pytest.mark.parametrize("taken", ["LABEL_STUDIO_PORT", "BACKEND_PORT"])
def test_a_taken_port_is_a_clear_message(tmp_path: Path, taken: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ports = (port, free_port()) if taken == "LABEL_STUDIO_PORT" else (free_port(), port)
        process = demo_process(tmp_path / "state", ports)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    words = " ".join(said.split())
    assert f"Port {port} is taken." in words
    assert f"make run {taken}=" in words
    assert "Traceback" not in said
    assert processes_of(tmp_path / "state") == []
