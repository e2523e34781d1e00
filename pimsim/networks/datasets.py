"""Labeled images: a part of Fashion-MNIST shipped with the package, or a folder of the user."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pimsim.base.errors import InputError, MissingError, nearest
from pimsim.base.reading import read_arrays
from pimsim.networks.cifar import is_cifar, read_cifar
from pimsim.networks.idx import read_split

_SHIPPED = Path(__file__).parent / "data"
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


def _checked_limit(limit: int | None, available: int, split: str) -> int:
    if limit is None:
        return available
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < 1:
        raise InputError(f"limit = {limit!r}: must be a positive integer")
    if limit > available:
        raise InputError(
            f"limit = {limit}: the split {split!r} has {available} images; "
            "for more give the folder of the full data set instead of a name"
        )
    return int(limit)


def _read_shipped(name: str, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    known = list_datasets()
    if name not in known:
        raise MissingError(
            f"no data set or folder {name!r}{nearest(name, known) or '.'} Shipped: {', '.join(known)}; "
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
