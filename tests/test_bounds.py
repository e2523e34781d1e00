"""Values that are a slip of units or digits, not a design, are refused with the field's name."""

import pickle

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import ConvergenceError, InputError, SpecError
from pimsim.base.library import library_path
from pimsim.cells import DeviceCard
from pimsim.workload import Dense, Workload, load_workload
from tests.close import close

NONSENSE = [
    ("rows", 10**9),
    ("cols", 2**31),
    ("rows", 2**63),
    ("columns_per_adc", 10**6),
    ("node", 22),
    ("node", "22 pm"),
    ("v_read", "1 kV"),
    ("v_read", "1 nV"),
    ("v_read", 1e-300),
    ("t_read", "1 year"),
    ("temperature", 0),
    ("temperature", "-300 degC"),
    ("temperature", "1e4 K"),
]


@pytest.mark.parametrize(("field", "value"), NONSENSE)
def test_a_macro_that_nobody_can_build_is_refused(field, value):
    with pytest.raises(SpecError, match=field):
        ps.Macro().replace({field: value})


def test_one_converter_for_a_whole_array_costs_the_same_however_many_columns_it_could_take():
    chip, network = ps.load_chip("generic-rram-32nm"), load_workload("alexnet")
    whole, beyond = (chip.replace({"macro.columns_per_adc": n}).cost(network) for n in (128, 100_000))
    assert (whole.energy_j, whole.area_m2) == (beyond.energy_j, beyond.area_m2)


@pytest.mark.parametrize(
    ("spec", "field", "value"),
    [
        (ps.ADC(), "range", (-1e308, 1e308)),
        (ps.ADC(), "range", (0.0, 5e-324)),
        (ps.ADC(), "range", (1e6, 1e6 + 1e-9)),
        (ps.ADC(), "enob", 1e-300),
        (ps.ADC(), "offset_lsb", 1e300),
        (ps.ADC(), "noise_lsb", 1e300),
        (ps.ADC(), "gain_error", 2.0),
        (ps.ADC(), "percentile", 5e-324),
        (ps.ADC(), "full_scale", "1 kV"),
        (ps.DAC(), "gain_error", 1e300),
        (ps.DAC(), "noise_lsb", 1e300),
        (ps.Wires(), "r_wordline", 1e300),
        (ps.Transistor(r_on=1.0), "g_off", "50 S"),
    ],
)
def test_parts_that_nobody_can_build_are_refused(spec, field, value):
    with pytest.raises(SpecError, match=field):
        spec.replace({field: value})


@pytest.mark.parametrize(
    ("card", "field", "value", "match"),
    [
        ("rram-wan2022", "retention.correlation.value", 2, "less than or equal to 1"),
        ("rram-wan2022", "retention.correlation.value", -1.001, "greater than or equal to -1"),
        ("pcm-nandakumar2019", "programming.time.value", 0, "'power_law' needs a programming time above 0 s"),
        ("pcm-nandakumar2019", "read_noise.t_read.value", 0, "greater than or equal to 0.0000"),
        ("pcm-nandakumar2019", "retention.last.value", "1e6 year", "less than or equal to"),
        ("pcm-nandakumar2019", "conductance.max.value", 25, "less than or equal to 1"),
        ("rram-wan2022", "v_read.value", "1 kV", "less than or equal to 100"),
    ],
)
def test_a_card_without_meaning_is_refused(card, field, value, match):
    with pytest.raises(SpecError, match=match):
        ps.load_device(card).replace({field: value})


def test_a_card_of_numbers_that_overflow_is_refused_when_it_is_used():
    card = ps.load_device("rram-milo2021").replace({"programming.sigma.unit": 1e300})
    assert isinstance(card, DeviceCard)
    with pytest.raises(InputError, match="rram-milo2021: conductances are not finite"):
        card.replace({"programming.sigma.pieces": [{"coefficients": [1e200]}]}).program([1e-4])


def masked(values):
    return np.ma.array(values, mask=np.arange(np.size(values)).reshape(np.shape(values)) == 1)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("G", lambda: ps.solve_crossbar(masked([[1e-4, 1e-4]]), [0.2])),
        ("G", lambda: ps.solve_crossbar([masked([1e-4, 1e-4])], [0.2])),
        ("V", lambda: ps.solve_crossbar([[1e-4], [1e-4]], masked([0.2, 0.2]))),
        ("G", lambda: ps.transfer_matrix(masked([[1e-4, 1e-4]]))),
        ("on", lambda: ps.solve_gated([[1e-4], [1e-4]], masked([True, True]), 0.2, None, 1e3)),
        ("g_target", lambda: ps.load_device("ideal").program(masked([1e-6, 1e-6]))),
        ("inputs", lambda: ps.InputEncoding().check(masked([[1, 2]]), 2)),
    ],
)
def test_masked_cells_are_not_taken_for_numbers(name, call):
    with pytest.raises(InputError, match=f"{name}: has masked cells"):
        call()


