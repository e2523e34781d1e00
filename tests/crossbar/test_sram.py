"""SRAM columns against hand calculations and dense oracles; statistics; refusals."""

import numpy as np
import pytest

from pimsim.base.errors import InputError, SpecError
from pimsim.crossbar.sram import (
    ChargeColumn,
    CurrentColumn,
    GateDrivenCell,
    LadderColumn,
    adder_tree,
    digital_columns,
    full_adders,
)
from tests.close import close
from tests.naive import crossbar_sram as naive

RNG = np.random.default_rng(7)
FEMTO = 1e-15


def test_a_charge_column_without_mismatch_counts_in_steps():
    column = ChargeColumn(mismatch=0.0)
    products = (RNG.random((20, 64, 5)) < 0.4).astype(float)
    volts = column.voltages(products, column.draw((64, 5)))
    np.testing.assert_allclose(volts, products.sum(axis=1) * column.step(64), rtol=1e-12)


def test_a_charge_column_meets_charge_balance():
    column = ChargeColumn(mismatch=0.05)
    c = column.draw((16, 3), rng=1)
    products = RNG.random((4, 16, 3))
    volts = column.voltages(products, c)
    parasitic = 0.3 * 16 * FEMTO + 2.043 * FEMTO
    for b in range(4):
        for m in range(3):
            expected = naive.shared_voltage(c[:, m], products[b, :, m], 0.9, parasitic)
            assert volts[b, m] == close(expected, rel=1e-12)


def test_charge_by_hand():
    """Two cells of 1 fF, one driven at 1 V, no parasitics: half a volt; noise of 2 fF at 300 K: 1.44 mV."""
    column = ChargeColumn(v_dd=1.0, mismatch=0.0, parasitic_share=0.0, parasitic=0.0, comparator_noise=0.0)
    assert column.voltages([[[1.0], [0.0]]], np.full((2, 1), FEMTO))[0, 0] == 0.5
    assert column.noise(2) == close(1.4391e-3, rel=1e-4)
    assert column.replace({"temperature": None}).noise(2) == 0.0


@pytest.mark.parametrize(("capacitor", "sigma"), [(1e-15, 0.00664), (4e-15, 0.00332)])
def test_mismatch_falls_with_the_root_of_the_capacitor(capacitor, sigma):
    c = ChargeColumn(capacitor=capacitor).draw((500, 400), rng=2) / capacitor
    assert abs(c.mean() - 1) < 3 * sigma / np.sqrt(c.size)
    assert abs(c.std() / sigma - 1) < 3 / np.sqrt(2 * c.size)


def test_capacitors_belong_to_places():
    column, place = ChargeColumn(), np.arange(12, dtype=np.uint64).reshape(3, 4) + 10**12
    whole = column.draw((3, 4), rng=3, place=place)
    np.testing.assert_array_equal(column.draw((2, 2), rng=3, place=place[1:, ::2]), whole[1:, ::2])
    with pytest.raises(InputError, match="place: shape"):
        column.draw((2, 2), place=place)


@pytest.mark.parametrize("modulation", [0.0, 0.1, 0.6])
def test_discharge_meets_small_time_steps(modulation):
    """Whatever the pulses, the swing depends on their charge alone; the midpoint rule errs by the edge steps."""
    column = CurrentColumn(channel_length_modulation=modulation, headroom=0.9)
    currents = RNG.uniform(0.5e-6, 3e-6, (8, 1))
    widths = RNG.integers(1, 8, (1, 8)) * 1e-9
    swing = column.swings(widths, currents)[0, 0]
    expected = naive.discharge(currents[:, 0], widths[0], 100 * FEMTO, modulation, 0.9)
    assert swing == close(expected, rel=2e-4)


def test_headroom_clips_and_lambda_bends():
    column = CurrentColumn(channel_length_modulation=0.0, headroom=0.3)
    np.testing.assert_allclose(column.swing(np.array([0.1, 0.29, 0.4])), [0.1, 0.29, 0.3])
    bent = CurrentColumn(channel_length_modulation=0.5, headroom=0.8).swing(np.array([0.01, 0.4]))
    assert bent[0] == close(0.01, rel=2e-3)
    assert 0.3 < bent[1] < 0.4


def test_threshold_variation_has_its_first_order_spread():
    """sigma_I/I = alpha sigma_Vt/V_ov; the second order is 0.05 % of it at this sigma."""
    column = CurrentColumn(sigma_vt=3e-3)
    i = column.draw((500, 400), rng=4)
    assert column.relative_spread == close(0.013)
    assert abs(i.std() / i.mean() / column.relative_spread - 1) < 3 / np.sqrt(2 * i.size) + 1e-3


def test_jitter_is_drawn_for_rows_that_are_on():
    column = CurrentColumn(jitter=5e-12)
    x = (RNG.random((300, 400)) < 0.5) * 3.0
    widths = column.pulses(x, rng=5)
    assert (widths[x == 0] == 0).all()
    error = widths[x > 0] - 3 * column.pulse
    assert abs(error.mean()) < 3 * 5e-12 / np.sqrt(error.size)
    assert abs(error.std() / 5e-12 - 1) < 3 / np.sqrt(2 * error.size)
    np.testing.assert_array_equal(column.replace({"jitter": 0.0}).pulses(x), x * column.pulse)


