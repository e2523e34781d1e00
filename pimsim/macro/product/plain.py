"""The plain path: numpy and BLAS in float64, one block of inputs at a time. It can do everything."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pimsim.converters.adc import convert
from pimsim.encoding.inputs import digits
from pimsim.macro.columns.layout import through_arrays
from pimsim.macro.noise.wired import WiredVariances
from pimsim.macro.product.plan import LEAST, ProductPlan
from pimsim.macro.reads.addresses import Reads

_BLOCK = 128  # inputs a block: their column sums stay in the cache
_GRID = 2.0**20  # points a cell step: far finer than any step of a converter, far coarser than rounding of a sum


def code_sums(plan: ProductPlan, words: np.ndarray, reads: Reads | None = None) -> np.ndarray:
    """Sum of the weighted codes, (B, C) float64, for (B, K) unsigned input words; noise only with ``reads``."""
    out = np.zeros((len(words), plan.matrix.shape[3]))
    for start in range(0, len(words), _BLOCK):
        block = words[start : start + _BLOCK]
        later = None if reads is None else reads.later(start)
        for r in range(len(plan.groups)):
            out[start : start + _BLOCK] += plan.unit[r] * _group_codes(plan, block, r, later)
    return out


def _group_codes(plan: ProductPlan, words: np.ndarray, r: int, reads: Reads | None) -> np.ndarray:
    """Shift-added codes (b, C) int64 of one row group."""
    total = np.zeros((len(words), plan.matrix.shape[3]), dtype=np.int64)
    for t, plane in enumerate(plan.planes):
        for s, a, x in column_sums(plan, words, r, t, reads):
            total += codes(plan, x, r, t, s, a, reads).astype(np.int64) * (plan.weights[r, s, a] * plane.weight)
    return total


def codes(plan: ProductPlan, x: np.ndarray, r: int, t: int, s: int, a: int, reads: Reads | None) -> np.ndarray:
    """Codes (b, C) of the column sums ``x`` of one conversion."""
    lo, q = plan.lo[r, s], plan.q[r, s]
    if plan.adc is None or plan.which is None:
        return convert(x, lo, q, plan.top)
    normals = None
    if reads is not None and plan.adc.adc.noise_rms:
        columns = x.shape[1] * (s * plan.matrix.shape[1] + a) + np.arange(x.shape[1])
        normals = reads.normals(reads.adc_stream, len(x), columns, _read(plan, r, t))
    return plan.adc.codes(x, lo, q, plan.which[r, s, a], normals)


def column_sums(
    plan: ProductPlan, words: np.ndarray, r: int, t: int, reads: Reads | None = None
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Column sums (b, C) in cell steps of one row group and plane, as (slice, conversion, sums)."""
    rows = slice(*plan.groups[r])
    level = _levels(plan, words[:, rows], r, t, reads)
    for s, a, x in _sums(plan, level, r):
        if plan.noise is not None and reads is not None:
            x = plan.noise.add(x, level, reads, _read(plan, r, t), s, a, rows)
        if plan.joint is not None and reads is not None:
            x = x + _joint_noise(plan, words[:, rows], r, t, s, a, reads)
        yield s, a, x


def _joint_noise(plan: ProductPlan, words: np.ndarray, r: int, t: int, s: int, a: int, reads: Reads) -> np.ndarray:
    """Noise (b, C) of plane ``t`` that the planes of an input have in common.

    Sums of one set of normal cells are jointly normal: covariance sum_k u_i[k] u_j[k] sigma_k^2 of planes i and j.
    Plane t is row t of the covariance's Cholesky factor times one normal a plane.
    """
    columns = plan.matrix.shape[3]
    levels = [_levels(plan, words, r, i, reads) for i in range(t + 1)]
    numbers = columns * (s * plan.matrix.shape[1] + a) + np.arange(columns)
    factor: list[list[np.ndarray]] = []
    for i in range(t + 1):
        row: list[np.ndarray] = []
        for j in range(i + 1):
            covariance = _common(plan, levels[i], levels[j], r, s, a)
            rest = covariance - _inner(row, factor[j] if j < i else row)
            row.append(_divide(rest, factor[j][j]) if j < i else np.sqrt(np.where(rest > LEAST * covariance, rest, 0)))
        factor.append(row)
    drawn = [reads.normals(reads.joint_stream, len(words), numbers, _read(plan, r, i)) for i in range(t + 1)]
    return _inner(factor[t], drawn)