def test_a_mask_without_masked_cells_is_no_mask():
    assert ps.solve_crossbar(np.ma.array([[1e-4]], mask=[[False]]), [0.2]).i_out == close([2e-5])


@pytest.mark.parametrize("bad", [[[1.0, 2.0], [3.0]], [[1e300]], "abc", [[None]], [[1j]]])
def test_conductances_that_are_no_matrix_are_refused(bad):
    for call in (lambda: ps.solve_crossbar(bad, [0.2]), lambda: ps.transfer_matrix(bad)):
        with pytest.raises(InputError, match="G: "):
            call()
    with pytest.raises(InputError, match="V: "):
        ps.solve_crossbar([[1e-4]], bad)


@pytest.mark.parametrize("method", ["line-cg", "merge", "newton", "direct"])
@pytest.mark.parametrize("V", [[0.2, 0.1], [[0.2, 0.1], [0.0, 0.3]]])
def test_a_solution_is_sent_between_processes_and_not_written(method, V):
    solution = ps.solve_crossbar(np.full((2, 3), 1e-4), V, ps.Wires(r_wordline=1.0, r_bitline=2.0), method=method)
    again = pickle.loads(pickle.dumps(solution))
    for name in ("i_out", "i_source", "v_wordline", "v_bitline"):
        np.testing.assert_array_equal(getattr(again, name), getattr(solution, name))
        with pytest.raises(ValueError, match="read-only"):
            getattr(solution, name)[..., 0] = 1.0


def test_programmed_cells_are_not_written():
    target = np.array([1e-6, 2e-6])
    cells = ps.load_device("ideal").program(target)
    for name in ("g", "target"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(cells, name)[0] = 1.0
    target[0] = 3e-6
    assert cells.target.tolist() == [1e-6, 2e-6]
    assert cells.at().flags.writeable


def test_equal_specs_are_one_key():
    chips = {ps.load_chip("isaac-ce"), ps.load_chip("isaac-ce"), ps.load_chip("neurram")}
    assert len(chips) == 2
    assert len({ps.Macro(v_read=1), ps.Macro(v_read=1.0), ps.Macro(v_read=0.5)}) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clock", "1 Hz"),
        ("clock", 1e300),
        ("supply", "1 kV"),
        ("tiles", 10**12),
        ("accumulator_bits", 1),
        ("accumulator_bits", 10**6),
        ("components.adc.count", 10**12),
        ("components.adc.leakage", "1 TW"),
        ("macro.rows", 10**9),
    ],
)
def test_a_chip_that_nobody_can_build_is_refused(field, value):
    with pytest.raises(SpecError, match=field.rpartition(".")[2]):
        ps.load_chip("generic-rram-32nm").replace({field: value})


def test_an_energy_below_zero_is_refused_by_the_spec():
    with pytest.raises(SpecError, match=r"energies\.convert = '-1 pJ'"):
        ps.load_chip("generic-rram-32nm").replace({"components.adc": {"energies": {"convert": "-1 pJ"}, "source": "x"}})


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_chips_that_extend_each_other_in_a_circle_are_told(tmp_path):
    own = write(tmp_path / "own.yaml", "extends: ./own.yaml\n")
    with pytest.raises(SpecError, match=r"cards extend each other in a circle: own\.yaml -> own\.yaml"):
        ps.load_chip(own)
    write(tmp_path / "a.yaml", "extends: ./b.yaml\n")
    write(tmp_path / "b.yaml", "extends: a.yaml\n")
    with pytest.raises(SpecError, match=r"a\.yaml: extends = .*circle: b\.yaml -> a\.yaml -> b\.yaml"):
        ps.load_chip(tmp_path / "b.yaml")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("without: 3", "without = 3: must be a list of components"),
        ("without: adc", "without = 'adc': must be a list of components"),
        ("without: [adcc]", r"has no such component; did you mean 'adc'\?"),
        ("changes: 5", "changes = 5: must map dotted fields"),
        ("changes: {1: 4}", "keys = 1|1: the keys of a mapping must be text"),
        ("changes: {components.adcc.count: 4}", r"own\.yaml: .*no field 'adcc'; did you mean 'adc'\?"),
        ("changes: {macro.rosw: 4}", r"own\.yaml: .*no field 'rosw'; did you mean 'rows'\?"),
    ],
)
def test_wrong_kinds_in_a_chip_that_extends_are_told(tmp_path, text, match):
    own = write(tmp_path / "own.yaml", f"extends: isaac-ce\n{text}\n")
    with pytest.raises(SpecError, match=match):
        ps.load_chip(own)
    with pytest.raises(SpecError, match="must be the name or path of a chip"):
        ps.load_chip({"extends": ["isaac-ce"]})


