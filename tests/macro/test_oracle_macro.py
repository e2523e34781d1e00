"""Real cells and lossy converters: the same outputs as plain loops over every conversion."""

import numpy as np
import pytest

import pimsim as ps
from tests.naive.macro_oracle import product

CASES = [
    ({"scheme": "differential", "subtract": "digital"}, {}, {"bits": 6}),
    ({"scheme": "differential", "subtract": "analog"}, {}, {"bits": 6}),
    ({"scheme": "offset"}, {"dac_bits": 2}, {"bits": 7}),
    ({"scheme": "offset", "cell_bits": 4}, {"dac_bits": 8}, {"range": (3.5, 3000.25)}),
    ({"scheme": "twos_complement", "cell_bits": 1}, {}, {"bits": 4}),
]


@pytest.mark.parametrize(("weights", "inputs", "adc"), CASES)
def test_outputs_equal_the_naive_loops(weights, inputs, adc):
    macro = ps.Macro(
        rows=24,
        cols=64,
        rows_active=10,
        device="rram-milo2021",
        weights=ps.WeightEncoding(**weights),
        inputs=ps.InputEncoding(**inputs),
        adc=ps.ADC(**adc),
    )
    rng = np.random.default_rng(3)
    W, X = rng.integers(*macro.weights.weight_range, (30, 5), endpoint=True), rng.integers(0, 256, (6, 30))
    array = macro.program(W, rng=2)
    plan = array.plans.quiet
    expected = product(
        X,
        array.programmed.cells.g[0],
        array.programmed.card.g_min,
        array.programmed.step,
        bits=macro.weights.bits,
        cell_bits=macro.weights.cell_bits,
        scheme=macro.weights.scheme,
        subtract=macro.weights.subtract,
        input_bits=8,
        dac_bits=macro.inputs.dac_bits,
        groups=[(0, 10), (10, 20), (20, 24), (24, 30)],
        lo=plan.lo[0, 0, 0],
        q=plan.q[0, 0, 0],
        top=macro.adc.top,
    )
    np.testing.assert_allclose(array.matmul(X), expected, rtol=1e-12, atol=1e-6)
