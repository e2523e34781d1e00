"""What a read adds to the state of the cells, and how long one draw of it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from pimsim.base.quantities import Hertz, Kelvin
from pimsim.base.spec import Spec

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard

Duration = Literal["read", "vector", "batch"]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
# Beyond these a value is a slip of units or of digits: "2 degC" is 275 K, no amplifier of an array passes 1 THz.
_LARGEST_VARIATION, _WIDEST_BAND = 100.0, 1e12  # [K], [Hz]


class Flicker(Spec):
    """1/f noise of the cells: normal, in proportion to the conductance of each.

    ``amplitude`` is sigma_G / G over the frequencies between one read and the whole run, A ln(f_high / f_low) squared
    being its variance; most of that is slow, so by default one draw lasts for the batch.
    """

    amplitude: Fraction = 0.0
    correlation: Duration = "batch"


class Telegraph(Spec):
    """Random telegraph noise: G (1 + amplitude (occupancy - s)), s = 1 while the cell's trap is filled, else 0.

    ``share`` of the cells have a trap, settled at programming; ``occupancy`` is the share of the time it is filled.
    Every draw is of the two states, also from read to read. (Machlup, J. Appl. Phys. 25, 341, 1954.)
    """

    amplitude: Fraction = 0.0
    share: Fraction = 1.0
    occupancy: Fraction = 0.5
    correlation: Duration = "vector"


class TemperatureVariation(Spec):
    """Temperature of the chip about the macro's (or the card's own): normal with ``sigma`` [K], cut at 4 sigma.

    All layers and arrays of a chip have the same one, the cells follow it by their card's law.
    """

    sigma: Kelvin = Field(0.0, ge=0.0, le=_LARGEST_VARIATION)
    correlation: Literal["vector", "batch"] = "batch"


class ReadEffects(Spec):
    """Noise of reads. It is drawn only when ``matmul`` is given an ``rng``.

    Parameters
    ----------
    card : whether the card's own read noise counts.
    correlation : how long one draw of it lasts, instead of what the card says: ``"read"`` (independent in every plane
        and row group), ``"vector"`` (for all planes of an input), ``"batch"`` (for all reads of an rng,
        as 1/f noise nearly is over an inference).
    bandwidth : of the sense amplifiers [Hz]; adds the shot and thermal noise of every cell on a row group, white:
        S_I = 2 q I coth(q V / 2 k T), which is 4 k T G at V = 0 (van der Ziel, Noise in Solid State Devices, 1986),
        at the macro's temperature.
    voltage : relative standard deviation of the read voltage of an array, another in each read.
    flicker, telegraph : noise of the cells beside the card's own (:class:`Flicker`, :class:`Telegraph`).
    temperature_variation : of the chip (:class:`TemperatureVariation`); needs a card with a temperature law.

    >>> effects = ReadEffects().replace({"telegraph.amplitude": 0.05, "temperature_variation.sigma": "2 K"})
    >>> effects.telegraph.amplitude, effects.temperature_variation.sigma
    (0.05, 2.0)
    """

    card: bool = True
    correlation: Duration | None = None
    bandwidth: Annotated[Hertz, Field(gt=0.0, le=_WIDEST_BAND)] | None = None
    voltage: Fraction = 0.0
    flicker: Flicker = Flicker()
    telegraph: Telegraph = Telegraph()
    temperature_variation: TemperatureVariation = TemperatureVariation()

    @model_validator(mode="after")
    def _check(self) -> ReadEffects:
        if self.correlation is not None and not self.card:
            raise ValueError(f"correlation = {self.correlation!r} of noise that card = false switches off")
        return self

    def card_noise(self, card: DeviceCard) -> Duration | None:
        """How long one draw of the card's own noise lasts; None for no such noise."""
        own = card.read_correlation
        return self.correlation or own if self.card and own is not None else None

    def sources(self, card: DeviceCard) -> dict[str, Duration]:
        """What is random in reads of cells of ``card``, and how long one draw of each lasts."""
        found: dict[str, Duration | None] = {
            "card": self.card_noise(card),
            "flicker": self.flicker.correlation if self.flicker.amplitude else None,
            "telegraph": self.telegraph.correlation if self.telegraph.amplitude else None,
            "temperature": self.temperature_variation.correlation if self.temperature_variation.sigma else None,
            "bandwidth": "read" if self.bandwidth else None,
            "voltage": "read" if self.voltage else None,
        }
        return {name: lasts for name, lasts in found.items() if lasts is not None}
