"""Figures of results: every number on them is one of the result, for either machine in the same words."""

import matplotlib.pyplot as plt
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, MissingError
from pimsim.chip import chip_roofline
from pimsim.digital import network_cost, row_stationary
from pimsim.evaluation import baseline_of
from pimsim.evaluation.bounds import eyexam
from pimsim.evaluation.drawings import (
    cost_figure,
    eyexam_figure,
    eyexam_rows,
    macros_figure,
    scorecard_figure,
    sensitivity_figure,
)
from pimsim.evaluation.roofs import MOST_LADDERS, machine_roof
from pimsim.evaluation.scorecard import Metric, scorecard
from pimsim.evaluation.sensitivity import Setting, sensitivity
from pimsim.figures import style
from pimsim.workload import Conv2d, Dense, MatMul, Workload, load_workload
from tests.close import close

CHIP = ps.load_chip("generic-rram-32nm")
EYERISS = ps.digital.load_accelerator("eyeriss")
ALEXNET = load_workload("alexnet")
SMALL = Workload(
    name="small",
    layers=[Conv2d(name="conv", m=16, c=8, p=12, q=12, r=3, s=3), Dense(name="fc", m=10, c=256)],
)


@pytest.fixture(autouse=True)
def styled():
    with style():
        yield
    plt.close("all")


@pytest.mark.parametrize("side", [EYERISS, CHIP])
def test_ladders_are_the_bounds_and_stay_below_the_roof(side):
    roof = machine_roof(ALEXNET, side)
    assert [ladder.label for ladder in roof.ladders] == list(ALEXNET.labels)
    for ladder, layer in zip(roof.ladders, ALEXNET.layers, strict=True):
        assert list(ladder.bounds) == list(eyexam(layer, side))
        allowed = min(roof.peak, roof.words_per_cycle * ladder.macs_per_word)
        assert ladder.bounds[6].macs_per_cycle <= ladder.bounds[5].macs_per_cycle <= allowed * (1 + 1e-9)
    assert [word.split(" = ")[0] for word in roof.definitions] == ["PE", "cycle", "bandwidth"]


def test_words_per_cycle_are_those_of_the_description():
    line = chip_roofline(ALEXNET, CHIP, "buffer")
    cycle = CHIP.macro.input_planes * 20e-9
    assert line.words_per_cycle == close(16 * 4 * 64e9 / 8 * cycle)
    faster = chip_roofline(ALEXNET, CHIP.replace({"components.buffer.bandwidth": 128e9}), "buffer")
    assert faster.words_per_cycle == close(2 * line.words_per_cycle)
    assert faster.intensity == line.intensity
    # conv3, 13 x 13 positions: every window of 3 x 3 x 256 words is read, every word of the input written once.
    assert line.intensity["conv3"] == close(ALEXNET.layers[2].macs / (169 * (2304 + 256)))
    assert line.roof("conv3") == min(line.peak, line.words_per_cycle * line.intensity["conv3"])


def test_a_connection_without_words_or_bandwidth_is_refused_by_name():
    with pytest.raises(MissingError, match="no component 'bufer'; did you mean 'buffer'"):
        chip_roofline(ALEXNET, CHIP, "bufer")
    with pytest.raises(InputError, match="'cells' of chip 'generic-rram-32nm' has no bandwidth limit"):
        chip_roofline(ALEXNET, CHIP, "cells")
    product = Workload(name="attention", layers=[MatMul(name="qk", m=8, c=8, n=8)])
    with pytest.raises(InputError, match="none of these layers runs on arrays"):
        machine_roof(product, CHIP)
    with pytest.raises(InputError, match="alexnet has no layer 'conv9'"):
        machine_roof(ALEXNET, CHIP, ["conv9"])


def test_equal_shapes_are_one_ladder_and_many_shapes_are_cut_to_the_heaviest():
    resnet = machine_roof(load_workload("resnet18"), CHIP)
    assert len(resnet.ladders) == 12
    assert sum(int(ladder.label.split(" x")[1]) if " x" in ladder.label else 1 for ladder in resnet.ladders) == 21
    mobile = machine_roof(load_workload("mobilenet_v2"), CHIP)
    assert len(mobile.ladders) == MOST_LADDERS


