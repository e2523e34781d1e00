"""Where the hardware library and the experiments lie, in a checkout and in an installed wheel alike."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

from pimsim.base.errors import MissingError, nearest, shown

_PACKAGE = Path(__file__).resolve().parents[1]
_ENDINGS = (".yaml", ".yml", ".onnx")
ENTRY_POINTS = "pimsim.library"  # group in which a package names its folder of cards
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


def card_folders(kind: str) -> list[Path]:
    """Folders of one kind of cards: the shipped one first, then those of installed packages.

    A package adds cards by an entry point in the group "pimsim.library" that leads to its folder, a path with
    ``cells/``, ``chips/`` or ``accelerators/`` inside: ``mine = "my_package:CARDS"``.
    """
    return [devices_path(kind), *(folder / kind for folder in _installed())]


@functools.cache
def _installed() -> tuple[Path, ...]:
    from importlib.metadata import entry_points

    return tuple(Path(point.load()) for point in entry_points(group=ENTRY_POINTS))


def experiments_path() -> Path:
    """Folder of the shipped experiments."""
    return _root() / "experiments"


def list_library(kind: str) -> list[str]:
    """Names of the cards of one kind, shipped and installed: ``NAME.yaml`` files and folders with a ``card.yaml``."""
    found = card_folders(kind)
    files = {path.stem for folder in found for path in folder.glob("*.yaml")}
    folders = {path.parent.name for folder in found for path in folder.glob("*/card.yaml")}
    return sorted(files | folders)


def is_path(text: str) -> bool:
    """Whether a text that names a card or a network is a path: it has a separator or the ending of such a file."""
    return "/" in text or "\\" in text or text.endswith(_ENDINGS)


def beside(text: str, folder: str | Path | None) -> str:
    """A name as it is; a path that stands in a file of ``folder`` as an absolute path.

    >>> beside("rram-milo2021", "/cards"), beside("./own.yaml", "/cards"), beside("../a/own.yaml", "/cards")
    ('rram-milo2021', '/cards/own.yaml', '/a/own.yaml')
    """
    return os.path.abspath(Path(folder, text)) if folder is not None and is_path(text) else text


def _beside(text: str, info: ValidationInfo) -> str:
    return beside(text, (info.context or {}).get("folder"))


# A field that takes a name or a path. In a spec read from a file (Spec.parse with folder=) paths start from the
# folder of that file; in one made in Python they are taken as they are, from the working directory.
FILE_NAME = AfterValidator(_beside)
FileName = Annotated[str, FILE_NAME]


def library_path(kind: str, name: str | Path) -> Path:
    """Path of the YAML card called ``name``, or of the file if ``name`` is a path.

    What :func:`is_path` takes for a path is one; a folder means its ``card.yaml``.

    Raises
    ------
    MissingError : no such card or file; the message names the nearest card.
    """
    text = str(name)
    if is_path(text):
        path = Path(text)
        path = path / "card.yaml" if os.path.isdir(path) else path  # os: a text that can be no path is no file
        if os.path.isfile(path):
            return path
        raise MissingError(f"no file {shown(text)}")
    for folder in card_folders(kind):
        for path in (folder / f"{text}.yaml", folder / text / "card.yaml"):
            if os.path.isfile(path):
                return path
    known = list_library(kind)
    raise MissingError(
        f"no card {shown(text)} in devices/{kind}{nearest(text, known) or '.'} Known: {', '.join(known)}"
    )
