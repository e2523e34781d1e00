"""Codes of the fast paths at real sizes, one conversion after the other, against plain loops over the conductances.

The paths compute in fixed point or float32: a code may differ where the exact sum lies at its edge. Each such code must
lie within the path's rounding of an edge, and they must be as few as rounding that size can make: their number is
Poisson's, with a limit that one run in a million would pass (sixteen runs, fixed seeds).
"""

import numpy as np
import pytest
from numba import config
from scipy import stats

import pimsim as ps
from tests.naive.macro_matmul import codes

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="without the compiler every path is the plain one")
SAMPLES, COLUMNS = 400, 19  # columns no multiple of any register's width
SIZES = {"one array": {"rows": 128}, "row groups": {"rows": 200, "rows_active": 150}}
K = {"one array": 128, "row groups": 300}
GROUPS = {"one array": [(0, 128)], "row groups": [(0, 150), (150, 200), (200, 300)]}


def program(size, dac_bits, adc_bits):
    """One slice, one plane, one conversion: within a row group, an output is a code."""
    macro = ps.Macro(
        **({"cols": 8, "device": "rram-milo2021", "adc": ps.ADC(bits=adc_bits)} | SIZES[size]),
        weights=ps.WeightEncoding(bits=2, cell_bits=2, scheme="unsigned"),
        inputs=ps.InputEncoding(bits=dac_bits, dac_bits=dac_bits),
    )
    return macro.program(np.random.default_rng(5).integers(0, 4, (K[size], COLUMNS)), rng=6)


def rounding(path, rows, dac_bits, top, whole):
    """(largest, usual) error of a sum in codes, of fixed point and of float32; the largest sum is ``whole`` codes."""
    # Tables: groups of 4 bits under one index, 30 bits for the largest code; see pimsim.macro.product.lookup.
    if path == "lookup":
        groups = -(-rows * dac_bits // 4)
        largest = (groups + 2) * 2.0 ** -(30 - np.ceil(np.log2(top + 2)))
        return largest, largest
    # A rounding of each addition and of each cell, and what raises sums on an edge.
    raised = 2.0**-22 * (top + 1) + 4 * 2.0**-24 * (top + 1)
    return 2 * rows * 2.0**-24 * whole + raised, np.sqrt(rows) * 2.0**-24 * whole + raised


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("adc_bits", [6, 8])
@pytest.mark.parametrize(("dac_bits", "path"), [(1, "lookup"), (2, "lookup"), (4, "blocked"), (8, "blocked")])
def test_codes_differ_from_plain_loops_only_within_rounding_of_an_edge(size, adc_bits, dac_bits, path):
    array = program(size, dac_bits, adc_bits)
    assert array.explain()["path"] == path
    cells, step, active = array.programmed.cells, array.programmed.step, array.macro.active
    pedestal, level, top = array.programmed.card.g_min / step, (1 << dac_bits) - 1, (1 << adc_bits) - 1
    whole = active * level * (3 + pedestal)
    q = max(1.0, whole / top)
    rng, share = np.random.default_rng(7), np.linspace(0, 1, SAMPLES)[:, None]  # of the rows: sums of all sizes
    x = rng.integers(0, level + 1, (SAMPLES, K[size])) * (rng.random((SAMPLES, K[size])) < share)
    different = expected = 0.0
    for start, stop in GROUPS[size]:
        alone = np.zeros_like(x)
        alone[:, start:stop] = x[:, start:stop]
        # Rows at zero give code zero; what is subtracted after the converter is the pedestal in whole steps.
        code = (array.matmul(alone) + np.floor(pedestal * alone.sum(axis=1) + 0.5)[:, None]) / q
        np.testing.assert_allclose(code, np.rint(code), rtol=0, atol=1e-9)
        g = cells.g[0, 0, 0, start:stop].tolist()
        naive, places = (np.array(found) for found in codes(alone[:, start:stop].tolist(), g, step, 0.0, q, top))
        assert len(np.unique(naive)) > 5
        off = np.rint(code) != naive
        largest, usual = rounding(path, stop - start, dac_bits, top, whole / q)
        assert np.abs(places - np.rint(places))[off].max(initial=0.0) <= largest
        assert np.abs(np.rint(code) - naive).max() <= 1
        different, expected = different + off.sum(), expected + usual * off.size
    assert different <= stats.poisson.ppf(1 - 1e-6, expected)