def test_files_that_a_chip_names_are_found_beside_it_and_count_by_content(tmp_path, monkeypatch):
    text = library_path("cells", "ideal").read_text()
    for place in ("here", "there"):
        write(tmp_path / place / "mine.yaml", text)
        write(tmp_path / place / "base.yaml", "extends: generic-rram-32nm\nmacro.device: ./mine.yaml\n")
        write(tmp_path / place / "chip.yaml", "extends: ./base.yaml\nmacro.rows: 64\n")
    monkeypatch.chdir("/")
    here, there = (ps.load_chip(tmp_path / place / "chip.yaml") for place in ("here", "there"))
    assert here.macro.device == str(tmp_path / "here" / "mine.yaml")
    assert here.macro.program([[1.0]]).macro.rows == 64
    assert here.spec_id == there.spec_id
    write(tmp_path / "there" / "mine.yaml", text + "\n")
    assert here.spec_id != there.spec_id
    inline = ps.load_chip({"extends": "./base.yaml"}, folder=tmp_path / "here")
    assert inline.macro.device == here.macro.device


def test_a_batch_is_an_integer_of_any_library_and_of_sane_size():
    chip, one = ps.load_chip("generic-rram-32nm"), Workload(name="one", layers=[Dense(m=16, c=64)])
    for cost in (chip.cost, lambda work, batch: ps.digital.network_cost(work, "eyeriss", batch=batch)):
        assert cost(one, batch=np.int64(2)).energy_j == cost(one, batch=2).energy_j
        for bad in (0, True, 2.0, 10**400):
            with pytest.raises(InputError, match=r"batch = .*: must be an integer from 1 to 1000000000"):
                cost(one, batch=bad)


def test_resistances_too_far_apart_for_one_factorization_are_told():
    wires = ps.Wires(r_wordline=1e-30, r_driver=1e-12)
    with pytest.raises(ConvergenceError, match="direct: resistances and conductances are too far apart"):
        ps.solve_crossbar(np.zeros((2, 2)), [0.0, 0.0], wires, method="direct")


@pytest.mark.parametrize(
    ("method", "g", "v", "r"),
    [
        ("line-cg", 10212052023.0, 1.0, {"r_wordline": 1.0, "r_sense": 1.0}),
        ("newton", 972676065910.75, 1e-30, {"r_driver": 1.0, "r_sense": 4308.0}),
    ],
)
def test_what_rounding_eats_is_a_solver_that_did_not_converge(method, g, v, r):
    """Cells and wires 10^10 apart: a direction or a current of exactly 0 is divided by."""
    with pytest.raises(ConvergenceError, match=f"{method} did not reach tol"):
        ps.solve_crossbar([[0.0, 0.0], [0.0, g]], [0.0, v], ps.Wires(**r), method=method)


def test_ports_that_rounding_leaves_indefinite_are_told():
    wires = ps.Wires(r_driver=1e6, r_sense=10923.0)
    with pytest.raises(ConvergenceError, match="merge: conductances and resistances lie too far apart: 16 shared"):
        ps.transfer_matrix([[0.0, 0.0], [1e12, 1e12]], wires)


@pytest.mark.parametrize(("G", "V"), [([[1e-300]], [0.2]), ([[1e-4]], [5e-324])])
def test_vanishing_numbers_are_refused_and_zero_is_right(G, V):
    with pytest.raises(InputError, match=r"is too small to compute with; 0, or at least 1e-50"):
        ps.solve_crossbar(G, V)
    assert ps.solve_crossbar([[0.0]], [0.0]).i_out.tolist() == [0.0]
    with pytest.raises(SpecError, match="r_wordline = 1e-300: too small to compute with"):
        ps.Wires(r_wordline=1e-300)
