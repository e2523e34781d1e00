"""The verdict: one rule on both sides, and four ways to make them comparable, each against the costs it is made of."""

import json

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, MissingError
from pimsim.chip import fitted
from pimsim.digital import fit_area, network_cost, widened
from pimsim.digital.widening import built_area
from pimsim.evaluation import digital_twin
from pimsim.evaluation.fitting import accelerators_within
from pimsim.evaluation.sides import Values
from pimsim.workload import Conv2d, Dense, Workload
from tests.close import close

CHIP = ps.load_chip("generic-rram-32nm")
NETWORK = Workload(
    name="small",
    layers=[Conv2d(name="conv", m=16, c=8, p=12, q=12, r=3, s=3), Dense(name="fc", m=10, c=256)],
)
VALUES = Values({"conv": 1e-9, "fc": 2e-9}, {"conv": 0.25, "fc": 0.5}, {})


@pytest.mark.parametrize("leakage", ["live", "all"])
def test_as_given_both_sides_have_the_same_rule(leakage):
    found = ps.cost(NETWORK, CHIP, leakage=leakage)
    assert found.chip.energy_j == CHIP.cost(NETWORK, leakage=leakage).energy_j
    assert found.baseline.energy_j == network_cost(NETWORK, digital_twin(CHIP), leakage=leakage).energy_j
    assert found.notes[0].startswith("leakage: ")
    assert ("live" in found.notes[0]) is (leakage == "live")


def test_more_leaks_under_the_rule_that_counts_all():
    live, whole = (ps.cost(NETWORK, CHIP, leakage=leakage) for leakage in ("live", "all"))
    for side in ("chip", "baseline"):
        leaked = [getattr(found, side).energy_by("action")["leak"] for found in (live, whole)]
        assert 0 < leaked[0] < leaked[1]
        rest = [getattr(found, side).energy_j - leak for found, leak in zip((live, whole), leaked, strict=True)]
        assert rest[0] == close(rest[1], rel=0.05)  # the mapping may follow the rule


def test_names_paths_and_objects_are_the_same(tmp_path):
    network = ps.load_network("fashion-vgg")
    card = tmp_path / "mine.yaml"
    card.write_text("extends: generic-rram-32nm\n")
    first = ps.cost("fashion-vgg", "generic-rram-32nm", baseline=None).to_dict()["table"]
    for net, chip in ((network, CHIP), (network.workload(), card), ("fashion-vgg", str(card))):
        assert ps.cost(net, chip, baseline=None).to_dict()["table"] == first
    assert ps.cost("alexnet", CHIP, baseline=None).workload.name == "alexnet"
    with pytest.raises(MissingError, match="no network 'fashion-vvg'; did you mean 'fashion-vgg'"):
        ps.cost("fashion-vvg", CHIP)
    with pytest.raises(InputError, match="must be a name, a path, a Network or a Workload, got int"):
        ps.cost(3, CHIP)


def test_the_table_is_that_of_the_costs():
    found = ps.cost(NETWORK, CHIP, batch=2)
    rows = found.table().set_index("metric")
    for name, value in {
        "energy": lambda cost: cost.energy_j / 2,
        "of it off-chip": lambda cost: cost.energy_off_chip_j / 2,
        "of it leakage": lambda cost: sum(row.energy_j for row in cost.actions if row.action == "leak") / 2,
        "area": lambda cost: cost.area_m2,
        "of it without weights": lambda cost: cost.area_unused_m2,
        "latency of the batch": lambda cost: cost.latency_s,
        "throughput": lambda cost: cost.throughput_per_s,
        "power": lambda cost: cost.power_w,
    }.items():
        both = value(found.chip), value(found.baseline)
        assert (rows.chip[name], rows.baseline[name]) == close(both)
        assert rows.ratio[name] == close(both[0] / both[1]) if both[1] else np.isnan(rows.ratio[name])
    assert json.loads(json.dumps(found.to_dict()))["baseline"]["energy_j"] == found.baseline.energy_j


def test_fitting_cuts_the_chip_and_says_so():
    """fashion-vgg takes 35 arrays: one tile of five cores of eight."""
    given, found = (ps.cost("fashion-vgg", CHIP, fit=fit) for fit in (False, True))
    assert found.design == fitted(CHIP, found.workload)
    assert (given.design.arrays, found.design.arrays) == (1024, 40)
    assert found.chip.area_m2 < 0.1 * given.chip.area_m2
    assert found.baseline.area_m2 < given.baseline.area_m2
    assert found.notes[2].startswith("chip cut to 40 of 1024 arrays")
    assert not any("cut" in note for note in given.notes)


