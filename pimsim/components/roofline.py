"""The roofline of a machine: a flat roof, a slanted one, and the layers below them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pimsim.base.display import Shown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Roofline(Shown):
    """A roof and the layers below it (Williams et al., CACM 52(4), 2009); :func:`pimsim.figures.roofline` draws it.

    What a PE and a cycle are is said by the room that makes it: :mod:`pimsim.chip.bounds`, or one multiplier and one
    cycle of the clock for an accelerator.

    Attributes
    ----------
    peak : MAC per cycle with every PE busy.
    words_per_cycle : input words that the connection, or the busier port of the memory, moves in a cycle.
    connection : name of the component or memory.
    intensity : layer -> MAC per word over it.
    reached : layer -> MAC per cycle, fill and drain included; empty for a chip, whose run is in :func:`chip_eyexam`.

    Examples
    --------
    >>> Roofline(64.0, 2.0, "dram", {"conv1": 8.0})
    Roofline
      peak [MAC/cycle]   64
      dram [word/cycle]  2
      layers             1
    """

    peak: float
    words_per_cycle: float
    connection: str
    intensity: Mapping[str, float]
    reached: Mapping[str, float] = field(default_factory=dict)

    def roof(self, layer: str) -> float:
        """The lower of the flat and the slanted roof above a layer [MAC per cycle]."""
        return min(self.peak, self.words_per_cycle * self.intensity[layer])

    def table(self) -> pd.DataFrame:
        """One row a layer: layer, macs_per_word, roof and reached [MAC per cycle] (None where no run is known)."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def to_dict(self) -> dict[str, object]:
        """Plain data, ready for JSON."""
        own = {"peak": self.peak, "words_per_cycle": self.words_per_cycle, "connection": self.connection}
        return {**own, "layers": self._rows()}

    def facts(self) -> dict[str, object]:
        """What is shown at a prompt."""
        slope = f"{self.connection} [word/cycle]"
        return {
            "peak [MAC/cycle]": f"{self.peak:,.6g}",
            slope: f"{self.words_per_cycle:.4g}",
            "layers": len(self.intensity),
        }

    def _rows(self) -> list[dict[str, object]]:
        return [
            {"layer": name, "macs_per_word": value, "roof": self.roof(name), "reached": self.reached.get(name)}
            for name, value in self.intensity.items()
        ]
