"""Every vector operation at every register width against numpy; a cached kernel is found again in a new process."""

import subprocess
import sys

import numpy as np
import pytest
from numba import config

from pimsim.base import simd
from pimsim.base.jit import njit

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="vectors exist only in compiled code")
WIDTHS = [4, 8, 16]


@njit
def integers(lanes, a, b, out, wide):
    x, y = simd.load(lanes, a, 1), simd.load(lanes, b, 0)
    n = len(lanes)
    simd.prefetch(a, 10**9)  # far outside: no fault
    simd.store(out, 0, simd.add(x, y))
    simd.store(out, n, simd.mul(x, y))
    simd.store(out, 2 * n, simd.minimum(x, y))
    simd.store(out, 3 * n, simd.maximum(x, y))
    simd.store(out, 4 * n, simd.shift_right(x, 3))
    simd.store(out, 5 * n, simd.exclusive_or(x, y))
    simd.store(out, 6 * n, simd.broadcast(lanes, simd.load_scalar(a, 2)))
    simd.store(out, 7 * n, simd.subtract(x, y))
    simd.store(out, 8 * n, simd.bit_and(x, y))
    simd.store(out, 9 * n, simd.bit_or(x, y))
    simd.store(out, 10 * n, simd.shift_left(x, 3))
    simd.store(out, 11 * n, simd.where_greater(x, y, y, x))
    simd.store(out, 12 * n, simd.as_int32(simd.to_float32(x)))
    simd.store(wide, 0, simd.to_float64(x))


@njit
def reals(lanes, a, b, out, whole):
    x, y = simd.load(lanes, a, 0), simd.load(lanes, b, 0)
    n = len(lanes)
    simd.store(out, 0, simd.add(x, y))
    simd.store(out, n, simd.mul(x, y))
    simd.store(out, 2 * n, simd.minimum(x, y))
    simd.store(out, 3 * n, simd.maximum(x, y))
    simd.store(out, 4 * n, simd.fused_multiply_add(x, y, x))
    for i in range(n):
        out[5 * n + i] = simd.fused_multiply_add(a[i], b[i], a[i])
    simd.store(out, 6 * n, simd.subtract(x, y))
    simd.store(out, 7 * n, simd.divide(x, y))
    simd.store(out, 8 * n, simd.where_greater(x, y, y, x))
    simd.store(out, 9 * n, simd.square_root(simd.mul(x, x)))
    simd.store(whole, 0, simd.to_int32(x))


@njit
def unsigned(lanes, a, b, out):
    x, y = simd.load(lanes, a, 0), simd.load(lanes, b, 0)
    n = len(lanes)
    simd.store(out, 0, simd.multiply_high(x, y))
    simd.store(out, n, simd.multiply_low(x, y))
    simd.store(out, 2 * n, simd.shift_right(x, 5))
    simd.store(out, 3 * n, simd.where_greater(x, y, x, y))
    simd.store(out, 4 * n, simd.as_uint32(simd.to_float32(x)))
    simd.store(out, 5 * n, simd.as_uint32(simd.as_float32(x)))


def doubled(lanes, values, out):
    for i in range(lanes):
        out[i] = 2 * values[i]
    out[lanes] = 1


@simd.simd_of(doubled)
def doubled_simd(lanes, values, out):
    simd.stay_apart()
    x = simd.load(lanes, values, 0)
    simd.store(out, 0, simd.add(x, x))
    out[len(lanes)] = 2


@njit
def either(lanes, values, out):
    doubled(lanes, values, out)
    return simd.width_of(lanes)


@pytest.mark.parametrize("n", WIDTHS)
def test_integer_lanes(n):
    rng = np.random.default_rng(n)
    a, b = (rng.integers(-(2**31), 2**31, n + 1).astype(np.int32) for _ in range(2))
    out, wide = np.empty(13 * n, np.int32), np.empty(n)
    integers((0,) * n, a, b, out, wide)
    x, y = a[1:], b[:n]
    expected = [x + y, x * y, np.minimum(x, y), np.maximum(x, y), x >> 3, x ^ y, np.full(n, a[2])]
    expected += [x - y, x & y, x | y, x << 3, np.where(x > y, y, x), x.astype(np.float32).view(np.int32)]
    np.testing.assert_array_equal(out, np.concatenate(expected))
    np.testing.assert_array_equal(wide, x.astype(float))


@pytest.mark.parametrize("n", WIDTHS)
def test_real_lanes(n):
    rng = np.random.default_rng(n)
    x, y = (rng.normal(0.0, 100.0, n).astype(np.float32) for _ in range(2))
    out, whole = np.empty(10 * n, np.float32), np.empty(n, np.int32)
    reals((0,) * n, x, y, out, whole)
    # A product of two float32 is exact in float64 and their sum rounds there far below half a float32 unit.
    fused = (x.astype(np.float64) * y + x).astype(np.float32)
    expected = [x + y, x * y, np.minimum(x, y), np.maximum(x, y), fused, fused]
    expected += [x - y, x / y, np.where(x > y, y, x), np.sqrt(x * x)]
    np.testing.assert_array_equal(out, np.concatenate(expected))
    np.testing.assert_array_equal(whole, np.trunc(x).astype(np.int32))


@pytest.mark.parametrize("n", WIDTHS)
def test_unsigned_lanes(n):
    rng = np.random.default_rng(n)
    a, b = (rng.integers(0, 2**32, n).astype(np.uint32) for _ in range(2))
    out = np.empty(6 * n, np.uint32)
    unsigned((0,) * n, a, b, out)
    product = a.astype(np.uint64) * b
    expected = [product >> np.uint64(32), product & np.uint64(0xFFFFFFFF), a >> 5, np.where(a > b, a, b)]
    expected += [a.astype(np.float32).view(np.uint32), a]
    np.testing.assert_array_equal(out, np.concatenate(expected))


def test_one_kernel_runs_in_registers_or_in_plain_loops():
    values = np.arange(8, dtype=np.int32)
    for lanes, mark in (((0,) * 8, 2), (8, 1)):
        out = np.zeros(9, np.int32)
        assert either(lanes, values, out) == 8
        np.testing.assert_array_equal(out, [*(2 * values), mark])


def test_the_width_of_this_machine_is_one_of_the_tested():
    assert simd.native_lanes() in WIDTHS


def test_kernels_of_vectors_are_cached_across_processes():
    code = (
        "import numpy as np, pimsim as ps\n"
        "from pimsim.macro.product import _kernels_lookup as k\n"
        "ps.Macro().program(np.ones((4, 2), int)).matmul(np.ones((1, 4), np.uint8))\n"
        "stats = k.lookup_share.stats\n"
        "print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))"
    )
    found = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    ]
    assert found[1] == ["1", "0"]
