"""Rooms import downward only, and no module sits in an import cycle."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "pimsim"
# Top to bottom: a room may import the rooms after it.
ORDER = [
    *[
        "checks",
        "cli",
        "report",
        "experiment",
        "evaluation",
        "chip",
        "digital",
        "networks",
        "macro",
        "mapping",
    ],
    *["encoding", "converters", "crossbar", "cells", "components", "figures", "studies", "workload", "base"],
]

# Inside macro/, top to bottom: rooms, and the modules that stand beside them.
MACRO = [
    *["matrix", "macro", "array", "report", "trace", "calibration", "ranges", "compensation_report", "energy"],
    *["program", "product", "noise", "columns", "spec", "predistortion", "programmed", "verify", "reads"],
    *["vectors", "recent", "_kernels_energy"],
]


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """Modules of pimsim that a file names in any import, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in inner}
    return {name for name in found if name.startswith("pimsim.")}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_room_is_in_the_order():
    assert {room(m) for m in modules()} - {""} <= set(ORDER)


def test_no_import_goes_upward():
    known = modules()
    wrong = [
        f"{module} imports {target}"
        for module, path in known.items()
        for target in imports(path, known)
        if room(module) and ORDER.index(room(target)) < ORDER.index(room(module))
    ]
    assert not wrong, wrong


def inner(module: str) -> str:
    """Room or module inside macro/ that a module of macro/ belongs to; empty for others."""
    parts = module.split(".")
    return parts[2] if parts[:2] == ["pimsim", "macro"] and len(parts) > 2 else ""


def test_no_import_goes_upward_inside_the_macro():
    known = modules()
    assert {inner(module) for module in known} - {""} == set(MACRO)
    wrong = [
        f"{module} imports {target}"
        for module, path in known.items()
        for target in imports(path, known)
        if inner(module) and inner(target) and MACRO.index(inner(target)) < MACRO.index(inner(module))
    ]
    assert not wrong, wrong


def test_no_cycles():
    known = modules()
    graph = {module: imports(path, known) - {module} for module, path in known.items() if module != "pimsim"}
    TopologicalSorter(graph).prepare()  # raises CycleError naming the cycle


def test_no_relative_imports():
    for path in modules().values():
        relative = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom) and n.level]
        assert not relative, path


def test_design_names_files_that_are_there():
    """In the table of rooms every plain name in backticks is a file or a folder of its room."""
    rows = re.findall(r"^\| `([a-z/]+)/` \| (.+) \|$", (PACKAGE.parent / "docs" / "design.md").read_text(), re.M)
    named = [PACKAGE / room / name for room, text in rows for name in re.findall(r"`([a-z_]+)`", text)]
    assert len(named) > 20
    assert [str(path) for path in named if not (path.is_dir() or path.with_suffix(".py").is_file())] == []
