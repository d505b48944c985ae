"""label-studio-ml with twinread's model, as people run it: gunicorn over a `_wsgi.py` of two lines.

1.0.9 is installed by `make setup`. A checkout of 2.x, which is on no registry, is served as well where
LABEL_STUDIO_ML_2X names it; `scripts/label-studio-ml-2x` makes its environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from backend.demo.label_studio_installation import ROOT
from tests.parts.backend_process import RunningBackend, backend_process, ready

WSGI = """from backend.server.label_studio_ml import wsgi
app = wsgi()
"""
ENVIRONMENTS = {"1.0.9": ROOT / ".venv-label-studio-ml"}
if os.environ.get("LABEL_STUDIO_ML_2X"):
    ENVIRONMENTS["2.x"] = Path(os.environ["LABEL_STUDIO_ML_2X"]) / ".venv"
VERSIONS = tuple(ENVIRONMENTS)


@contextmanager
def serving(
    version: str,
    folder: Path,
    *options: str,
    port: int = 0,
    until: Callable[[RunningBackend], bool] = ready,
    **settings: object,
) -> Iterator[RunningBackend]:
    """Serve under one version of label-studio-ml until the block ends.

    Args:
        version: of VERSIONS.
        folder: takes `_wsgi.py`, log, cache and store, and is the working folder.
        options: more of gunicorn's.
        port: where to listen; 0 takes a free one.
        until: what to wait for.
        settings: by their lower-case names.
    """
    folder.mkdir(exist_ok=True)
    (folder / "_wsgi.py").write_text(WSGI, "utf-8")
    gunicorn = ENVIRONMENTS[version] / "bin" / "gunicorn"
    with backend_process(
        folder,
        command=(str(gunicorn), "--bind", "127.0.0.1:{port}", "--threads", "8", *options, "_wsgi:app"),
        port=port,
        until=until,
        **settings,
    ) as backend:
        yield backend


def listening(backend: RunningBackend) -> bool:
    """Whether it answers anything at all; asks for nothing that exists, and yet it begins to load."""
    assert backend.process.poll() is None, backend.log
    try:
        httpx.get(backend.url + "/nothing", timeout=2, trust_env=False)
    except httpx.TransportError:
        return False
    return True
