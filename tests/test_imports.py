"""The map in the README is the map of the code: imports point one way, heavy libraries have one owner."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted([*ROOT.glob("backend/**/*.py"), *ROOT.glob("converters/**/*.py")])

OWNERS = {
    "flask": {"backend.server.app", "backend.server.label_studio_ml", "backend.server.gunicorn_server"},
    "gunicorn": {"backend.server.gunicorn_server"},
    "paddleocr": {"backend.models.paddle_engine"},
    "paddle": {"backend.models.paddle_engine"},
    "openai": {
        "backend.readers.ernie.reader",
        "backend.readers.ernie.request",
        "backend.readers.ernie.answers",
    },
    "tesserocr": {"backend.readers.tesseract"},
    "sqlalchemy": {"backend.readers.reading_table"},
    "label_studio_ml": {"backend.server.label_studio_ml"},
    "PIL": {"backend.page.image_files", "backend.readers.ernie.check", "backend.readers.tesseract"},
}
IO = {
    "httpx",
    "httpcore",
    "requests",
    "socket",
    "sqlalchemy",
    "openai",
    "paddleocr",
    "flask",
    "PIL",
    "subprocess",
}


def name_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, late ones included, those for type checkers alone left out."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floors() -> list[set[str]]:
    """The floors of the README's table, lowest first, as module names."""
    text = (ROOT / "README.md").read_text("utf-8")
    table = text.split("<!-- floors -->\n")[1].split("<!-- /floors -->")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("|")][2:]
    return [{word.strip(" `") for word in row.split(",")} for row in reversed(rows)]


def floor_of(module: str) -> int | None:
    table = floors()
    # what is imported may be a name inside a module
    for known in (module, module.rpartition(".")[0]):
        for number, names in enumerate(table):
            if known in names:
                return number
    for number, names in enumerate(table):
        if any(name.endswith(".*") and module.startswith(name[:-1]) for name in names):
            return number
    return None


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_stands_on_a_floor_and_imports_nothing_above_it(path: Path) -> None:
    module = name_of(path)
    if path.name == "__init__.py":
        return
    own = floor_of(module)
    assert own is not None, f"{module} stands on no floor of the README"
    for imported in imports_of(path):
        other = floor_of(imported)
        assert other is None or other <= own, f"{module} imports {imported}, which is above it"


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_heavy_library_is_imported_by_its_owner_alone(library: str) -> None:
    users = {
        name_of(path)
        for path in MODULES
        if any(name == library or name.startswith(f"{library}.") for name in imports_of(path))
    }
    assert users <= OWNERS[library]


def test_the_pure_rooms_know_no_input_or_output() -> None:
    pure = floors()[0] | floors()[1]
    for path in MODULES:
        if name_of(path) in pure:
            assert not {name.split(".")[0] for name in imports_of(path)} & IO, name_of(path)
