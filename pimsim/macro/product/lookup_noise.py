"""The look-up path with noise: sums and variances looked up, one normal a conversion for cells and for converters.

For bit-serial inputs the variance of a column sum is linear in the inputs, so tables serve it as they serve the sum.
Noise that is held over the planes of an input makes their sums jointly normal; the covariance of two planes is the
variance of the cells that are on in both, so the same table gives it for the product of the planes.
Noise has the addresses of :mod:`pimsim.macro.reads.addresses` and is computed in float32: outputs are those of the
plain path except where a noisy sum lies within float32 rounding of a code edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pimsim.macro.product import lookup
from pimsim.macro.product.lookup import Tables
from pimsim.macro.product.plan import Plan
from pimsim.macro.product.threads import run_shared, thread_count
from pimsim.macro.reads.addresses import Reads

_HELD_PLANES = 8
_CONVERSIONS = 4096  # of one column in a block of the batch: sums and variances stay in the second cache


@dataclass(frozen=True, eq=False)
class NoisyTables:
    """Tables of the sums and of the variances of their noise (None for noise of the converters alone)."""

    sums: Tables
    spreads: Tables | None


def refusal(plan: Plan) -> str | None:
    """Why noise of the plan cannot be looked up, or None."""
    noise = plan.noise
    if plan.dac is not None:
        return "noise of the DACs"
    if max(plane.width for plane in plan.planes) > 1:
        return "noise with inputs of several bits at once"
    if noise is not None and plan.held is not None:
        return "noise of two correlations in the cells"
    if plan.held is not None and len(plan.planes) > _HELD_PLANES:
        return f"noise common to {len(plan.planes)} planes (covariances of up to {_HELD_PLANES} are looked up)"
    if noise is not None and (noise.reference is not None or noise.voltage or noise.constant or noise.traps):
        return "noise that is not of the cells of a column alone"
    return lookup.refusal(plan)


def build(plan: Plan, lanes: int | None = None) -> NoisyTables:
    """Tables of a plan with noise; see :func:`pimsim.macro.product.lookup.build`."""
    sums, (inverse, _) = lookup.build(plan, lanes), plan.scaling
    if plan.noise is None and plan.held is None:
        return NoisyTables(sums, None)
    spread, idle = (plan.held, None) if plan.held is not None else _white_variance(plan)
    rest = np.zeros(inverse.shape)
    if idle is not None:
        columns = inverse.shape[2]
        rest += np.stack([idle[:, :, start:stop].sum(axis=2).reshape(-1, columns) for start, stop in plan.groups])
    return NoisyTables(sums, lookup.fill(plan, spread, 0.0, inverse**2, inverse**2 * rest, sums.lanes))


def _white_variance(plan: Plan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variance (slices, conversions, K, C) that a cell adds when its input is one, and when it is zero."""
    noise = plan.noise
    assert noise is not None
    off, on = noise.drive(np.array([0.0, 1.0]))
    spread, idle = np.zeros(plan.matrix.shape), np.zeros(plan.matrix.shape)
    if noise.own.square is not None:
        spread += noise.own.square
    if noise.own.current is not None:
        spread += (on - off) * noise.own.current
        idle += off * noise.own.current
    return spread, idle


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
    pairs = planes * (planes + 1) // 2 if plan.held is not None else 2 * (planes // 2 + 1)
    samples = max(1, _CONVERSIONS // pairs)
    for first in range(0, len(words), samples):
        some, later = words[first : first + samples], reads.later(first)
        done = 0
        for shift, chunk in lookup.chunks(plan):
            low = lookup.part(some, shift)
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
    from pimsim.macro.product import _kernels_noise as kernels
    from pimsim.macro.product._kernels_pack import pack

    sums, spreads = tables.sums, tables.spreads or tables.sums
    kind = kernels.NONE if tables.spreads is None else kernels.WHITE if plan.held is None else kernels.HELD
    lanes, planes, begin, n = sums.lanes, len(chunk[0]), 0, len(low)
    products = _products(chunk, lanes) if kind == kernels.HELD else chunk
    packing, covering = _lists(sums, n, planes), _lists(sums, n, len(products[0]))
    streams = (reads.held_stream if kind == kernels.HELD else reads.cell_stream, reads.adc_stream)
    keys = tuple(tuple(np.uint64(k) for k in stream.key) for stream in streams)
    own = 0.0 if plan.adc is None else plan.adc.adc.noise_rms
    converter = tuple(np.float32(v) for v in (plan.top, 2.0**-sums.bits, 2.0**-spreads.bits, own))
    for r, size in enumerate(sums.sizes.tolist()):
        draw = reads.draw(r * len(plan.planes) + done)
        pairs = (draw % 2 + planes + 1) // 2
        pairs += pairs % 2  # the kernel takes two at a time
        slot = (draw + np.arange(planes)) % 2 * pairs + (draw % 2 + np.arange(planes)) // 2
        slots = np.zeros(2 * pairs, np.int32)
        slots[slot] = chunk[3]
        stride = 2 * pairs * lanes
        pack(low, tuple(sums.edges[r]), (*chunk[:3], slot * lanes), 1, lanes, stride, *packing)
        apart = packing
        if kind == kernels.HELD:
            pack(low, tuple(sums.edges[r]), (*products[:3], products[4]), 1, lanes, len(products[0]) * lanes, *covering)
            apart = covering
        scratch = (
            np.zeros(n * stride, np.int32),
            np.zeros(n * (len(products[0]) * lanes if kind == kernels.HELD else stride), np.int32),
            np.empty(stride, np.uint32),
            np.empty(stride, np.float32),
            np.empty(len(products[0]) * lanes, np.float32),
            np.empty(stride, np.float32),
            np.empty(stride, np.int32),
            np.zeros(n * lanes, np.int32),
            np.zeros((n, lanes), np.int64),
        )
        kernels.noisy_group(
            (0,) * lanes if simd else lanes,
            (packing[-2:], apart[-2:]),
            (sums.entries, spreads.entries),
            (begin, size),
            (sums.weights[r], sums.shifts[r], plan.unit[r] * worth),
            (sums.start[r], spreads.start[r]),
            converter,
            (kind, keys, np.uint64(reads.first), np.uint64(draw // 2), plan.matrix.shape[3], slots, slot * lanes),
            blocks,
            scratch,
            out,
        )
        begin += size * sums.weights.shape[1] * sums.blocks


def _lists(tables: Tables, samples: int, planes: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], Any]:
    """Arguments of ``pack`` for the lists of a block: lists, lengths, words, order."""
    from pimsim.macro.product._kernels_pack import list_words

    pairs, longest = samples * planes, list_words(int(np.diff(tables.edges, axis=1).max()), 1)
    lists, words = np.empty((2, pairs * longest + 2), np.uint64)
    order = (np.empty(longest + 1, np.int64), np.empty(pairs, np.int32), np.empty(pairs, np.int32))
    return lists, np.empty((samples, planes), np.int64), words, order


def _products(chunk: tuple[NDArray[Any], ...], lanes: int) -> tuple[NDArray[Any], ...]:
    """Planes that are on where two planes are: (0, 0), (1, 0), (1, 1), (2, 0) ..., side by side."""
    first, second = np.tril_indices(len(chunk[0]))
    return chunk[0][first], chunk[0][second], chunk[2][first], chunk[3][first], np.arange(len(first)) * lanes
