"""Running the estimator of one component with what the chip knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pimsim.chip.fields import ChipFields
from pimsim.components import load_estimator, run_estimator
from pimsim.components.estimate import Estimate, parameters_of


def estimate(chip: ChipFields, name: str, context: Mapping[str, Any]) -> Estimate:
    """Run a component's estimator with what the chip knows and what the component adds."""
    component = chip.components[name]
    law = str(component.estimator)
    wanted = parameters_of(load_estimator(law))
    known = {key: value for key, value in {**_common(chip), **context}.items() if key in wanted}
    if component.capacity is not None and "capacity" in wanted:
        known["capacity"] = component.capacity
    return run_estimator(law, known | component.parameters, f"components.{name}.parameters")


def _common(chip: ChipFields) -> dict[str, Any]:
    """What the chip knows for any estimator, by parameter name."""
    macro = chip.macro
    known = {"node": macro.node, "supply": chip.supply, "rows": macro.rows, "cols": macro.cols}
    known |= {"v_read": macro.v_read, "t_read": macro.t_read}
    return known | _cell_size(chip)


def _cell_size(chip: ChipFields) -> dict[str, float]:
    """Area [squares of the node] and pitch [node] of a cell where its card gives them; cells are taken as square."""
    from pimsim.cells import load_device

    area = load_device(chip.macro.device).area_f2
    return {} if area is None else {"cell_area_f2": area.value, "cell_pitch_f": math.sqrt(area.value)}