def _common(plan: ProductPlan, first: np.ndarray, second: np.ndarray, r: int, s: int, a: int) -> np.ndarray:
    """Covariance (b, C) of the sums of two planes, of the noise that they have in common."""
    rows, joint = slice(*plan.groups[r]), plan.joint
    if isinstance(joint, WiredVariances):
        return joint.between(first, second, s, a, rows, plan.tile_of)
    assert joint is not None
    return through_arrays(first * second, joint[s, a, rows], plan.tile_of)


def _inner(first: list[np.ndarray], second: list[np.ndarray]) -> np.ndarray:
    """Sum of products, as far as both go; zero of nothing."""
    total: np.ndarray = np.zeros(())
    for p, q in zip(first, second):
        total = total + p * q
    return total


def _divide(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.divide(x, y, out=np.zeros_like(x), where=y > 0)


def _sums(plan: ProductPlan, level: np.ndarray, r: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Column sums of row levels (see :func:`_levels`), as (slice, conversion, sums), without noise of the columns."""
    if plan.circuit is not None:
        sums = plan.circuit.sums(r, level)
        yield from ((s, a, sums[s, a]) for s in range(len(sums)) for a in range(len(sums[s])))
        return
    under = pedestal_sums(plan.pedestal, level.sum(axis=-1))
    under = under[:, None] if level.ndim == 2 else under[plan.tile_of].T
    slices, conversions = plan.matrix.shape[:2]
    for s in range(slices):
        for a in range(conversions):
            yield s, a, through_arrays(level, plan.matrix[s, a, slice(*plan.groups[r])], plan.tile_of) + under


def _levels(plan: ProductPlan, words: np.ndarray, r: int, t: int, reads: Reads | None) -> np.ndarray:
    """Levels (b, k) float64 that reach the rows, in LSB of the DAC; with their noise (column tiles, b, k).

    Every array has its own drivers: noise is common to the columns of an array, but not to arrays side by side.
    """
    codes = digits(words, plan.planes[t])
    if plan.dac is None:
        return codes.astype(np.float64)
    level: np.ndarray = plan.dac[codes]
    if reads is None or not plan.dac_noise:
        return level
    assert plan.tile_of is not None
    rows, tiles = plan.matrix.shape[2], int(plan.tile_of[-1]) + 1
    drivers: np.ndarray = np.arange(tiles)[:, None] * rows + np.arange(*plan.groups[r])
    drawn = reads.normals(reads.named("dac"), len(words), drivers.ravel(), _read(plan, r, t))
    normals = drawn.reshape(len(words), *drivers.shape).swapaxes(0, 1)
    return level + plan.dac_noise * normals * (codes > 0)


def _read(plan: ProductPlan, r: int, t: int) -> int:
    """Number of a read within an input vector."""
    return r * len(plan.planes) + t


def pedestal_sums(pedestal: float, active: np.ndarray) -> np.ndarray:
    """Pedestal of columns with ``active`` inputs, in cell steps, on a grid of 2^-20.

    On the grid its sum with integers is exact, so that sums at a code edge fall on the same side with and without
    the integer that stands on the pedestal.
    """
    return on_grid(pedestal * active)


def on_grid(steps: np.ndarray) -> np.ndarray:
    """Cell steps rounded to the grid of 2^-20."""
    return np.rint(steps * _GRID) / _GRID
