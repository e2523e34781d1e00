"""Every kernel of the package: what it is given, what it must give, how near, and where that is tested.

``KERNELS`` are tested one by one in ``test_kernels.py``: at sizes 0, 1, odd and more than a register, with arrays that
do not lie in a row, with extreme values, compiled and as plain Python. ``WHOLE`` are products, tested as such beside
them. ``PARTS`` are called by kernels only, and so are tested through the one that is named. ``ELSEWHERE`` have an
oracle in the tests of their own room.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.naive import kernels as oracle

LANES = 4
LARGE = 2**20  # of integers in fixed point: sums of a few dozen stay within 31 bits


@dataclass(frozen=True)
class Kernel:
    """One kernel.

    Attributes
    ----------
    name : module below ``pimsim`` and function.
    make : arguments for a random generator, a size and whether values are extreme.
    oracle : what the ``outputs`` become for such arguments, or what is returned where there are none.
    outputs : numbers of the arguments that are filled.
    tolerance : relative to the largest expected magnitude; 0 is to the bit.
    strided : numbers of the arguments that may lie in memory with gaps; the others are made by the caller.
    simd : whether lanes come first, and a tuple of them means registers.
    interpreted : whether it runs without the compiler, which a fused multiply-add does not.
    """

    name: str
    make: Callable[[np.random.Generator, int, bool], tuple[Any, ...]]
    oracle: Callable[..., Any]
    outputs: tuple[int, ...] = ()
    tolerance: float = 0.0
    strided: tuple[int, ...] = ()
    simd: bool = False
    interpreted: bool = True


def integers(rng: np.random.Generator, shape: Any, high: int, extreme: bool, dtype: Any, low: int = 0) -> np.ndarray:
    """Integers from ``low`` to ``high``; extreme: only these two."""
    found = rng.choice([low, high], shape) if extreme else rng.integers(low, high + 1, shape)
    return found.astype(dtype)


def reals(rng: np.random.Generator, shape: Any, extreme: bool) -> np.ndarray:
    """Multiples of 1/8 about zero, whose sums are exact; extreme: of very different size."""
    found = rng.integers(-40, 41, shape) / 8.0
    return found * rng.choice([2.0**-30, 1.0, 2.0**30], shape) if extreme else found


def edges_of(size: int) -> np.ndarray:
    """Two row groups of ``size`` rows."""
    return np.array([[0, size // 2], [size // 2, size]], dtype=np.int64)


def table_sums(rng, size, extreme):
    return integers(rng, (3, size), 255, extreme, np.uint8), rng.integers(0, 100, 256) / 4.0


def pack_cells(rng, size, extreme):
    cells, width = reals(rng, (2, 6, size), extreme), 4
    panels = np.zeros(6 * 2 * -(-size // width) * width, np.float32)
    return cells, 0.5, edges_of(6), width, panels


def tile_digits(rng, size, extreme):
    words = integers(rng, (size, 5), 255, extreme, np.uint8)
    planes = (np.array([0, 2, 6]), np.array([3, 15, 3]))
    return words, (1, 5), planes, np.full((3, -(-size // 6), 4, 6), 7.0, np.float32)


def tile_codes(rng, size, extreme):
    digits = integers(rng, 6 * size + 6, 255, extreme, np.float32)
    panels = integers(rng, 2 * LANES * size + 2 * LANES, 3, extreme, np.float32)
    converter = np.array([np.full(4 * LANES, 0.25), np.full(4 * LANES, 0.5)], np.float32)
    weights = integers(rng, 4 * LANES, 64, extreme, np.int32, low=-64)
    sums = np.ones(16 * LANES, np.int32)
    return LANES, digits, 6, panels, 2 * LANES, size, converter, weights, LANES, 63, 16, sums, 8


def add_sums(rng, size, extreme):
    sums = integers(rng, 2 * LANES * size, 2**30, extreme, np.int32, low=-(2**30))
    return LANES, sums, 3, rng.integers(1, 9, 3 * LANES) / 8.0, rng.integers(0, 9, (size, 3 * LANES)) / 4.0


def largest_code(rng, size, extreme):
    scale = rng.integers(1, 9, (2, 2, size)) / 4.0
    return reals(rng, (2, 5, size), extreme), 0.5, edges_of(5), 3, scale, reals(rng, (2, 2, size), False)


def group_sums(rng, size, extreme):
    return reals(rng, (4, size), extreme), 2, np.zeros((16, size))


def build_entries(rng, size, extreme):
    factor = np.zeros((2, 2, -(-size // LANES) * LANES))
    factor[:, :, :size] = 2.0 ** (-12 if extreme else 6)
    entries = np.zeros(2 * 2 * 16 * factor.shape[2], np.int32)
    return reals(rng, (2, 7, size), extreme), 0.5, edges_of(7), 2, 4, LANES, factor, entries


def lists_of(rng, size):
    """Sorted lists of 0 to 3 words of offsets into a table of 64 entries of four lanes, as ``pack`` makes them."""
    lengths = np.sort(rng.integers(0, 4, size))
    offsets = 2 * rng.integers(0, 32, (int(lengths.sum()) + 2, 4)).astype(np.uint64)
    words = (offsets << (np.uint64(16) * np.arange(4, dtype=np.uint64))).sum(axis=1, dtype=np.uint64)
    counts = np.bincount(lengths, minlength=4).astype(np.int64)
    places = rng.permutation(size).astype(np.int32) * LANES
    return words, (counts, places, rng.integers(0, 3, size).astype(np.int32))


def accumulate(with_converter):
    def make(rng, size, extreme):
        words, order = lists_of(rng, size)
        entries = integers(rng, 8 + 64 * LANES, LARGE, extreme, np.int32, low=-LARGE)
        start = integers(rng, LANES, LARGE, extreme, np.int32, low=-LARGE)
        worth = rng.integers(-8, 9, 3 * LANES).astype(np.int32)
        sums = np.zeros(size * LANES, np.int32)
        return LANES, entries, 8, 64 * LANES, words, order, start, (63, 14, worth) if with_converter else None, sums

    return make


def flush(rng, size, extreme):
    sums = integers(rng, size * LANES, 2**31 - 1, extreme, np.int32, low=-(2**31))
    return LANES, sums, 20, rng.integers(-9, 9, (size, 3 * LANES)), LANES


def add_totals(rng, size, extreme):
    totals = integers(rng, (size, 8), 2**52, extreme, np.int64, low=-(2**52))
    return totals, 8, 3, np.ones(7), np.zeros((size, 7))


def philox_columns(rng, size, extreme):
    key = (np.uint64(MASK if extreme else 17), np.uint64(4))
    pairs = (np.uint64(MASK - 64 if extreme else 9), 2 * size)
    raw = np.zeros(4 * size * LANES, np.uint32)
    return LANES, key, np.uint64(MASK if extreme else 5), np.uint64(MASK - LANES if extreme else 1000), pairs, raw


MASK = oracle.MASK


def box_muller(rng, size, extreme):
    raw = integers(rng, 2 * size * LANES, MASK, extreme, np.uint32)
    return LANES, raw, np.zeros(2 * size * LANES, np.float32)


def white_noise(rng, size, extreme):
    n = size * LANES
    variances = integers(rng, n + 8, 2**30, extreme, np.int32, low=-(2**30) if extreme else 0)
    return LANES, variances, 8, np.float32(2.0**-10), normals(rng, n), normals(rng, n)


def normals(rng, n):
    return rng.normal(size=n).astype(np.float32)


def joint_noise(rng, size, extreme):
    # Covariances of ``size`` planes over eight cells each; extreme: all planes alike, which leaves one normal.
    planes = min(size, 8)
    on = rng.integers(0, 2, (planes, 8, LANES)) * 2**10
    if extreme and planes:
        on[:] = on[:1] + 2**10
    first, second = np.tril_indices(planes)
    covariances = (on[first] * on[second]).sum(axis=1).ravel() // 2**6
    places, n = (np.arange(planes)[::-1] * LANES).copy(), planes * LANES
    given = np.concatenate([np.zeros(8), covariances]).astype(np.int32)
    rest = np.zeros(len(first) * LANES, np.float32)
    return LANES, given, 8, np.float32(2.0**-12), normals(rng, n), places, rest, normals(rng, n)


def add_scaled(rng, size, extreme):
    return normals(rng, size), np.float32(1e30 if extreme else 0.4), np.zeros(size, np.float32)


def add_codes(rng, size, extreme):
    sums = integers(rng, size * LANES + 3, 2**20, extreme, np.int32, low=-(2**20))
    noise = (rng.integers(-64, 65, size * LANES) / 8.0).astype(np.float32)
    worth = integers(rng, size * LANES, 2**10, extreme, np.int32, low=-(2**10))
    return LANES, sums, 3, noise, np.float32(2.0**-12), np.float32(255), worth, np.ones(3 * LANES, np.int32), LANES


def pack(width):
    planes = {1: ([0, 3, 7], [0, 2, 7], [1, 1, 1]), 2: ([0, 2, 6], [0, 2, 6], [3, 3, 1]), 4: ([0, 4], [0, 4], [15, 15])}

    def make(rng, size, extreme):
        lsb, other, mask = (np.array(v, dtype=np.int64) for v in planes[width])
        x, samples, each = integers(rng, (3, size + 2), 255, extreme, np.uint8), 3, len(lsb)
        longest = oracle.list_words(size, width)
        lists, words = np.zeros((2, samples * each * longest + 2), np.uint64)
        places, of_plane = np.zeros((2, samples * each), np.int32)
        order = (np.zeros(longest + 1, np.int64), places, of_plane)
        slots = np.arange(each) * 8
        group, lengths = (1, size + 1), np.zeros((samples, each), np.int64)
        return x, group, (lsb, other, mask, slots), width, 8, 64, lists, lengths, words, order

    return make


def close(rng, size, extreme):
    return np.full(size + 8, 9, np.uint16), size // 4, size


def count_thresholds(rng, size, extreme):
    thresholds = np.sort(rng.normal(size=(3, 15)) * (50 if extreme else 2) + np.arange(15), axis=1)
    u = rng.uniform(-1e6, 1e6, (4, size)) if extreme else rng.uniform(-3, 18, (4, size))
    return u, rng.integers(0, 3, size), thresholds, np.zeros((4, size))


def approximate_successively(rng, size, extreme):
    weights = 2.0 ** np.arange(4) * (1 + rng.normal(0, 0.3 if extreme else 0.02, (3, 4)))
    u = rng.uniform(-1e6, 1e6, (4, size)) if extreme else rng.uniform(-3, 18, (4, size))
    return u, rng.integers(0, 3, size), weights, np.zeros((4, size))


BLOCKED, LOOKUP = "macro.product._kernels_blocked", "macro.product._kernels_lookup"
NOISE, PACK = "macro.product._kernels_noise", "macro.product._kernels_pack"
FLOAT32 = 2.0**-22  # a few roundings
# The uniform has 32 bits and its float32 only 24: a normal next to zero is off by up to sqrt(2 x 2^-33) = 1.5e-5.
UNIFORM = 2.0**-18
KERNELS = [
    Kernel("macro._kernels_energy.table_sums", table_sums, oracle.table_sums, strided=(0,)),
    Kernel(f"{BLOCKED}.pack_cells", pack_cells, oracle.pack_cells, (4,), strided=(0,)),
    Kernel(f"{BLOCKED}.tile_digits", tile_digits, oracle.tile_digits, (3,), strided=(0,)),
    Kernel(f"{BLOCKED}.tile_codes", tile_codes, oracle.tile_codes, (11,), simd=True, interpreted=False),
    Kernel(f"{BLOCKED}.add_sums", add_sums, oracle.add_sums, (1, 4), simd=True),
    Kernel(f"{LOOKUP}.largest_code", largest_code, oracle.largest_code, strided=(0, 4, 5), tolerance=1e-15),
    Kernel(f"{LOOKUP}.group_sums", group_sums, oracle.group_sums, (2,), strided=(0,), tolerance=1e-15),
    Kernel(f"{LOOKUP}.build_entries", build_entries, oracle.build_entries, (7,), strided=(0, 6)),
    Kernel(f"{LOOKUP}.accumulate", accumulate(True), oracle.accumulate, (8,), simd=True),
    Kernel(f"{LOOKUP}.accumulate", accumulate(False), oracle.accumulate, (8,), simd=True),
    Kernel(f"{LOOKUP}.flush", flush, oracle.flush, (1, 3), strided=(3,)),
    Kernel(f"{LOOKUP}.add_totals", add_totals, oracle.add_totals, (0, 4), strided=(3,)),
    Kernel(f"{NOISE}.philox_columns", philox_columns, oracle.philox_columns, (5,), simd=True),
    Kernel(f"{NOISE}.box_muller", box_muller, oracle.box_muller, (2,), simd=True, tolerance=UNIFORM),
    Kernel(f"{NOISE}.white_noise", white_noise, oracle.white_noise, (5,), simd=True, tolerance=FLOAT32),
    Kernel(f"{NOISE}.joint_noise", joint_noise, oracle.joint_noise, (7,), simd=True, tolerance=1e-5),
    Kernel(f"{NOISE}.entry", lambda rng, size, extreme: (size, size // 2), oracle.entry),
    Kernel(f"{NOISE}.add_scaled", add_scaled, oracle.add_scaled, (2,), strided=(0,), tolerance=FLOAT32),
    Kernel(f"{NOISE}.add_codes", add_codes, oracle.add_codes, (7,), simd=True),
    Kernel(f"{PACK}.list_words", lambda rng, size, extreme: (size, 2 if extreme else 1), oracle.list_words),
    Kernel(f"{PACK}.close", close, oracle.close, (0,)),
    *(Kernel(f"{PACK}.pack", pack(width), oracle.pack, (7, 8, 9), strided=(0,)) for width in (1, 2, 4)),
    Kernel("converters._kernels.count_thresholds", count_thresholds, oracle.count_thresholds, (3,), strided=(0, 2)),
    Kernel(
        *("converters._kernels.approximate_successively", approximate_successively, oracle.approximate_successively),
        *((3,), 0.0, (0, 2)),
    ),
]
WHOLE = {f"{LOOKUP}.lookup_share", f"{BLOCKED}.blocked_group", f"{NOISE}.noisy_group"}
PARTS = {
    f"{BLOCKED}.convert": "tile_codes",
    f"{BLOCKED}.put_codes": "tile_codes",
    f"{BLOCKED}.tile_codes_simd": "tile_codes",
    f"{BLOCKED}.add_sums_simd": "add_sums",
    f"{LOOKUP}.accumulate_simd": "accumulate",
    f"{LOOKUP}.no_code": "accumulate",
    f"{LOOKUP}.add_four": "accumulate",
    f"{LOOKUP}.put": "accumulate",
    f"{LOOKUP}.lookup_group": "lookup_share",
    f"{NOISE}.philox_columns_simd": "philox_columns",
    f"{NOISE}.philox_round": "philox_columns",
    f"{NOISE}.box_muller_simd": "box_muller",
    f"{NOISE}.polynomial": "box_muller",
    f"{NOISE}.with_sign": "box_muller",
    f"{NOISE}.white_noise_simd": "white_noise",
    f"{NOISE}.joint_noise_simd": "joint_noise",
    f"{NOISE}.add_codes_simd": "add_codes",
    f"{PACK}.bit_offsets": "pack",
    f"{PACK}.pair_offsets": "pack",
    f"{PACK}.digit_offsets": "pack",
    f"{PACK}.sort_lists": "pack",
}
# Modules whose kernels are tested by an oracle in their own room: file of the tests.
ELSEWHERE = {
    "crossbar._gated_kernels": "tests/crossbar/test_nodal_oracle.py",
    "crossbar._kirchhoff_kernels": "tests/crossbar/test_nodal_oracle.py",
    "crossbar._line_kernels": "tests/crossbar/test_nodal_oracle.py",
    "crossbar._merge_kernels": "tests/crossbar/test_nodal_oracle.py",
    "cells._iv_kernels": "tests/cells/test_iv.py",
    "digital.mapper._kernels": "tests/digital/test_mapper.py",
}
