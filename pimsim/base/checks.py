"""Checks at the edge: arrays from a user are finite, of the right shape and in range, or refused by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pimsim.base.errors import InputError, shown
from pimsim.base.guard import one_line
from pimsim.base.quantities import to_si


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
    raw = as_array(name, value)
    if shape is not None and not _fits(raw.shape, shape):
        raise InputError(f"{name}: shape {raw.shape}, expected {_shape_text(shape)}")
    if raw.dtype.kind == "f" and not np.isfinite(raw).all():
        bad = np.argwhere(~np.isfinite(np.atleast_1d(raw)))[0]
        raise InputError(f"{name}: not finite (NaN or infinity) at index {tuple(int(i) for i in bad)}")
    if np.issubdtype(dtype, np.integer):
        return _integers(name, raw, minimum, maximum, np.dtype(dtype))
    _check_bounds(name, raw, minimum, maximum)
    return _contiguous(raw, dtype)


def as_array(name: str, value: ArrayLike) -> np.ndarray:
    """Return ``value`` as a numpy array of numbers, whatever its shape, or raise :class:`InputError`.

    Ragged lists, complex numbers, text, dates and masked arrays with cells masked are refused: numpy would take the
    values behind the mask.
    """
    parts = value if isinstance(value, (list, tuple)) else (value,)
    if any(np.ma.is_masked(part) for part in parts if isinstance(part, np.ma.MaskedArray)):
        raise InputError(f"{name}: has masked cells, which stand for no number; fill them, or leave their rows out")
    try:
        raw = np.asarray(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name}: not an array of numbers ({one_line(error)})") from None
    if raw.dtype.kind not in "biuf":
        raise InputError(f"{name}: not an array of numbers, integer or real (dtype {raw.dtype})")
    return raw


def read_only(array: np.ndarray) -> np.ndarray:
    """A view of ``array`` that refuses to be written, for a frozen state; the array itself stays as it is."""
    view = array.view()
    view.flags.writeable = False
    return view


def is_integer(value: object) -> TypeGuard[int]:
    """Whether ``value`` is an integer of Python or numpy; True and False are none.

    >>> is_integer(np.int64(3)), is_integer(True), is_integer(3.0)
    (True, False, False)
    """
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Whether ``value`` is a real number of Python or numpy, NaN and infinity too; True and False are none."""
    return is_integer(value) or isinstance(value, (float, np.floating))


def check_integer(name: str, value: Any, minimum: int = 0, maximum: int | None = None) -> int:
    """Return ``value`` as an int within inclusive bounds, or raise :class:`InputError` naming ``name``."""
    if not is_integer(value) or value < minimum or (maximum is not None and value > maximum):
        allowed = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise InputError(f"{name} = {shown(value)}: must be an integer {allowed}")
    return int(value)


def check_quantity(name: str, value: Any, unit: str, minimum: float = 0.0) -> float:
    """Return ``value``, a number or text such as ``"1 day"``, in the SI ``unit``: finite and at least ``minimum``."""
    try:
        number = to_si(value, unit) if isinstance(value, str) else value
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None
    try:
        found = float(number) if is_number(number) else math.nan
    except OverflowError:  # an int
        found = math.inf
    if not minimum <= found < math.inf:
        allowed = f"must be finite, in {unit} or text with a unit, at least {minimum:g}"
        raise InputError(f"{name} = {shown(value)}: {allowed}")
    return found


def _integers(name: str, raw: np.ndarray, minimum: float | None, maximum: float | None, dtype: np.dtype) -> np.ndarray:
    """Cast numbers that are integers and within what ``dtype`` holds."""
    if not np.can_cast(raw.dtype, dtype):
        info = np.iinfo(dtype)
        minimum = info.min if minimum is None else max(minimum, info.min)
        maximum = _largest(raw.dtype, info.max) if maximum is None else min(maximum, info.max)
    _check_bounds(name, raw, minimum, maximum)
    if raw.dtype.kind == "f" and not np.array_equal(raw, np.rint(raw)):
        raise InputError(f"{name}: must hold integers")
    return _contiguous(raw, dtype)


def _largest(dtype: np.dtype, integer: int) -> float:
    """Largest number of ``dtype`` that is not above the ``integer``."""
    if dtype.kind != "f" or int(dtype.type(integer)) <= integer:
        return integer
    return np.nextafter(dtype.type(integer), dtype.type(0))


def _check_bounds(name: str, array: np.ndarray, minimum: float | None, maximum: float | None) -> None:
    if array.size and minimum is not None and array.min() < minimum:
        raise InputError(f"{name}: {array.min()} is below the minimum {minimum}")
    if array.size and maximum is not None and array.max() > maximum:
        raise InputError(f"{name}: {array.max()} is above the maximum {maximum}")


def _contiguous(raw: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    return np.ascontiguousarray(raw, dtype=dtype).reshape(raw.shape)  # numpy's own makes a scalar an axis


def _fits(shape: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(w is None or w == s for s, w in zip(shape, wanted))


def _shape_text(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"
