"""Reader of the IDX files in which MNIST and Fashion-MNIST are published.

Format: two zero bytes, one byte of data type (0x08 = unsigned byte), one byte
of rank, one big-endian int32 per dimension, then the data in C order
(Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
digits", file format section).
"""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pimsim.base.errors import InputError, MissingError

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an IDX file, plain or gzipped.

    Raises `InputError` if the file is not IDX, holds another data type or has
    a length that differs from what its header says.
    """
    raw = _contents(path)
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != _UNSIGNED_BYTE:
        raise InputError(f"{path} is not an IDX file of unsigned bytes: it starts with {raw[:4]!r}")
    header = 4 + 4 * raw[3]
    if len(raw) < header:
        raise InputError(f"{path} ends inside its header")
    shape = tuple(np.frombuffer(raw[4:header], ">i4").tolist())
    data = np.frombuffer(raw[header:], np.uint8)
    if data.size != np.prod(shape):
        raise InputError(f"{path}: the header says {shape} but {data.size} bytes of data follow")
    return data.reshape(shape)


def _contents(path: Path) -> bytes:
    """The bytes of `path`, decompressed if they are gzip (by content, not by name)."""
    raw = path.read_bytes()
    if raw[:2] != b"\x1f\x8b":
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError) as error:
        raise InputError(f"{path} is a damaged gzip file: {error}") from error


def read_split(folder: Path, prefix: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (n, height, width) and labels (n,) of the files `prefix`-*-ubyte[.gz] in `folder`."""
    images = read_idx(_find(folder, f"{prefix}-images-idx3-ubyte"))
    labels = read_idx(_find(folder, f"{prefix}-labels-idx1-ubyte"))
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise InputError(f"{folder}: {prefix} images {images.shape} and labels {labels.shape} do not belong together")
    return images, labels


def _find(folder: Path, stem: str) -> Path:
    for name in (stem, f"{stem}.gz"):
        if (folder / name).is_file():
            return folder / name
    raise MissingError(f"{folder} holds neither {stem} nor {stem}.gz")
