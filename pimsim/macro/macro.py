"""The macro: one description that feeds the circuit simulation and the cost model alike."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING

from pimsim.macro.spec import MacroFields

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from pimsim.macro.array import Array


class Macro(MacroFields):
    """A memory array with its converters; the fields are explained below.

    A matrix of any size is cut into arrays; see :meth:`program`. All equations of the ideal array:
    Xiao et al. 2022 (doi 10.1109/MCAS.2022.3214409).

    >>> import numpy as np, pimsim as ps
    >>> macro = ps.Macro(rows=64, cols=64, adc=ps.ADC(bits=9))
    >>> W, X = np.array([[3, -5], [7, 1]]), np.array([[2, 255]])
    >>> macro.program(W).matmul(X).tolist()
    [[1791.0, 245.0]]
    """

    def program(
        self, W: ArrayLike, rng: int | np.random.Generator | None = None, trial: int = 0, layer: int = 0
    ) -> Array:
        """Program a matrix into as many arrays as it takes.

        Parameters
        ----------
        W : (K, C). An integer dtype is taken as it is (and must fit ``weights.weight_range``), a real dtype is
            quantized per column, symmetric about zero.
        rng : seed or numpy Generator; None is seed 0.
        trial, layer : which chip and which layer of it, integers from 0: other devices for every pair. A device's
            random numbers depend on its place (k, c, slice, polarity) only, not on the size of the arrays.

        Raises
        ------
        InputError : NaN, not a matrix, or integers out of range.
        """
        from pimsim.base.checks import check_integer
        from pimsim.macro.array import Array
        from pimsim.macro.program import program

        trial, layer = check_integer("trial", trial), check_integer("layer", layer)
        return Array(macro=self, programmed=program(self, W, rng, trial, layer))


# Whoever asks for help on the macro wants its fields, which are explained where they are declared.
_, _, _FIELDS = cleandoc(MacroFields.__doc__ or "").partition("\n\n")
Macro.__doc__ = f"{cleandoc(Macro.__doc__ or '')}\n\n{_FIELDS}"
