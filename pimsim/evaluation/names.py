"""Networks and chips as users give them: by name, path or object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pimsim.chip import Chip, load_chip
from pimsim.networks.shapes import Shapes, workload_of

Chips = str | Path | Mapping[str, Any] | Chip

__all__ = ["Chips", "Shapes", "chip_of", "workload_of"]


def chip_of(chip: Chips) -> Chip:
    """A chip by name, path or mapping, or as it is."""
    return chip if isinstance(chip, Chip) else load_chip(chip)
