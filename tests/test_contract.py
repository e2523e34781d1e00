"""The public names and their shapes: what users and outside checks call. Each test is one paragraph of the contract."""

import inspect

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import PimsimError

rng = np.random.default_rng(0)


def crossbar(n=6, m=4):
    return rng.uniform(1e-6, 1e-4, (n, m)), rng.uniform(0, 0.2, n)


def test_solve_crossbar():
    G, V = crossbar()
    wires = ps.Wires(r_wordline=0.35, r_bitline=0.35, r_driver=0.0, r_sense=0.0, double_sided=False)
    sol = ps.solve_crossbar(
        G, V, wires, cell=ps.LinearCell(), access=None, on=None, driven=None, method="auto", tol=1e-12
    )
    assert sol.i_out.shape == (4,)
    assert sol.i_source.shape == (6,)
    assert sol.v_wordline.shape == sol.v_bitline.shape == (6, 4)
    assert sol.residual <= 1e-12
    assert sol.iterations >= 0
    batch = ps.solve_crossbar(G, np.stack([V, 2 * V]), wires)
    assert batch.i_out.shape == (2, 4)
    T = ps.transfer_matrix(G, wires)
    np.testing.assert_allclose(T.shape, (4, 6))
    np.testing.assert_allclose(T @ V, sol.i_out, rtol=1e-9)


def test_cells_and_access_of_a_crossbar():
    G, V = crossbar()
    wires = ps.Wires(r_wordline=0.35, r_bitline=0.35)
    on = np.array([True, True, False, True, True, True])
    for options in (
        {"cell": ps.SinhCell(vc=0.25)},
        {"access": ps.Transistor(r_on=2e3, g_off=1e-9), "on": on},
        {"access": ps.IdealSwitch(g_off=0.0), "on": on},
        {"driven": on},
    ):
        assert np.isfinite(ps.solve_crossbar(G, V, wires, **options).i_out).all()


def test_solve_gated():
    G, _ = crossbar()
    on = np.array([True, False, True, True, False, True])
    wires = ps.Wires(r_bitline=0.35, r_sourceline=0.35, r_driver=0, r_sense=0)
    i = ps.solve_gated(G, on, 0.2, wires, r_on=2e3, g_off=0.0).i_out
    assert i.shape == (4,)
    assert ps.solve_gated(G, np.stack([on, ~on]), 0.2, wires, r_on=2e3, g_off=0.0).i_out.shape == (2, 4)


def test_spice_netlist():
    G, V = crossbar()
    text = ps.spice.netlist(G, V, ps.Wires(r_wordline=0.35, r_bitline=0.35))
    assert ".end" in text.lower()


def test_devices():
    card = ps.load_device("pcm-nandakumar2019")
    assert {"ideal", "pcm-nandakumar2019", "rram-milo2021"} <= set(ps.list_devices())
    assert ps.load_device("ideal") is not None
    target = np.full((8, 8), 12.5e-6)
    cells = card.program(target, rng=0)
    np.testing.assert_array_equal(cells.target, target)
    assert cells.g.shape == cells.at(60.0).shape == cells.read(60.0, rng=1).shape == (8, 8)
    np.testing.assert_array_equal(cells.at(60.0), cells.at(60.0))


def macro(**changes):
    fields = {
        "rows": 128, "cols": 128, "device": "rram-milo2021", "wires": None, "v_read": 0.2, "t_read": 100e-9,
        "rows_active": 128, "columns_per_adc": 8, "node": 32e-9,
        "weights": ps.WeightEncoding(bits=8, cell_bits=2, scheme="differential", subtract="digital"),
        "inputs": ps.InputEncoding(bits=8, dac_bits=1, signed=False),
        "adc": ps.ADC(bits=8, range="full"),
    }  # fmt: skip
    return ps.Macro(**(fields | changes))


def test_macro():
    W = rng.integers(-127, 128, (40, 12)).astype(np.int8)
    X = rng.integers(0, 256, (5, 40)).astype(np.uint8)
    array = macro().program(W, rng=1)
    Y = array.matmul(X, rng=None, first_sample=0)
    assert Y.shape == (5, 12)
    assert Y.dtype == np.float64
    np.testing.assert_array_equal(X @ array, Y)
    assert array.explain()["largest_sum"] == 128 * 3  # one-bit inputs on two-bit cells
    aged = macro(device="pcm-nandakumar2019").program(W, rng=1).at(t=86400.0)
    assert aged.matmul(X).shape == (5, 12)
    exact = macro(device="ideal", adc=ps.ADC(bits=9)).program(W, rng=1)
    np.testing.assert_array_equal(exact.matmul(X), X.astype(np.int64) @ W.astype(np.int64))


def test_macro_calibration_and_float_weights():
    W = rng.normal(size=(40, 12))
    X = rng.integers(0, 256, (50, 40)).astype(np.uint8)
    array = macro(device="ideal", adc=ps.ADC(bits=8, range="calibrated")).program(W, rng=1)
    with pytest.raises(PimsimError, match="calibrate"):
        array.matmul(X)
    Y = array.calibrate(X).matmul(X)
    assert np.corrcoef(Y.ravel(), (X @ W).ravel())[0, 1] > 0.99


def test_macro_replace_by_name():
    assert ps.Macro().replace(rows=64) == ps.Macro().replace({"rows": 64})


