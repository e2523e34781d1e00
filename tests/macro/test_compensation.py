"""One calibration holds all compensation with errors before and after: of the circuit's currents, of the outputs."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.crossbar.compensate import split_rows
from pimsim.macro.predistortion import Predistortion
from tests.close import close

RNG = np.random.default_rng(8)
WIRES = ps.Wires(r_wordline=1.0, r_bitline=4.0, r_sense=5.0)


def program(k=32, **fields):
    base = {"rows": 32, "cols": 80, "device": "rram-wan2022", "wires": WIRES}
    return ps.Macro(**(base | fields)).program(RNG.integers(-127, 128, (k, 5)), rng=1)


def relative(measured, ideal):
    return np.sqrt(np.square(measured - ideal).sum() / np.square(ideal).sum())


def splitting(array, X, parts):
    (found,) = array.calibrate(X, row_splitting=parts).calibration.compensations
    assert (found.name, found.of) == ("row splitting", "column currents")
    return found


def test_errors_of_row_splitting_are_those_of_the_circuit():
    array, X = program(), RNG.integers(0, 256, (6, 32))
    assert array.tiling.arrays == 1
    held = array.programmed
    # Columns of the one array as they lie: weight, slice, polarity.
    G = held.cells.at(0.0)[0].transpose(2, 3, 0, 1).reshape(32, -1)
    pedestal = held.card.g_min * X.sum(axis=1, keepdims=True)
    ideal = X @ G - pedestal
    for parts in (1, 2, 4):
        found = splitting(array, X, parts)
        by_hand = relative(split_rows(G, X, WIRES, parts) - pedestal, ideal)
        assert found.error_after == close(by_hand, rel=1e-9)
        assert found.error_before == close(splitting(array, X, 1).error_after, rel=1e-12)
        assert found.setting == f"rows = {32 // parts}"


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
    found = [splitting(array, X, parts) for parts in (2, 4)]
    assert found[1].error_after < found[0].error_after < 0.8 * found[0].error_before


def test_the_macro_with_fewer_rows_has_the_error_promised():
    """The split arrays are those of a macro of rows / parts rows: same cells, hence the same error before a split."""
    W, X = RNG.integers(-127, 128, (40, 5)), RNG.integers(0, 256, (6, 40))
    macro = ps.Macro(rows=32, cols=80, device="rram-wan2022", wires=WIRES)
    promised = splitting(macro.program(W, rng=1), X, 4)
    shorter = macro.replace({"rows": 8}).program(W, rng=1)
    assert splitting(shorter, X, 1).error_before == close(promised.error_after, rel=1e-9)


def test_predistortion_errors_are_those_of_the_circuit():
    """By hand on one array: targets behind the wires with their best gain; moved targets, ideally programmed."""
    array, X = program(predistortion=Predistortion(iterations=3)), RNG.integers(0, 256, (6, 32))
    (found,) = array.calibrate(X).calibration.compensations
    held = array.programmed

    def lines(cells):
        return cells.transpose(2, 3, 0, 1).reshape(32, -1)

    wanted, moved = lines(held.meant), lines(held.cells.target[0])
    bent, straight = (ps.transfer_matrix(G, WIRES).T for G in (wanted, moved))
    pedestal = held.card.g_min * X.sum(axis=1, keepdims=True)
    gain = (bent * wanted).sum() / np.square(wanted).sum()
    scale = array.programming["scale"]
    assert (found.name, found.setting) == ("pre-distortion", f"scale = {scale:.4g}")
    before, after = (relative(X @ g - pedestal, X @ wanted - pedestal) for g in (bent / gain, straight / scale))
    assert (found.error_before, found.error_after) == close((before, after), rel=1e-9)
    assert after < 0.2 * before


@pytest.mark.parametrize("weights", [{}, {"scheme": "offset", "subtract": "analog"}, {"copies": 2}])
def test_one_table_holds_all_that_is_on(weights):
    fields = {"weights": ps.WeightEncoding(**weights), "predistortion": Predistortion(), "adc": ps.ADC(bits=12)}
    X = RNG.integers(0, 256, (40, 32))
    array = program(column_gain=True, column_offset=True, **fields).calibrate(X, row_splitting=2)
    table = array.calibration.table()
    assert list(table.columns) == ["name", "setting", "of", "error_before", "error_after"]
    assert list(table["name"]) == ["pre-distortion", "row splitting", "column gain and offset"]
    assert (table["error_after"] < table["error_before"]).all()
    assert array.report()["compensations"] == table.to_dict("records")


def test_a_table_without_compensation_is_empty():
    array = program().calibrate(RNG.integers(0, 256, (4, 32)))
    assert array.calibration.compensations == ()
    assert len(array.calibration.table()) == 0
    assert array.report()["compensations"] == []


def test_without_wires_nothing_is_lost():
    found = splitting(program(wires=None), RNG.integers(0, 256, (6, 32)), 2)
    assert (found.error_before, found.error_after) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("fields", "inputs", "parts", "message"),
    [
        ({}, 1, 3, "row_splitting = 3: must divide the 32 rows"),
        ({}, 1, 0, "row_splitting = 0: must be an integer of at least 1"),
        ({}, 1, True, "row_splitting = True: must be an integer of at least 1"),
        ({}, 1, 2.0, "row_splitting = 2.0: must be an integer of at least 1"),
        ({}, 0, 2, "at least one input"),
        ({"drive": "gate", "access": ps.IdealSwitch(), "wires": ps.Wires(r_bitline=1.0)}, 1, 2, "linear in its inputs"),
    ],
)
def test_what_it_cannot_do_is_refused(fields, inputs, parts, message):
    with pytest.raises(InputError, match=message):
        program(**fields).calibrate(np.ones((inputs, 32), dtype=int), row_splitting=parts)