@pytest.mark.parametrize("baseline", ["twin", "digital-imc"])
def test_iso_area_takes_the_least_energy_within_the_area_of_the_cut_chip(baseline):
    """A converter for each column, so that there is room for baselines of several sizes, the given one among them."""
    chip = CHIP.replace({"macro.columns_per_adc": 1})
    layers = (Dense(name="fc1", m=64, c=1024), Dense(name="fc2", m=10, c=64))
    network = NETWORK.replace({"layers": layers}) if baseline == "twin" else "fashion-vgg"
    found = ps.cost(network, chip, baseline, "iso-area")
    given = ps.cost(network, chip, baseline, fit=True)
    assert found.design == given.design
    assert given.baseline.area_m2 <= found.baseline.area_m2 <= found.chip.area_m2 == given.chip.area_m2
    workload, room = found.workload, found.chip.area_m2
    if baseline == "twin":
        wider = [network_cost(workload, widened(given.other, 2**n)) for n in range(4)]
        ways = [*wider, network_cost(workload, fit_area(given.other, workload, room))]
    else:
        copying = given.other.replace({"schedule.duplicate": True})
        ways = [copying.replace({"tiles": tiles}).cost(workload) for tiles in range(given.other.tiles, 40)]
    within = [cost.energy_j for cost in (*ways, given.baseline) if cost.area_m2 <= room]
    assert len(within) > 2
    assert found.baseline.energy_j == close(min(within))
    assert found.notes[-1].startswith("iso-area: the baseline of least energy within")


def test_a_twin_that_is_too_large_gets_narrower():
    """Half the columns fit where all of them do not."""
    twin = digital_twin(CHIP, NETWORK)
    room = 0.6 * built_area(twin, NETWORK)
    ways = accelerators_within(twin, NETWORK, room)
    assert max(way.macs for way in ways) < twin.macs
    assert all(built_area(way, NETWORK) <= room for way in ways)
    assert fit_area(twin, NETWORK, room) in ways


def test_a_baseline_that_is_larger_anyway_says_by_how_much():
    """Adder trees take more area than a converter for eight columns."""
    found, given = (ps.cost("fashion-vgg", CHIP, "digital-imc", how, fit=True) for how in ("iso-area", "given"))
    assert found.baseline == given.baseline
    more = found.baseline.area_m2 / found.chip.area_m2
    assert more > 1
    assert "no baseline within" in found.notes[-1]
    assert found.notes[-1].endswith(f"{more:.3g} times as much")


def test_weights_whose_banks_leak_most_are_told():
    """32 MiB of weights wait while each is used once; those of the small network leak little."""
    wide = Workload(name="wide", layers=[Dense(name="fc", m=4096, c=8192)])
    found = ps.cost(wide, CHIP)
    leaks = [row.energy_j for row in found.baseline.actions if row.component == "weight_bank" and row.action == "leak"]
    share = sum(leaks) / found.baseline.energy_j
    assert share > 0.5
    assert found.notes[-1].startswith(f"{share:.0%} of the baseline's energy is leakage of the SRAM")
    assert not any("SRAM" in note for note in ps.cost(NETWORK, CHIP).notes)
    assert not any("SRAM" in note for note in ps.cost(wide, CHIP, baseline=None).notes)


def test_no_column_of_multipliers_fits():
    """0.01 mm^2 do not hold the weights."""
    assert accelerators_within(digital_twin(CHIP), NETWORK, 0.01e-6) == []
    with pytest.raises(InputError, match=r"one column and the weights of small take .*; compare as given"):
        fit_area(digital_twin(CHIP), NETWORK, 0.01e-6)


def test_a_baseline_that_is_fast_enough_stays_as_it_is():
    """The twin of generic-rram-32nm is twice as fast at its mapping of least energy."""
    found = ps.cost(NETWORK, CHIP, compare="iso-throughput")
    given = ps.cost(NETWORK, CHIP, fit=True)
    assert given.baseline.throughput_per_s >= given.chip.throughput_per_s
    assert found.baseline == given.baseline


