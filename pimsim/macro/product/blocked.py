"""Matrix products for inputs of many bits at once: own float32 micro-kernel, converter fused on the registers.

Column sums are chains of fused multiply-adds in float32, rows in ascending order, one chain for each sum: the answer
does not depend on blocks, registers, threads or batch. The scaled sum t = x/q + (1/2 - lo/q) is one more of them,
raised by a few float32 roundings of the code range so that a sum on the edge of two codes gives the upper one.
Integer cells without a pedestal are summed exactly below 2^24.

Layout of ``Panels.cells``, float32: row group, block of columns (two vectors), physical column, row, column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pimsim.macro.product.lookup import Words, aligned, pad_columns
from pimsim.macro.product.plan import ProductPlan
from pimsim.macro.product.threads import Share, run_shared, thread_count

_TILE = 6  # samples of the micro-kernel: with two vectors of columns, 12 sums and 3 operands fill 16 registers
_SAMPLES = 384  # x planes of a block of the batch, at most: its digits stay in the second cache
# Highest code: float32 sums of 128 rows are off by some 2^-20 of the range, 1/256 of a code of 12 bits.
_LARGEST_TOP = (1 << 12) - 1


@dataclass(frozen=True, eq=False)
class Panels:
    """What a plan's matrix and converters become; see the module.

    Attributes
    ----------
    edges : (R, 2) rows of each row group.
    converter : (R, P, 2, columns padded) float32 codes per cell step, and code of sum zero plus one half.
    weights : (R, P, columns padded) int32.
    width : columns of a block.
    """

    cells: NDArray[np.float32]
    edges: NDArray[np.int64]
    converter: NDArray[np.float32]
    weights: NDArray[np.int32]
    width: int

    @property
    def blocks(self) -> int:
        """Blocks of columns."""
        return self.weights.shape[2] // self.width


def refusal(plan: ProductPlan) -> str | None:
    """Why the float32 kernel cannot serve the plan, or None."""
    if plan.top > _LARGEST_TOP:
        return f"codes up to {plan.top} are too fine for float32 sums"
    columns = int(np.abs(plan.weights).sum(axis=(1, 2)).max())
    if plan.top * columns * sum(abs(plane.weight) for plane in plan.planes) >= 2**31:
        return "shift-added codes pass 31 bits"
    return None


def build(plan: ProductPlan, lanes: int | None = None) -> Panels:
    """Panels of a plan; ``lanes`` (4, 8, 16) of a vector are the machine's if None."""
    from pimsim.base.simd import native_lanes
    from pimsim.macro.product import _kernels_blocked as kernels

    width = 2 * (lanes or native_lanes())
    edges = np.array(plan.groups, dtype=np.int64)
    slices, conversions, k, columns = plan.matrix.shape
    cells = np.ascontiguousarray(plan.matrix).reshape(slices * conversions, k, columns)
    inverse, begin = plan.scaling
    begin = begin + 2.0**-22 * (plan.top + np.abs(begin))
    padded = -(-columns // width) * width
    converter = np.stack([pad_columns(v, padded, np.float32) for v in (inverse, begin)], axis=2)
    weights = pad_columns(plan.weights.reshape(len(edges), -1, columns), padded, np.int32)
    panels = aligned(len(cells) * padded * int(np.diff(edges, axis=1).sum()), np.float32)
    kernels.pack_cells(cells, plan.pedestal, edges, width, panels)
    return Panels(panels, edges, converter, weights, width)


def code_sums(
    plan: ProductPlan, panels: Panels, words: Words, threads: int | None = None, simd: bool = True
) -> NDArray[np.float64]:
    """Sum of the weighted codes, (B, C) float64, for (B, K) unsigned input words; see :class:`ProductPlan`.

    ``simd=False`` takes the plain loops, which give the same bits, as do any number of ``threads``.
    """
    out = np.zeros((len(words), plan.matrix.shape[3]))

    def work(share: Share) -> None:
        add_share(plan, panels, words, share, out, simd)

    run_shared(work, len(words), panels.blocks, threads or thread_count())
    return out


def add_share(
    plan: ProductPlan, panels: Panels, words: Words, share: Share, out: NDArray[np.float64], simd: bool = True
) -> None:
    """Add one thread's share of the codes, block after block of the batch, to its columns of ``out`` (B, C)."""
    from pimsim.macro.product import _kernels_blocked as kernels

    mine, sums_of = words[share.samples], out[share.samples]
    plane_weights = np.array([plane.weight for plane in plan.planes], dtype=np.int32)
    lsb = np.array([plane.lsb for plane in plan.planes])
    mask = np.array([(1 << plane.width) - 1 for plane in plan.planes])
    lanes = (0,) * (panels.width // 2) if simd else panels.width // 2
    parts = max(1, -(-len(mine) * len(plan.planes) // _SAMPLES))
    samples = max(_TILE, -(-len(mine) // parts // _TILE) * _TILE)
    for first in range(0, len(mine), samples):
        block = mine[first : first + samples]
        tiles, begin = -(-len(block) // _TILE), 0
        sums = np.zeros(tiles * _TILE * panels.width, np.int32)
        for r, (start, stop) in enumerate(plan.groups):
            levels = np.empty((len(plan.planes), tiles, stop - start, _TILE), np.float32)
            kernels.tile_digits(block, (start, stop), (lsb, mask), levels)
            size = (stop - start) * panels.width
            kernels.blocked_group(
                lanes,
                levels,
                panels.cells,
                (begin, size),
                panels.converter[r],
                plane_weights,
                panels.weights[r],
                plan.unit[r],
                plan.top,
                share.blocks,
                sums,
                sums_of[first : first + samples],
            )
            begin += size * panels.weights.shape[1] * panels.blocks
