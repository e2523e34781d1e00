"""The page of predictions: it is the script's, its parts sum, its claims follow, and its largest parts by hand."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import write_predictions
from predictions import resistive, votes

from pimsim.base.spec import PHYSICS_VERSION
from pimsim.workload import load_workload
from tests.close import close

DOCS = Path(__file__).parents[2] / "docs"
# Stillmaker and Baas: a2, a1, a0 of the energy at a node [nm].
STILLMAKER = {
    65: (3.755, -4.398, 1.975), 45: (1.103, -0.362, 0.2767), 32: (0.9559, -0.7823, 0.471),
    20: (0.373, -0.1582, 0.04104), 14: (0.2363, -0.09675, 0.02239), 10: (0.2068, -0.09311, 0.02375),
}  # fmt: skip


@pytest.fixture(scope="module")
def pins(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "predictions.md"
    found = write_predictions.main(path)
    found["text"] = path.read_text()
    return found


def lines(pins):
    return [line for name, pin in pins.items() if name != "text" for line in pin.lines]


def part(pins, pin, quantity, name):
    (line,) = [line for line in pins[pin].lines if line.quantity == quantity]
    return line.parts[name].value


def test_the_page_is_the_scripts(pins):
    assert pins["text"] == (DOCS / "predictions.md").read_text()  # write it again when this fails
    assert f"physics version {PHYSICS_VERSION}" in pins["text"]
    assert [name for name in pins if name != "text"] == [f"P{n}" for n in range(1, 9)]


def test_parts_sum_to_totals_and_ranges_are_ordered(pins):
    for line in lines(pins):
        for end in range(3):
            assert line.total[end] == close(math.fsum(part[end] for part in line.parts.values()))
        for found in (line.total, *line.parts.values()):
            assert 0 < found.low <= found.value <= found.high, line.quantity


def test_claims(pins):
    transcribed = {line.quantity for line in lines(pins) if line.kind == "transcribed"}
    rates = {f"rate, {bits} x {bits} bits" for bits in (2, 4, 16)}
    assert transcribed == {*rates, "rate", "peak", "comparisons, votes over none", "LSTM step, cores"}
    assert all(line.kind.startswith("prediction (assumed: ") for line in lines(pins) if line.kind != "transcribed")


def test_what_is_transcribed_has_no_range(pins):
    found = {line.quantity: line.total for line in lines(pins) if line.kind == "transcribed"}
    assert all(each.low == each.high for each in found.values())
    assert found["rate, 4 x 4 bits"].value == close(128 * 11 * 0.1 / 4)  # 11 weights of 11 columns in 128
    assert found["peak"].value == close(2 * 512 * 512 / 10e-9 / 1e12)  # 8 cycles of 1.25 ns
    assert found["rate"].value == close(2 * 65536 / 128e-9 / 1e12)


def test_an_assumption_moves_only_the_lines_that_name_it(monkeypatch):
    before = {line.quantity: line.total for line in resistive.p2().lines}
    moved = replace(resistive.READ, value=0.25)
    monkeypatch.setattr(resistive, "READ", moved)
    after = {line.quantity: line.total for line in resistive.p2().lines}
    assert after["energy of a product"].value > 1.1 * before["energy of a product"].value
    assert after["area"] == before["area"]
    assert after["rate"] == before["rate"]


def test_every_assumption_is_named_by_a_line_and_every_name_is_explained(pins):
    for name, pin in pins.items():
        if name != "text":
            explained = {assumption.name for assumption in pin.assumptions}
            named = {n.name for line in pin.lines for n in line.numbers if n.how == "assumed"}
            assert named == explained, name


def test_p1_array_by_hand(pins):
    """127 adders of 11 bits at work and 128 x 4 gates, for each of 4 input bits, over 128 products."""
    adder_bit = 30e-15 / 8 * stillmaker(65, 0.7) / stillmaker(45, 0.9)
    gate = 0.7e-15 * 0.81 * stillmaker(65, 0.7) / stillmaker(28, 0.9)
    a_bit = 127 * 11 * adder_bit + 128 * 4 * 2 * gate / 8
    assert part(pins, "P1", "energy of a MAC, 4 x 4 bits", "array") == close(4 * a_bit / 128 * 1e15)


def test_p2_read_circuit_by_hand(pins):
    assert part(pins, "P2", "energy of a product", "read circuit") == close(p2_read() * 1e9, rel=1e-6)


def p2_read():
    """Current of 131072 cells of 5.175 uS for 64 ns through 0.6 V, 512 clamps, 256 row lines and 256 select lines."""
    regulated = 131072 * (20.7e-6 / 4) * 0.2 * 0.6 * 64e-9
    gate_line = 6 * 14e-9 * 0.2e-9 + 3 * 14e-9 * 1e-9  # F a cell: wire, and a gate or drain
    clamps = 512 * 20 * 256 * gate_line * 10 * math.log(2) * 0.8 / 15
    rows = 256 * 512 * 6 * 14e-9 * 0.2e-9 * 0.2 * 0.8 * 255 / 256
    return regulated + clamps + rows + 256 * 512 * gate_line * 0.8**2


def test_p2_card_counts_a_comparison_by_the_law_of_adders():
    energy = resistive.load_chip(resistive.CARD).components["dac"].parameters["pulse_energy"]
    by_law = 30e-15 * stillmaker(14, 0.8) / stillmaker(45, 0.9)
    assert float(str(energy).removesuffix(" fJ")) * 1e-15 == pytest.approx(by_law, rel=1e-3, abs=0)


def test_p3_amplifier_by_hand(pins):
    """5 1/3 converters of 4 bits by the closed form of the survey at 55 nm."""
    figure = min(213.7806687348118 - 2.8719030399529957 * math.log(1 / 14.6e-9), 128.3068287398817 + 3.22051143 * 4)
    scale = 26.0496215686518 + 1.8800369206815004 * math.log(55) - 2.8291256050594527 * math.log(4) - 1.4702022133784405
    picojoule = 0.5 * 10 ** ((6.02 * 4 + 1.76 - figure) / 10) * math.exp(scale)
    assert part(pins, "P3", "read path of one array, a read", "amplifier") == close(16 / 3 * picojoule)


def test_p4_buffers_by_hand(pins):
    """Half of 0.15 V over 64 columns of 3.3 mS from 0.9 V, and 512 rows that settle in every conversion."""
    line = 512 * (6 * 28e-9 * 0.2e-9 + 3 * 28e-9 * 1e-9)
    settling = 512 * 20 * line * 5 * math.log(2) * 1.2 / 15 / 23.08e-9
    watts = 64 * 3.3e-3 * 0.15 / 2 * 0.9 + settling
    assert part(pins, "P4", "power at 512 rows", "buffers") == close(watts * 1e3)


def test_p5_adder_trees_by_hand(pins):
    """8 cycles of 512 trees: 256 adders of 8 bits, 128 of 9, ... that work if one of 1, 2, 4 ... words changes."""
    scale = stillmaker(12, 0.68) / stillmaker(45, 0.9)
    tree = sum(256 / 2**k * (0.03 + 0.02 * k / 8) * (1 - 0.5 ** (2**k)) for k in range(9)) * scale
    assert part(pins, "P5", "energy of a product, random data", "adder trees") == close(8 * 512 * tree * 1e-3)


def test_p6_leakage_by_hand(pins):
    """48 MiB of 25 mW for as long as products, or the loading of weights at 4 cycles a row, take."""
    cycles = 0.0
    for layer in load_workload("resnet50").layers:
        k, positions = (layer.c * layer.r * layer.s, layer.p * layer.q) if layer.kind == "conv2d" else (layer.c, 1)
        tiles = math.ceil(k / 512) * math.ceil(layer.m / 512)
        cycles += max(8 * math.ceil(tiles * positions / 4), 4 * k * layer.m / 512 / min(4, tiles))
    assert part(pins, "P6", "energy a frame", "leakage") == close(48 * 25e-3 * cycles / 800e6 * 1e6)
    (rate,) = [line.total.value for line in pins["P6"].lines if line.quantity == "frames per second"]
    assert rate == close(800e6 / cycles)


def test_p7_comparisons_by_hand(pins):
    """Half of a converter of 10 bits, 2.38 pJ at 32 nm and 0.9 V, for 25 comparisons in place of 10."""
    picojoule = 2.38 * stillmaker(65, 1.0) / stillmaker(32, 0.9) / 2 * 2.5
    assert part(pins, "P7", "energy of a column, six votes", "comparisons") == close(picojoule)


def test_p7_noise_against_drawn_comparisons():
    """Converters that draw every comparison have the spread that the chances give."""
    rng, sigma, inputs = np.random.default_rng(7), 0.5, np.repeat(512 + np.arange(64) / 4, 4000)
    for count in (1, 6):
        codes = np.zeros_like(inputs)
        for bit in reversed(range(10)):
            draws = rng.normal(0, sigma, (count if bit < 3 else 1, inputs.size))
            won = (
                2 * (inputs - codes - 2.0**bit + draws > 0).sum(axis=0)
                - len(draws)
                + rng.choice([-0.5, 0.5], inputs.size)
            )
            codes += 2.0**bit * (won > 0)
        drawn = math.sqrt(codes.reshape(64, -1).var(axis=1).mean())
        assert votes.noise_of(count, sigma) == close(drawn, rel=0.03)


def test_p8_read_circuit_is_576_products(pins):
    assert part(pins, "P8", "convolution, energy", "read circuit") == close(576 * p2_read() * 1e6, rel=1e-6)
    assert part(pins, "P8", "convolution, time", "products") == close(64 * 0.128)


def stillmaker(node, supply):
    """Energy of the reference circuit; between nodes along a straight line of the logarithms."""
    if node in STILLMAKER:
        a2, a1, a0 = STILLMAKER[node]
        return a2 * supply**2 + a1 * supply + a0
    low, high = {28: (20, 32), 12: (10, 14)}[node]
    share = math.log(node / low) / math.log(high / low)
    return stillmaker(low, supply) ** (1 - share) * stillmaker(high, supply) ** share
