"""The Cost result: parts sum to totals, and bad rows are refused by name."""

import json
import math

import pytest

from pimsim.base.errors import InputError
from pimsim.components.cost import ActionRow, AreaRow, Cost, TimeRow, power_ceiling
from tests.close import close

ACTIONS = [
    ActionRow("a", "adc", "convert", 3, 3e-12, "x"),
    ActionRow("a", "dram", "read", 5, 5e-12, "x"),
    ActionRow("b", "adc", "convert", 7, 7e-12, "x"),
]
PARTS = [AreaRow("adc", 2, 2e-9, "x"), AreaRow("array", 1, 1e-9, "x")]
TIMES = [TimeRow("a", "compute", 1e-6, "x"), TimeRow("b", "compute", 2e-6, "x")]
COST = Cost(ACTIONS, PARTS, TIMES, throughput_per_s=4e5, macs=10, batch=2, off_chip={"dram"})


def test_parts_sum_to_totals():
    assert COST.energy_j == close(15e-12, rel=1e-15)
    assert COST.energy_on_chip_j + COST.energy_off_chip_j == close(COST.energy_j, rel=1e-15)
    assert COST.energy_off_chip_j == 5e-12
    assert COST.breakdown.energy_j.sum() == close(COST.energy_j, rel=1e-15)
    assert COST.areas.area_m2.sum() == close(COST.area_m2, rel=1e-15)
    assert COST.phases.seconds.sum() == close(COST.latency_s, rel=1e-15)
    for key in ("layer", "component", "action"):
        assert math.fsum(COST.energy_by(key).values()) == close(COST.energy_j, rel=1e-15)
    assert COST.energy_by("component") == close({"adc": 10e-12, "dram": 5e-12})


def test_columns_are_the_promised_ones():
    assert list(COST.breakdown.columns) == ["layer", "component", "action", "count", "energy_j", "source"]
    assert list(COST.areas.columns) == ["component", "count", "area_m2", "source", "unused_m2"]


def test_rates_are_per_input():
    assert COST.energy_per_input_j == COST.energy_j / 2
    assert COST.power_w == close(7.5e-12 * 4e5)
    assert COST.ops_per_s == 2 * 10 * 4e5
    assert COST.ops_per_joule == close(20 / 7.5e-12)


def test_to_dict_is_json():
    data = json.loads(json.dumps(COST.to_dict()))
    assert data["energy_j"] == COST.energy_j
    assert len(data["breakdown"]) == 3


@pytest.mark.parametrize(
    ("row", "match"),
    [
        (ActionRow("a", "adc", "convert", -1, 0.0, "x"), "adc.*count must be"),
        (ActionRow("a", "adc", "convert", 1.5, 0.0, "x"), "adc.*count must be"),
        (ActionRow("a", "adc", "convert", 1, math.nan, "x"), "adc.*finite"),
        (ActionRow("a", "adc", "convert", 1, -1e-12, "x"), "adc.*finite and >= 0"),
    ],
)
def test_bad_rows_are_refused(row, match):
    with pytest.raises(InputError, match=match):
        Cost([row], [], [], throughput_per_s=1.0, macs=1)


def test_a_cost_without_energy_has_no_efficiency():
    with pytest.raises(InputError, match="no energy"):
        _ = Cost([], [], [], throughput_per_s=1.0, macs=1).ops_per_joule
    with pytest.raises(InputError, match="key must be"):
        COST.energy_by("colour")


def leaking(batch=2):
    """An input switches 3 nJ on the die and 1 nJ off it; 2 mW leak on the die; 4 us a batch of two, 5e5 inputs/s."""
    actions = [
        ActionRow("a", "adc", "convert", 8, 6e-9, "x"),
        ActionRow("a", "dram", "read", 8, 2e-9, "x"),
        ActionRow("a", "buffer", "leak", 4, 2e-3 * 4e-6, "x"),
    ]
    parts = [AreaRow("adc", 2, 2e-6, "x", 5e-7), AreaRow("buffer", 1, 1e-6, "x")]
    return Cost(actions, parts, [TimeRow("a", "read", 4e-6, "x")], 5e5, 64, batch, {"dram"})


def test_power_is_what_inputs_switch_and_leakage():
    cost = leaking()
    assert cost.leakage_w == close(2e-3)
    assert cost.dynamic_j == close(4e-9)
    assert cost.power_w == close(4e-9 * 5e5 + 2e-3)
    assert cost.power_on_chip_w == close(3e-9 * 5e5 + 2e-3)
    assert cost.power_density_w_m2 == close((3e-9 * 5e5 + 2e-3) / 3e-6)


