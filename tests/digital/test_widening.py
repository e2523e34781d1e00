"""Wider arrays: what grows with the columns, and the widest that fits an area, by hand."""

import math

import pytest

from pimsim.base.errors import InputError
from pimsim.digital import eyeriss_like, fit_area, load_accelerator, widened
from pimsim.workload import Dense, Workload
from tests.close import close

NETWORK = Workload(name="one", layers=[Dense(m=1000, c=150)])


def test_columns_and_banks_grow_together():
    acc = eyeriss_like(buffer_bytes=64 * 1024, buffer_banks=4)
    wide = widened(acc, 2.5)
    before, after = acc.memories[1], wide.memories[1]
    assert (wide.array_at(2).x, wide.macs) == (35, 35 * 12)
    assert after.banks == 10
    for field in ("capacity", "area", "leakage", "read_bandwidth", "write_bandwidth"):
        assert getattr(after, field) / getattr(before, field) == close(2.5, rel=1e-12)
    assert (after.read, after.write) == (before.read, before.write)
    assert (wide.memories[0], wide.mac, wide.weight_bank) == (acc.memories[0], acc.mac, acc.weight_bank)


def test_only_the_outermost_array_is_widened():
    acc = load_accelerator("simba-like")
    assert widened(acc, 2).macs == 2 * acc.macs


def test_the_widest_array_in_an_area_by_hand():
    """Columns of 12 PEs and the banks that go with them beside three banks of weights: one more would be too many."""
    acc = eyeriss_like(buffer_bytes=64 * 1024, buffer_banks=4)

    def area(columns):
        banks = max(1, round(4 * columns / 14))
        weights = math.ceil(150_000 / 2**16) * acc.weight_bank.area
        return columns * 12 * acc.mac.area + banks * acc.memories[1].area / 4 + weights

    for room in (3e-6, 5e-6, 20e-6):
        found = fit_area(acc, NETWORK, room).array_at(2).x
        assert area(found) <= room < area(found + 1)
    with pytest.raises(InputError, match="one column and the weights of one take"):
        fit_area(acc, NETWORK, 0.3e-6)
