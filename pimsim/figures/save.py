"""Writing figures with the ids of their data inside, and nothing that changes from run to run."""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from pimsim.base.errors import InputError
from pimsim.base.files import write_whole
from pimsim.figures.labels import powers_as_text

# Keys without which matplotlib would write the date or its own version.
_METADATA = {
    ".pdf": lambda text: {"Subject": text, "Creator": "pimsim", "Producer": None, "CreationDate": None},
    ".svg": lambda text: {"Description": text, "Creator": "pimsim", "Date": None},
    ".png": lambda text: {"Description": text, "Software": "pimsim"},
}


def save(figure: Figure, path: str | os.PathLike[str], provenance: Mapping[str, Any]) -> Path:
    """Write the figure as .pdf, .svg or .png with `provenance` as JSON in the file's metadata.

    The bytes depend on the data and the matplotlib version only.  Raises InputError for another ending.

    >>> save(figure, "figure.pdf", {"spec": "3f2a..."})  # doctest: +SKIP
    """
    path = Path(path)
    if path.suffix not in _METADATA:
        raise InputError(f"{path.name}: the ending must be one of {', '.join(_METADATA)}")
    write_whole(path, render(figure, path.suffix, provenance))
    return path


def render(figure: Figure, ending: str, provenance: Mapping[str, Any]) -> bytes:
    """The bytes of the file that `save` writes, by its ending (".pdf", ".svg" or ".png")."""
    powers_as_text(*figure.axes)
    data = io.BytesIO()
    text = json.dumps(provenance, sort_keys=True)
    figure.savefig(data, format=ending.removeprefix("."), metadata=_METADATA[ending](text))
    return data.getvalue()