def test_energy_at_a_rate_pays_for_the_time_between_inputs():
    cost = leaking()
    assert cost.energy_at(1e3) == close(4e-9 + 2e-6)
    assert cost.energy_at(cost.throughput_per_s) == close(4e-9 + 4e-9)
    assert cost.energy_at("1 kHz") == cost.energy_at(1e3)
    for rate in (0.0, 5.1e5):
        with pytest.raises(InputError, match="the rate must be above 0 and at most 500000 1/s"):
            cost.energy_at(rate)
    for rate in (-1.0, math.nan):
        with pytest.raises(InputError, match=r"rate = .* must be finite"):
            cost.energy_at(rate)


def test_throughput_within_a_power_and_a_temperature():
    cost = leaking()
    assert cost.throughput_within(2.3e-3) == close(0.3e-3 / 3e-9)
    assert cost.throughput_within(1.0) == 5e5
    assert cost.throughput_within(1e-3) == 0.0
    # 60 K over 26,000 K/W are 2.3077 mW.
    assert cost.throughput_within(power_ceiling(358.15, 298.15, 26e3)) == close((60 / 26e3 - 2e-3) / 3e-9)
    with pytest.raises(InputError, match=r"power = -1\.0: must be finite"):
        cost.throughput_within(-1.0)
    assert cost.throughput_within("2.3 mW") == cost.throughput_within(2.3e-3)
    for bad in ((300.0, 300.0, 1.0), (301.0, 300.0, 0.0)):
        with pytest.raises(InputError, match="needs junction > ambient"):
            power_ceiling(*bad)


def test_unused_area_is_part_of_the_area():
    cost = leaking()
    assert (cost.area_m2, cost.area_unused_m2) == (3e-6, 5e-7)
    assert cost.to_dict()["area_unused_m2"] == 5e-7
    assert list(cost.areas.unused_m2) == [5e-7, 0.0]


def test_a_cost_shows_its_totals_in_a_few_lines():
    assert repr(leaking()).splitlines()[:3] == ["Cost", "  energy       16 nJ", "  area         3 mm^2"]
    assert "<th>energy</th><td>16 nJ</td>" in leaking()._repr_html_()
    assert leaking().table().set_index("metric")["value"]["latency"] == close(4e-6)


def test_a_cost_of_nothing_has_no_power():
    nothing = Cost([], [], [], throughput_per_s=1.0, macs=1)
    assert nothing.batch == 1
    assert (nothing.leakage_w, nothing.power_w, nothing.latency_s) == (0.0, 0.0, 0.0)
    assert nothing.throughput_within(0.0) == 1.0
    with pytest.raises(InputError, match="this cost has no area"):
        _ = nothing.power_density_w_m2


def test_energies_come_largest_first():
    assert list(COST.energy_by("layer").items()) == [("a", close(8e-12)), ("b", close(7e-12))]
    assert list(COST.energy_by("component")) == ["adc", "dram"]
    turned = Cost(ACTIONS[::-1], [], [], 1.0, 1)
    assert list(turned.energy_by("layer")) == ["a", "b"]


def test_a_highest_rate_may_be_rounded():
    cost = leaking()
    assert cost.energy_at(cost.throughput_per_s * (1 + 5e-13)) == close(cost.energy_at(cost.throughput_per_s))
    with pytest.raises(InputError, match="at most 500000 1/s"):
        cost.energy_at(cost.throughput_per_s * (1 + 1e-11))


def test_to_dict_has_every_total():
    data = leaking().to_dict()
    assert {
        key: data[key] for key in ("energy_on_chip_j", "energy_off_chip_j", "latency_s", "power_w", "leakage_w")
    } == {
        "energy_on_chip_j": close(14e-9),
        "energy_off_chip_j": close(2e-9),
        "latency_s": close(4e-6),
        "power_w": close(4e-9 * 5e5 + 2e-3),
        "leakage_w": close(2e-3),
    }
    assert (data["macs"], data["batch"], data["throughput_per_s"]) == (64, 2, 5e5)
    assert (len(data["areas"]), data["areas"][0]["count"], data["phases"][0]["seconds"]) == (2, 2, 4e-6)


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ({"parts": [AreaRow("adc", 1, 1.0, "x", -1.0)]}, r"adc.*finite and >= 0, got -1\.0"),
        ({"parts": [AreaRow("adc", 1, -1.0, "x")]}, r"adc.*finite and >= 0, got -1\.0"),
        ({"times": [TimeRow("a", "read", -1.0, "x")]}, r"read.*finite and >= 0, got -1\.0"),
        ({"actions": [ActionRow("a", "adc", "convert", True, 0.0, "x")]}, "count must be an integer >= 0, got True"),
        ({"throughput_per_s": math.inf}, "throughput_per_s: must be finite"),
    ],
)
def test_every_kind_of_row_is_checked(rows, match):
    plain = {"actions": [], "parts": [], "times": [], "throughput_per_s": 1.0, "macs": 1}
    with pytest.raises(InputError, match=match):
        Cost(**{**plain, **rows})
