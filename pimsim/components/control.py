"""Control and clock: what the parts around the work take, as a share of it; the same rule for chips and accelerators.

No table of component energies holds them, yet no chip runs without. The clock of microprocessors takes "more than a
quarter" of their power (Duarte, Vijaykrishnan and Irwin, ISVLSI 2002, doi 10.1109/ISVLSI.2002.1016875), so a third of
everything else: the share that is assumed where a card states none. A 28-nm RRAM macro spends 1.1 times as much on
control as on readout and multiplexers together (Ye et al., JSSC 2023), so a third is on the low side.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Annotated

from pydantic import Field, model_validator

from pimsim.base.spec import Spec
from pimsim.base.tags import How
from pimsim.components.cost import ActionRow

CONTROL = "control"
SHARE = 1 / 3
_SOURCE = "a quarter of the total, as the clock of microprocessors (Duarte et al., ISVLSI 2002)"


class Control(Spec):
    """Energy of control and clock over the dynamic energy of the other parts on the chip.

    Parameters
    ----------
    share : float
        0 or more; a third where nothing is stated.
    source, status :
        Where a share of one's own comes from. A share of 0 needs a source as well: it says which other numbers hold
        the control.

    Examples
    --------
    >>> Control().note.split(' of ')[0]
    'control and clock: 33.3 %'
    """

    share: Annotated[float, Field(ge=0.0)] = SHARE
    source: str = ""
    status: How = "assumed"

    @model_validator(mode="after")
    def _sourced(self) -> Control:
        if self.share != SHARE and not self.source:
            raise ValueError(f"share = {self.share:g} needs a source; leave it out for the assumed {SHARE:.3g}")
        return self

    @property
    def origin(self) -> str:
        """Status and source of the share."""
        return f"{self.status}: {self.source or _SOURCE}"

    @property
    def note(self) -> str:
        """What a reader of a total must know."""
        share = f"{100 * self.share:.3g} % of the on-chip dynamic energy without the cells"
        return f"control and clock: {share} ({self.origin})"


def control_rows(actions: Sequence[ActionRow], control: Control, apart: Collection[str]) -> list[ActionRow]:
    """Energy of control and clock [J], one row a layer.

    Parameters
    ----------
    actions : sequence of ActionRow
        What the layers take, for the whole batch; leakage among it does not count.
    control : Control
        The share.
    apart : collection of str
        Components that do not count: those off the chip, cells whose energy follows the data, and what feeds them.

    Examples
    --------
    >>> rows = [ActionRow("conv1", "adc", "convert", 8, 9e-12, "x"), ActionRow("conv1", "dram", "read", 8, 1e-9, "x")]
    >>> round(control_rows(rows, Control(), {"dram"})[0].energy_j * 1e12, 3)
    3.0
    """
    energies: dict[str, list[float]] = {}
    for row in actions:
        if row.component not in apart and row.action != "leak":
            energies.setdefault(row.layer, []).append(row.energy_j)
    if not control.share:
        return []
    source = f"share {control.share:.3g} ({control.origin})"
    return [ActionRow(layer, CONTROL, "run", 1, control.share * math.fsum(e), source) for layer, e in energies.items()]
