"""The look-up path with noise: sums and variances looked up, one normal a conversion for cells and for converters.

For bit-serial inputs the variance of a column sum is linear in the inputs, so tables serve it as they serve the sum.
Noise that lasts for all planes of an input makes their sums jointly normal; the covariance of two planes is the
variance of the cells that are on in both, so the same table gives it for the product of the planes.
Noise has the addresses of :mod:`pimsim.macro.reads.addresses` and is computed in float32: outputs are those of the
plain path except where a noisy sum lies within float32 rounding of a code edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pimsim.base.streams import Stream
from pimsim.macro.noise.white import Variances
from pimsim.macro.noise.wired import WiredVariances
from pimsim.macro.product import lookup
from pimsim.macro.product.lookup import Chunk, Tables, Words
from pimsim.macro.product.plan import ProductPlan
from pimsim.macro.product.threads import Share, run_shared, thread_count
from pimsim.macro.reads.addresses import Reads

_JOINT_PLANES = 8  # 36 covariances of a sample: with more, drawing every cell is as fast
_CONVERSIONS = 4096  # of one column in a block of the batch: sums and variances stay in the second cache


@dataclass(frozen=True, eq=False)
class NoisyTables:
    """Tables of the sums and of the variances of their noise (None for noise of the converters alone)."""

    sums: Tables
    spreads: Tables | None


def refusal(plan: ProductPlan) -> str | None:
    """Why noise of the plan cannot be looked up, or None."""
    noise = plan.noise
    if plan.dac is not None:
        return "noise of the DACs"
    if max(plane.width for plane in plan.planes) > 1:
        return "noise with inputs of several bits at once"
    if noise is not None and plan.joint is not None:
        return "noise of two correlations in the cells"
    if plan.joint is not None and len(plan.planes) > _JOINT_PLANES:
        return f"noise common to {len(plan.planes)} planes (covariances of up to {_JOINT_PLANES} are looked up)"
    if noise is not None and (noise.reference is not None or noise.voltage or noise.constant or noise.traps):
        return "noise that is not of the cells of a column alone"
    if isinstance(plan.joint, WiredVariances) or (noise is not None and isinstance(noise.own, WiredVariances)):
        return "noise behind wires (its variance is a quadratic form of the inputs)"
    return lookup.refusal(plan)


def build(plan: ProductPlan, lanes: int | None = None) -> NoisyTables:
    """Tables of a plan with noise; see :func:`pimsim.macro.product.lookup.build`."""
    sums, (inverse, _) = lookup.build(plan, lanes), plan.scaling
    if plan.noise is None and plan.joint is None:
        return NoisyTables(sums, None)
    assert not isinstance(plan.joint, WiredVariances), "noise behind wires is refused"
    spread, idle = (plan.joint, None) if plan.joint is not None else _white_variance(plan)
    rest = np.zeros(inverse.shape)
    if idle is not None:
        rest += np.stack([_sum(idle[:, :, start:stop]) for start, stop in plan.groups])
    return NoisyTables(sums, lookup.fill(plan, spread, 0.0, inverse**2, inverse**2 * rest, sums.lanes))


def _sum(idle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums (P, C) over the rows of (slices, conversions, k, C)."""
    total: NDArray[np.float64] = idle.sum(axis=2)
    return total.reshape(-1, idle.shape[3])


