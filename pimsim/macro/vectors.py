"""Vectors of real and complex numbers as inputs of an array: scaled and quantized one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import as_array
from pimsim.base.errors import InputError
from pimsim.encoding import InputEncoding

SAMPLE_BITS = 30  # of a vector's number; its positive, negative, real and imaginary parts stand above, as other reads
Product = Callable[[np.ndarray, int | None, int], np.ndarray]  # integers (B, N), seed, number of the first -> (B, M)


def numbers(name: str, value: ArrayLike) -> np.ndarray:
    """A real or complex array, or :class:`InputError`."""
    if np.iscomplexobj(value):
        return as_array(f"{name}.real", np.real(value)) + 1j * as_array(f"{name}.imag", np.imag(value))
    return as_array(name, value)


def as_vectors(x: ArrayLike, inputs: int, axis: int) -> np.ndarray:
    """Vectors (B, inputs) of one vector (inputs,), or of a matrix that has them along ``axis``."""
    found = numbers("x", x)
    if found.ndim not in (1, 2) or found.shape[axis if found.ndim == 2 else 0] != inputs:
        batch = f"({inputs}, vectors)" if axis == 0 else f"(vectors, {inputs})"
        raise InputError(f"x: shape {found.shape}, expected ({inputs},) or {batch}")
    if not np.isfinite(found).all():
        raise InputError("x: is not finite (NaN or infinity)")
    if found.ndim == 1:
        return found[None]
    return found.T if axis == 0 else found


def quantized(vectors: np.ndarray, encoding: InputEncoding) -> tuple[np.ndarray, np.ndarray]:
    """Integers (B, N) int64 and scale (B,) of real vectors; vectors of integers that fit are taken as they are.

    Magnitudes count for an unsigned encoding, whose positive and negative parts are read apart.
    """
    low, high = encoding.input_range
    low = low if encoding.signed else -high
    top = high if high > 0 else -low
    real = vectors.astype(np.float64)
    peak: np.ndarray = np.abs(real).max(axis=1, initial=0.0)
    scale = np.where(peak > 0, peak / top, 1.0)
    if vectors.dtype.kind in "iu":
        fits = (vectors >= low).all(axis=1) & (vectors <= high).all(axis=1)
        scale = np.where(fits, 1.0, scale)
    return np.clip(np.rint(real / scale[:, None]), low, high).astype(np.int64), scale


def signed_reads(integers: np.ndarray, encoding: InputEncoding) -> list[tuple[int, np.ndarray]]:
    """Reads of integers: (sign, what the encoding takes), one if it is signed or nothing is negative, else two."""
    if encoding.signed or not (integers < 0).any():
        return [(1, integers)]
    return [(1, np.maximum(integers, 0)), (-1, np.maximum(-integers, 0))]


def product(
    matmul: Product, encoding: InputEncoding, vectors: np.ndarray, seed: int | None = None, first: int = 0
) -> np.ndarray:
    """Products (B, M) of real or complex vectors (B, N) with the matrix that ``matmul`` multiplies integers by."""
    if np.iscomplexobj(vectors):
        real = product(matmul, encoding, vectors.real, seed, first)
        return real + 1j * product(matmul, encoding, vectors.imag, seed, first + (2 << SAMPLE_BITS))
    integers, scale = quantized(vectors, encoding)
    parts = [
        sign * matmul(part, seed, first + (number << SAMPLE_BITS))
        for number, (sign, part) in enumerate(signed_reads(integers, encoding))
    ]
    total = parts[0] if len(parts) == 1 else parts[0] + parts[1]
    return total * scale[:, None]
