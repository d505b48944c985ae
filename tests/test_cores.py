"""How many cores are counted, under every way in which a container or a person allows fewer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.cores import cores

MACHINE = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        pytest.param("0::/\n", {"cpu.max": "100000 100000\n"}, 1, id="v2, docker --cpus 1"),
        pytest.param("0::/\n", {"cpu.max": "50000 100000\n"}, 1, id="v2, half a core is one"),
        pytest.param("0::/\n", {"cpu.max": "150000 100000\n"}, 2, id="v2, one and a half are two"),
        pytest.param("0::/\n", {"cpu.max": "max 100000\n"}, MACHINE, id="v2, no limit"),
        pytest.param("0::/\n", {"cpu.max": "900000000 100000\n"}, MACHINE, id="v2, more than there are"),
        pytest.param(
            "0::/pod/one\n",
            {"pod/one/cpu.max": "max 100000", "pod/cpu.max": "100000 100000"},
            1,
            id="v2, the group above",
        ),
        pytest.param(
            "4:cpu,cpuacct:/docker/abc\n0::/\n",
            {
                "cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "100000\n",
                "cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
            },
            1,
            id="v1",
        ),
        pytest.param(
            "4:cpuacct,cpu:/docker/abc\n",
            {"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "50000\n"},
            1,
            id="v1, a container that sees its own group as the root",
        ),
        pytest.param(
            "4:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            MACHINE,
            id="v1, no limit",
        ),
        pytest.param("4:cpuset:/\n", {"cpuset/cpu.cfs_quota_us": "1"}, MACHINE, id="another controller"),
        pytest.param("0::/../..\n", {"cpu.max": "nonsense"}, MACHINE, id="nonsense"),
        pytest.param("", {}, MACHINE, id="no control groups"),
    ],
)
def test_a_quota_of_time_is_heeded(tmp_path: Path, own: str, files: dict[str, str], expected: int) -> None:
    (tmp_path / "cgroup").write_text(own, "ascii")
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "ascii")
    assert cores(tmp_path / "cgroup", tmp_path / "groups") == min(expected, MACHINE)


def test_where_one_core_is_allowed_every_default_is_one() -> None:
    """In a process of its own, because affinity belongs to the process and defaults to its start."""
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from backend.cores import cores; from backend.settings.settings import Settings;"
        "from converters.export.run import ExportOptions;"
        "print(cores(), Settings.model_fields['cpu_threads'].default, ExportOptions().jobs)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "1"]


def test_nothing_else_counts_cores() -> None:
    root = Path(__file__).parent.parent
    counting = ("cpu_count(", "sched_getaffinity(")
    found = [
        str(path.relative_to(root))
        for folder in ("backend", "converters")
        for path in sorted((root / folder).rglob("*.py"))
        if any(word in path.read_text("utf-8") for word in counting)
    ]
    assert found == ["backend/cores.py"]
