"""The works to cite for an experiment: what its cards and its cost model took numbers from."""

import re
from collections.abc import Iterable
from pathlib import Path

_ENTRY = re.compile(r"^@\w+\{\s*([^,\s]+)\s*,.*?^\}", re.MULTILINE | re.DOTALL)


def bibliography(cards: Iterable[Path]) -> dict[str, str]:
    """BibTeX entries of the files `refs.bib` beside the cards, by key.

    >>> from pimsim.base.library import library_path
    >>> "milo2021" in bibliography([library_path("cells", "rram-milo2021")])
    True
    """
    entries: dict[str, str] = {}
    for folder in dict.fromkeys(card.parent for card in cards):
        file = folder / "refs.bib"
        if file.is_file():
            entries |= {match[1]: match[0] for match in _ENTRY.finditer(file.read_text(encoding="utf-8"))}
    return dict(sorted(entries.items()))