def test_a_nominal_ladder_halves_from_bit_to_bit():
    ladder = LadderColumn(bits=8)
    weights, seen = ladder.weights(*ladder.nominal())
    np.testing.assert_array_equal(weights, 2.0 ** (np.arange(8) - 8))
    assert seen == 2 * ladder.capacitor


def test_a_ladder_meets_the_nodal_matrix():
    ladder = LadderColumn(bits=6, mismatch=0.1, node_parasitic=0.05)
    drivers, along = ladder.draw((1, 1), rng=6)
    weights, _ = ladder.weights(drivers, along)
    for word in range(64):
        digits = np.array([word >> k & 1 for k in range(6)])
        expected = naive.ladder_voltages(drivers[0, 0], along[0, 0], digits, 0.9, 0.05 * FEMTO)[-1]
        assert 0.9 * (digits @ weights[0, 0]) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_joined_ladders_meet_the_nodal_matrix():
    ladder = LadderColumn(bits=4, mismatch=0.1, node_parasitic=0.05, parasitic_share=0.2)
    drivers, along = ladder.draw((5, 2), rng=7)
    words, inputs = RNG.integers(0, 16, (5, 2)), RNG.random((3, 5))
    volts = ladder.voltages(words, inputs, drivers, along)
    for b in range(3):
        for m in range(2):
            args = drivers[:, m], along[:, m], words[:, m], inputs[b], 0.9, 0.05 * FEMTO, 0.2 * 5 * 2 * FEMTO
            assert volts[b, m] == close(naive.joined_ladders(*args), rel=1e-12)


def test_nominal_ladders_multiply():
    ladder = LadderColumn(bits=5, mismatch=0.0)
    words, inputs = RNG.integers(0, 32, (40, 7)), RNG.integers(0, 2, (9, 40)).astype(float)
    volts = ladder.voltages(words, inputs, *ladder.draw((40, 7)))
    np.testing.assert_allclose(volts / ladder.step(40), inputs @ words, atol=1e-9)


def test_ladder_noise_by_hand():
    ladder = LadderColumn(comparator_noise=0.0)
    assert ladder.noise(64) == close(np.sqrt(1.380649e-23 * 300 / 128e-15))
    assert ladder.replace({"temperature": None, "comparator_noise": 1e-3}).noise(64) == 1e-3


def test_a_gate_driven_cell_is_exponential_below_and_square_above_threshold():
    cell = GateDrivenCell()
    below = cell.current(np.array([0.10, 0.16]), 1.2)
    decade = np.log(below[1] / below[0]) / 0.06
    assert decade == close(1 / (1.4 * 8.617333262e-5 * 300), rel=1e-4)
    above = cell.current(np.array([2.0, 4.0]), 0.0)
    assert above[1] / above[0] == close(4.0, rel=1e-9)
    assert cell.current(0.5, 0.5) == close(1e-6 * np.log(2) ** 2)


def test_gate_driven_thresholds_invert_and_spread():
    cell = GateDrivenCell(sigma_vt=1e-3)
    wanted = np.array([1e-10, 1e-8, 1e-6, 1e-5])
    thresholds = cell.threshold(wanted, 0.8)
    np.testing.assert_allclose(cell.current(0.8, thresholds), wanted, rtol=1e-9)
    drawn = cell.current(0.8, cell.program(np.repeat(thresholds[:, None], 50_000, axis=1), rng=8))
    spread = drawn.std(axis=1) / wanted
    np.testing.assert_allclose(spread, cell.relative_spread(wanted), rtol=3 / np.sqrt(1e5) + 2e-3)
    with pytest.raises(InputError, match="always leaks"):
        cell.threshold(0.0, 0.8)


def test_gate_driven_columns_add():
    cell = GateDrivenCell()
    gates, thresholds = RNG.uniform(0, 1, (3, 6)), RNG.uniform(0.2, 0.8, (6, 4))
    expected = [
        [sum(cell.current(gates[b, n], thresholds[n, m]) for n in range(6)) for m in range(4)] for b in range(3)
    ]
    np.testing.assert_allclose(cell.column_currents(gates, thresholds), expected, rtol=1e-12)
    assert cell.column_currents(np.zeros((0, 6)), thresholds).shape == (0, 4)


@pytest.mark.parametrize(("input_bits", "weight_bits"), [(1, 1), (8, 8), (4, 2), (3, 7)])
def test_the_digital_macro_is_exact(input_bits, weight_bits):
    x = RNG.integers(0, 2**input_bits, (11, 37))
    w = RNG.integers(-(2 ** (weight_bits - 1)), 2 ** (weight_bits - 1), (37, 5))
    np.testing.assert_array_equal(digital_columns(x, w, input_bits, weight_bits), x @ w)


