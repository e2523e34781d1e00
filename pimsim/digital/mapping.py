"""A mapping: which loops run at which level, in which order, and over which axis of the array."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pimsim.base.errors import InputError, MissingError
from pimsim.base.spec import Spec, load_yaml

LoopSpec = Annotated[tuple[str, Annotated[int, Field(ge=1)]], Field(strict=False)]
Loops = Annotated[tuple[LoopSpec, ...], Field(strict=False)]


class LevelLoops(Spec):
    """Loops of one level, outermost first.

    Parameters
    ----------
    level : name of the memory or array in the accelerator's hierarchy.
    loops : (dimension, bound) pairs that run in time; memories only.
    x, y : (dimension, bound) pairs spread over the columns and rows; arrays only.
    keeps : tensors that the memory holds, where the accelerator leaves a choice; None takes its default.
    """

    level: str
    loops: Loops = ()
    x: Loops = ()
    y: Loops = ()
    keeps: Annotated[tuple[str, ...] | None, Field(strict=False)] = None


class Mapping(Spec):
    """A tiling of one layer on one accelerator, outermost level first.

    Factors may be imperfect: the bounds of a dimension multiply to its extent or more, and the last tile is short.

    Examples
    --------
    >>> Mapping(levels=[{"level": "DRAM", "loops": [("M", 4)]}]).levels[0].loops
    (('M', 4),)
    """

    levels: Annotated[tuple[LevelLoops, ...], Field(strict=False)]
    accelerator: str = ""
    layer: str = ""

    def level(self, name: str) -> LevelLoops:
        """Loops of the level called ``name``; empty when the mapping does not list it."""
        return next((level for level in self.levels if level.level == name), LevelLoops(level=name))

    def text(self) -> str:
        """The nest for reading: one line a level that has loops."""
        lines = []
        for level in self.levels:
            parts = [f"{dim} {bound}" for dim, bound in level.loops]
            parts += [f"{axis}: {dim} {bound}" for axis in "xy" for dim, bound in getattr(level, axis)]
            lines.append(f"{level.level:<16}{'  '.join(parts)}")
        return "\n".join(lines)


def save_mappings(path: str | Path, mappings: list[Mapping]) -> None:
    """Write mappings to a YAML file that :func:`read_mappings` reads back unchanged."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.version = "1.2"
    with Path(path).open("w", encoding="utf-8") as file:
        yaml.dump({"mappings": [_plain(mapping.canonical()) for mapping in mappings]}, file)


def read_mappings(path: str | Path) -> list[Mapping]:
    """Read mappings that :func:`save_mappings` wrote.

    Raises
    ------
    MissingError : no such file.
    SpecError, InputError : the file does not hold mappings.
    """
    if not Path(path).is_file():
        raise MissingError(f"no file {path}")
    data = load_yaml(path)
    if not isinstance(data.get("mappings"), list):
        raise InputError(f"{path}: needs a list under the key 'mappings'")
    return [Mapping.parse(item, where=str(path)) for item in data["mappings"]]


def _plain(value: Any) -> Any:
    """Lists for tuples, so that YAML needs no tags."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
