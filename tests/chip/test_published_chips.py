"""Published chips: what their papers say, met from the components (V10 ... V14 of docs/validation.md)."""

import math

from validation.chips import isaac, jia, neurram, sinangil, wang

from pimsim.chip import budget, load_chip, peak
from tests.close import close

MICRO2 = 1e-6


def test_isaac_closes_from_its_components():
    rows = {row.name: row for row in isaac()}
    assert all(abs(row.error) < 0.03 for row in rows.values()), rows
    assert {"tile power", "tile area", "chip power", "chip area", "peak", "ADC energy per MAC"} <= set(rows)


def test_isaac_parts_sum_to_the_chip():
    chip = load_chip("isaac-ce")
    rows = [row for row in budget(chip) if row.level != "off_chip"]
    assert math.fsum(row.power_w for row in rows) == close(peak(chip).power_w, rel=1e-12)
    assert math.fsum(row.area_m2 for row in rows) == close(peak(chip).area_m2, rel=1e-12)


def test_isaac_energy_is_power_times_time():
    chip = load_chip("isaac-ce")
    by_name = {row.component: row for row in budget(chip)}
    # 128 conversions in 100 ns by each of 16128 converters of 2 mW.
    assert by_name["adc"].power_w == close(16128 * 2e-3)
    assert by_name["adc"].power_w / (16128 * 128 / 100e-9) == close(1.5625e-12)


def test_neurram_within_12_percent_and_5_on_average():
    errors = [abs(row.error) for row in neurram()]
    assert len(errors) == 16
    assert max(errors) < 0.12
    for quantity in ("TOPS ", "TOPS/W"):
        part = [abs(row.error) for row in neurram() if row.name.startswith(quantity)]
        assert sum(part) / len(part) < 0.05


def test_jia_within_10_percent():
    assert all(abs(row.error) < 0.10 for row in jia()), jia()


def test_sinangil_is_fitted_at_low_supply():
    rows = sinangil()
    assert all(abs(row.error) < 0.01 for row in rows if "0.8 V" in row.name)
    ends = [row for row in rows if "1.0 V" in row.name and "output 6" not in row.name]
    assert all(abs(row.error) < 0.11 for row in ends)


def test_wang_within_10_percent():
    assert all(abs(row.error) < 0.10 for row in wang()), wang()
