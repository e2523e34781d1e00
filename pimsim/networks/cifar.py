"""Reader of the binary version of CIFAR-10.

Each record is one byte of label and 3072 bytes of pixels: 32 x 32, the red plane,
then green, then blue (A. Krizhevsky, "The CIFAR-10 dataset", binary version). The
version for Python is a pickle, which can run any code when it is opened, and is not read.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pimsim.base.errors import InputError, MissingError
from pimsim.base.reading import read_bytes

_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
_CLASSES = 10
_TEST = "test_batch.bin"


def is_cifar(folder: Path) -> bool:
    """Whether the folder holds binary batches of CIFAR-10."""
    return any(folder.glob("data_batch_*.bin")) or (folder / _TEST).is_file()


def read_cifar(folder: Path, test: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels (n, 3, 32, 32) and labels (n,) of the test batch, or of all training batches."""
    paths = [folder / _TEST] if test else sorted(folder.glob("data_batch_*.bin"))
    if not paths or not paths[0].is_file():
        raise MissingError(f"{folder} has no {_TEST if test else 'data_batch_*.bin'}")
    records = np.concatenate([_records(path) for path in paths])
    return records[:, 1:].reshape(-1, *_SHAPE), records[:, 0]


def _records(path: Path) -> NDArray[np.uint8]:
    raw = np.frombuffer(read_bytes(path), np.uint8)
    if raw.size == 0 or raw.size % _RECORD:
        raise InputError(f"{path} is not a CIFAR-10 batch: {raw.size} bytes are no multiple of {_RECORD}")
    records = raw.reshape(-1, _RECORD)
    if records[:, 0].max() >= _CLASSES:
        raise InputError(f"{path} is not a CIFAR-10 batch: label {records[:, 0].max()} is above {_CLASSES - 1}")
    return records
