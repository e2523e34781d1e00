"""Labeled images: a part of Fashion-MNIST shipped with the package, or a folder of the user."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pimsim.base.checks import as_array, check_array, check_integer
from pimsim.base.errors import InputError, MissingError, nearest
from pimsim.base.reading import read_arrays
from pimsim.networks.cifar import is_cifar, read_cifar
from pimsim.networks.idx import read_split

_SHIPPED = Path(__file__).parent / "data"
OWN = "given by hand"  # name of a data set made from arrays, and split of calibration inputs taken from it
SPLITS = ("train", "test", "calibration")
CALIBRATION_IMAGES = 512  # the first ones of the training images


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with their classes.

    Attributes
    ----------
    images : (n, channels, height, width) float32 in 0..1, a byte of the file divided by 255.
    labels : (n,) int64.
    name, split : where they come from, as given to `load_dataset`.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    name: str
    split: str

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, for the ids of results."""
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()


Data = str | Path | Dataset | tuple[ArrayLike, ArrayLike]


def list_datasets() -> list[str]:
    """Names of the shipped data sets."""
    return sorted(path.stem.removesuffix("-test") for path in _SHIPPED.glob("*-test.npz"))


def load_dataset(name: str | Path, split: str = "test", limit: int | None = None) -> Dataset:
    """Images and labels of a shipped data set or of a folder.

    Parameters
    ----------
    name : a shipped name, or the path of a folder with the four IDX files of MNIST or
        Fashion-MNIST (gzipped or not) or with the binary batches of CIFAR-10.
    split : "test"; "calibration", the first 512 training images; or "train" (only from a folder).
    limit : take the first `limit` images of the split.

    Raises
    ------
    MissingError : no such data set or folder, or a file of it is missing.
    InputError : no such split, a damaged file, or fewer images than `limit`.

    Examples
    --------
    >>> load_dataset("fashion-mnist", split="test", limit=10).images.shape
    (10, 1, 28, 28)
    """
    if split not in SPLITS:
        raise InputError(f"split = {split!r}: must be one of {', '.join(SPLITS)}{nearest(split, SPLITS)}")
    shipped = str(name) in list_datasets() or not Path(name).is_dir()
    pixels, labels = _read_shipped(str(name), split) if shipped else _read_folder(Path(name), split)
    chosen = slice(_checked_limit(limit, len(labels), split))
    images = pixels[chosen].astype(np.float32) / np.float32(255)
    return Dataset(images, labels[chosen].astype(np.int64), str(name), split)


def dataset_of(data: Data, split: str = "test") -> Dataset:
    """A data set by name or folder, as a pair (inputs, labels) of arrays, or as it is.

    Parameters
    ----------
    data : a pair is inputs (n, ...), real numbers or token ids, batch first, and labels (n,) of integers from 0.
    split : of a name or folder.

    Raises
    ------
    MissingError : no such data set or folder.
    InputError : something else than these, or inputs and labels of different lengths.

    Examples
    --------
    >>> len(dataset_of((np.zeros((3, 4)), [0, 1, 0])))
    3
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str | Path):
        return load_dataset(data, split=split)
    if not isinstance(data, tuple) or len(data) != 2:
        raise InputError(
            f"data: must be a name, a folder, a Dataset or a pair (inputs, labels), got {type(data).__name__}"
        )
    given = as_array("inputs", data[0])
    inputs = check_array("inputs", given, dtype=np.int64 if given.dtype.kind in "iu" else np.float32)
    labels = check_array("labels", data[1], shape=(None,), minimum=0, dtype=np.int64)
    if inputs.ndim < 2 or len(inputs) != len(labels):
        raise InputError(f"data: inputs of shape {inputs.shape} are not one row for each of {len(labels)} labels")
    return Dataset(inputs, labels, OWN, split)


def calibration_of(data: Dataset) -> Dataset:
    """Inputs on which ranges are set: the training images of a shipped data set or folder, else its own first 512.

    Labels play no part in it.
    """
    if data.split in SPLITS and (data.name in list_datasets() or Path(data.name).is_dir()):
        return load_dataset(data.name, split="calibration")
    return Dataset(data.images[:CALIBRATION_IMAGES], data.labels[:CALIBRATION_IMAGES], data.name, OWN)


def _checked_limit(limit: int | None, available: int, split: str) -> int:
    if limit is None:
        return available
    limit = check_integer("limit", limit, minimum=1)
    if limit > available:
        raise InputError(
            f"limit = {limit}: the split {split!r} has {available} images; "
            "for more give the folder of the full data set instead of a name"
        )
    return limit


def _read_shipped(name: str, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    known = list_datasets()
    if name not in known:
        raise MissingError(
            f"no data set or folder {name!r}{nearest(Path(name).name, known) or '.'} Shipped: {', '.join(known)}; "
            "a folder holds IDX files or CIFAR-10 binary batches"
        )
    path = _SHIPPED / f"{name}-{split}.npz"
    if not path.is_file():
        raise InputError(f"split = {split!r} of {name} is not shipped; give the folder with its IDX files as the name")
    stored = read_arrays(path, alone="images")
    return stored["images"], stored["labels"]


def _read_folder(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels (n, channels, height, width) and labels (n,)."""
    if is_cifar(folder):
        pixels, labels = read_cifar(folder, test=split == "test")
    else:
        planes, labels = read_split(folder, "t10k" if split == "test" else "train")
        pixels = planes[:, None]
    taken = slice(CALIBRATION_IMAGES if split == "calibration" else None)
    return pixels[taken], labels[taken]
