"""Finding device cards, in the shipped library or in a folder of the user's."""

from __future__ import annotations

import functools
import itertools
import re
from pathlib import Path

from pimsim.base.errors import SpecError, nearest
from pimsim.base.library import library_path, list_library
from pimsim.base.spec import load_yaml
from pimsim.cells.card import DeviceCard
from pimsim.cells.sourced import walk

_ENTRY = re.compile(r"@\w+\s*\{\s*([^,\s]+)\s*,")


def list_devices() -> list[str]:
    """Names of the shipped device cards, sorted."""
    return list_library("cells")


def load_device(name: str | Path | DeviceCard) -> DeviceCard:
    """A device card: a shipped name ("pcm-nandakumar2019"), a path to a card.yaml or its folder, or a card as it is.

    Raises
    ------
    MissingError : no such card; names the nearest one.
    SpecError : a field that is wrong, or a source that is not in the card's ``refs.bib``.

    >>> load_device("rram-milo2021").g_max
    0.000225
    """
    if isinstance(name, DeviceCard):
        return name
    path = library_path("cells", name).resolve()
    return _load(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _load(path: Path, modified: int) -> DeviceCard:
    card = DeviceCard.parse(load_yaml(path), where=str(path))
    known = references(path)
    for field, value in walk(card):
        if value.source and value.source not in known:
            raise SpecError(field, value.source, f"no such entry in refs.bib{nearest(value.source, known)}", str(path))
    return card


def references(name: str | Path) -> dict[str, str]:
    """BibTeX entries of a card's ``refs.bib`` by key; empty if the card has no such file."""
    path = library_path("cells", name).parent / "refs.bib"
    if not path.is_file():
        return {}
    return bibtex_entries(path.read_text(encoding="utf-8"))


def bibtex_entries(text: str) -> dict[str, str]:
    """Entries of a BibTeX file by key."""
    starts = [match.start() for match in _ENTRY.finditer(text)] + [len(text)]
    entries = [text[a:b].strip() for a, b in itertools.pairwise(starts)]
    return dict(zip(_ENTRY.findall(text), entries))
