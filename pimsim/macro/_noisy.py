"""The look-up path with white noise of the columns: sums and variances looked up, one normal a conversion.

For bit-serial inputs the variance of a column sum is linear in the inputs, so tables serve it as they serve the sum.
Noise has the addresses of :mod:`pimsim.macro.reads` and is computed in float32: outputs are those of the plain path
except where a noisy sum lies within float32 rounding of a code edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pimsim.macro import _lookup
from pimsim.macro._lookup import Tables
from pimsim.macro._threads import run_shared, thread_count
from pimsim.macro.plan import Plan
from pimsim.macro.reads import Reads

_CONVERSIONS = 1024  # of one column in a block of the batch: sums and variances stay in the second cache


@dataclass(frozen=True, eq=False)
class NoisyTables:
    """Tables of the sums and of the variances of their noise."""

    sums: Tables
    spreads: Tables


def refusal(plan: Plan) -> str | None:
    """Why noise of the plan cannot be looked up, or None."""
    noise = plan.noise
    if noise is None or plan.adc is not None or plan.dac is not None:
        return "noise of the converters"
    if max(plane.width for plane in plan.planes) > 1:
        return "noise with inputs of several bits at once"
    if noise.reference is not None or noise.voltage or noise.constant or noise.traps:
        return "noise that is not of the cells of a column alone"
    return _lookup.refusal(plan)


def build(plan: Plan, lanes: int | None = None) -> NoisyTables:
    """Tables of a plan with noise; see :func:`pimsim.macro._lookup.build`."""
    sums, noise = _lookup.build(plan, lanes), plan.noise
    assert noise is not None
    off, on = noise.drive(np.array([0.0, 1.0]))
    spread, idle = np.zeros(plan.matrix.shape), np.zeros(plan.matrix.shape)
    if noise.own.square is not None:
        spread += noise.own.square
    if noise.own.current is not None:
        spread += (on - off) * noise.own.current
        idle += off * noise.own.current
    conversions, columns = plan.matrix.shape[1], plan.matrix.shape[3]
    inverse = np.repeat(1.0 / plan.q**2, conversions, axis=1)
    at_rest = [idle[:, :, start:stop].sum(axis=2).reshape(-1, columns) for start, stop in plan.groups]
    spreads = _lookup.fill(plan, spread, 0.0, inverse, inverse * np.stack(at_rest), sums.lanes)
    return NoisyTables(sums, spreads)


def code_sums(
    plan: Plan, tables: NoisyTables, words: NDArray[Any], reads: Reads, threads: int | None = None, simd: bool = True
) -> NDArray[np.float64]:
    """Sum of the weighted codes, (B, C) float64, of (B, K) input words with the noise of ``reads``.

    ``simd=False`` takes the plain loops, which give the same bits, as do any number of ``threads``.
    """
    out = np.zeros((len(words), plan.matrix.shape[3]))

    def work(samples: slice, blocks: tuple[int, int]) -> None:
        _share(plan, tables, words[samples], reads.later(samples.start), blocks, simd, out[samples])

    run_shared(work, len(words), tables.sums.blocks, threads or thread_count())
    return out


def _share(
    plan: Plan,
    tables: NoisyTables,
    words: NDArray[Any],
    reads: Reads,
    blocks: tuple[int, int],
    simd: bool,
    out: NDArray[np.float64],
) -> None:
    """One thread's share: some blocks of columns, block after block of the batch, added to ``out``."""
    planes = min(len(plan.planes), 8)
    samples = max(1, _CONVERSIONS // (2 * (planes // 2 + 1)))
    for first in range(0, len(words), samples):
        part, later = words[first : first + samples], reads.later(first)
        done = 0
        for shift, chunk in _lookup.chunks(plan):
            low = np.ascontiguousarray(part >> part.dtype.type(shift) if shift else part).astype(np.uint8, copy=False)
            worth = float(1 << shift)
            _add_chunk(plan, tables, low, chunk, done, worth, later, blocks, simd, out[first : first + samples])
            done += len(chunk[0])


def _add_chunk(
    plan: Plan,
    tables: NoisyTables,
    low: NDArray[np.uint8],
    chunk: tuple[NDArray[Any], ...],
    done: int,
    worth: float,
    reads: Reads,
    blocks: tuple[int, int],
    simd: bool,
    out: NDArray[np.float64],
) -> None:
    """Add the planes of one chunk, of which ``done`` came before, row group by row group."""
    from pimsim.macro import _kernels_noise as kernels
    from pimsim.macro._kernels_pack import pack

    sums, spreads = tables.sums, tables.spreads
    lanes, planes, begin, n = sums.lanes, len(chunk[0]), 0, len(low)
    group = kernels.noisy_group if simd else kernels.noisy_group_plain
    packing = _lookup.Scratch(sums, n, planes).packing(n, planes)
    key = tuple(np.uint64(k) for k in reads.cell_stream.key)
    converter = tuple(np.float32(v) for v in (plan.top, 2.0**-sums.bits, 2.0**-spreads.bits))
    for r, size in enumerate(sums.sizes):
        draw = reads.draw(r * len(plan.planes) + done)
        pairs = (draw % 2 + planes + 1) // 2
        member, pair = (draw + np.arange(planes)) % 2, (draw % 2 + np.arange(planes)) // 2
        slots = np.zeros(2 * pairs, np.int32)
        slots[member * pairs + pair] = chunk[2]
        stride = 2 * pairs * lanes
        placed = (*chunk[:3], (member * pairs + pair) * lanes)
        pack(low, tuple(sums.edges[r]), placed, 1, lanes, stride, *packing)
        scratch = (
            *(np.zeros(n * stride, np.int32) for _ in range(2)),
            np.empty((3, pairs * lanes), np.uint32),
            np.empty((2, pairs * lanes), np.float32),
            np.empty(stride, np.int32),
            np.zeros(n * lanes, np.int32),
            np.zeros(n * lanes),
        )
        group(
            (0,) * lanes if simd else lanes,
            packing[-1],
            (sums.entries, spreads.entries),
            (begin, size),
            (sums.start[r], spreads.start[r]),
            sums.weights[r],
            plan.unit[r] * worth,
            converter,
            (key, np.uint64(reads.first), np.uint64(draw // 2), plan.matrix.shape[3], slots),
            blocks,
            scratch,
            out,
        )
        begin += size * sums.weights.shape[1] * sums.blocks