def _white_variance(plan: ProductPlan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variance (slices, conversions, K, C) that a cell adds when its input is one, and when it is zero."""
    noise = plan.noise
    assert noise is not None
    assert isinstance(noise.own, Variances), "noise behind wires is refused"
    off, on = noise.drive(np.array([0.0, 1.0]))
    spread, idle = np.zeros(plan.matrix.shape), np.zeros(plan.matrix.shape)
    if noise.own.square is not None:
        spread += noise.own.square
    if noise.own.current is not None:
        spread += (on - off) * noise.own.current
        idle += off * noise.own.current
    return spread, idle


def code_sums(
    plan: ProductPlan,
    tables: NoisyTables,
    words: Words,
    reads: Reads,
    threads: int | None = None,
    simd: bool = True,
) -> NDArray[np.float64]:
    """Sum of the weighted codes, (B, C) float64, of (B, K) input words with the noise of ``reads``.

    ``simd=False`` takes the plain loops, which give the same bits, as do any number of ``threads``.
    """
    out = np.zeros((len(words), plan.matrix.shape[3]))

    def work(share: Share) -> None:
        add_share(plan, tables, words, reads, share, out, simd)

    run_shared(work, len(words), tables.sums.blocks, threads or thread_count())
    return out


def add_share(
    plan: ProductPlan,
    tables: NoisyTables,
    words: Words,
    reads: Reads,
    share: Share,
    out: NDArray[np.float64],
    simd: bool = True,
) -> None:
    """Add one thread's share of the codes, block after block of the batch, to its columns of ``out`` (B, C)."""
    planes = min(len(plan.planes), 8)
    pairs = planes * (planes + 1) // 2 if plan.joint is not None else 2 * (planes // 2 + 1)
    samples = max(1, _CONVERSIONS // pairs)
    for first in range(share.samples.start, share.samples.stop, samples):
        inputs = slice(first, min(first + samples, share.samples.stop))
        block = _Block(plan, tables, words[inputs], reads.later(first), share.blocks, simd)
        done = 0
        for chunk in lookup.chunks(plan):
            block.add(chunk, done, out[inputs])
            done += len(chunk.lsb)


class Lists(NamedTuple):
    """Room for the lists of a block of the batch, as ``pack`` fills them."""

    lists: NDArray[np.uint64]
    lengths: NDArray[np.int64]
    words: NDArray[np.uint64]
    order: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]


class GroupNoise(NamedTuple):
    """Noise of the reads of one row group, for the kernel.

    ``kind`` of the columns' noise; ``keys`` of it and of the converters' noise; ``sample``: number of the first input;
    ``pair``: of the first two normals; ``columns`` of the matrix; ``slots``: weight of each normal of a sample, 0 where
    no plane is; ``places``: of each plane's first lane among them.
    """

    kind: int
    keys: tuple[tuple[np.uint64, np.uint64], tuple[np.uint64, np.uint64]]
    sample: np.uint64
    pair: np.uint64
    columns: int
    slots: NDArray[np.int32]
    places: NDArray[np.int64]


class Converter(NamedTuple):
    """Highest code, codes that a unit of a sum and of a variance is worth, noise of a conversion [LSB]."""

    top: np.float32
    sum_worth: np.float32
    variance_worth: np.float32
    noise: np.float32


class Scratch(NamedTuple):
    """Room for the kernel, for the slots x lanes of a sample, of all samples or of one."""

    sums: NDArray[np.int32]
    spreads: NDArray[np.int32]
    raw: NDArray[np.uint32]
    normals: NDArray[np.float32]
    rest: NDArray[np.float32]
    noise: NDArray[np.float32]
    worth: NDArray[np.int32]
    shifted: NDArray[np.int32]
    totals: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Block:
    """Some inputs of a batch and some blocks of columns."""

    plan: ProductPlan
    tables: NoisyTables
    words: Words
    reads: Reads
    blocks: tuple[int, int]
    simd: bool

    def add(self, chunk: Chunk, done: int, out: NDArray[np.float64]) -> None:
        """Add the planes of one chunk, of which ``done`` came before, row group by row group."""
        from pimsim.macro.product import _kernels_noise as kernels

        plan, sums, joint = self.plan, self.tables.sums, self.plan.joint is not None
        spreads, low, begin = self.tables.spreads or sums, lookup.part(self.words, chunk.shift), 0
        kind = kernels.NONE if self.tables.spreads is None else kernels.JOINT if joint else kernels.WHITE
        covered = _products(chunk, sums.lanes) if joint else chunk
        summing = self._lists(len(chunk.lsb))
        spreading = self._lists(len(covered.lsb)) if joint else summing
        keys = (_key(self.reads.joint_stream if joint else self.reads.cell_stream), _key(self.reads.adc_stream))
        for r, size in enumerate(sums.sizes.tolist()):
            draw = self.reads.draw(r * len(plan.planes) + done)
            slot, slots = _slots(draw, chunk.weights)
            places, stride, products = slot * sums.lanes, len(slots) * sums.lanes, len(covered.lsb) * sums.lanes
            self._pack(low, r, chunk._replace(slots=places), stride, summing)
            if joint:
                self._pack(low, r, covered, products, spreading)
            kernels.noisy_group(
                (0,) * sums.lanes if self.simd else sums.lanes,
                ((summing.words, summing.order), (spreading.words, spreading.order)),
                (sums.entries, spreads.entries),
                (begin, size),
                (sums.weights[r], sums.shifts[r], plan.unit[r] * float(1 << chunk.shift)),
                (sums.start[r], spreads.start[r]),
                self._converter(),
                GroupNoise(
                    kind=kind,
                    keys=keys,
                    sample=np.uint64(self.reads.first),
                    pair=np.uint64(draw // 2),
                    columns=plan.matrix.shape[3],
                    slots=slots,
                    places=places,
                ),
                self.blocks,
                _scratch(len(self.words), sums.lanes, stride, products if joint else stride, products),
                out,
            )
            begin += size * sums.weights.shape[1] * sums.blocks

    def _converter(self) -> Converter:
        sums, spreads, adc = self.tables.sums, self.tables.spreads or self.tables.sums, self.plan.adc
        return Converter(
            top=np.float32(self.plan.top),
            sum_worth=np.float32(2.0**-sums.bits),
            variance_worth=np.float32(2.0**-spreads.bits),
            noise=np.float32(0.0 if adc is None else adc.adc.noise_rms),
        )

    def _lists(self, planes: int) -> Lists:
        """Room for the lists of so many planes."""
        from pimsim.macro.product._kernels_pack import list_words

        rows = int(np.diff(self.tables.sums.edges, axis=1).max())
        pairs, longest = len(self.words) * planes, int(list_words(rows, 1))
        lists, words = np.empty((2, pairs * longest + 2), np.uint64)
        order = (np.empty(longest + 1, np.int64), np.empty(pairs, np.int32), np.empty(pairs, np.int32))
        return Lists(lists, np.empty((len(self.words), planes), np.int64), words, order)

    def _pack(self, low: NDArray[np.uint8], r: int, chunk: Chunk, stride: int, room: Lists) -> None:
        """Fill the lists of the planes of a chunk in one row group."""
        from pimsim.macro.product._kernels_pack import pack

        sums = self.tables.sums
        first, last = sums.edges[r]
        planes = (chunk.lsb, chunk.other, chunk.mask, chunk.slots)
        pack(low, (first, last), planes, 1, sums.lanes, stride, room.lists, room.lengths, room.words, room.order)


def _key(stream: Stream) -> tuple[np.uint64, np.uint64]:
    first, second = stream.key
    return np.uint64(first), np.uint64(second)


def _slots(draw: int, weights: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Slot of each plane's normal in a sample whose first read is ``draw``, and the weights of all slots.

    Two normals come of one hash, so even and odd reads lie apart; the kernel takes two hashes at a time.
    """
    planes = len(weights)
    pairs = (draw % 2 + planes + 1) // 2
    pairs += pairs % 2
    slot: NDArray[np.int64] = (draw + np.arange(planes)) % 2 * pairs + (draw % 2 + np.arange(planes)) // 2
    slots = np.zeros(2 * pairs, np.int32)
    slots[slot] = weights
    return slot, slots


def _scratch(samples: int, lanes: int, stride: int, spreads: int, products: int) -> Scratch:
    return Scratch(
        sums=np.zeros(samples * stride, np.int32),
        spreads=np.zeros(samples * spreads, np.int32),
        raw=np.empty(stride, np.uint32),
        normals=np.empty(stride, np.float32),
        rest=np.empty(products, np.float32),
        noise=np.empty(stride, np.float32),
        worth=np.empty(stride, np.int32),
        shifted=np.zeros(samples * lanes, np.int32),
        totals=np.zeros((samples, lanes), np.int64),
    )


def _products(chunk: Chunk, lanes: int) -> Chunk:
    """Planes that are on where two planes are: (0, 0), (1, 0), (1, 1), (2, 0) ..., side by side."""
    first, second = np.tril_indices(len(chunk.lsb))
    return Chunk(
        shift=chunk.shift,
        lsb=chunk.lsb[first],
        other=chunk.lsb[second],
        mask=chunk.mask[first],
        weights=chunk.weights[first],
        slots=np.arange(len(first)) * lanes,
    )
