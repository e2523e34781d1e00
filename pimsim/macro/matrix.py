"""A matrix as numpy users hold it, real or complex, multiplied by a macro's arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import check_integer
from pimsim.base.display import Shown
from pimsim.base.errors import InputError
from pimsim.base.streams import as_seed
from pimsim.macro.array import Array, Rng
from pimsim.macro.macro import Macro
from pimsim.macro.vectors import SAMPLE_BITS, as_vectors, numbers, product, quantized, signed_reads


@dataclass(frozen=True, eq=False)
class _Parts:
    """The arrays of the real and of the imaginary part of a matrix; the second is None for a real matrix."""

    real: Array
    imaginary: Array | None


class AnalogMatrix(Shown):
    """A matrix W (M, N) in the arrays of a macro: ``A @ x`` is W @ x as they compute it.

    Parameters
    ----------
    W : (M, N) real, integer or complex. A real matrix is quantized per row by ``macro.weights``; integers are taken as
        they are and must fit. Real and imaginary parts of a complex matrix lie in arrays of their own.
    macro : the macro; its rows take the N inputs, its columns the M outputs.
    rng : seed or Generator of programming;  trial, layer : which chip, and which matrix of it.

    Every vector x is scaled by its largest magnitude and quantized to ``macro.inputs``; integers that the encoding
    holds are taken as they are. Where the encoding is unsigned, positive and negative parts are read one after the
    other; so are real and imaginary parts. With converters that lose nothing and ideal cells the error is that of
    quantization: |A @ x - W @ x| <= sum_n (|dW[m, n]| |x[n]| + |W[m, n]| dx + |dW[m, n]| dx), where dW is half a step
    of row m and dx half a step of x (of each part of a complex number).

    Raises
    ------
    InputError : W is no matrix of finite numbers, or has integers or signs that the encoding does not hold.

    Examples
    --------
    >>> import pimsim as ps
    >>> macro = ps.Macro(rows=64, cols=64, adc=ps.ADC(bits=9), inputs=ps.InputEncoding(signed=True))
    >>> A = ps.AnalogMatrix([[0.5, -1.0], [0.25, 1.0]], macro)
    >>> (A @ [0.8, 0.4]).round(1).tolist()
    [0.0, 0.6]
    """

    # numpy then leaves ``x @ A`` to __rmatmul__.
    __array_ufunc__ = None

    def __init__(self, W: ArrayLike, macro: Macro, rng: Rng = None, trial: int = 0, layer: int = 0) -> None:
        matrix, seed = numbers("W", W), as_seed(rng)
        if matrix.ndim != 2:
            raise InputError(f"W: shape {matrix.shape}, expected a matrix (outputs, inputs)")
        first = 2 * check_integer("layer", layer)
        imaginary = None
        if matrix.dtype.kind == "c":
            imaginary = macro.program(np.ascontiguousarray(matrix.imag.T), seed, trial, first + 1)
        real = matrix.real if matrix.dtype.kind == "c" else matrix
        self._parts = _Parts(macro.program(np.ascontiguousarray(real.T), seed, trial, first), imaginary)

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The array of the real part, and that of the imaginary part where there is one."""
        return (self._parts.real,) if self._parts.imaginary is None else (self._parts.real, self._parts.imaginary)

    @property
    def shape(self) -> tuple[int, int]:
        """(M, N) of the matrix."""
        inputs, outputs = self._parts.real.shape
        return outputs, inputs

    @property
    def dtype(self) -> np.dtype:
        """Type of a product with a real vector: complex128 for a complex matrix, else float64."""
        return np.dtype(np.float64 if self._parts.imaginary is None else np.complex128)

    def __matmul__(self, x: ArrayLike) -> np.ndarray:
        return self.matmul(x)

    def __rmatmul__(self, x: object) -> np.ndarray:
        raise InputError("x @ A: the inputs of an analog matrix stand at its right; write A @ x, or hold W.T")

    def matmul(self, x: ArrayLike, rng: Rng = None, first_sample: int = 0) -> np.ndarray:
        """Multiply the matrix by a vector (N,) or by the columns of a matrix (N, B).

        Parameters
        ----------
        x : real, integer or complex.
        rng : seed or Generator of the noise of the reads; None for reads without noise.
        first_sample : number of the first column; noise belongs to a column's number.

        Returns
        -------
        (M,) or (M, B), float64, or complex128 where W or x is complex.

        Raises
        ------
        InputError : another shape, or numbers that are not finite.
        """
        vectors = as_vectors(x, self.shape[1], axis=0)
        first = check_integer("first_sample", first_sample, maximum=(1 << SAMPLE_BITS) - max(len(vectors), 1))
        seed = None if rng is None else as_seed(rng)
        y = product(self._integers, self._parts.real.macro.inputs, vectors, seed, first)
        return y[0] if np.ndim(x) == 1 else y.T

    def _integers(self, x: np.ndarray, seed: int | None, first: int) -> np.ndarray:
        """Product (B, M) with integers (B, N) of the input encoding."""
        real = self._parts.real.matmul(x, seed, first)
        if self._parts.imaginary is None:
            return real
        return real + 1j * self._parts.imaginary.matmul(x, seed, first)

    def calibrate(self, x: ArrayLike) -> AnalogMatrix:
        """Return the matrix with converters calibrated on the columns of ``x``, (N,) or (N, B)."""
        vectors, encoding = as_vectors(x, self.shape[1], axis=0), self._parts.real.macro.inputs
        seen = np.concatenate([vectors.real, vectors.imag]) if np.iscomplexobj(vectors) else vectors
        words = np.concatenate([part for _, part in signed_reads(quantized(seen, encoding)[0], encoding)])
        imaginary = None if self._parts.imaginary is None else self._parts.imaginary.calibrate(words)
        return self._with(_Parts(self._parts.real.calibrate(words), imaginary))

    def at(self, t: float | str) -> AnalogMatrix:
        """Return the same matrix ``t`` seconds (or text, ``"1 day"``) after programming."""
        imaginary = None if self._parts.imaginary is None else self._parts.imaginary.at(t)
        return self._with(_Parts(self._parts.real.at(t), imaginary))

    def _with(self, parts: _Parts) -> AnalogMatrix:
        found = object.__new__(AnalogMatrix)
        found._parts = parts
        return found

    def to_dict(self) -> dict[str, object]:
        """Plain facts about the matrix and the array of its real part."""
        return self._parts.real.to_dict() | {"shape": self.shape, "complex": self._parts.imaginary is not None}
