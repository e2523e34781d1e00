"""One memory array with its periphery: program weights, multiply inputs, read what it took."""

from pimsim.macro.macro import Macro

__all__ = ["Macro"]
