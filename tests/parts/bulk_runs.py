"""`twinread preannotate` as people run it, in a process of its own beside a real Label Studio."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from backend.demo.label_studio_server import LabelStudioServer, Login
from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from tests.parts.backend_process import variables


@dataclass(frozen=True)
class Studio:
    """A started Label Studio, a key to it, and a client."""

    address: str
    key: SecretStr
    api: LabelStudio

    @property
    def settings(self) -> dict[str, object]:
        """What a twinread needs to reach it."""
        return {"label_studio_url": self.address, "label_studio_api_key": self.key}

    def project(self, references: Sequence[str], title: str = "bulk", at_once: int = 1000) -> int:
        """A project whose tasks show these images; gives its number."""
        project = int(self.api.create_project(title=title, label_config=default_config())["id"])
        for start in range(0, len(references), at_once):
            some = references[start : start + at_once]
            self.api.import_tasks(project, [{"data": {"image": image}} for image in some])
        return project


@contextmanager
def studio(folder: Path) -> Iterator[Studio]:
    """A Label Studio with a database of its own while the block runs."""
    account = Login(
        "lead@example.org", SecretStr(secrets.token_urlsafe(16)), SecretStr(secrets.token_hex(20))
    )
    server = LabelStudioServer(folder / "label-studio", account, private_backends=True)
    with server:
        key = server.create_personal_access_token()
        with LabelStudio(server.base_url, key) as api:
            yield Studio(server.base_url, key, api)


@dataclass
class BulkRun:
    """A command that runs; its output is in `log`."""

    process: subprocess.Popen[bytes]
    log: Path
    began: float
    ended: float = 0.0
    most_kb: int = 0

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.began

    @property
    def text(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def wait(self, limit_s: float = 3600, meanwhile: Callable[[], object] = lambda: None) -> int:
        """Wait for its end, and watch its memory; gives the exit code."""
        end = time.monotonic() + limit_s
        while self.process.poll() is None:
            assert time.monotonic() < end, f"not done after {limit_s} s\n{self.text[-3000:]}"
            self.most_kb = max(self.most_kb, high_water_kb(self.process.pid))
            meanwhile()
            time.sleep(0.05)
        self.ended = time.monotonic()
        return int(self.process.returncode)

    def kill(self) -> None:
        """kill -9, with whatever it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.ended = time.monotonic()


def high_water_kb(process: int) -> int:
    """The most resident memory that a process has had (VmHWM); 0 once it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    return 0


@contextmanager
def preannotate(folder: Path, *arguments: object, settings: Mapping[str, object]) -> Iterator[BulkRun]:
    """Run the command; it is not left behind.

    Args:
        folder: takes log, cache and store; a second run in the same folder goes on from there.
        arguments: of `twinread preannotate`.
        settings: by their lower-case names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "preannotate.log"
    command = [sys.executable, "-m", "backend", "preannotate", *map(str, arguments)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables(folder, settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    run = BulkRun(process, log, time.monotonic())
    try:
        yield run
    finally:
        run.kill()


def summary_of(folder: Path, name: str = "summary.json") -> dict[str, Any]:
    """What `--summary-json` wrote."""
    summary: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    return summary