def test_eyexam_figure_has_a_roofline_and_losses_for_each_machine():
    machines = [machine_roof(ALEXNET, side, ["conv3", "fc6"]) for side in (EYERISS, CHIP)]
    figure = eyexam_figure(machines, "alexnet")
    figure.canvas.draw()
    assert len(figure.axes) == 6
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[0] == "alexnet on eyeriss (digital)"
    assert titles[3] == "alexnet on generic-rram-32nm (PIM)"
    drawn = {line.get_ydata()[0] for ax in figure.axes for line in ax.get_lines() if "step" in str(line.get_gid())}
    assert drawn == {value for machine in machines for value in eyexam_rows(machine)["macs_per_cycle"]}
    assert len(figure.legends[0].get_texts()) == 7
    words = " ".join(text.get_text() for ax in figure.axes for text in ax.texts)
    assert "PE = one stored weight (8 cells) in a row that conducts: 2,097,152" in words
    assert "PE = one multiplier: 168" in words


def test_cost_figure_is_of_one_inference_and_its_parts_sum():
    cost = CHIP.cost(ALEXNET, 4)
    upper, lower = cost_figure({"chip": cost}).axes
    assert upper.get_xlabel() == "Energy per inference (mJ)"
    assert sum(patch.get_width() for patch in upper.patches) == close(1e3 * cost.energy_j / 4)
    assert lower.get_xlabel() == "Area (mm²)"
    assert sum(patch.get_width() for patch in lower.patches) == close(1e6 * cost.area_m2)


def test_scorecard_figure_draws_every_metric_that_has_a_direction():
    rows = scorecard(SMALL, CHIP, EYERISS, suite=[SMALL])
    figure = scorecard_figure(rows, "chip", "eyeriss")
    figure.canvas.draw()
    facts = {"bit", "nm", "KiB"}  # neither good nor bad
    repeated = [row for row in rows if row.metric.startswith(("frames per second, batch", "energy per MAC, "))]
    expected = sum(1 for row in rows if row.ratio and row.unit not in facts and row not in repeated)
    assert sum(len(ax.patches) for ax in figure.axes) == expected > 15
    assert len(repeated) == 8
    names = [label.get_text() for ax in figure.axes for label in ax.get_yticklabels()]
    assert len(set(names)) == len(names)
    assert names.index("throughput") < names.index("latency")
    with pytest.raises(InputError, match="nothing to draw"):
        scorecard_figure([Metric("a", "node", "nm", 1.0, 2.0)], "chip", "eyeriss")


def test_macros_figure_has_the_chips_own_star():
    figure = macros_figure([CHIP])
    assert [text.get_text() for text in figure.axes[0].texts] == ["generic-rram-32nm"]
    top = ps.chip.peak(CHIP)
    star = figure.axes[0].collections[-1].get_offsets()[0]
    assert star[0] == close(32)
    assert star[1] == close(top.ops_per_joule / 1e12 * 64)


def test_sensitivity_figure_holds_its_verdicts():
    settings = [Setting("batch", "1", batch=1), Setting("batch", "16", batch=16)]
    verdicts = sensitivity(SMALL, CHIP, EYERISS, settings=settings)
    (ax,) = sensitivity_figure(verdicts, "title").axes
    (bar,) = ax.patches
    ends = sorted(verdict.ratio for verdict in verdicts[1:])
    assert [bar.get_x(), bar.get_x() + bar.get_width()] == close(ends)
    assert ax.get_xscale() == "log"


def test_a_part_of_the_cost_figure_has_one_look_in_both_panels_and_a_small_bar_keeps_its_parts():
    """A chip of little energy beside a large twin: its converters and drivers are named, leakage is a part."""
    chip = ps.load_chip("neurram")
    costs = {"neurram": chip.cost(ALEXNET), "twin": network_cost(ALEXNET, baseline_of(chip), mapper=row_stationary)}
    figure = cost_figure(costs, ["leakage: banks that hold live data"])
    upper, lower = figure.axes
    looks = {}
    for panel in (upper, lower):
        for bars in panel.containers:
            looks.setdefault(bars.get_label(), set()).add((bars[0].get_facecolor(), bars[0].get_hatch()))
    assert all(len(found) == 1 for found in looks.values())
    assert {"adc", "dac"} <= set(looks)
    chip_bar = {bars.get_label(): bars[0].get_width() for bars in upper.containers}
    assert chip_bar.get("other", 0.0) < 0.2 * sum(chip_bar.values())
    assert upper.get_legend() is None
    assert figure.get_supxlabel() == "leakage: banks that hold live data"
    total = 1e3 * sum(cost.energy_j for cost in costs.values())
    assert sum(patch.get_width() for patch in upper.patches) == close(total)
