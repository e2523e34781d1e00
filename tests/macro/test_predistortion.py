"""Pre-distortion: ideal cells behind wires give the ideal products again; errors are reported before and after."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import SpecError
from pimsim.macro.predistortion import Predistortion

RNG = np.random.default_rng(6)
W = RNG.integers(-127, 128, (40, 5))
X = RNG.integers(0, 256, (20, 40))
WIRES = ps.Wires(r_wordline=20.0, r_bitline=20.0)


def program(predistortion, **fields):
    base = {"rows": 32, "cols": 40, "device": "ideal", "wires": WIRES, "adc": ps.ADC(bits=14)}
    return ps.Macro(**(base | fields), predistortion=predistortion).program(W, rng=1)


def compensation(array):
    (found,) = array.calibrate(X).calibration.compensations
    return found


@pytest.mark.parametrize(
    "weights",
    [
        ps.WeightEncoding(),
        ps.WeightEncoding(subtract="analog"),
        ps.WeightEncoding(scheme="offset", subtract="analog"),
        ps.WeightEncoding(copies=2, cell_bits=4),
    ],
)
def test_ideal_cells_behind_wires_multiply_exactly_again(weights):
    bent = program(None, weights=weights)
    straight = program(Predistortion(scale=0.7, iterations=60, tolerance=1e-12), weights=weights)
    assert not np.array_equal(bent.matmul(X), X @ W)
    # Not zero: a cell that should conduct nothing still passes what sneaks through its neighbors.
    assert compensation(straight).error_after < 1e-3
    assert np.array_equal(straight.matmul(X), X @ W)


def test_errors_are_reported_and_fall():
    array = program(Predistortion())
    found = compensation(array)
    assert found.error_after < 0.2 * found.error_before
    assert 0.7 < array.programming["scale"] < 1.0


def test_without_losses_nothing_moves():
    array = program(Predistortion(), wires=None, device="rram-wan2022")
    plain = program(None, wires=None, device="rram-wan2022")
    assert array.programming["scale"] == 1.0
    assert np.array_equal(array.matmul(X), plain.matmul(X))


def test_real_cells_gain_too():
    exact = X @ W
    error = [
        np.square(program(p, device="rram-wan2022", adc=ps.ADC(bits=14)).matmul(X) - exact).mean()
        for p in (None, Predistortion())
    ]
    assert error[1] < 0.7 * error[0]


def test_targets_stay_within_the_card():
    array = program(Predistortion(), device="rram-milo2021")
    target, card = array.programmed.cells.target, array.programmed.card
    assert target.min() >= card.g_min
    assert target.max() <= card.g_max
    assert array.programming["clipped"] > 0.01
    assert 0.0 < compensation(array).error_after < compensation(array).error_before


def test_a_scale_that_asks_too_much_changes_nothing_for_the_worse():
    """At scale 1 most cells stop at G_max and the others' currents only add to the drop: targets stay as they are."""
    array = program(Predistortion(scale=1.0), device="rram-milo2021")
    found = compensation(array)
    assert found.error_after == found.error_before
    np.testing.assert_array_equal(array.programmed.cells.target[0], array.programmed.meant)


@pytest.mark.parametrize(
    "fields", [{"drive": "gate", "access": ps.IdealSwitch(), "wires": None}, {"predistortion": {"scale": 1.5}}]
)
def test_what_it_cannot_do_is_refused(fields):
    with pytest.raises(SpecError, match=r"predistortion|scale"):
        ps.Macro.parse({"predistortion": Predistortion()} | fields)
