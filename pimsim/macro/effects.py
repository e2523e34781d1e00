"""What a read adds to the state of the cells, and how long one draw of it lasts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pimsim.base.quantities import Hertz, Kelvin
from pimsim.base.spec import Spec


class ReadEffects(Spec):
    """Noise of reads. It is drawn only when ``matmul`` is given an ``rng``.

    Parameters
    ----------
    card : whether the card's own read noise counts.
    correlation : how long one draw of it lasts, instead of what the card says: ``"read"`` (independent in every plane
        and row group), ``"vector"`` (held over all planes of an input), ``"batch"`` (held over all reads of an rng,
        as 1/f noise nearly is over an inference).
    bandwidth : of the sense amplifiers [Hz]; adds the shot and thermal noise of every cell on a row group, white:
        S_I = 2 q I coth(q V / 2 k T), which is 4 k T G at V = 0 (van der Ziel, Noise in Solid State Devices, 1986).
    temperature : [K] of that noise.
    voltage : relative standard deviation of the read voltage of an array, another in each read.
    """

    card: bool = True
    correlation: Literal["read", "vector", "batch"] | None = None
    bandwidth: Hertz | None = Field(None, gt=0.0)
    temperature: Kelvin = Field(300.0, gt=0.0)
    voltage: float = Field(0.0, ge=0.0)

    @model_validator(mode="after")
    def _check(self) -> ReadEffects:
        if self.correlation is not None and not self.card:
            raise ValueError(f"correlation = {self.correlation!r} of noise that card = false switches off")
        return self

    def held(self, card: object) -> str | None:
        """How long one draw of the card's noise lasts; None for no such noise."""
        own = getattr(card, "read_correlation", None)
        return self.correlation or own if self.card and own is not None else None
