"""The backend as people run it: `twinread serve` in a process of its own, on a free port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

START_LIMIT_S = 240
INHERITED = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass
class RunningBackend:
    """A started backend, and what opens it."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    auth: tuple[str, str] | None = None
    quiet: bool = True
    """A traceback in its log is a failure."""

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, auth=self.auth, timeout=30, trust_env=False)

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.get("/status").json()
        return answer

    def metric(self, name: str) -> float:
        """The value of a series, such as `twinread_pages_total{outcome="done"}`; 0 where there is none."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def predict(
        self,
        tasks: Sequence[Mapping[str, Any]],
        config: str,
        drawn: Sequence[object] | None = None,
        project: int = 1,
    ) -> list[dict[str, Any]]:
        """What Label Studio would be answered."""
        answer = self.ask(tasks, config, drawn, project)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def ask(
        self,
        tasks: Sequence[Mapping[str, Any]],
        config: str,
        drawn: Sequence[object] | None = None,
        project: int = 1,
    ) -> httpx.Response:
        """The same, whatever the answer is."""
        body = {
            "tasks": list(tasks),
            "label_config": config,
            "project": f"{project}.1700000000",
            "params": {"login": None, "password": None, "context": drawn and {"result": drawn}},
        }
        return httpx.post(self.url + "/predict", json=body, auth=self.auth, timeout=120, trust_env=False)

    @property
    def log(self) -> str:
        return (self.folder / "backend.log").read_text("utf-8")

    def wait_until(self, so: Callable[[], bool], what: str, limit_s: float = 120) -> None:
        """Wait for something that the backend will have done."""
        end = time.monotonic() + limit_s
        while not so():
            assert time.monotonic() < end, f"still not so after {limit_s} s: {what}\n{self.log[-3000:]}"
            time.sleep(0.05)

    def wait_until_idle(self) -> None:
        self.wait_until(lambda: self.status()["pages_in_flight"] == 0, "no page is in flight")

    def kill(self) -> None:
        """kill -9, as the kernel does when memory runs out."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Stop as a supervisor does; a clean end is part of every test."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        assert code == 0, f"exit code {code}\n{self.log[-3000:]}"
        assert not (self.quiet and "Traceback" in self.log), self.log[-6000:]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def variables(folder: Path, settings: Mapping[str, object]) -> dict[str, str]:
    """The environment of a twinread process: these settings, packaged models, and nothing of this one's."""
    chosen = {"model_source": "packages", "cache_dir": folder / "cache", **settings}
    texts = {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in chosen.items()
    }
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | texts


@contextmanager
def backend_process(
    folder: Path,
    *,
    command: Sequence[str] = (),
    port: int = 0,
    until: Callable[[RunningBackend], bool] | None = None,
    **settings: object,
) -> Iterator[RunningBackend]:
    """Serve with these settings until the block ends.

    Args:
        folder: takes log, cache and store; a second process in the same folder goes on from there.
        command: what to run in place of `twinread serve`; `{port}` stands for the port.
        port: where to listen; 0 takes a free one.
        until: what to wait for, in place of models that are loaded.
        settings: by their lower-case names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    asked = command or (sys.executable, "-m", "backend", "serve", "--port", "{port}")
    with (folder / "backend.log").open("ab") as log:
        process = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in asked],
            cwd=folder,
            env=variables(folder, settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    user, password = settings.get("basic_auth_user"), settings.get("basic_auth_pass")
    auth = (str(user), str(password)) if user and password else None
    # another server than our own may log what it likes
    backend = RunningBackend(f"http://127.0.0.1:{port}", folder, process, auth, quiet=not command)
    so = until or ready
    try:
        backend.wait_until(lambda: so(backend), "the backend is ready", START_LIMIT_S)
        yield backend
        backend.stop()
    finally:
        if process.poll() is None:
            backend.kill()


def ready(backend: RunningBackend) -> bool:
    """Whether its models are loaded."""
    assert backend.process.poll() is None, backend.log
    try:
        answer = httpx.get(backend.url + "/health", timeout=2, trust_env=False)
    except httpx.TransportError:
        return False  # not listening yet
    assert answer.status_code == 200, answer.text
    return bool(answer.json().get("state", "ready") == "ready")
