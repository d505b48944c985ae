"""Every environment holds what its lock names: nothing that a lock pins is left out on the way into it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from packaging.markers import Marker

from converters.training.trainer.environment import LOCK
from tests.parts.trainer import ENVIRONMENT

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = {
    ROOT / ".venv": ROOT / "locks/dev.txt",
    ROOT / ".venv-label-studio": ROOT / "locks/label-studio.txt",
    ROOT / ".venv-label-studio-ml": ROOT / "locks/label-studio-ml.txt",
    ENVIRONMENT: LOCK,
}
LIST = """
import json
from importlib.metadata import distributions
print(json.dumps({found.metadata["Name"]: found.version for found in distributions()}))
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: Path) -> dict[str, str]:
    """Name to version, of the pins that are for this interpreter and system."""
    found = {}
    for line in lock.read_text("utf-8").splitlines():
        match = re.match(r"([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)(?: ; ([^\\]+))?", line)
        if match and (match[3] is None or Marker(match[3].strip()).evaluate()):
            found[normal(match[1])] = match[2]
    return found


@pytest.mark.parametrize("folder", ENVIRONMENTS, ids=lambda folder: folder.name)
def test_an_environment_holds_every_pin_of_its_lock(folder: Path) -> None:
    done = subprocess.run([folder / "bin" / "python", "-c", LIST], capture_output=True, text=True, check=True)
    installed = {normal(name): version for name, version in json.loads(done.stdout).items()}
    wanted = pins(ENVIRONMENTS[folder])
    assert len(wanted) > 20
    assert {name: version for name, version in wanted.items() if installed.get(name) != version} == {}
