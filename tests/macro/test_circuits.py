"""Wires, access devices and cells that are not linear: the macro against the circuit solver, read by read."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import ConvergenceError, InputError
from pimsim.encoding.inputs import digits
from pimsim.macro.columns.cell_law import law_conductance, secant
from tests.close import close

MILO = "rram-milo2021"  # its cells are not linear
WIRES = ps.Wires(r_wordline=2.0, r_bitline=3.0, r_driver=50.0, r_sense=20.0)
RNG = np.random.default_rng(5)
W = RNG.integers(-127, 128, (21, 5))
X = RNG.integers(0, 256, (3, 21))


def small(**fields):
    fields = {"rows": 12, "cols": 24, "device": "rram-wan2022", "adc": ps.ADC(bits=16)} | fields
    return ps.Macro(**fields)


def reads(array, X, law=None, access=None, volts=lambda level: 0.2 * level, dac_bits=1):
    """Column sums in cell steps, [group][plane] (B, physical columns), solved one array and read at a time."""
    macro, held = array.macro, array.programmed
    g = held.cells.g[0].transpose(2, 3, 0, 1)  # (k, c, slice, polarity)
    g = g if law is None else law_conductance(law, g, 0.2)
    for start, stop in held.tiling.row_groups:
        top = start // macro.rows * macro.rows
        end = min(top + macro.rows, len(g))
        on = np.zeros(end - top, dtype=bool)
        on[start - top : stop - top] = True
        for t in range(0, 8, dac_bits):
            columns = []
            level = (X[:, top:end] >> t) % (1 << dac_bits) * on
            for c0 in range(0, g.shape[1], held.tiling.weights_per_row):
                block = g[top:end, c0 : c0 + held.tiling.weights_per_row].reshape(end - top, -1)
                options = {"access": access, "on": on} if access else {}
                columns.append(solve(block, volts(level), macro.wires, law, options))
            yield t, start, np.concatenate(columns, axis=1) / (held.step * 0.2)


def solve(block, volts, wires, law, options):
    if law is None or wires or options:
        return ps.solve_crossbar(block, volts, wires, cell=law, **options).i_out
    held = np.repeat(volts[:, :, None], block.shape[1], axis=2)
    return law.evaluate(np.broadcast_to(block, held.shape).ravel(), held.ravel())[0].reshape(held.shape).sum(axis=1)


def digital(array, X, **options):
    """Unsigned column sums of differential pairs, rounded to unit steps, shift-added."""
    total = 0
    for t, _, sums in reads(array, X, **options):
        codes = np.floor(sums + 0.5).reshape(len(X), -1, array.macro.slices, 2)
        total = total + (codes[..., 0] - codes[..., 1]) @ np.array(array.macro.weights.slice_weights) * (1 << t)
    return total


@pytest.mark.parametrize("active", [12, 5])
def test_wires_are_the_solution_of_every_array(active):
    array = small(wires=WIRES, rows_active=active).program(W, rng=1)
    np.testing.assert_array_equal(array.matmul(X), digital(array, X))


@pytest.mark.parametrize("access", [ps.Transistor(r_on=3e3, g_off=1e-7), ps.IdealSwitch(g_off=0.0)])
@pytest.mark.parametrize("wires", [None, WIRES])
def test_access_devices_isolate_the_rows_that_are_not_read(access, wires):
    array = small(wires=wires, access=access, rows_active=5).program(W, rng=1)
    if wires is None and access.kind == "transistor":
        # Leak of unselected rows needs a voltage across them: none without wires.
        held = array.programmed
        g = held.cells.g[0]
        np.testing.assert_allclose(array.plans.quiet.matrix, (g / (1 + g * 3e3) - held.card.g_min) / held.step)
    np.testing.assert_array_equal(array.matmul(X), digital(array, X, access=access))


def test_exact_wires_run_the_kernel_of_the_ideal_array():
    paths = [small(wires=wires).program(W, rng=1).explain()["path"] for wires in (None, WIRES)]
    assert paths[0] == paths[1] != "circuit"


def test_zero_resistance_is_the_ideal_array_bit_for_bit():
    shorts = small(wires=ps.Wires()).program(W, rng=1)
    none = small().program(W, rng=1)
    np.testing.assert_array_equal(shorts.matmul(X), none.matmul(X))
    ideal = small(device="ideal", wires=ps.Wires()).program(W)
    np.testing.assert_array_equal(ideal.matmul(X), X @ W)


def test_tiny_resistance_is_nearly_the_ideal_array():
    wired, none = small(wires=ps.Wires(r_wordline=1e-6, r_bitline=1e-6)).program(W), small().program(W)
    np.testing.assert_allclose(wired.plans.quiet.matrix, none.plans.quiet.matrix, atol=1e-6)


def test_wires_lose_current_and_column_gain_brings_it_back():
    wires = ps.Wires(r_wordline=20.0, r_bitline=20.0)
    macro = ps.Macro(rows=64, cols=64, device="rram-wan2022", wires=wires, adc=ps.ADC(bits=12))
    weights = RNG.integers(-127, 128, (64, 8))
    inputs, others = RNG.integers(0, 256, (50, 64)), RNG.integers(0, 256, (50, 64))
    exact = inputs @ weights
    plain = macro.program(weights, rng=1)
    with pytest.raises(InputError, match=r"column_offset: call array\.calibrate"):
        macro.replace({"column_gain": True}).program(weights, rng=1).matmul(inputs)
    tuned = macro.replace({"column_gain": True}).program(weights, rng=1).calibrate(others)
    assert (tuned.calibration.gain > 1).mean() > 0.7
    assert np.square(tuned.matmul(inputs) - exact).sum() < 0.5 * np.square(plain.matmul(inputs) - exact).sum()
    wanted = others @ weights
    errors = [np.sqrt(np.square(a.matmul(others) - wanted).sum() / np.square(wanted).sum()) for a in (plain, tuned)]
    (found,) = tuned.calibration.compensations
    assert (found.name, found.of) == ("column gain", "outputs")
    assert (found.error_before, found.error_after) == close(tuple(errors))
    assert plain.calibrate(others).calibration.compensations == ()


def law():
    return ps.load_device(MILO).iv


def test_one_voltage_needs_the_secant_only():
    array = small(device=MILO, cell_law="card").program(W, rng=1)
    assert array.explain()["path"] != "circuit"
    np.testing.assert_array_equal(array.matmul(X), digital(array, X, law=law()))
    np.testing.assert_array_equal(array.matmul(X), digital(array, X))


def test_pulse_width_keeps_cells_at_one_voltage():
    pulses = ps.InputEncoding(dac_bits=4, coding="pulse_width")
    array = small(device=MILO, cell_law="card", inputs=pulses).program(W, rng=1)
    assert array.explain()["path"] != "circuit"
    volts = array.replace({"inputs.coding": "voltage"})
    assert volts.explain()["path"] == "circuit"
    assert not np.array_equal(array.matmul(X), volts.matmul(X))


def test_levels_of_a_dac_meet_the_cells_at_their_own_voltage():
    array = small(device=MILO, cell_law="card", inputs=ps.InputEncoding(dac_bits=2)).program(W, rng=1)
    sums = [s * 3 for _, _, s in reads(array, X, law=law(), volts=lambda level: 0.2 / 3 * level, dac_bits=2)]
    plan = array.plans.quiet
    found = []
    for r, (start, stop) in enumerate(plan.groups):
        for plane in plan.planes:
            found.append(plan.circuit.sums(r, digits(X[:, start:stop].astype(np.uint8), plane).astype(float)))
    for ours, expected in zip(found, sums):
        np.testing.assert_allclose(ours.transpose(2, 3, 0, 1).reshape(len(X), -1), expected, rtol=1e-12)


def test_non_linear_cells_behind_wires_and_access():
    options = {"device": MILO, "cell_law": "card", "wires": WIRES, "access": ps.Transistor(r_on=3e3)}
    array = small(**options).program(W, rng=1)
    assert array.explain()["path"] == "circuit"
    np.testing.assert_array_equal(array.matmul(X), digital(array, X, law=law(), access=options["access"]))


def test_conductance_of_a_law_gives_the_verified_current():
    g = np.linspace(50e-6, 225e-6, 7)
    for model in (law(), ps.SinhCell(vc=0.25)):
        inner = law_conductance(model, g, 0.2)
        np.testing.assert_allclose(model.evaluate(inner, np.full(7, 0.2))[0], 0.2 * g, rtol=1e-12)
        assert np.abs(inner / g - 1).max() > 1e-3


@pytest.mark.parametrize("v", [0.05, 0.2, 0.45, 0.5])
def test_every_cell_of_a_card_has_a_conductance_of_its_law(v):
    """Down to 20 uS, below the lowest of a million cells (29 uS): there a fixed point G g v / I does not close in."""
    g = np.concatenate([[0.0], np.linspace(20e-6, 250e-6, 1000)])
    inner = law_conductance(law(), g, v)
    assert inner[0] == 0.0
    np.testing.assert_allclose(law().evaluate(inner, np.full(len(g), v))[0], v * g, rtol=2e-13)
    np.testing.assert_allclose(
        law_conductance(ps.SinhCell(vc=0.25), g, v), g * (v / 0.25) / np.sinh(v / 0.25), rtol=1e-12
    )


def test_conductance_that_no_cell_of_a_law_has():
    with pytest.raises(ConvergenceError, match="no conductance of the I-V law gives the verified current"):
        law_conductance(ps.CubicCell(a2=(0.0,), a3=(1e-3,)), np.array([1e-5]), 0.2)  # 0.2 V always carry 8 uA


@pytest.mark.parametrize("v_read", [0.2, 0.45, 0.5])
def test_chips_of_the_card_with_its_own_law_are_read(v_read):
    macro = ps.Macro(
        device=MILO, cell_law="card", v_read=v_read, inputs=ps.InputEncoding(dac_bits=2), adc=ps.ADC(bits=12)
    )
    weights = np.random.default_rng(0).normal(0, 30, (128, 8)).round().clip(-127, 127).astype(int)
    array, X = macro.program(weights, rng=0), np.full((1, 128), 255)
    # All rows at the highest level: the voltage of the verify, where the law gives the verified currents.
    ours, linear = array.matmul(X), macro.replace(cell_law="linear").program(weights, rng=0).matmul(X)
    np.testing.assert_allclose(ours, linear, rtol=1e-9)


def test_another_read_voltage_follows_the_law():
    g = np.array([60e-6, 100e-6])
    model = ps.SinhCell(vc=0.25)
    at = secant(model, g, verified=0.2, v=0.1)
    np.testing.assert_allclose(at, g * (np.sinh(0.4) / 0.1) / (np.sinh(0.8) / 0.2), rtol=1e-12)
