"""The digital twin: the chip's node, precision, buffer, memory and supply, and the card eyeriss at its defaults."""

import pytest

from pimsim.base.errors import InputError
from pimsim.chip import list_chips, load_chip
from pimsim.components.logic import mac
from pimsim.components.scaling import energy_factor
from pimsim.digital import eyeriss_like, load_accelerator, network_cost, roof, roof_like
from pimsim.evaluation import baseline_of, digital_twin
from pimsim.evaluation.twin import digital_imc, sum_bits
from pimsim.workload import Conv2d, Dense, Workload
from tests.close import close
from tests.digital.test_network_cost import check_best_by_its_objective, needs_jit

NETWORK = Workload(name="small", layers=[Conv2d(m=16, c=8, p=12, q=12, r=3, s=3), Dense(m=10, c=256)])


def numbers(acc):
    """Every number of an accelerator by name."""
    found = {"clock": acc.clock, "mac": acc.mac.energy, "mac area": acc.mac.area}
    found |= {"bank read": acc.weight_bank.read, "bank area": acc.weight_bank.area}
    for level in acc.hierarchy:
        fields = ("energy", "x", "y") if level.kind == "array" else (
            "capacity", "width", "read", "write", "read_bandwidth", "write_bandwidth", "area", "leakage")  # fmt: skip
        found |= {f"{level.name}.{field}": getattr(level, field) or 0.0 for field in fields}
    return found


def test_the_defaults_are_the_card_eyeriss_to_its_rounding():
    card, scaled = load_accelerator("eyeriss"), eyeriss_like()
    assert numbers(scaled) == close(numbers(card), rel=5e-3)
    assert scaled.precision == card.precision
    for ours, theirs in zip(scaled.hierarchy, card.hierarchy, strict=True):
        for field in ("name", "keeps", "dims", "x_dims", "y_dims"):
            assert getattr(ours, field, None) == getattr(theirs, field, None)


@pytest.mark.parametrize("name", ["eyeriss", "roof", "output-stationary", "tpu-like", "simba-like"])
def test_cards_of_8_bit_multiply_at_the_energy_of_the_pim_side_s_multipliers(name):
    card = load_accelerator(name)
    assert card.mac.energy == close(mac(8, card.node).energy_j["mac"], rel=5e-3)


@pytest.mark.parametrize("banks", [None, 16])
def test_energies_and_areas_rise_with_the_node(banks):
    nodes = [7e-9, 10e-9, 14e-9, 22e-9, 32e-9, 45e-9, 65e-9, 90e-9, 130e-9]
    found = [numbers(eyeriss_like(node=node, buffer_bytes=2**20, buffer_banks=banks)) for node in nodes]
    for key in ("mac", "mac area", "bank read", "bank area", "array.energy", "buffer.read", "buffer.area",
                "filter_spad.read", "ifmap_spad.write", "psum_spad.read"):  # fmt: skip
        values = [one[key] for one in found]
        assert values[0] > 0, key
        assert values == sorted(values), key


def test_width_and_supply_move_what_they_should():
    plain, wide, low = numbers(eyeriss_like()), numbers(eyeriss_like(weights=16)), numbers(eyeriss_like(supply=0.7))
    changed = {key for key in plain if wide[key] != plain[key]}
    assert changed == {"mac", "mac area", "filter_spad.read", "filter_spad.write", "filter_spad.capacity",
                       "filter_spad.width"}  # fmt: skip
    assert all(low[key] < plain[key] for key in ("mac", "array.energy", "buffer.read", "filter_spad.read"))
    assert low["DRAM.read"] == plain["DRAM.read"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"node": 5e-9}, "node = 5e-09 m is outside the table"),
        ({"node": 180e-9}, "node = 1.8e-07 m is outside the table"),
        ({"supply": 1.8}, "supply = 1.8 V is outside the scaling table"),
        ({"buffer_bytes": 2048}, "sram-cacti: capacity = 2048 byte is outside the table"),
        ({"buffer_bytes": 0}, "buffer_bytes = 0: must be more than 0"),
        ({"weights": 0}, "weights = 0: must be 1 ... 64 bit"),
        ({"off_chip": -1.0}, "off_chip = -1.0: must not be negative"),
    ],
)
def test_what_no_table_holds_is_refused(options, match):
    with pytest.raises(InputError, match=match):
        eyeriss_like(**options)


@pytest.mark.parametrize("name", list_chips())
def test_every_chip_has_a_twin(name):
    chip = load_chip(name)
    twin = digital_twin(chip)
    assert twin.node == chip.macro.node
    assert (twin.precision.weights, twin.precision.inputs) == (chip.macro.weights.bits, chip.macro.inputs.bits)
    assert twin.precision.psums == sum_bits(chip)
    imc = digital_imc(chip)
    assert imc.macro.digital
    assert (imc.macro.node, imc.supply, imc.arrays, imc.macro.rows) == (
        chip.macro.node, min(chip.supply, 1.4), chip.arrays, chip.macro.rows)  # fmt: skip
    assert (imc.macro.weights.bits, imc.macro.inputs.bits) == (chip.macro.weights.bits, chip.macro.inputs.bits)
    assert all(imc.components[part] == chip.components[part] for part in chip.with_role("buffer"))
    assert imc.cost(NETWORK).energy_j > 0
    sizes = [chip.instances(part) * chip.components[part].capacity for part in chip.with_role("buffer")]
    assert twin.memories[1].capacity / 8 == close(sum(sizes) or 108 * 1024)
    assert bool(sizes) != ("names no buffer" in twin.description)
    assert f"{min(chip.supply, 1.4):g} V" in twin.description
    assert twin.memories[0].read / 64 == close(8e-12)
    bound = baseline_of(chip, "twin-roof")
    assert bound.macs == twin.macs
    assert roof(NETWORK, bound).energy_j < network_cost(NETWORK, twin).energy_j


