"""pimsim: circuit-accurate simulation of processing-in-memory crossbars, beside a digital accelerator.

Names are imported when they are first used, so ``import pimsim`` costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
    "assign_layers": "evaluation",
    "cost": "evaluation",
    "evaluate": "evaluation",
    "eyexam": "evaluation",
    "from_torch": "networks",
    "list_accelerators": "digital",
    "list_chips": "chip",
    "list_datasets": "networks",
    "list_devices": "cells",
    "list_experiments": "experiment",
    "list_networks": "networks",
    "load_chip": "chip",
    "load_dataset": "networks",
    "load_device": "cells",
    "load_network": "networks",
    "quantize": "networks",
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
_MODULES = {"checks": "checks", "spice": "crossbar.spice"} | {room: room for room in _ROOMS}

# What a type checker sees of the names above.
if TYPE_CHECKING:
    from pimsim import cells as cells
    from pimsim import checks as checks
    from pimsim import chip as chip
    from pimsim import components as components
    from pimsim import crossbar as crossbar
    from pimsim import digital as digital
    from pimsim import evaluation as evaluation
    from pimsim import figures as figures
    from pimsim import networks as networks
    from pimsim import studies as studies
    from pimsim import workload as workload
    from pimsim.cells import list_devices as list_devices
    from pimsim.cells import load_device as load_device
    from pimsim.cells.iv import CubicCell as CubicCell
    from pimsim.cells.iv import LinearCell as LinearCell
    from pimsim.cells.iv import SinhCell as SinhCell
    from pimsim.cells.iv import TableCell as TableCell
    from pimsim.chip import list_chips as list_chips
    from pimsim.chip import load_chip as load_chip
    from pimsim.converters import ADC as ADC
    from pimsim.converters import DAC as DAC
    from pimsim.crossbar import IdealSwitch as IdealSwitch
    from pimsim.crossbar import Transistor as Transistor
    from pimsim.crossbar import Wires as Wires
    from pimsim.crossbar import solve_crossbar as solve_crossbar
    from pimsim.crossbar import solve_gated as solve_gated
    from pimsim.crossbar import spice as spice
    from pimsim.crossbar import transfer_matrix as transfer_matrix
    from pimsim.digital import list_accelerators as list_accelerators
    from pimsim.encoding import InputEncoding as InputEncoding
    from pimsim.encoding import WeightEncoding as WeightEncoding
    from pimsim.evaluation import assign_layers as assign_layers
    from pimsim.evaluation import cost as cost
    from pimsim.evaluation import evaluate as evaluate
    from pimsim.evaluation import eyexam as eyexam
    from pimsim.experiment import list_experiments as list_experiments
    from pimsim.experiment import run_experiment as run_experiment
    from pimsim.macro import Macro as Macro
    from pimsim.macro.matrix import AnalogMatrix as AnalogMatrix
    from pimsim.networks import from_torch as from_torch
    from pimsim.networks import list_datasets as list_datasets
    from pimsim.networks import list_networks as list_networks
    from pimsim.networks import load_dataset as load_dataset
    from pimsim.networks import load_network as load_network
    from pimsim.networks import quantize as quantize
    from pimsim.workload import Conv2d as Conv2d
    from pimsim.workload import Dense as Dense

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
