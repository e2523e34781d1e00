"""Digital-to-analog converters of the rows."""

from __future__ import annotations

from pydantic import Field

from pimsim.base.spec import Spec


class DAC(Spec):
    """The driver of a row; its resolution is the ``dac_bits`` of the input encoding.

    Parameters
    ----------
    gain_error : relative error of the full-scale output, the same on every row.

    >>> DAC().gain_error
    0.0
    """

    gain_error: float = Field(0.0, gt=-1.0)
