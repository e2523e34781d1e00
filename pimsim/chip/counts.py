"""Exact action counts of one layer for one input, as integers: what happens, before what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from pimsim.chip.fields import ChipFields
from pimsim.chip.placement import Placed
from pimsim.macro import Macro


@dataclass(frozen=True)
class LayerCounts:
    """How often each thing happens for one input of a layer.

    With P positions, G groups of a K x C matrix, Z input planes, S slices of a weight, and R row groups (parts of the
    K rows that are summed at once):

    ================== =====================================================================
    array_reads        P Z (reads of all arrays of the layer)
    row_drives         P Z G K for each column of arrays
    cell_reads         P Z G K C x cells a weight, and those of the reference columns
    column_reads       P Z G R C x cells a weight; columns without weights are never held
    column_sums        P Z G R C S x conversions a slice; without column gating, of all columns at every read
    conversions        those of the column sums that a converter makes: all, or none in a digital macro
    partial_sums       P G (row tiles - 1) C; for offset or flipped weights K + C more, for other offsets C
    gain_multiplies    P G C with a column gain
    ================== =====================================================================

    Bits: `input_bits_driven` leave the input registers for the rows, `input_bits_delivered` come to them,
    `buffer_bits_*` pass the tile's buffer (every window is read anew, every input is written once into each tile that
    needs it), `bus_bits` join buffer and cores, `router_bits` join tiles, `link_bits` chips, `dram_bits_*` the memory.
    """

    array_reads: int = 0
    row_drives: int = 0
    cell_reads: int = 0
    column_reads: int = 0
    column_sums: int = 0
    conversions: int = 0
    partial_sums: int = 0
    gain_multiplies: int = 0
    input_bits_driven: int = 0
    input_bits_delivered: int = 0
    sum_bits: int = 0
    buffer_bits_read: int = 0
    buffer_bits_written: int = 0
    bus_bits: int = 0
    router_bits: int = 0
    link_bits: int = 0
    dram_bits_read: int = 0
    dram_bits_written: int = 0
    outputs: int = 0
    digital_macs: int = 0
    cell_writes: int = 0


def count_layer(placed: Placed, chip: ChipFields, arriving: int, leaving: int, crossing: int) -> LayerCounts:
    """Count the actions of one layer for one input.

    Parameters
    ----------
    placed : Placed
        The layer on its arrays.
    chip : ChipFields
        The chip it is on.
    arriving, leaving : int
        Bits that come from off-chip memory for this layer, and that go there.
    crossing : int
        Bits that go from chip to chip.
    """
    layer, chip = placed.layer, chip.for_layer(placed.label)
    traffic = {
        "dram_bits_read": arriving,
        "dram_bits_written": leaving,
        "link_bits": crossing,
        "outputs": layer.outputs,
    }
    if placed.tiling is None:
        return LayerCounts(digital_macs=layer.macs, **_digital_traffic(placed, chip), **traffic)
    return LayerCounts(**_array_counts(placed, chip), **_traffic(placed, chip), **traffic)


def cell_writes(placed: Placed, chip: ChipFields) -> int:
    """Cells that are written to program one layer, all copies; those of reference columns are written as well."""
    macro, tiling = chip.for_layer(placed.label).macro, placed.tiling
    if tiling is None:
        return 0
    reference = placed.layer.groups * tiling.k * tiling.col_tiles * macro.weights.reference_columns
    return (placed.layer.weights * macro.columns_per_weight + reference) * placed.copies


def _array_counts(placed: Placed, chip: ChipFields) -> dict[str, int]:
    macro, layer, tiling = chip.macro, placed.layer, placed.tiling
    assert tiling is not None
    k, c, positions = layer.matrix
    groups, planes = layer.groups, macro.input_planes
    vectors = positions * groups
    row_groups = len(tiling.row_groups)
    if placed.packed > 1:
        whole, rest = divmod(groups, placed.packed)
        at_once = tiling.rows_active // k
        reads = whole * placed.reads + -(-rest // at_once)
    else:
        reads = groups * tiling.col_tiles * row_groups
    slices = macro.slices * macro.weights.conversions
    columns = vectors * row_groups * c
    if not chip.schedule.column_gating:
        columns = positions * reads * macro.weights_per_row
    column_sums = columns * planes * slices
    sums = (tiling.row_tiles - 1) * c + _corrections(macro, k, c)
    cells = c * macro.columns_per_weight + tiling.col_tiles * macro.weights.reference_columns
    return {
        "array_reads": positions * planes * reads,
        "row_drives": vectors * planes * k * tiling.col_tiles,
        "cell_reads": vectors * planes * k * cells,
        "column_reads": vectors * row_groups * c * planes * macro.columns_per_weight,
        "column_sums": column_sums,
        "conversions": 0 if macro.digital else column_sums,
        "partial_sums": vectors * sums,
        "gain_multiplies": vectors * c if macro.column_gain else 0,
        "input_bits_driven": vectors * k * tiling.col_tiles * macro.inputs.bits * macro.inputs.passes,
        "sum_bits": vectors * tiling.row_tiles * c * chip.accumulator_bits,
    }


def _corrections(macro: Macro, k: int, c: int) -> int:
    """Additions that take offsets off K x C products: the sum of the inputs and its part of each column, constants."""
    of_inputs = k + c if macro.weights.offset or macro.weights.flipped else 0
    return of_inputs + (bool(macro.inputs.offset) + macro.column_offset) * c


def _traffic(placed: Placed, chip: ChipFields) -> dict[str, int]:
    """Bits between registers, buffers and tiles."""
    layer, tiling, bits = placed.layer, placed.tiling, chip.macro.inputs.bits
    assert tiling is not None
    k, c, positions = layer.matrix
    words = positions * layer.groups * k
    core_columns = -(-tiling.col_tiles // chip.arrays_per_core)
    tile_columns = -(-tiling.col_tiles // chip.arrays_per_tile)
    spanned = -(-tiling.row_tiles * tiling.col_tiles // chip.arrays_per_tile)
    row_spans = -(-spanned // tile_columns)
    output_bits = layer.outputs * bits
    moved_sums = (row_spans - 1) * positions * layer.groups * c * chip.accumulator_bits
    return {
        "input_bits_delivered": words * bits * core_columns,
        "buffer_bits_read": words * bits * tile_columns,
        "buffer_bits_written": layer.inputs * bits * tile_columns,
        "bus_bits": words * bits * core_columns + output_bits,
        "router_bits": layer.inputs * bits * tile_columns + moved_sums,
    }


def _digital_traffic(placed: Placed, chip: ChipFields) -> dict[str, int]:
    """A digital product reads both operands from the buffer, weights among them, once."""
    bits = placed.layer.inputs * chip.macro.inputs.bits
    weights = placed.layer.weights * chip.macro.weights.bits
    if weights:
        return {
            "buffer_bits_read": bits + weights,
            "buffer_bits_written": bits,
            "bus_bits": bits + weights,
            "router_bits": bits,
        }
    return {"buffer_bits_read": bits, "buffer_bits_written": bits, "bus_bits": bits, "router_bits": bits}
