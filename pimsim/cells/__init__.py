"""Memory cells: device cards with their sources, programmed cells over time, noise, faults."""

from pimsim.cells.card import DeviceCard
from pimsim.cells.check import check_device
from pimsim.cells.faults import Faults
from pimsim.cells.library import list_devices, load_device
from pimsim.cells.state import Cells

__all__ = ["Cells", "DeviceCard", "Faults", "check_device", "list_devices", "load_device"]
