"""Every field of every spec, the values it is given, and what is done with a spec that took one."""

from collections.abc import Mapping

import numpy as np

import pimsim as ps
from pimsim.base.spec import Spec
from pimsim.digital import load_accelerator
from pimsim.experiment.spec import load_experiment
from pimsim.workload import Dense, Workload
from tests.base.test_plain import HEAVY

NUMBERS = [0, -0.0, -1, 1, 2, 3, 7, 16, 0.5, -0.5, 1.5, 1e-300, 5e-324, 1e-9, 1e9, 1e300, 1e308, -1e308]
NUMBERS += [10**6, 10**9, 2**31, 2**63, 10**20, float("nan"), float("inf"), -float("inf")]
TEXTS = ["", " ", "1", "1 ohm", "1 V", "1 s", "1 Hz", "25 uS", "1 year", "-300 degC", "2,93 ohm", "1 000 ohm", "nan"]
TEXTS += ["9**9**9**9 V", "1e400 ohm", "1 rpm", "$x$", "[a]", "a\nb", "\x00", "\ud800", "=1+1", "../..", "x" * 100_000]
KINDS = [True, False, None, [], {}, (), [1, 2], (0.1, 0.9), {"a": 1}, {1: 2}, [None], {"kind": "x"}, {"value": -1}]
KINDS += [
    np.int64(3),
    np.float32(0.5),
    np.True_,
    np.float64("nan"),
    np.datetime64("2020-01-01"),
    np.arange(3),
    b"x",
    {1},
]
VALUES = [*NUMBERS, *TEXTS, *KINDS, *HEAVY.values()]

ARRAY = np.array([[3, -5, 0], [7, 1, -2]])
INPUTS = np.array([[2, 255], [0, 0]])
ONE = Workload(name="one", layers=[Dense(m=16, c=64)])

MACROS = {
    "plain": ps.Macro(rows=16, cols=32),
    "full": ps.Macro(
        rows=16,
        cols=32,
        device="rram-wan2022",
        wires=ps.Wires(r_wordline=0.35, r_bitline=0.35, r_driver=1.0, r_sense=1.0),
        access=ps.Transistor(r_on=1e3),
        weights=ps.WeightEncoding(bits=4, cell_bits=2),
        adc=ps.ADC(bits=6, kind="flash", mismatch=0.1, offset_lsb=0.1, noise_lsb=0.1, gain_error=0.01),
        dac=ps.DAC(noise_lsb=0.1, gain_error=0.01),
        faults={"stuck_low": 0.01},
        verify={"tolerance": 1e-6, "max_pulses": 5, "gain": 0.5, "pulse_sigma": 1e-7, "read_sigma": 1e-7},
        read_effects={
            "bandwidth": 1e8,
            "voltage": 0.01,
            "flicker": {"amplitude": 0.01},
            "telegraph": {"amplitude": 0.01},
        },
    ),
    "charge": ps.load_chip("jia-2020").macro.replace({"rows": 16, "cols": 32}),
    "digital": ps.load_chip("generic-digital-sram-22nm").macro.replace({"rows": 16, "cols": 32}),
}
CARDS = {name: ps.load_device(name) for name in ("pcm-nandakumar2019", "rram-wan2022", "rram-falcone2025", "ideal")}
CHIPS = {name: ps.load_chip(name) for name in ("generic-rram-32nm", "isaac-ce", "generic-digital-sram-22nm")}


def finite(*values):
    assert all(np.isfinite(value).all() for value in values), "a result is not finite"


def use_macro(macro):
    array = macro.program(ARRAY, rng=1)
    array = array.calibrate(INPUTS) if macro.needs_calibration else array
    finite(array.matmul(INPUTS), array.matmul(INPUTS, rng=2))


def use_card(card):
    cells = card.program(np.linspace(card.g_min, card.g_max, 4), rng=1)
    finite(cells.g, cells.read(0.0, rng=2))
    if card.retention is not None:
        finite(cells.at(100.0), cells.read(100.0, rng=2))


def use_chip(chip):
    cost = chip.cost(ONE)
    finite(cost.energy_j, cost.area_m2, cost.latency_s, cost.throughput_per_s)
    len(chip.spec_id)


def use_accelerator(accelerator):
    finite(accelerator.peak_macs_per_s, accelerator.macs)
    len(accelerator.spec_id)


def use_experiment(experiment):
    len(experiment.spec_id)
    assert experiment.curves
    assert experiment.x in experiment.sweep


SPECS = {
    "macro": (MACROS, use_macro),
    "card": (CARDS, use_card),
    "chip": (CHIPS, use_chip),
    "accelerator": ({"eyeriss": load_accelerator("eyeriss")}, use_accelerator),
    "experiment": ({"adc_bits": load_experiment("adc_bits")}, use_experiment),
}


def paths(node, path=""):
    """Dotted paths of all fields below a spec, inside mappings of specs as well."""
    names = type(node).model_fields if isinstance(node, Spec) else node if isinstance(node, Mapping) else ()
    for name in names:
        below = f"{path}.{name}" if path else name
        yield below
        yield from paths(getattr(node, name) if isinstance(node, Spec) else node[name], below)


def cases(kind):
    """Pairs (name, call) of every field with every value: replace it and use the result."""
    bases, use = SPECS[kind]
    for base_name, base in bases.items():
        for path in paths(base):
            for number, value in enumerate(VALUES):
                yield f"{base_name} {path} value {number}", lambda b=base, p=path, v=value: use(b.replace({p: v}))