def test_iso_throughput_takes_the_least_energy_that_is_as_fast_as_the_chip():
    """Reads of 1 ns: the twin is too slow, and none of its doublings that reach the rate takes less energy."""
    found = ps.cost(NETWORK, CHIP.replace({"macro.t_read": 1e-9, "macro.columns_per_adc": 1}), compare="iso-throughput")
    rate, twin = found.chip.throughput_per_s, digital_twin(found.design, NETWORK)
    assert network_cost(NETWORK, twin).throughput_per_s < rate <= found.baseline.throughput_per_s
    ways = [network_cost(NETWORK, widened(twin, 2**n), mapper=how) for n in range(7) for how in ("energy", "latency")]
    fast = [cost.energy_j for cost in ways if cost.throughput_per_s >= rate]
    assert found.baseline.energy_j == close(min(fast))


def test_digital_arrays_are_as_fast_as_the_chip():
    found = ps.cost(NETWORK, CHIP.replace({"macro.t_read": 1e-9}), "digital-imc", "iso-throughput")
    assert found.baseline.throughput_per_s >= found.chip.throughput_per_s


def test_iso_accuracy_takes_the_fewest_bits_that_are_as_accurate():
    accuracies = {8: 0.92, 2: 0.40, 4: 0.88, 6: 0.88}
    found = ps.cost(NETWORK, CHIP, compare="iso-accuracy", accuracy=0.88, accuracies=accuracies)
    assert [point.bits for point in found.curve] == [2, 4, 6, 8]
    for point in found.curve:
        twin = network_cost(NETWORK, digital_twin(CHIP, bits=point.bits))
        assert (point.accuracy, point.energy_j) == (accuracies[point.bits], close(twin.energy_j))
    assert found.baseline.energy_j == close(found.curve[1].energy_j)
    assert found.other.precision.weights == 4
    assert found.curve[0].energy_j < found.curve[1].energy_j < found.curve[3].energy_j
    with pytest.raises(InputError, match=r"the highest, 0.92, is below the 0.95 of the chip"):
        ps.cost(NETWORK, CHIP, compare="iso-accuracy", accuracy=0.95, accuracies=accuracies)
    with pytest.raises(InputError, match="16 bits must be 2"):
        ps.cost(NETWORK, CHIP, compare="iso-accuracy", accuracy=0.9, accuracies={16: 0.92})
    with pytest.raises(InputError, match="baseline eyeriss: its bits are its own"):
        ps.cost(NETWORK, CHIP, "eyeriss", "iso-accuracy", accuracy=0.9, accuracies=accuracies)


def test_values_of_a_simulation_are_on_both_sides_or_on_none():
    given, seen = ps.cost(NETWORK, CHIP), ps.cost(NETWORK, CHIP, values=VALUES)
    cells = seen.chip.breakdown.query("component == 'cells'").set_index("layer").energy_j
    assert dict(cells) == close({"conv": 1e-9, "fc": 2e-9})
    expected = network_cost(NETWORK, digital_twin(CHIP), activity={"conv": 0.25, "fc": 0.5})
    assert seen.baseline.energy_j == expected.energy_j < given.baseline.energy_j
    assert [found.notes[1].split()[1] for found in (given, seen)] == ["assumed", "simulated"]


def test_cells_of_a_digital_baseline_do_not_draw_what_the_chip_s_drew():
    given, seen = (ps.cost(NETWORK, CHIP, "digital-imc", values=values) for values in (None, VALUES))
    assert given.baseline.energy_j == seen.baseline.energy_j
    assert given.chip.energy_j != seen.chip.energy_j
    assert "whatever the values" in seen.notes[-1]
    assert "whatever the values" not in given.notes[-1]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"compare": "iso-power"}, "compare = 'iso-power': must be one of given, iso-area"),
        ({"leakage": "none"}, "leakage = 'none': must be 'live' or 'all'"),
        ({"compare": "iso-accuracy"}, "needs accuracy= of the chip and accuracies="),
        ({"accuracy": 0.9}, "accuracy and accuracies are for 'iso-accuracy'"),
        ({"baseline": None, "compare": "iso-area"}, "needs a baseline, such as 'twin'"),
    ],
)
def test_bad_questions_are_refused(options, match):
    with pytest.raises(InputError, match=match):
        ps.cost(NETWORK, CHIP, **options)
