"""A real Ray cluster on this machine: each node is a session of its own, on a loopback address."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STORE_BYTES = 200_000_000
START_LIMIT_S = 120


@dataclass
class RayCluster:
    """A cluster whose head is the first node.

    address: of the head, for `ray.init` and `--address`.
    folder: of its sessions, with all logs.
    """

    address: str
    folder: Path
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def add(self, ip: str, cpus: int, *, head: bool = False) -> None:
        """Start a node on a loopback address, and wait until it says that it runs."""
        where = ["--head", "--port", "0"] if head else ["--address", self.address]
        if head:
            where += ["--include-dashboard=false", "--temp-dir", str(self.folder)]
        log = self.folder / f"node-{ip}.log"
        environment = {
            **os.environ,
            "RAY_USAGE_STATS_ENABLED": "0",
            "PYTHONPATH": str(ROOT),
            "RAY_AUTH_MODE": "disabled",
            "OMP_NUM_THREADS": "1",
            # what Ray tells other programs stands in its logs, too
            "RAY_enable_export_api_write": "1",
            # a node that is killed is noticed in seconds; by default in fifteen
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_timeout_ms": "2000",
            "RAY_health_check_failure_threshold": "3",
        }
        with log.open("wb") as output:
            self.nodes[ip] = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", "start", *where, "--node-ip-address", ip,
                 "--num-cpus", str(cpus), "--object-store-memory", str(STORE_BYTES), "--block"],
                stdout=output, stderr=output, env=environment, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + START_LIMIT_S
        while "Ray runtime started" not in log.read_text("utf-8"):
            assert self.nodes[ip].poll() is None and time.monotonic() < end, log.read_text("utf-8")
            time.sleep(0.1)
        if head:
            [self.address] = re.findall(r"ray start --address='(.*)'", log.read_text("utf-8"))

    def kill(self, ip: str) -> None:
        """End a node and all that runs on it, at once."""
        node = self.nodes.pop(ip)
        # its workers have process groups of their own, and would notice only later that their node is gone
        for folder in processes({node.pid}):
            with suppress(ProcessLookupError):
                os.kill(int(folder.name), signal.SIGKILL)
        node.wait()

    @property
    def workers(self) -> list[str]:
        """What the processes of actors and tasks call themselves, such as `ray::MapWorker(ReadStage)`."""
        called = [read(folder / "cmdline") for folder in self._processes()]
        return [name for name in called if name.startswith("ray::")]

    @property
    def seen_from_outside(self) -> str:
        """Command lines and environments of all its processes."""
        return "\n".join(
            read(folder / name) for folder in self._processes() for name in ("cmdline", "environ")
        )

    def _processes(self) -> list[Path]:
        return list(processes({node.pid for node in self.nodes.values()}))

    @property
    def logs(self) -> str:
        """All that Ray and its workers wrote."""
        return "\n".join(
            path.read_bytes().decode("utf-8", "replace")
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
        )


def processes(sessions: Container[int]) -> Iterator[Path]:
    """Folders in /proc of all processes of these sessions."""
    for folder in Path("/proc").glob("[0-9]*"):
        # what ends meanwhile does not run
        with suppress(OSError):
            if os.getsid(int(folder.name)) in sessions:
                yield folder


def read(file: Path) -> str:
    """A file of /proc; empty once its process is gone."""
    with suppress(OSError):
        return file.read_bytes().decode("utf-8", "replace").rstrip("\0")
    return ""


@contextmanager
def ray_cluster(head: str, cpus: int) -> Iterator[RayCluster]:
    """A cluster of one node while the block runs."""
    # a path of a socket has 107 characters at most, so not in pytest's own folder
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    cluster = RayCluster("", folder)
    try:
        cluster.add(head, cpus, head=True)
        yield cluster
    finally:
        for ip in list(cluster.nodes):
            cluster.kill(ip)
        shutil.rmtree(folder, ignore_errors=True)