QUICK = "generic-rram-32nm"


@needs_jit
@pytest.mark.parametrize(
    "name", [name if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in list_chips()]
)
def test_no_other_mapping_of_a_twin_is_better_by_what_was_asked_for(name):
    check_best_by_its_objective(NETWORK, digital_twin(load_chip(name)))


def test_a_buffer_cut_to_a_network_by_hand():
    """Banks of 16 KiB: 8,192 inputs, 16,384 outputs and the sums of 14 columns of 24 words take two; none need more."""
    chip = load_chip("generic-rram-32nm")
    layer = Conv2d(m=16, c=8, p=32, q=32, r=1, s=1)
    wide = Conv2d(m=64, c=64, p=224, q=224, r=3, s=3)
    assert 8192 + 16384 + 14 * 24 * 24 // 8 < 2 * 2**14
    whole, cut = digital_twin(chip), digital_twin(chip, Workload(name="one", layers=[layer, wide]))
    assert (whole.memories[1].banks, cut.memories[1].banks) == (64, 2)
    assert cut.memories[1].capacity == 2 * 2**14 * 8
    assert cut.memories[1].leakage / 2 == close(whole.memories[1].leakage / 64, rel=1e-9)
    assert cut.memories[1].read < whole.memories[1].read  # less wire
    assert digital_twin(chip, Workload(name="wide", layers=[wide])) == whole
    kept = network_cost(Workload(name="one", layers=[layer, layer]), cut)
    inside = [row for row in kept.actions if row.component == "DRAM" and row.count]
    assert {(row.layer, row.action) for row in inside} == {("conv2d1", "read Inputs"), ("conv2d2", "write Outputs")}


def test_sums_of_the_twin_are_as_wide_as_the_shift_add():
    chip = load_chip("generic-rram-32nm")
    assert (chip.accumulator_bits, sum_bits(chip), digital_twin(chip).precision.psums) == (32, 24, 24)
    wider = chip.replace({"components.shift_add.parameters": {"bits": 28}})
    assert digital_twin(wider).precision.psums == 28
    silent = chip.replace({"components.shift_add.parameters": {}, "accumulator_bits": 20})
    assert digital_twin(silent).precision.psums == 20


@pytest.mark.parametrize(("bits", "sums"), [(2, 12), (4, 16), (8, 24)])
def test_a_twin_of_other_bits_has_other_sums(bits, sums):
    twin = digital_twin(load_chip("generic-rram-32nm"), bits=bits)
    assert (twin.precision.weights, twin.precision.inputs, twin.precision.psums) == (bits, bits, sums)
    assert baseline_of(load_chip("generic-rram-32nm"), bits=bits) == twin


def test_digital_arrays_follow_the_chip():
    """Gates of 1.4 fF at 28 nm by Stillmaker and Baas, settling as the node; what lies around is the chip's own."""
    chip = load_chip("generic-rram-32nm").replace({"macro.node": 45e-9, "tiles": 3, "components.buffer.count": 2})
    other = digital_imc(chip)
    gates = 1.4e-15 * energy_factor(28e-9, 45e-9, 0.9, 0.9)
    assert other.macro.circuit.gate_capacitance == close(gates, rel=1e-12)
    assert other.components["cells"].parameters["capacitance"] == close(gates, rel=1e-12)
    assert other.macro.t_read == close(0.2e-9 * 45 / 22, rel=1e-12)
    assert (other.tiles, other.instances("buffer")) == (3, 6)
    assert not other.with_role("adc")
    assert other.with_role("adder_tree") == ["adder_tree"]
    assert other.accumulator_bits == chip.accumulator_bits


def test_memory_of_the_chip_is_that_of_the_twin():
    chip = load_chip("generic-rram-32nm").replace({"components.dram.parameters": {"kind": "hbm3"}})
    twin = digital_twin(chip)
    assert twin.memories[0].read == close(64 * 4.05e-12)
    assert twin.memories[0].read_bandwidth * twin.clock == close(102.4e9)


def test_beside_takes_cards_and_designs_as_they_are():
    chip, card = load_chip("isaac-ce"), load_accelerator("eyeriss")
    assert baseline_of(chip, "eyeriss") == baseline_of(chip, card) == card
    assert baseline_of(chip).precision.weights == 16
    assert roof_like(card).peak_macs_per_s == card.peak_macs_per_s


def test_a_chip_without_memory_has_no_twin():
    fields = load_chip("generic-rram-32nm").model_dump(mode="python", exclude_unset=True)
    del fields["components"]["dram"]
    with pytest.raises(InputError, match="names no off-chip memory"):
        digital_twin(load_chip(fields))
