"""Energy of reads without wires against plain loops over the conductances that were programmed."""

import numpy as np
import pytest

import pimsim as ps
from tests.close import close
from tests.naive.read_energy import supplied


@pytest.mark.parametrize(("bits", "dac_bits"), [(8, 1), (8, 4), (16, 2)])
def test_read_energy_is_that_of_plain_loops(bits, dac_bits):
    inputs = ps.InputEncoding(bits=bits, dac_bits=dac_bits)
    macro = ps.Macro(rows=16, cols=32, device="rram-milo2021", inputs=inputs, v_read=0.3, t_read=20e-9)
    rng = np.random.default_rng(bits + dac_bits)
    array = macro.program(rng.integers(-127, 128, (37, 5)), rng=1)
    x = rng.integers(0, 1 << bits, (6, 37))
    on_rows = array.programmed.cells.g.sum(axis=(0, 1, 2, 4))
    expected = supplied(x.tolist(), on_rows.tolist(), bits, dac_bits, 0.3, 20e-9)
    assert array.read_energy(x) == close(expected, rel=1e-12)
