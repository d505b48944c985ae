"""Who may import what, beside the layers in pyproject.toml that `lint-imports` keeps."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted([*ROOT.glob("backend/**/*.py"), *ROOT.glob("converters/**/*.py")])

OWNERS = {
    "flask": {
        "backend.server.admission",
        "backend.server.app",
        "backend.server.json_bodies",
        "backend.server.label_studio_ml",
        "backend.server.reception",
        "backend.server.refusals",
        "backend.server.reload",
        "backend.server.sign_in",
        "backend.server.waitress_server",
    },
    "waitress": {"backend.server.reception", "backend.server.waitress_server"},
    "paddleocr": {"backend.models.paddle_engine"},
    "paddle": {"backend.models.devices"},
    "paddlex": {"backend.models.locate"},
    "openai": {"backend.readers.ernie.chat_api"},
    "aiohttp": {"backend.readers.ernie.chat_api"},
    "tesserocr": {"backend.readers.tesseract"},
    "sqlalchemy": {
        "backend.readers.store.accounts",
        "backend.readers.store.database",
        "backend.readers.store.readings",
        "backend.readers.store.statements",
        "backend.readers.store.tables",
        "backend.readers.store.time_limit",
        "backend.readers.store.upkeep",
    },
    "label_studio_ml": {"backend.server.label_studio_ml"},
    "label_studio_sdk": {"backend.label_studio.http_client", "backend.label_studio.prediction_check"},
    # of the tools that make something for us, nothing is needed when twinread runs
    "hyperglot": set(),
    "matplotlib": set(),
    "onnx": {"backend.models.affine_blocks", "backend.models.self_described"},
    "onnxruntime": {
        "backend.detectors.turned_pages",
        "backend.models.devices",
        "backend.models.folding",
        "backend.models.paddle_engine",
        "converters.training.alignment",
    },
    "simplejpeg": {"backend.page.jpeg_pixels"},
    "isal": {"backend.page.png_files"},
    "ray": {
        "backend.bulk.ray_budget",
        "backend.bulk.ray_cluster",
        "backend.bulk.ray_membership",
        "backend.bulk.ray_stages",
        "backend.bulk.ray_stream",
    },
    "PIL": {
        "backend.page.further_pages",
        "backend.page.image_files",
        "backend.page.image_modes",
        "backend.page.missing_rows",
        "backend.readers.ernie.check",
        "backend.readers.tesseract",
        "backend.rendering.fonts",
        "backend.rendering.lines",
    },
    "cv2": {
        "backend.detectors.paddle",
        "backend.detectors.turned_pages",
        "backend.models.detection_steps",
        "backend.models.paddle_engine",
        "backend.page.blank_pages",
        "backend.page.crops",
        "backend.page.geometry",
        "backend.page.image_modes",
        "backend.page.tiling",
        "backend.readers.ernie.prompts",
        "backend.readers.paddle",
        "backend.readers.tesseract",
        "converters.paddleocr.images",
        "converters.export.processes",
        "converters.export.split",
        "converters.paddleocr.page_files",
        "converters.shared.line_pictures",
        "converters.prediction.picture",
    },
}
"""Libraries that are heavy, or whose objects must not wander, and the modules that may import them."""

IN_TRAINER = "converters.training.in_trainer."
"""Programs for the trainer's environment, which have Paddle there, and nothing of twinread."""

IO = {
    "httpx",
    "httpcore",
    "requests",
    "socket",
    "sqlalchemy",
    "openai",
    "paddleocr",
    "flask",
    "subprocess",
}
PURE = ("backend.page", "backend.text", "backend.guarantee", "backend.seams", "backend.errors")
"""Packages without input and output; `page.image_files` decodes bytes, and opens nothing."""

SDK = "label_studio_sdk"
FREE_OF_WEIGHT = {
    "backend.commands.cli": {"numpy", "cv2", "pydantic", "httpx", "flask", "rich", "PIL", "paddleocr", SDK},
    "backend.settings.settings": {"numpy", "cv2", "httpx", "flask", "PIL", "paddleocr", SDK},
    "backend.settings.connect": {"numpy", "cv2", "flask", "PIL", "paddleocr", SDK},
    "converters.importing.command": {SDK},
    "backend.pipeline.assembly": {SDK},
    "backend.server.app": {SDK},
}
"""Modules that commands and workers import first, and the libraries that they must not import."""


def name_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, late ones and those for type checkers included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def users_of(library: str) -> set[str]:
    return {
        name_of(path)
        for path in MODULES
        if not name_of(path).startswith(IN_TRAINER)
        and any(name == library or name.startswith(f"{library}.") for name in imports_of(path))
    }


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_heavy_library_is_imported_by_its_owner_alone(library: str) -> None:
    assert users_of(library) == OWNERS[library]


def test_twinread_and_the_programs_in_the_trainers_environment_import_nothing_of_each_other() -> None:
    programs = [path for path in MODULES if name_of(path).startswith(IN_TRAINER)]
    assert len(programs) >= 5
    for path in programs:
        assert not {name for name in imports_of(path) if name.startswith(("backend", "converters"))}
    for path in set(MODULES) - set(programs):
        assert not {name for name in imports_of(path) if name.startswith(IN_TRAINER)}


def test_the_pure_packages_know_no_input_or_output() -> None:
    for path in MODULES:
        if name_of(path).startswith(PURE):
            assert not {name.split(".")[0] for name in imports_of(path)} & IO, name_of(path)


def layers() -> list[str]:
    """Every package that the contract in pyproject.toml puts into a layer."""
    written = (ROOT / "pyproject.toml").read_text("utf-8").split("layers = [")[1].split("]")[0]
    return [name.strip() for row in re.findall(r'"([^"]+)"', written) for name in row.split("|")]


def test_every_module_lies_in_a_layer_of_the_contract() -> None:
    known = tuple(layers())
    outside = {
        name
        for name in map(name_of, MODULES)
        if not any(name == layer or name.startswith(f"{layer}.") for layer in known)
    }
    assert outside == {"backend", "backend.__main__", "converters"}


def test_the_readme_shows_every_package_and_no_other() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    tree = text.split("<!-- tree -->\n")[1].split("<!-- /tree -->")[0]
    shown, parent = [], ""
    for line in tree.splitlines():
        if match := re.match(r"(backend|converters)/", line):
            parent = match[1]
        elif parent and (match := re.match(r"  (\w+)(?:/|\.py)", line)):
            shown.append(f"{parent}.{match[1]}")
        elif line and not line.startswith(" "):
            parent = ""
    assert sorted(shown) == sorted(layers())


@pytest.mark.parametrize("module", sorted(FREE_OF_WEIGHT))
def test_what_is_imported_first_is_light(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not FREE_OF_WEIGHT[module] & set(done.stdout.split())


def test_help_imports_no_command(tmp_path: Path) -> None:
    code = (
        "import sys; from backend.commands.cli import twinread; twinread(['--help'], standalone_mode=False)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print('MODULES', *sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    imported = done.stdout.split("MODULES ")[1].split()
    ours = {name for name in imported if name.split(".")[0] in ("backend", "converters")}
    assert ours == {"backend", "backend.commands", "backend.commands.cli", "backend.errors"}
