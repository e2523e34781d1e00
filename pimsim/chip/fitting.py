"""A chip cut to a network: without the tiles that hold no weights and the banks that hold no activations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pimsim.chip.buffers import alive_bits, buffer_bits
from pimsim.chip.placement import place_network
from pimsim.chip.spec import Chip, shapes_of
from pimsim.workload import Workload

if TYPE_CHECKING:
    from pimsim.networks.shapes import Shapes


def fitted(chip: Chip, workload: Shapes) -> Chip:
    """The chip cut to what a network needs, with weights programmed once.

    Tiles go that hold neither weights nor, where other buffers are full, activations; then cores and arrays of a single
    tile; then banks of the buffers that neither hold live activations nor are needed for their bandwidth.  Copies of
    weights that the schedule makes stay.  Parts of a tile go with it; energy, latency and throughput stay as they are
    unless digital units of that tile took part, or the edges between several chips move.

    Examples
    --------
    >>> import pimsim as ps
    >>> cut = fitted(ps.load_chip("generic-rram-32nm"), "fashion-vgg")
    >>> cut.tiles, cut.cores_per_tile, cut.arrays_per_core
    (1, 5, 8)
    """
    workload = shapes_of(workload)
    placed, chips = place_network(chip, workload)
    arrays = -(-sum(one.all_arrays for one in placed) // chips)
    bits = max(alive_bits(placed, chip, chips)) / chips
    cut = chip.replace(_sizes(chip, max(1, arrays), bits))
    for name in cut.with_role("buffer"):
        if cut.components[name].capacity:
            cut = _with_fewest_banks(cut, workload, name, bits)
    return cut


def _sizes(chip: Chip, arrays: int, bits: float) -> dict[str, int]:
    """Fan-outs that hold so many arrays and bits of activations."""
    central = buffer_bits(chip, "chip")
    room = (buffer_bits(chip) - central) / chip.tiles
    full = math.ceil((bits - central) / room) if room else 0
    sizes = {"tiles": max(-(-arrays // chip.arrays_per_tile), full)}
    if sizes["tiles"] == 1:
        sizes["cores_per_tile"] = -(-arrays // chip.arrays_per_core)
        if sizes["cores_per_tile"] == 1:
            sizes["arrays_per_core"] = arrays
    return sizes


def _with_fewest_banks(chip: Chip, workload: Workload, name: str, bits: float) -> Chip:
    """The chip with the fewest banks at a place that hold the bits and delay nothing."""
    count = chip.count_of(name)
    units = chip.instances(name) // count
    fewest = max(1, math.ceil(bits / (8 * (chip.components[name].capacity or 1.0) * units)))
    whole = _times(chip, workload)
    for banks in range(fewest, count):
        fewer = chip.replace({f"components.{name}.count": banks})
        if _times(fewer, workload) == whole:
            return fewer
    return chip


def _times(chip: Chip, workload: Workload) -> tuple[float, float]:
    cost = chip.cost(workload)
    return cost.latency_s, cost.throughput_per_s
