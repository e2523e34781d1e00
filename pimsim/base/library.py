"""Where the hardware library and the experiments lie, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

from pimsim.base.errors import MissingError, nearest

_PACKAGE = Path(__file__).resolve().parents[1]
KINDS = ("cells", "chips", "accelerators", "technology")


def _root() -> Path:
    """Folder that holds ``devices/`` and ``experiments/``."""
    inside = _PACKAGE / "_library"
    return inside if inside.is_dir() else _PACKAGE.parent


def devices_path(kind: str) -> Path:
    """Folder of one kind of cards: cells, chips, accelerators or technology."""
    if kind not in KINDS:
        raise MissingError(f"no kind of card called {kind!r}; there are {', '.join(KINDS)}{nearest(kind, KINDS)}")
    return _root() / "devices" / kind


def experiments_path() -> Path:
    """Folder of the shipped experiments."""
    return _root() / "experiments"


def list_library(kind: str) -> list[str]:
    """Names of the shipped cards of one kind, sorted: ``NAME.yaml`` files and folders with a ``card.yaml``."""
    folder = devices_path(kind)
    files = {path.stem for path in folder.glob("*.yaml")}
    folders = {path.parent.name for path in folder.glob("*/card.yaml")}
    return sorted(files | folders)


def library_path(kind: str, name: str | Path) -> Path:
    """Path of the YAML card called ``name``, or of the file if ``name`` is a path.

    A path is anything with a separator or the ending ``.yaml``; a folder means its ``card.yaml``.

    Raises
    ------
    MissingError : no such card or file; the message names the nearest card.
    """
    text = str(name)
    if "/" in text or "\\" in text or text.endswith((".yaml", ".yml")):
        path = Path(text)
        path = path / "card.yaml" if path.is_dir() else path
        if path.is_file():
            return path
        raise MissingError(f"no file {text}")
    folder = devices_path(kind)
    for path in (folder / f"{text}.yaml", folder / text / "card.yaml"):
        if path.is_file():
            return path
    known = list_library(kind)
    raise MissingError(f"no card {text!r} in devices/{kind}{nearest(text, known) or '.'} Known: {', '.join(known)}")
