"""A backend that is attacked: started from any checkout, watched, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.parts.backend_process import RunningBackend, backend_process
from tests.parts.ernie_stand_in import StandIn
from tests.torture.row import Run

MB = 1_000_000
ENDED_AT_MB = 5000
"""A victim that takes more memory is killed: the machine belongs to others, too."""

EVERYWHERE = {
    "detection_model": "PP-OCRv5_mobile_det",
    "ocr_language": "ru",
    "readers": "ernie,ernie",
    "ernie_model": "ernie-stand-in",
    "ernie_concurrency": 8,
    "ernie_timeout_s": 5,
    "ernie_max_retries": 1,
    "allowed_image_hosts": "127.0.0.1,127.0.0.2,127.0.0.3",
    "label_studio_url": "http://127.0.0.1:9",
    "label_studio_api_key": "0123456789abcdef0123456789abcdef01234567",
    "cpu_threads": 1,
}


class Victim:
    """A running backend with its whole process tree."""

    def __init__(self, backend: RunningBackend) -> None:
        self.backend = backend
        self.url = backend.url
        self.port = int(backend.url.rpartition(":")[2])
        self.ended_for_memory = False
        self.highest_mb = 0.0
        self._watching = True
        self._watch = threading.Thread(target=self._sample, daemon=True)
        self._watch.start()

    def tree(self) -> list[psutil.Process]:
        """The process and its children; empty once it is gone."""
        with suppress(psutil.Error):
            first = psutil.Process(self.backend.process.pid)
            return [first, *first.children(recursive=True)]
        return []

    @property
    def alive(self) -> bool:
        return self.backend.process.poll() is None

    def rss_mb(self) -> float:
        """Resident memory of the largest process, which is the one that works."""
        return max((_or_zero(one, lambda p: p.memory_info().rss) for one in self.tree()), default=0) / MB

    def threads(self) -> int:
        return sum(_or_zero(one, lambda p: p.num_threads()) for one in self.tree())

    def fds(self) -> int:
        return sum(_or_zero(one, lambda p: p.num_fds()) for one in self.tree())

    def cpu_s(self) -> float:
        return sum(_or_zero(one, lambda p: sum(p.cpu_times()[:2])) for one in self.tree())

    def forget_peak(self) -> None:
        """Let the next `peak_mb` count from now."""
        for one in self.tree():
            with suppress(OSError):
                Path(f"/proc/{one.pid}/clear_refs").write_text("5", "ascii")
        self.highest_mb = self.rss_mb()

    def peak_mb(self) -> float:
        """VmHWM of the largest process since `forget_peak`; what was sampled where it has died."""
        peaks = [self.highest_mb]
        for one in self.tree():
            with suppress(OSError, StopIteration):
                status = Path(f"/proc/{one.pid}/status").read_text("ascii", "replace").splitlines()
                peak = next(line for line in status if line.startswith("VmHWM"))
                peaks.append(int(peak.split()[1]) * 1024 / MB)
        return max(peaks)

    def signalled(self, number: int, limit_s: float = 40) -> tuple[int | None, float]:
        """Send a signal as a supervisor does, and wait: exit code (None after the limit) and seconds."""
        begun = time.monotonic()
        process = self.backend.process
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.send_signal(number)
        try:
            code: int | None = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        seconds = time.monotonic() - begun
        self.end()
        return code, seconds

    def end(self) -> None:
        """Nothing of it is left afterwards."""
        self._watching = False
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.backend.process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self.backend.process.wait(10)

    def tracebacks(self) -> int:
        return self.backend.log.count("Traceback (most recent call last)")

    def health_s(self, path: str = "/health", limit_s: float = 5) -> float:
        """Seconds until a path answers 200; the limit where it does not."""
        begun = time.monotonic()
        with suppress(httpx.TransportError):
            answer = httpx.get(self.url + path, auth=self.backend.auth, timeout=limit_s, trust_env=False)
            if answer.status_code == 200:
                return time.monotonic() - begun
        return limit_s

    def _sample(self) -> None:
        while self._watching:
            now = self.rss_mb()
            self.highest_mb = max(self.highest_mb, now)
            if now > ENDED_AT_MB:
                self.ended_for_memory = True
                self._watching = False
                with suppress(ProcessLookupError):
                    os.killpg(self.backend.process.pid, signal.SIGKILL)
            time.sleep(0.05)


@contextmanager
def victim(
    run: Run, name: str, ernie: StandIn, settings: Mapping[str, Any] | None = None
) -> Iterator[Victim]:
    """A backend of `run.code` that reads with this ERNIE; ended at the end whatever came of it."""
    values = {
        **EVERYWHERE,
        "ernie_base_url": ernie.base_url,
        "witness": "off",
        "pythonpath": run.code,  # which checkout's `backend` is imported
        **(settings or {}),
    }
    with backend_process(run.folder / name, **values) as backend:
        attacked = Victim(backend)
        try:
            yield attacked
        finally:
            attacked.end()


def _or_zero(process: psutil.Process, figure: Any) -> Any:
    try:
        return figure(process)
    except (psutil.Error, OSError):
        return 0
