"""What the column circuits of SRAM and gate-driven macros have in common."""

from __future__ import annotations

from pimsim.base.spec import Spec


class Column(Spec):
    """A column circuit: what a macro asks of it, with the answers of charge shared among single bits."""

    @property
    def most_bits(self) -> int:
        """Bits a cell can store."""
        return 1

    @property
    def time_coded(self) -> bool:
        """Whether a level of the input is a number of unit pulses; else it is a voltage."""
        return False

    @property
    def digital(self) -> bool:
        """Whether column sums are counted by logic instead of converted."""
        return False

    @property
    def linear(self) -> bool:
        """Whether the output is linear in the inputs."""
        return True

    @property
    def level_noise(self) -> float:
        """Noise of an input level, in levels."""
        return 0.0
