"""Current-domain SRAM columns: cells discharge a bit line, which stops being linear as its voltage falls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from pimsim.base.checks import check_array
from pimsim.base.quantities import Ampere, Farad, Second, Volt
from pimsim.crossbar.sram_charge import Rng, deviates
from pimsim.crossbar.sram_column import Column


class CurrentColumn(Column):
    """Bit-line discharge (QS): every selected cell draws its current for its pulse from the bit-line capacitance.

    The current of a cell falls as its bit line falls, I(dV) = I_i (1 - m dV) with m = lambda/(1 + lambda V_dd). All
    cells of a column see the same dV, so d(dV)/dt = (sum I_i)(1 - m dV)/C and, whatever the shape of the pulses,

        dV = (1 - exp(-m Q/C))/m   with   Q = sum_i w_i I_i t_i,

    which is Q/C for lambda = 0. Beyond ``headroom`` the cells leave saturation; dV is clipped there.
    Threshold variation makes I_i = I (1 - dVt/V_ov)^alpha (alpha-power law, Sakurai and Newton, IEEE JSSC 25, 584,
    1990), to first order a spread of alpha sigma_Vt / V_ov.

    A word of several ``bits`` discharges one bit line a bit; then capacitors in the ratio of powers of two share their
    charge, V = sum_b 2^b dV_b / (2^bits - 1) (as in Dong et al., ISSCC 2020, and Sinangil et al., JSSC 56(1), 2021).

    Parameters
    ----------
    bits : of a word, one bit line each.
    current : I of a nominal cell [A] at full bit-line voltage.
    pulse : duration of a unit pulse [s];  jitter : its standard deviation [s], drawn every read and row.
    capacitance : bit line [F];  v_dd : precharge voltage [V];  headroom : largest swing [V].
    sigma_vt : threshold spread [V];  overdrive : V_gs - V_t [V];  alpha : exponent, 1 (velocity saturated) to 2.
    channel_length_modulation : lambda [1/V].
    comparator_noise : input-referred noise of the converter [V], drawn every read.

    >>> column = CurrentColumn(current=1e-6, pulse=1e-9, capacitance=100e-15, channel_length_modulation=0.0)
    >>> round(column.step() * 1e3, 3)       # mV
    10.0
    """

    kind: Literal["current"] = "current"
    bits: Annotated[int, Field(ge=1, le=8)] = 1
    current: Annotated[Ampere, Field(ge=1e-21, le=1)] = 2e-6
    pulse: Annotated[Second, Field(ge=1e-15, le=1)] = 100e-12
    jitter: Annotated[Second, Field(ge=0, le=1)] = 0.0
    capacitance: Annotated[Farad, Field(ge=1e-21, le=1)] = 100e-15
    v_dd: Annotated[Volt, Field(ge=1e-6, le=100)] = 0.9
    headroom: Annotated[Volt, Field(ge=1e-6, le=100)] = 0.5
    sigma_vt: Annotated[Volt, Field(ge=0, le=100)] = 0.02
    overdrive: Annotated[Volt, Field(ge=1e-6, le=100)] = 0.3
    alpha: Annotated[float, Field(ge=1, le=2)] = 1.3
    channel_length_modulation: Annotated[float, Field(ge=0, le=100)] = 0.1
    comparator_noise: Annotated[Volt, Field(ge=0, le=100)] = 0.5e-3

    def step(self, rows: int = 1) -> float:
        """Swing [V] of one nominal cell and unit pulse while the bit line is still full, whatever the rows."""
        return self.current * self.pulse / self.capacitance

    def draw(self, shape: tuple[int, ...], rng: Rng = 0, place: ArrayLike | None = None) -> np.ndarray:
        """Currents of ``shape`` (..., rows, columns) [A] of the cells, threshold variation included.

        Words of several bits have a first axis more, their bits from the least significant on.
        """
        drawn = [deviates(shape, rng, "thresholds", place, draw=b) for b in range(self.bits)]
        shift = self.sigma_vt * (drawn[0] if self.bits == 1 else np.stack(drawn))
        return self.current * np.maximum(1.0 - shift / self.overdrive, 0.0) ** self.alpha

    def pulses(self, units: ArrayLike, rng: Rng = 0, place: ArrayLike | None = None) -> np.ndarray:
        """Pulse widths (B, N) [s] for ``units`` (B, N) unit pulses; a row that is off has no jitter."""
        x = check_array("units", units, (None, None), minimum=0.0)
        if self.jitter == 0.0:
            return x * self.pulse
        width = x * self.pulse + self.jitter * deviates(x.shape, rng, "pulses", place)
        return np.where(x > 0, np.maximum(width, 0.0), 0.0)

    def swings(self, widths: ArrayLike, currents: ArrayLike) -> np.ndarray:
        """Bit-line swings (B, M) [V], without noise, for pulse widths (B, N) [s] and cell currents (N, M) [A].

        A cell that stores 0 has current 0.
        """
        i = check_array("currents", currents, (None, None), minimum=0.0)
        t = check_array("widths", widths, (None, len(i)), minimum=0.0)
        return self.swing(t @ i / self.capacitance)

    def swing(self, linear: np.ndarray) -> np.ndarray:
        """Swing [V] for the swing Q/C [V] that constant currents would give."""
        m = self.channel_length_modulation / (1.0 + self.channel_length_modulation * self.v_dd)
        swing = linear if m == 0.0 else -np.expm1(-m * linear) / m
        return np.minimum(swing, self.headroom)

    def contributions(self, stored: np.ndarray, rows: int, currents: np.ndarray) -> np.ndarray:
        """What each word adds to its column for a unit pulse, in nominal steps, before :meth:`bend`: (..., n, M)."""
        return np.tensordot(self._worth, self.lines(stored, currents), axes=1)

    def lines(self, stored: np.ndarray, currents: np.ndarray | float) -> np.ndarray:
        """What each word adds to its bit lines for a unit pulse, in nominal steps: (bits, ..., n, M)."""
        words = np.asarray(stored)
        if self.bits == 1:
            return (words * (currents / self.current))[None]
        digits = np.stack([words.astype(np.int64) >> b & 1 for b in range(self.bits)])
        return digits * (currents / self.current)

    def bend(self, steps: np.ndarray) -> np.ndarray:
        """Sums of bit lines in steps, bent by lambda and clipped by the headroom."""
        return self.swing(steps * self.step()) / self.step()

    def join(self, lines: np.ndarray) -> np.ndarray:
        """Column sums in steps as they reach the converter, from the sums (bits, ...) of the bit lines."""
        return np.tensordot(self._worth, self.bend(lines), axes=1)

    @property
    def _worth(self) -> np.ndarray:
        return 2.0 ** np.arange(self.bits)

    @property
    def most_bits(self) -> int:
        """Bits a word can store."""
        return self.bits

    def unit(self, rows: int, top: int) -> float:
        """Swing [V] of one unit of sum_i level_i word_i, a level being a number of unit pulses."""
        return self.step() / (2**self.bits - 1)

    @property
    def time_coded(self) -> bool:
        """Whether a level of the input is a number of unit pulses; else it is a voltage."""
        return True

    @property
    def linear(self) -> bool:
        """The swing is no linear function of the inputs."""
        return False

    @property
    def level_noise(self) -> float:
        """Noise of an input level in levels: the jitter of its pulse."""
        return self.jitter / self.pulse

    def thermal(self, rows: int) -> float:
        """Sampled thermal noise [V]: that of a bit line is far below the converter's and left out."""
        return 0.0

    def noise(self, rows: int) -> float:
        """Standard deviation [V] of one read, without the jitter of the pulses."""
        return self.comparator_noise

    def supply(self, stored: np.ndarray, rows: int, top: int) -> Callable[[np.ndarray], float]:
        """Function of unit pulses (B, n): energy [J] of the precharge, C V_dd dV, summed over inputs and columns.

        ``stored`` (n, M) words of nominal columns.
        """
        lines = self.lines(stored, np.full((self.bits, 1, 1), self.current) if self.bits > 1 else self.current)
        scale = self.capacitance * self.v_dd
        return lambda levels: scale * float(self.swing(levels @ lines * self.step()).sum())

    @property
    def relative_spread(self) -> float:
        """sigma_I / I of the cells, to first order in the threshold variation."""
        return self.alpha * self.sigma_vt / self.overdrive
