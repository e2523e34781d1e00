"""A batch of no inputs: every path, circuit and kind of noise gives no outputs, calibrated or not, traced or not."""

import numpy as np
import pytest
from numba import config

import pimsim as ps
from pimsim.base.errors import InputError

BITS = {"bits": 4, "cell_bits": 1, "scheme": "twos_complement"}
WORDS = {"bits": 4, "cell_bits": 4, "scheme": "offset"}
PULSES = {"bits": 3, "dac_bits": 3, "coding": "pulse_width"}
WIRES = {"r_bitline": 1.0}


def sram(kind, weights=BITS, **fields):
    return {"device": "sram", "circuit": {"kind": kind} | fields, "weights": weights, "inputs": {"bits": 3}}


# What a macro has, and the paths of its products without and with an rng.
MACROS = {
    "lookup": ({}, "lookup", "lookup"),
    "blocked": ({"inputs": {"bits": 8, "dac_bits": 8}}, "blocked", "blocked"),
    "noise of reads": (
        {"read_effects": {"flicker": {"amplitude": 0.1, "correlation": "read"}}},
        "lookup",
        "noisy lookup",
    ),
    "noise of a vector": (
        {"read_effects": {"flicker": {"amplitude": 0.1, "correlation": "vector"}}},
        "lookup",
        "noisy lookup",
    ),
    "noise of a batch": ({"read_effects": {"flicker": {"amplitude": 0.1, "correlation": "batch"}}}, "lookup", "lookup"),
    "traps": ({"read_effects": {"telegraph": {"amplitude": 0.1, "correlation": "read"}}}, "lookup", "plain"),
    "traps of a vector": ({"read_effects": {"telegraph": {"amplitude": 0.1}}}, "lookup", "plain"),
    "voltage": ({"read_effects": {"voltage": 0.01}}, "lookup", "plain"),
    "converters": ({"adc": {"bits": 8, "noise_lsb": 0.5, "offset_lsb": 0.5}}, "lookup", "noisy lookup"),
    "flash": ({"adc": {"bits": 4, "kind": "flash", "mismatch": 0.1}}, "plain", "plain"),
    "drivers": ({"dac": {"noise_lsb": 0.1}}, "plain", "plain"),
    "wires": ({"wires": WIRES}, "lookup", "lookup"),
    "I-V law": ({"device": "rram-milo2021", "cell_law": "card", "wires": WIRES}, "circuit", "circuit"),
    "I-V law, levels": (
        {"device": "rram-milo2021", "cell_law": "card", "inputs": {"dac_bits": 2}},
        "circuit",
        "circuit",
    ),
    "gate": (
        {"drive": "gate", "access": {"kind": "transistor", "r_on": 2e3}, "wires": WIRES, "inputs": PULSES},
        "circuit",
        "circuit",
    ),
    "charge": (sram("charge"), "lookup", "plain"),
    "current": (sram("current", jitter=1e-12), "circuit", "circuit"),
    "current, words": (sram("current", WORDS, bits=4), "circuit", "circuit"),
    "ladder": (sram("ladder", WORDS, bits=4), "lookup", "plain"),
    "gate cells": (sram("gate", WORDS), "lookup", "lookup"),
    "digital": (sram("digital"), "lookup", "lookup"),
}


@pytest.fixture(params=MACROS)
def case(request):
    fields, quiet, noisy = MACROS[request.param]
    given = {"rows": 16, "cols": 24, "rows_active": 8, "weights": {"bits": 4, "cell_bits": 2}}
    macro = ps.Macro.parse(given | fields)
    return macro.program(np.random.default_rng(0).integers(-7, 8, (20, 5)), rng=1), quiet, noisy


def empty(array):
    return np.zeros((0, array.tiling.k), dtype=int)


def test_no_inputs_give_no_outputs(case):
    array, quiet, noisy = case
    if not config.DISABLE_JIT:
        assert (array.explain()["path"], array.explain()["path_with_rng"]) == (quiet, noisy)
    for rng in (None, 3):
        y = array.matmul(empty(array), rng=rng)
        assert (y.shape, y.dtype) == ((0, 5), np.float64)
    assert array.read_energy(empty(array)) == 0.0


def test_no_inputs_give_an_empty_trace(case):
    array, planes = case[0], case[0].macro.inputs.planes
    for rng in (None, 3):
        y, trace = array.matmul(empty(array), rng=rng, trace=True)
        assert y.shape == (0, 5)
        assert trace.before.shape == (1, 3, len(planes), *array.plans.quiet.matrix.shape[:2], 0, 5)
        assert trace.histogram()[0].sum() == 0


def test_a_calibrated_array_takes_no_inputs_either(case):
    array = case[0]
    wanted = {"adc.kind": "uniform", "adc.mismatch": 0.0, "adc.range": "calibrated", "column_gain": True}
    ready = array.replace({} if array.macro.digital else wanted).calibrate(
        np.random.default_rng(1).integers(0, 8, (30, 20))
    )
    for rng in (None, 3):
        assert ready.matmul(empty(array), rng=rng).shape == (0, 5)
        assert ready.matmul(empty(array), rng=rng, trace=True)[1].after.size == 0
    with pytest.raises(InputError, match="report: needs at least one input"):
        ready.report(empty(array))


def test_reports_and_calibrations_of_no_inputs_are_refused(case):
    array = case[0]
    with pytest.raises(InputError, match="report: needs at least one input"):
        array.report(empty(array))
    with pytest.raises(InputError, match="calibration needs at least one input"):
        array.calibrate(empty(array))


def test_two_passes_of_signed_inputs():
    array = ps.Macro(inputs=ps.InputEncoding(bits=4, signed=True)).program(np.ones((6, 2), dtype=int))
    y, trace = array.matmul(empty(array), trace=True)
    assert y.shape == (0, 2)
    assert trace.before.shape[0] == 2