def test_macro_replace():
    changed = macro().replace({"adc.bits": 6, "rows": 64, "rows_active": 64})
    assert (changed.adc.bits, changed.rows) == (6, 64)


@pytest.fixture(scope="module")
def workbench():
    return ps.load_network("fashion-vgg"), ps.load_dataset("fashion-mnist", split="test", limit=20)


def test_analog_matrix():
    macro = ps.Macro(rows=64, cols=64)
    W, x = np.array([[0.5, -1.0], [0.25, 1.0]]), np.array([0.5, 0.25])
    A = ps.AnalogMatrix(W, macro)
    for matrix, vector in ((W, x), (W, 1j * x), (W * 1j, x), (W * 1j, x * 1j)):
        y = ps.AnalogMatrix(matrix, macro) @ vector
        assert np.abs(y - matrix @ vector).max() < 0.02
    assert A.shape == W.shape


def test_quantize(workbench):
    net, data = workbench
    q = ps.quantize(net, data.images, weights=4, inputs=8)
    assert {int(abs(layer.weight).max()) for layer in q.layers} == {7}
    assert [layer.bits for layer in ps.quantize(net, data.images, weights={"conv1": 2}).products][:2] == [2, 8]
    assert q.reference(data.images).shape == (20, 10)


def test_assign_layers(workbench):
    net, data = workbench
    chip = ps.load_chip("generic-digital-sram-22nm")
    plan = ps.assign_layers(net, chip, data, budget=0.005, trials=1)
    assert plan.chip == chip
    assert plan.table().loss[0] == 0
    changed = chip.replace({"per_layer": {"conv1": {"digital": True}, "conv[23]": {"weights.bits": 6}}})
    assert changed.cost(net).energy_j != chip.cost(net).energy_j


def test_evaluate(workbench):
    net, data = workbench
    chip = ps.load_chip("generic-rram-32nm")
    assert isinstance(chip.macro, ps.Macro)
    ev = ps.evaluate(net, chip, data, trials=2, rng=0, time=0.0, baseline="eyeriss")
    assert 0 <= ev.accuracy.mean <= 1
    assert ev.accuracy.trials == 2
    assert len(ev.accuracy.interval) == 2
    assert 0 <= ev.float_accuracy <= 1
    assert 0 <= ev.quantized_accuracy <= 1
    for value in (ev.cost.energy_j, ev.cost.area_m2, ev.cost.latency_s, ev.cost.throughput_per_s, ev.baseline.energy_j):
        assert value > 0
    assert {"layer", "component", "action", "count", "energy_j", "source"} <= set(ev.cost.breakdown.columns)
    assert ev.to_dict()["accuracy"]["mean"] == ev.accuracy.mean


@pytest.mark.parametrize("name", ["isaac-ce", "neurram", "generic-rram-32nm"])
def test_chips(name):
    assert isinstance(ps.load_chip(name).macro, ps.Macro)


def test_digital():
    acc = ps.digital.load_accelerator("eyeriss")
    layer = ps.Conv2d(m=384, c=256, p=13, q=13, r=3, s=3)
    best = ps.digital.map_layer(layer, acc, objective="edp")
    assert best.proof
    counts = ps.digital.analyze(layer, acc, best.mapping)
    assert counts.cycles == best.counts.cycles
    assert 0 < counts.utilization <= 1
    assert counts.energy_j > 0
    assert counts.levels
    assert ps.digital.roofline(layer, acc).peak == 12 * 14  # processing elements


@pytest.mark.parametrize("side", ["eyeriss", "generic-rram-32nm"])
def test_eyexam(side):
    layer = ps.Conv2d(m=64, c=32, p=14, q=14, r=3, s=3)
    side = ps.digital.load_accelerator(side) if side == "eyeriss" else ps.load_chip(side)
    bounds = ps.eyexam(layer, side)
    assert len(bounds) == 7


def trial(params, rng):
    return {"x": params["bits"] + float(np.random.default_rng(rng).normal())}


def test_studies(tmp_path):
    tasks = ps.studies.grid(trial, bits=range(4, 6))
    rows = ps.studies.collect(tasks, store=str(tmp_path / "runs.sqlite"), trials=5, until_halfwidth=None, executor=None)
    assert len(rows) >= 2


def test_calls_that_take_long_are_as_promised():
    """Run elsewhere; here only that the promised call fits the signature."""
    inspect.signature(ps.run_experiment).bind("adc_bits", out="results/", workers=2)
    inspect.signature(ps.spice.run).bind("text")
    inspect.signature(ps.from_torch).bind("model", "example")
    inspect.signature(ps.digital.roofline).bind(*[None] * 2)


def test_every_public_name_resolves():
    for name in ps.__all__:
        assert getattr(ps, name) is not None


def test_cost_of_both_sides_under_one_rule():
    r = ps.cost("fashion-vgg", "generic-rram-32nm", baseline="twin", compare="given", fit=False, leakage="live")
    for cost in (r.chip, r.baseline):
        for name in ("energy_j", "area_m2", "latency_s", "throughput_per_s"):
            assert getattr(cost, name) > 0
        assert list(cost.breakdown.columns) == ["layer", "component", "action", "count", "energy_j", "source"]
    assert list(r.table().columns) == ["metric", "unit", "chip", "baseline", "ratio"]
    assert {"chip", "baseline", "table", "notes"} <= set(r.to_dict())
