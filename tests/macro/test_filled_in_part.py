"""A matrix that does not fill an array is read as the whole array: unused cells are open, lines keep their length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pimsim as ps
from pimsim.cells import load_device
from pimsim.macro.columns.cell_law import law_conductance
from tests.close import close
from tests.naive import crossbar_nodal as nodal

ROWS, COLS = 6, 17
RESISTANCE = st.sampled_from([0.0, 3.0, 200.0])


@st.composite
def macros(draw):
    gate = draw(st.booleans())
    wires = {name: draw(RESISTANCE) for name in ("r_bitline", "r_driver", "r_sense")}
    wires |= {"r_sourceline": draw(RESISTANCE)} if gate else {"r_wordline": draw(RESISTANCE)}
    scheme, subtract = draw(
        st.sampled_from(
            [("differential", "digital"), ("differential", "analog"), ("offset", "analog"), ("unsigned", "digital")]
        )
    )
    coding = "pulse_width" if gate else draw(st.sampled_from(["voltage", "pulse_width"]))
    access = ps.Transistor(r_on=2e3, g_off=draw(st.sampled_from([0.0, 1e-6])))
    return ps.Macro(
        rows=ROWS,
        cols=COLS,
        rows_active=draw(st.sampled_from([None, 2])),
        device="rram-milo2021",
        wires=ps.Wires(**wires, double_sided=not gate and draw(st.booleans())),
        access=access if gate else draw(st.sampled_from([None, access])),
        drive="gate" if gate else "row",
        cell_law="linear" if gate else draw(st.sampled_from(["linear", "card"])),
        weights=ps.WeightEncoding(
            bits=3, cell_bits=2, scheme=scheme, subtract=subtract, copies=draw(st.sampled_from([1, 2]))
        ),
        inputs=ps.InputEncoding(bits=2, dac_bits=2, coding=coding),
        adc=ps.ADC(bits=16),
    )


def whole_array(array, cells, reference, top):
    """(ROWS, COLS) conductances of the array whose first matrix row is ``top``, cell by cell."""
    macro, G = array.macro, np.zeros((ROWS, COLS))
    copies, slices, polarities, k, c = cells.shape
    stop = min(top + ROWS, k)
    per_weight = copies * slices * polarities
    for r, s, p, i, j in np.ndindex(copies, slices, polarities, stop - top, c):
        G[ROWS - (stop - top) + i, j * per_weight + (s * polarities + p) * copies + r] = cells[r, s, p, top + i, j]
    behind = (COLS - macro.weights.reference_columns) // per_weight * per_weight
    for r, s, i in np.ndindex(copies, slices, stop - top) if reference is not None else ():
        G[ROWS - (stop - top) + i, behind + s * copies + r] = reference[r, s, 0, top + i, 0]
    return G, behind


def currents(macro, G, volts, on):
    """Currents (B, COLS) of an array whose rows ``on`` are read."""
    if macro.drive == "gate":
        return ps.solve_gated(G, volts > 0, macro.v_read, macro.wires, macro.access.r_on, macro.access.g_off).i_out
    law = load_device(macro.device).iv if macro.cell_law == "card" else None
    options = {} if macro.access is None else {"access": macro.access, "on": on}
    method = "auto" if law else "direct"
    return ps.solve_crossbar(G, volts, macro.wires, cell=law, method=method, tol=1e-10, **options).i_out


def column_sums(array, X):
    """(group, slice, conversion, input, column) of the whole arrays, each read in full."""
    macro, held, out = array.macro, array.programmed, []
    cells, reference = held.cells.g, None if held.reference is None else held.reference.g
    if macro.cell_law == "card":
        law = load_device(macro.device).iv
        cells = law_conductance(law, cells, macro.v_read)
        reference = None if reference is None else law_conductance(law, reference, macro.v_read)
    copies, slices, polarities, k, c = cells.shape
    for start, stop in held.tiling.row_groups:
        top = start // ROWS * ROWS
        unused = ROWS - min(ROWS, k - top)
        G, behind = whole_array(array, cells, reference, top)
        level, on = np.zeros((len(X), ROWS)), np.zeros(ROWS, dtype=bool)
        level[:, unused + start - top : unused + stop - top] = X[:, start:stop]
        on[unused + start - top : unused + stop - top] = True
        if macro.inputs.coding == "voltage":
            total = 3 * currents(macro, G, level * (macro.v_read / 3), on)
        else:
            total = sum(currents(macro, G, np.where(level >= step, macro.v_read, 0.0), on) for step in (1, 2, 3))
        total = total / (held.step * macro.v_read)
        per_weight = copies * slices * polarities
        of_weights = total[:, : c * per_weight].reshape(len(X), c, slices, polarities, copies).mean(axis=-1)
        if macro.weights.subtract == "analog" and polarities == 2:
            of_weights = of_weights[..., :1] - of_weights[..., 1:]
        elif macro.weights.subtract == "analog":
            other = total[:, behind : behind + slices * copies].reshape(len(X), 1, slices, 1, copies).mean(axis=-1)
            of_weights = of_weights - other
        out.append(of_weights.transpose(2, 3, 0, 1))
    return np.array(out)


@settings(max_examples=60, deadline=None)
@given(macros(), st.integers(1, ROWS + 3), st.integers(0, 99))
def test_filled_in_part_is_the_array_filled_with_open_cells(macro, k, seed):
    rng = np.random.default_rng(seed)
    low, high = macro.weights.weight_range
    W = rng.integers(low, high + 1, (k, rng.integers(1, macro.weights_per_row + 1)))
    X = rng.integers(0, 4, (2, k))
    array = macro.program(W, rng=seed)
    found = array.matmul(X, trace=True)[1].before[0, :, 0]
    np.testing.assert_allclose(found, column_sums(array, X), rtol=1e-7, atol=1e-6)  # pedestals lie on a grid of 2^-20


def test_one_gated_row_of_four_is_read_through_the_whole_bit_line():
    """Four segments of the bit line, one of the source line, transistor, cell: 83.3 uS; cut to the row, 111.1."""
    macro = ps.Macro(
        rows=4,
        cols=1,
        drive="gate",
        access=ps.Transistor(r_on=1000.0),
        wires=ps.Wires(r_bitline=1000.0, r_sourceline=1000.0),
        device="rram-22nm",
        weights=ps.WeightEncoding(bits=1, cell_bits=1, scheme="unsigned"),
        inputs=ps.InputEncoding(bits=1, dac_bits=1),
        adc=ps.ADC(bits=12, range=(0, 4)),
    )
    array = macro.program(np.array([[1]]))
    seen = array.matmul([[1]], trace=True)[1].before.item() * array.programmed.step
    assert seen == close(1 / (4e3 + 1e3 + 1e3 + 1 / array.programmed.cells.g.item()), rel=1e-12)


@pytest.mark.parametrize("drive", ["row", "gate"])
def test_energy_of_pulses_is_what_the_whole_array_draws(drive):
    """By nodal analysis of the whole array, unit pulse after unit pulse; SRAM and full arrays are in test_seams."""
    gate = drive == "gate"
    lines = {"r_sourceline": 200.0} if gate else {"r_wordline": 40.0, "double_sided": True}
    wires = ps.Wires(r_bitline=100.0, r_driver=20.0, r_sense=10.0, **lines)
    macro = ps.Macro(
        rows=ROWS,
        cols=COLS,
        device="rram-milo2021",
        drive=drive,
        wires=wires,
        access=ps.Transistor(r_on=2e3, g_off=1e-6) if gate else None,
        weights=ps.WeightEncoding(bits=3, cell_bits=2),
        inputs=ps.InputEncoding(bits=2, dac_bits=2, coding="pulse_width"),
    )
    X = np.array([[3, 1, 0, 2], [0, 0, 0, 0]])
    array = macro.program(np.array([[3, -2], [0, 1], [-3, 3], [2, 2]]), rng=4)
    G, _ = whole_array(array, array.programmed.cells.g, None, 0)
    power = 0.0
    for on in (np.pad(X, ((0, 0), (2, 0))) >= np.array([1, 2, 3])[:, None, None]).reshape(-1, ROWS):
        if gate:
            power += 0.2 * nodal.gated(G, on, 0.2, 100.0, 200.0, 20.0, 10.0, 2e3, 1e-6).sum()
        else:
            power += float(0.2 * on @ nodal.crossbar(G, 0.2 * on, 40.0, 100.0, 20.0, 10.0, double=True)[1])
    assert array.read_energy(X) == close(power * 100e-9 / 3, rel=1e-9)
