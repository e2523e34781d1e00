"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import time
from pathlib import Path

_STALE = 3600.0  # [s]


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file under a temporary name beside it and move it into place.

    Whoever looks finds the old bytes or the new ones, also after a kill or on a full disk. A file that holds these
    bytes already is left alone, so that a finished folder may be read-only.
    """
    path = Path(path)
    _sweep(path)
    if _holds(path, data):
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _sweep(path: Path) -> None:
    """Remove drafts of this file that killed processes left: those that nobody has written to for an hour."""
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(OSError):  # a folder that cannot be written, or another process was faster
            if time.time() - draft.stat().st_mtime > _STALE:
                draft.unlink()


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
