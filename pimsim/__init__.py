"""pimsim: circuit-accurate simulation of processing-in-memory crossbars, beside a digital accelerator.

Names are imported when they are first used, so ``import pimsim`` costs little.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Public name -> module that owns it.
_PUBLIC = {
    "ADC": "converters",
    "AnalogMatrix": "macro.matrix",
    "Conv2d": "workload",
    "CubicCell": "cells.iv",
    "DAC": "converters",
    "Dense": "workload",
    "IdealSwitch": "crossbar",
    "InputEncoding": "encoding",
    "LinearCell": "cells.iv",
    "Macro": "macro",
    "SinhCell": "cells.iv",
    "TableCell": "cells.iv",
    "Transistor": "crossbar",
    "WeightEncoding": "encoding",
    "Wires": "crossbar",
    "evaluate": "evaluation",
    "eyexam": "evaluation",
    "from_torch": "networks",
    "list_devices": "cells",
    "load_chip": "chip",
    "load_dataset": "networks",
    "load_device": "cells",
    "load_network": "networks",
    "run_experiment": "experiment",
    "solve_crossbar": "crossbar",
    "solve_gated": "crossbar",
    "transfer_matrix": "crossbar",
}
# Rooms reached as ``ps.digital`` and the like.
_ROOMS = {
    "cells",
    "chip",
    "components",
    "crossbar",
    "digital",
    "evaluation",
    "figures",
    "networks",
    "studies",
    "workload",
}
_MODULES = {"spice": "crossbar.spice"} | {room: room for room in _ROOMS}

__all__ = ["__version__", *sorted(_PUBLIC), *sorted(_MODULES)]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(f"pimsim.{_PUBLIC[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"pimsim.{_MODULES[name]}")
    else:
        raise AttributeError(f"module 'pimsim' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
