"""Files that a user brings, read with a limit: whole, damaged or hostile, they give data or one line of refusal."""

from __future__ import annotations

import gzip
import io
import zipfile
from math import prod
from pathlib import Path

import numpy as np

from pimsim.base.errors import InputError, MissingError
from pimsim.base.guard import refusing

MOST_BYTES = 2**30  # of a file of data, unpacked
MOST_TEXT_BYTES = 2**26
_GZIP, _NPY = b"\x1f\x8b", b"\x93NUMPY"


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of a regular file of at most ``most`` bytes.

    Raises
    ------
    MissingError : no such file.
    InputError : not a regular file (a pipe never ends), not readable, or longer.
    """
    if not path.exists():
        raise MissingError(f"no file {path}")
    if not path.is_file():
        raise InputError(f"{path} is not a regular file")
    with refusing(f"{path} cannot be read"):
        if (size := path.stat().st_size) > most:
            raise InputError(f"{path}: {size} bytes, more than {most}")
        return path.read_bytes()


def read_text(path: Path, most: int = MOST_TEXT_BYTES) -> str:
    """The text of a UTF-8 file, without the mark that spreadsheets put in front of it."""
    raw = read_bytes(path, most)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def unpacked(path: Path, most: int = MOST_BYTES) -> gzip.GzipFile | io.BytesIO:
    """The content of a file as a stream, unpacked as it is read if it is gzip (by content, not by name)."""
    raw = io.BytesIO(read_bytes(path, most))
    return gzip.GzipFile(fileobj=raw) if raw.getbuffer()[:2] == _GZIP else raw


def read_arrays(path: Path, alone: str, most: int = MOST_BYTES) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, or the array of an .npy file, which gets the name ``alone``.

    Raises
    ------
    MissingError : no such file.
    InputError : neither format, damaged, arrays of Python objects, or more than ``most`` bytes unpacked.
    """
    raw = read_bytes(path, most)
    if raw.startswith(_NPY):
        return {alone: _array(raw, str(path))}
    with refusing(f"{path}: not a NumPy file of plain numbers; write it with numpy.save or numpy.savez"):
        archive = zipfile.ZipFile(io.BytesIO(raw))
    members = archive.infolist()
    if (size := sum(member.file_size for member in members)) > most:
        raise InputError(f"{path}: {size} bytes unpacked, more than {most}")
    found = {}
    for member in members:
        with refusing(f"{path}: {member.filename[:80]!r} is damaged"):
            content = archive.read(member)
        found[member.filename.removesuffix(".npy")] = _array(content, f"{path}: {member.filename[:80]!r}")
    return found


def _array(raw: bytes, what: str) -> np.ndarray:
    """The array in the bytes of an .npy file, once its header agrees with their number."""
    file = io.BytesIO(raw)
    with refusing(f"{what} is not a NumPy array of plain numbers"):
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = readers[np.lib.format.read_magic(file)](file)
        if dtype.hasobject:
            raise InputError(f"{what} holds Python objects; only arrays of numbers are read")
        if (needed := prod(shape) * dtype.itemsize) != len(raw) - file.tell():
            raise InputError(f"{what}: its header says {needed} bytes, {len(raw) - file.tell()} follow")
        return np.lib.format.read_array(io.BytesIO(raw), allow_pickle=False)
