"""The scorecard's rows again from what `pimsim cost --json` prints, without anything of the scorecard itself."""

import json
import math

import pytest
from typer.testing import CliRunner

from pimsim.cli.app import app
from tests.close import close


def printed(*arguments):
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return json.loads(result.stdout)


ASKED = ("fashion-vgg", "--chip", "generic-rram-32nm", "--leakage", "all")
BITS, ROWS, COLUMNS, ARRAYS = 8, 128, 16, 1024  # of weights; rows and weights a row of an array; arrays of the chip


@pytest.fixture(scope="module")
def card():
    return {row["metric"]: row for row in printed("scorecard", *ASKED)}


@pytest.fixture(scope="module")
def both():
    found = printed("cost", *ASKED)
    return {"pim": found, "digital": found["digital"]}


def energy(cost, **keys):
    return sum(row["energy_j"] for row in cost["breakdown"] if all(row[key] == value for key, value in keys.items()))


def off_chip(cost):
    return energy(cost, component="dram") + energy(cost, component="DRAM")


def on_chip(cost):
    return energy(cost) - off_chip(cost)


def leaking(cost):
    return energy(cost, action="leak") / sum(row["seconds"] for row in cost["phases"])


def die_power(cost):
    """What an inference switches on the die, so many a second, and what leaks meanwhile."""
    return (on_chip(cost) - energy(cost, action="leak")) * cost["throughput_per_s"] + leaking(cost)


def die(cost):
    """Dies of a 300 mm wafer, the share of them without a defect at 0.1/cm^2, and wafers a good one takes."""
    area = sum(row["area_m2"] for row in cost["areas"])
    dies = math.pi * 0.3**2 / (4 * area) - math.pi * 0.3 / math.sqrt(2 * area)
    good = ((1 - math.exp(-1000 * area)) / (1000 * area)) ** 2
    return dies, good, 1 / (dies * good)


def within(cost, watts):
    dynamic = on_chip(cost) - energy(cost, action="leak")
    return min(cost["throughput_per_s"], max(0.0, watts - leaking(cost)) / dynamic)


RECOMPUTED = {
    "throughput": lambda c: c["throughput_per_s"],
    "latency": lambda c: sum(row["seconds"] for row in c["phases"]),
    "energy per inference": lambda c: energy(c),
    "on-chip": on_chip,
    "off-chip": off_chip,
    "leakage": lambda c: energy(c, action="leak"),
    "control and clock": lambda c: energy(c, component="control"),
    "power": lambda c: die_power(c) + off_chip(c) * c["throughput_per_s"],
    "power on-chip": lambda c: die_power(c),
    "power off-chip": lambda c: off_chip(c) * c["throughput_per_s"],
    "energy per inference at 30/s": lambda c: energy(c) - energy(c, action="leak") + leaking(c) / 30,
    "achieved rate": lambda c: 2e-12 * c["macs"] * c["throughput_per_s"],
    "achieved efficiency, off-chip included": lambda c: 2e-12 * c["macs"] / energy(c),
    "area": lambda c: 1e6 * sum(row["area_m2"] for row in c["areas"]),
    "area without weights": lambda c: 1e6 * sum(row["unused_m2"] for row in c["areas"]),
    "power density": lambda c: die_power(c) / (1e4 * sum(row["area_m2"] for row in c["areas"])),
    "throughput within power": lambda c: within(c, 1.0),
    "throughput within temperature": lambda c: within(c, (85 - 45) / 20),
    "dies per wafer": lambda c: die(c)[0],
    "yield": lambda c: 100 * die(c)[1],
    "relative cost": lambda c: die(c)[2],
    "frames per second, batch 1": lambda c: 1 / sum(row["seconds"] for row in c["phases"]),
    "throughput with 1 x the units": lambda c: c["throughput_per_s"],
}


@pytest.mark.parametrize("metric", RECOMPUTED)
def test_a_row_is_that_of_the_costs(card, both, metric):
    row = card[metric]
    values = {side: RECOMPUTED[metric](both[side]) for side in ("pim", "digital")}
    assert {side: row[side] for side in values} == close(values)
    if values["digital"]:
        assert row["ratio"] == close(values["pim"] / values["digital"])


def test_rows_of_the_dataflow_are_counts(card, both):
    """A conversion a column, plane and part of the rows; the twin reads its scratchpads."""
    count = {
        side: sum(row["count"] for row in both[side]["breakdown"] if (row["component"], row["action"]) == name)
        for side, name in {"pim": ("adc", "convert"), "digital": ("psum_spad", "read Outputs")}.items()
    }
    macs = both["pim"]["macs"]
    for side in count:
        assert card["partial sums read per MAC"][side] == close(count[side] / macs)
    assert card["weights in use per cycle"]["pim"] == ARRAYS * ROWS * COLUMNS
    assert card["storage on chip"]["pim"] == close(ARRAYS * ROWS * COLUMNS * BITS / 8 / 2**20)


def test_rows_of_other_runs_are_those_runs(card):
    """The chip with a batch of 16, and on alexnet of the suite."""
    batch = printed("cost", *ASKED, "--batch", "16", "--accelerator", "none")
    seconds = sum(row["seconds"] for row in batch["phases"])
    assert card["frames per second, batch 16"]["pim"] == close(16 / seconds)
    alexnet = printed("cost", "alexnet", *ASKED[1:], "--accelerator", "none")
    assert card["energy per MAC, alexnet"]["pim"] == close(1e12 * energy(alexnet) / alexnet["macs"])
