"""Fields of single layers: what a controller can set from layer to layer, and layers that run digitally."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pimsim.base.errors import nearest
from pimsim.base.spec import FROM_LIST
from pimsim.macro import Macro

DIGITAL = "digital"
# Fields of the macro that one array can have differently for different layers.
OPERATING = ("adc.bits", "adc.range", "inputs.bits", "rows_active", "v_read", "weights.bits")
# Beyond these bits an array would need other hardware than the chip has.
_AT_MOST = ("adc.bits", "inputs.bits", "rows_active", "weights.bits")

Limits = Annotated[tuple[float, float], FROM_LIST]
LayerFields = dict[str, bool | int | float | str | Limits]


def check_fields(key: str, fields: Mapping[str, object], macro: Macro) -> None:
    """Raise `ValueError` for a field that is fixed in hardware, or a value above that of the macro."""
    for name, value in fields.items():
        if name == DIGITAL:
            if not isinstance(value, bool):
                raise ValueError(f"per_layer.{key}.digital = {value!r}: must be true or false")
            continue
        if name not in OPERATING:
            known = ", ".join((DIGITAL, *OPERATING))
            close = nearest(name, (DIGITAL, *OPERATING))
            raise ValueError(f"per_layer.{key}: {name!r} is fixed in hardware or unknown{close}; allowed: {known}")
        most = macro.active if name == "rows_active" else macro.get(name)
        if name in _AT_MOST and isinstance(value, int | float) and value > most:
            raise ValueError(f"per_layer.{key}: {name} = {value}: the hardware has {most}")
    macro.replace({name: value for name, value in fields.items() if name != DIGITAL})
