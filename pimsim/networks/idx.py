"""Reader of the IDX files in which MNIST and Fashion-MNIST are published.

Format: two zero bytes, one byte of data type (0x08 = unsigned byte), one byte
of rank, one big-endian int32 per dimension, then the data in C order
(Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
digits", file format section).
"""

from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pimsim.base.errors import InputError, MissingError
from pimsim.base.guard import refusing
from pimsim.base.reading import MOST_BYTES, unpacked

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an IDX file, plain or gzipped.

    No more is unpacked than the header asks for. Raises `InputError` if the file is not IDX, is damaged, holds
    another data type, has a length that differs from what its header says, or more than 1 GiB.
    """
    with refusing(f"{path} is a damaged gzip file"), unpacked(path) as file:
        start = file.read(4)
        if len(start) < 4 or start[:2] != b"\0\0" or start[2] != _UNSIGNED_BYTE:
            raise InputError(f"{path} is not an IDX file of unsigned bytes: it starts with {start!r}")
        sizes = file.read(4 * start[3])
        if len(sizes) < 4 * start[3]:
            raise InputError(f"{path} ends inside its header")
        shape = tuple(np.frombuffer(sizes, ">i4").tolist())
        if not 1 <= len(shape) <= 4 or min(shape) < 0 or prod(shape) > MOST_BYTES:
            raise InputError(f"{path}: the header says shape {shape}; allowed are 1 to 4 axes and {MOST_BYTES} bytes")
        data = np.frombuffer(file.read(prod(shape) + 1), np.uint8)
    if data.size != prod(shape):
        found = "more" if data.size > prod(shape) else data.size
        raise InputError(f"{path}: the header says {shape} but {found} bytes of data follow")
    return data.reshape(shape)


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
