"""Checks at the edge: arrays from a user are finite, of the right shape and in range, or refused by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pimsim.base.errors import InputError


def check_array(
    name: str,
    value: ArrayLike,
    shape: Sequence[int | None] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    dtype: DTypeLike = np.float64,
) -> np.ndarray:
    """Return ``value`` as a C-contiguous array of ``dtype``, or raise :class:`InputError` naming ``name``.

    Parameters
    ----------
    shape : required shape; ``None`` stands for any extent of that axis.
    minimum, maximum : inclusive bounds.
    """
    try:
        raw = np.asarray(value)
        finite = np.True_ if raw.dtype.kind in "biu" else np.isfinite(raw)
        # Not finite is refused below; cast to integers it would be a warning and a wrong number.
        array = np.ascontiguousarray(np.where(finite, raw, 0) if not finite.all() else raw, dtype=dtype)
        array = array.reshape(raw.shape)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: not an array of numbers ({error})") from None
    if shape is not None and not _fits(array.shape, shape):
        raise InputError(f"{name}: shape {array.shape}, expected {_shape_text(shape)}")
    if not finite.all():
        bad = np.argwhere(~np.atleast_1d(finite))[0]
        raise InputError(f"{name}: not finite (NaN or infinity) at index {tuple(int(i) for i in bad)}")
    if np.issubdtype(array.dtype, np.integer) and raw.dtype.kind == "f" and not np.array_equal(array, raw):
        raise InputError(f"{name}: must hold integers")
    if array.size and minimum is not None and array.min() < minimum:
        raise InputError(f"{name}: {array.min()} is below the minimum {minimum}")
    if array.size and maximum is not None and array.max() > maximum:
        raise InputError(f"{name}: {array.max()} is above the maximum {maximum}")
    return array


def _fits(shape: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(w is None or w == s for s, w in zip(shape, wanted))


def _shape_text(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"
