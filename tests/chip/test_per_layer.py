"""Fields of single layers: what they cost, and what is refused."""

import pytest

from pimsim.base.errors import InputError, MissingError, SpecError
from pimsim.chip import load_chip
from pimsim.workload import Dense, Workload
from tests.close import close

NETWORK = Workload(name="two", layers=[Dense(name="fc1", m=32, c=256), Dense(name="fc2", m=10, c=32)])


@pytest.fixture(scope="module")
def chip():
    return load_chip("generic-rram-32nm")


def energies(cost, layer):
    rows = cost.breakdown.query("layer == @layer")
    return {(row.component, row.action): row.energy_j for row in rows.itertuples()}


def test_fewer_bits_of_one_converter(chip):
    """6 of 8 bits in one layer: its conversions cost what a chip of 6 bits pays, the other layer and areas stay."""
    per_layer = chip.replace({"per_layer": {"fc1": {"adc.bits": 6}}}).cost(NETWORK)
    whole, six = chip.cost(NETWORK), chip.replace({"macro.adc.bits": 6}).cost(NETWORK)
    assert energies(per_layer, "fc1") == energies(six, "fc1") != energies(whole, "fc1")
    assert energies(per_layer, "fc2") == energies(whole, "fc2")
    assert per_layer.area_m2 == whole.area_m2


def test_half_the_input_bits_are_half_the_planes(chip):
    counts = {
        bits: chip.replace({"per_layer": {"fc*": {"inputs.bits": bits}}}).cost(NETWORK).breakdown for bits in (4, 8)
    }
    converted = {bits: rows.query("action == 'convert'")["count"].sum() for bits, rows in counts.items()}
    assert 2 * converted[4] == converted[8]


def test_fewer_weight_bits_take_fewer_columns(chip):
    """4 bits of 2-bit cells are 2 slices (3 magnitude bits), 8 bits are 4: half as many columns are converted."""
    narrow = chip.replace({"per_layer": {"fc1": {"weights.bits": 4}}})
    of = [one.cost(NETWORK).breakdown.query("action == 'convert' and layer == 'fc1'")["count"].sum()
          for one in (narrow, chip)]  # fmt: skip
    assert 2 * of[0] == of[1]


def test_a_digital_layer_by_hand(chip):
    """256 x 32 products on the mac units; inputs and weights, 8 bits each, come from the buffer; no array is used."""
    digital = chip.replace({"per_layer": {"fc1": {"digital": True}}})
    cost, (name,) = digital.cost(NETWORK), chip.with_role("mac")
    rows = cost.breakdown.query("layer == 'fc1'")
    assert rows[rows.component == name]["count"].sum() == 256 * 32
    assert rows.query("action == 'convert'").empty
    (buffer,) = chip.with_role("buffer")
    width = chip.components[buffer].width
    read = rows[(rows.component == buffer) & (rows.action == "read")]["count"].sum()
    assert read == -(-(256 + 256 * 32) * 8 // width)
    assert [row["layer"] for row in digital.layers(NETWORK)] == ["fc2"]
    assert any("weights read from the tile's buffer once an inference (assumed): fc1" in note for note in cost.notes)


def test_all_layers_digital_take_the_units_time(chip):
    """Products over the units' rate, unless a connection is slower."""
    digital = chip.replace({"per_layer": {"*": {"digital": True}}})
    name = chip.with_role("mac")[0]
    rate = chip.instances(name) * (chip.components[name].rate or chip.clock)
    compute = {row.phase: row.seconds for row in digital.cost(NETWORK).times if row.layer == "fc1"}["compute"]
    assert compute == close(256 * 32 / rate)


def test_a_name_goes_before_a_pattern(chip):
    own = chip.replace({"per_layer": {"fc*": {"adc.bits": 5}, "fc2": {"adc.bits": 7}}})
    assert [own.for_layer(name).macro.adc.bits for name in ("fc1", "fc2", "conv")] == [5, 7, 8]
    assert chip.replace({"per_layer": {}}).spec_id == chip.spec_id != own.spec_id


@pytest.mark.parametrize(("fields", "message"), [
    ({"device": "ideal"}, "'device' is fixed in hardware or unknown; allowed: digital, adc.bits"),
    ({"adc.bit": 6}, "'adc.bit' is fixed in hardware or unknown; did you mean 'adc.bits'"),
    ({"adc.bits": 9}, "adc.bits = 9: the hardware has 8"),
    ({"rows_active": 129}, "rows_active = 129: the hardware has"),
    ({"digital": 1}, "digital = 1: must be true or false"), ({"adc.bits": 0}, "greater than or equal to 1|from 1"),
])  # fmt: skip
def test_fields_that_one_layer_cannot_have(chip, fields, message):
    with pytest.raises(SpecError, match=message):
        chip.replace({"per_layer": {"fc1": fields}})


def test_layers_that_are_not_there(chip):
    with pytest.raises(MissingError, match="per_layer: no layer is called 'fc3'; did you mean 'fc"):
        chip.replace({"per_layer": {"fc3": {"adc.bits": 6}}}).cost(NETWORK)
    with pytest.raises(InputError, match=r"per_layer: 'f\*' and 'fc\?' both fit layer 'fc1'; name it once"):
        chip.replace({"per_layer": {"f*": {"adc.bits": 6}, "fc?": {"adc.bits": 7}}}).cost(NETWORK)


def test_digital_layers_need_units(chip):
    without = chip.replace({"components": {name: part for name, part in chip.components.items() if name != "mac"}})
    with pytest.raises(SpecError, match="layer 'fc1' of 'two' runs digitally, which needs the role 'mac'"):
        without.replace({"per_layer": {"fc1": {"digital": True}}}).cost(NETWORK)