@pytest.mark.parametrize("rows", [1, 2, 3, 64, 100, 257])
def test_the_adder_tree_adds_every_row_without_overflow(rows):
    levels = adder_tree(rows, 4)
    assert sum(level.adders for level in levels) == rows - 1
    bits = 4 + len(levels)
    assert rows * 15 < 2**bits
    assert full_adders(rows, 4) == sum(level.adders * level.bits for level in levels)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: ChargeColumn().voltages([[[2.0]]], [[1e-15]]), "above the maximum 1"),
        (lambda: ChargeColumn().voltages([[[1.0]]], [[-1e-15]]), "below the minimum"),
        (lambda: CurrentColumn().swings([[1e-9, 1e-9]], [[1e-6]]), "expected"),
        (
            lambda: LadderColumn(bits=2).voltages([[4]], [[1.0]], *LadderColumn(bits=2).draw((1, 1))),
            "above the maximum 3",
        ),
        (lambda: digital_columns([[2]], [[0]], 1, 1), "above the maximum 1"),
        (lambda: adder_tree(0, 1), "1 or more"),
    ],
)
def test_bad_input_is_refused(call, match):
    with pytest.raises(InputError, match=match):
        call()


@pytest.mark.parametrize(
    ("spec", "fields", "match"),
    [
        (ChargeColumn, {"capacitor": "1 pV"}, "capacitor"),
        (ChargeColumn, {"mismatch": -0.1}, "greater than or equal to 0"),
        (CurrentColumn, {"alpha": 3.0}, "less than or equal to 2"),
        (LadderColumn, {"bits": True}, "bits"),
        (GateDrivenCell, {"slop": 1.4}, "did you mean 'slope'"),
    ],
)
def test_bad_circuits_are_refused(spec, fields, match):
    with pytest.raises(SpecError, match=match):
        spec(**fields)


CIRCUITS = {
    "charge": (ChargeColumn(mismatch=0.05), 2),
    "current": (CurrentColumn(), 2),
    "ladder": (LadderColumn(bits=4, mismatch=0.05, node_parasitic=0.1, parasitic_share=0.2), 16),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_contributions_are_what_the_circuit_does(name):
    """levels @ contributions, bent, times the step = the voltages of the full circuit, for the same devices."""
    circuit, states = CIRCUITS[name]
    devices = circuit.draw((12, 5), rng=9)
    stored, x = RNG.integers(0, states, (12, 5)), RNG.integers(0, 2, (7, 12)).astype(float)
    steps = x @ circuit.contributions(stored, 12, devices)
    if not circuit.linear:
        steps = circuit.bend(steps)
    if name == "charge":
        volts = circuit.voltages(x[:, :, None] * stored, devices)
    elif name == "current":
        volts = circuit.swings(circuit.pulses(x), devices * stored)
    else:
        volts = circuit.voltages(stored, x, *devices)
    np.testing.assert_allclose(steps * circuit.unit(12, 1), volts, rtol=1e-12)


@pytest.mark.parametrize("name", ["charge", "ladder"])
def test_rows_that_are_not_there_load_the_column_as_nominal_ones(name):
    circuit, states = CIRCUITS[name]
    nominal = circuit.replace({"mismatch": 0.0})
    devices, rest = circuit.draw((8, 3), rng=9), nominal.draw((4, 3))
    if name == "charge":
        whole = np.concatenate([devices, rest])
    else:
        whole = tuple(np.concatenate([a, b]) for a, b in zip(devices, rest))
    stored = RNG.integers(0, states, (8, 3))
    padded = np.concatenate([stored, np.zeros((4, 3), dtype=int)])
    np.testing.assert_allclose(
        circuit.contributions(stored, 12, devices), circuit.contributions(padded, 12, whole)[:8], rtol=1e-12
    )


def test_energy_of_a_charge_column_by_hand():
    """Two of four 1 fF capacitors to 1 V without parasitics: two in series with two, 1 fJ."""
    column = ChargeColumn(v_dd=1.0, parasitic_share=0.0, parasitic=0.0)
    stored = np.array([[1], [1], [0], [1]])
    assert column.supply(stored, 4, 1)(np.array([[1, 1, 1, 0]])) == close(1e-15)
    assert column.supply(np.ones((4, 1)), 4, 1)(np.array([[1, 1, 1, 1]])) == pytest.approx(0.0, abs=1e-25)


def test_energy_of_a_discharge_is_that_of_the_precharge():
    column = CurrentColumn(channel_length_modulation=0.0, headroom=0.5)
    energy = column.supply(np.ones((2, 1)), 2, 1)(np.array([[1.0, 2.0]]))
    assert energy == close(100e-15 * 0.9 * 3 * column.step())


def test_energy_of_a_ladder_meets_the_nodal_matrix():
    ladder = LadderColumn(bits=4, node_parasitic=0.1)
    drivers, along = ladder.nominal()
    word = 0b1011
    digits = np.array([word >> k & 1 for k in range(4)])
    nodes = naive.ladder_voltages(drivers, along, digits, 0.9, 0.1 * FEMTO)
    expected = sum(drivers[k] * 0.9 * (0.9 - nodes[k]) for k in range(4) if digits[k])
    assert ladder.supply(np.array([[word]]), 1, 1)(np.array([[1]])) == close(expected, rel=1e-12)
