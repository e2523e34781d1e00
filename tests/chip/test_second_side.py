"""Counts of a whole network beside another simulator's: runs of NeuroSim V1.4 (VGG-8, 128 x 128 arrays, 22 nm, SAR)."""

import pytest

from pimsim.chip import load_chip
from pimsim.workload import Conv2d, Dense, Workload
from tests.close import close

SHAPES = ((3, 128, 32), (128, 128, 32), (128, 256, 16), (256, 256, 16), (256, 512, 8), (512, 512, 8))
CONVOLUTIONS = [
    Conv2d(name=f"conv{place}", m=m, c=c, p=size, q=size, r=3, s=3, padding=1)
    for place, (c, m, size) in enumerate(SHAPES, 1)
]
VGG8 = Workload(name="vgg8", layers=[*CONVOLUTIONS, Dense(name="fc1", m=1024, c=8192), Dense(name="fc2", m=10, c=1024)])
ONE_BIT = {"macro.weights": {"bits": 8, "cell_bits": 1, "scheme": "offset"}, "macro.node": 22e-9}


def test_conversions_a_mac():
    """616 M MAC of 8 x 8 bits in cells of one bit take 0.51 conversions each, and its ADCs what follows."""
    cost = load_chip("generic-rram-32nm").replace(ONE_BIT).cost(VGG8)
    conversions = int(cost.breakdown[cost.breakdown.component == "adc"]["count"].sum())
    assert cost.macs == close(616e6, rel=1e-3)
    assert conversions / cost.macs == pytest.approx(0.51, abs=0.005)
    # Converters of 3, 5 and 8 bits took 12.4, 19.0 and 28.8 uJ at 40, 60 and 92 fJ each; sampled, 6 % uncertain.
    for each, run in ((40e-15, 12.4e-6), (60e-15, 19.0e-6), (92e-15, 28.8e-6)):
        assert conversions * each == close(run, rel=0.06)


def test_two_bits_a_cell_halve_the_conversions():
    """9.1 uJ of ADC with two bits a cell beside 19.0 with one."""
    chip = load_chip("generic-rram-32nm").replace(ONE_BIT)
    one, two = (c.cost(VGG8).breakdown for c in (chip, chip.replace({"macro.weights.cell_bits": 2})))
    counts = [frame[frame.component == "adc"]["count"].sum() for frame in (two, one)]
    assert counts[0] / counts[1] == close(9.1 / 19.0, rel=0.06)
