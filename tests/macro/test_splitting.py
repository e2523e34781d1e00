"""Row splitting of a macro's arrays: the circuit's currents, an error that falls, and refusals."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.crossbar.compensate import split_rows

RNG = np.random.default_rng(8)
WIRES = ps.Wires(r_wordline=1.0, r_bitline=4.0, r_sense=5.0)


def program(k=32, **fields):
    base = {"rows": 32, "cols": 80, "device": "rram-wan2022", "wires": WIRES}
    return ps.Macro(**(base | fields)).program(RNG.integers(-127, 128, (k, 5)), rng=1)


def relative(measured, ideal):
    return np.sqrt(np.square(measured - ideal).sum() / np.square(ideal).sum())


def test_errors_are_those_of_the_circuit():
    array, X = program(), RNG.integers(0, 256, (6, 32))
    assert array.tiling.arrays == 1
    held = array.programmed
    # Columns of the one array as they lie: weight, slice, polarity.
    G = held.cells.at(0.0)[0].transpose(2, 3, 0, 1).reshape(32, -1)
    pedestal = held.card.g_min * X.sum(axis=1, keepdims=True)
    ideal = X @ G - pedestal
    for parts in (1, 2, 4):
        found = array.row_splitting(X, parts)
        by_hand = relative(split_rows(G, X, WIRES, parts) - pedestal, ideal)
        assert found.error_after == pytest.approx(by_hand, rel=1e-9)
        assert found.error_before == pytest.approx(array.row_splitting(X, 1).error_after, rel=1e-12)
        assert found.rows == 32 // parts


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"k": 75, "cols": 40},
        {"access": ps.Transistor(r_on=500.0), "rows_active": 16},
        {"weights": ps.WeightEncoding(scheme="offset", subtract="analog")},
    ],
)
def test_shorter_bit_lines_lose_less(fields):
    array = program(**fields)
    X = RNG.integers(0, 256, (6, array.tiling.k))
    found = [array.row_splitting(X, parts) for parts in (2, 4)]
    assert found[1].error_after < found[0].error_after < 0.8 * found[0].error_before


def test_the_macro_with_fewer_rows_has_the_error_promised():
    """The split arrays are those of a macro of rows / parts rows: same cells, hence the same error before a split."""
    W, X = RNG.integers(-127, 128, (40, 5)), RNG.integers(0, 256, (6, 40))
    macro = ps.Macro(rows=32, cols=80, device="rram-wan2022", wires=WIRES)
    promised = macro.program(W, rng=1).row_splitting(X, 4)
    shorter = macro.replace({"rows": promised.rows}).program(W, rng=1)
    assert shorter.row_splitting(X, 1).error_before == pytest.approx(promised.error_after, rel=1e-9)


def test_without_wires_nothing_is_lost():
    found = program(wires=None).row_splitting(RNG.integers(0, 256, (6, 32)), 2)
    assert (found.error_before, found.error_after) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("fields", "inputs", "parts", "message"),
    [
        ({}, 1, 3, "parts = 3: must divide the 32 rows"),
        ({}, 1, 0, "parts = 0: must divide"),
        ({}, 0, 2, "at least one input"),
        ({"drive": "gate", "access": ps.IdealSwitch(), "wires": ps.Wires(r_bitline=1.0)}, 1, 2, "linear in its inputs"),
    ],
)
def test_what_it_cannot_do_is_refused(fields, inputs, parts, message):
    with pytest.raises(InputError, match=message):
        program(**fields).row_splitting(np.ones((inputs, 32), dtype=int), parts)
