"""Digital-to-analog converters of the rows."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from pimsim.base.errors import InputError
from pimsim.base.spec import Numbers, Spec


class DAC(Spec):
    """The driver of a row; its resolution is the ``dac_bits`` of the input encoding.

    Parameters
    ----------
    gain_error : relative error of the full-scale output, the same on every row.
    inl : deviation [LSB] of each output level, level 0 first, the same on every row; None for none.
    noise_lsb : noise [LSB rms] of the level a row is driven to, another in each read and row; rows at level 0 are tied
        to ground and have none.

    >>> DAC(inl=(0.0, 0.25)).levels(1).tolist()
    [0.0, 1.25]
    """

    gain_error: float = Field(0.0, gt=-1.0, le=1.0)
    inl: Numbers | None = None
    noise_lsb: float = Field(0.0, ge=0.0, le=2.0**16)

    @property
    def ideal(self) -> bool:
        """Whether levels are the integers they stand for."""
        return not self.gain_error and self.inl is None and not self.noise_lsb

    def levels(self, top: int) -> np.ndarray:
        """Output (top + 1,) in LSB of the levels 0 ... ``top``, noise apart."""
        ideal = np.arange(top + 1.0)
        if self.inl is not None:
            if len(self.inl) != top + 1:
                raise InputError(f"dac.inl: {len(self.inl)} values for {top + 1} levels")
            ideal = ideal + np.array(self.inl)
        return ideal * (1 + self.gain_error)
