"""The front door takes what people hold: names, paths, objects and quantities, and refuses the rest before any work."""

import inspect
import json

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, MissingError, PimsimError
from pimsim.base.library import library_path
from pimsim.chip import load_chip
from pimsim.digital import load_accelerator, map_network, network_cost, roof, roofline
from pimsim.evaluation import evaluation, scorecard, sensitivity
from pimsim.evaluation.names import machine_of
from pimsim.evaluation.roofs import machine_roof
from pimsim.networks import calibration_of, dataset_of, load_network
from pimsim.workload import Dense, Workload, load_workload
from tests.networks import models

CHIP = "generic-rram-32nm"
NETWORK = "fashion-vgg"
SMALL = Workload(name="small", layers=[Dense(name="a", m=16, c=32), Dense(name="b", m=8, c=16)])


def test_a_network_is_a_name_a_path_or_an_object():
    chip, network = load_chip(CHIP), load_network(NETWORK)
    costs = {chip.cost(given).energy_j for given in (NETWORK, network, network.workload())}
    assert len(costs) == 1
    given = ("alexnet", load_workload("alexnet"))
    assert len({roof(one).energy_j for one in given}) == 1
    assert len({len(machine_roof(one, "eyeriss", ["conv3"]).ladders) for one in given}) == 1
    assert set(map_network(SMALL, "eyeriss")) == set(roofline(SMALL, "eyeriss").intensity) == {"a", "b"}
    assert network_cost(SMALL, load_accelerator("eyeriss")).energy_j == network_cost(SMALL, "eyeriss").energy_j


def test_a_chip_is_a_name_a_path_a_mapping_or_an_object():
    chip = load_chip(CHIP)
    given = (CHIP, library_path("chips", CHIP), chip, {"extends": CHIP})
    assert len({ps.cost(SMALL, one, baseline=None).chip.energy_j for one in given}) == 1
    with pytest.raises(InputError, match="chip: must be a name, a path, a mapping or a Chip, got int"):
        load_chip(3)


def test_a_machine_is_a_chip_or_an_accelerator_by_name_or_file():
    layer = Dense(m=16, c=32)
    for name in (CHIP, "eyeriss"):
        kind = "chips" if name == CHIP else "accelerators"
        given = (name, library_path(kind, name), machine_of(name))
        assert len({ps.eyexam(layer, one) for one in given}) == 1
    with pytest.raises(MissingError, match="no chip or accelerator 'eyeris'; did you mean 'eyeriss'"):
        ps.eyexam(layer, "eyeris")
    with pytest.raises(InputError, match="the machine must be a name, a path, a Chip or an Accelerator, got int"):
        ps.eyexam(layer, 3)


def test_a_device_card_is_a_name_or_an_object():
    card = ps.load_device("rram-milo2021")
    assert ps.load_device(card) is card
    named, given = ps.Macro(rows=64, device="rram-milo2021"), ps.Macro(rows=64, device=card)
    W, X = np.arange(-6, 6).reshape(4, 3), np.ones((2, 4), dtype=int)
    np.testing.assert_array_equal(given.program(W, rng=1).matmul(X), named.program(W, rng=1).matmul(X))
    assert ps.Macro.parse(given.canonical()) == given.replace(rows=64)
    assert given.replace({"device": card.replace({"name": "other"})}).spec_id != given.spec_id
    assert len(repr(given.program(W))) < 1000
    chip = load_chip(CHIP)
    own = chip.replace({"macro.device": ps.load_device(chip.macro.device)})
    assert own.cost(SMALL).energy_j == chip.cost(SMALL).energy_j
    with pytest.raises(PimsimError, match="Macro: device = 3: must be a valid string"):
        ps.Macro(device=3)
    with pytest.raises(PimsimError, match=r"Macro: device.technology = None: required and not given"):
        ps.Macro(device={"name": "own"})
    assert ps.Macro.model_json_schema()["properties"]["device"]


class Stopped(Exception):
    """Work that was begun."""


@pytest.fixture
def no_work(monkeypatch):
    def begun(*_, **__):
        raise Stopped

    monkeypatch.setattr(evaluation, "make_bench", begun)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"trials": 2.5}, "trials = 2.5: must be an integer of at least 1"),
        ({"trials": True}, "trials = True: must be an integer"),
        ({"time": "1 hour ago"}, "time: '1 hour ago' cannot be read as a quantity in second"),
        ({"time": "1 V"}, "time: "),
        ({"time": -1.0}, "time = -1.0: must be finite, in second"),
        ({"time": [0.0]}, r"time = \[0.0\]: must be finite, in second"),
        ({"rng": "seed"}, "seed"),
        ({"loading": "never"}, "loading = 'never': must be 'once' or 'per_inference'"),
        ({"leakage": ["live"]}, r"leakage = \['live'\]: must be 'live' or 'all'"),
        ({"chip": 3}, "chip: must be a name"),
        ({"chip": "generic-rram"}, "did you mean 'generic-"),
        ({"data": [1, 2]}, r"data: must be a name, a folder, a Dataset or a pair \(inputs, labels\), got list"),
        ({"data": "fashion"}, "no data set or folder 'fashion'"),
        ({"data": (np.zeros((3, 1, 28, 28)), [0, 1])}, r"shape \(3, 1, 28, 28\) are not one row for each of 2"),
        ({"data": (np.zeros((1, 1, 28, 28)), [0.5])}, "labels: must hold integers"),
        ({"baseline": "twins"}, "no card 'twins' in devices/accelerators"),
        ({"network": SMALL}, "network: must be a name, a path, a Network or a torch module, got Workload"),
        ({"network": "fashion-vg"}, "no network 'fashion-vg'; did you mean 'fashion-vgg'"),
    ],
)
def test_wrong_arguments_end_before_any_work(no_work, wrong, match):
    given = {"network": NETWORK, "chip": CHIP, "data": "fashion-mnist"} | wrong
    with pytest.raises(PimsimError, match=match):
        ps.evaluate(**given)


def test_right_arguments_begin(no_work):
    with pytest.raises(Stopped):
        ps.evaluate(NETWORK, CHIP, "fashion-mnist", trials=np.int64(2), time="1 day")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A small network, and inputs with the labels that it gives."""
    network = load_network(models.tokens(tmp_path_factory.mktemp("net") / "tokens.onnx"))
    inputs = np.random.default_rng(0).normal(size=(6, 5, 8)).astype(np.float32)
    return network, (inputs, network.run(inputs).argmax(axis=1))


@pytest.fixture(scope="module")
def judged(pair):
    network, data = pair
    return ps.evaluate(network, CHIP, data, trials=1, baseline="twin")


def test_a_pair_of_arrays_is_data(pair, judged):
    network, (inputs, labels) = pair
    assert judged.float_accuracy == 1.0
    assert judged.notes[-1].startswith("calibration: the first 6 test inputs themselves, without labels")
    given = ps.evaluate(network, CHIP, (inputs, labels), trials=1, baseline=None, calibration=(inputs, labels))
    assert given.accuracy.mean == judged.accuracy.mean
    assert not any(note.startswith("calibration") for note in given.notes)


def test_shipped_data_bring_their_training_images():
    assert calibration_of(ps.load_dataset("fashion-mnist", limit=3)).split == "calibration"
    assert dataset_of("fashion-mnist", "calibration").split == "calibration"


def test_a_torch_module_is_a_network(pair):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 10))
    inputs = pair[1][0]
    labels = module(torch.from_numpy(inputs)).argmax(axis=1).numpy()
    ev = ps.evaluate(module, CHIP, (inputs, labels), trials=1, baseline=None)
    assert ev.float_accuracy == 1.0


def test_time_takes_text(pair):
    network, data = pair
    chip = load_chip("generic-pcm-32nm")
    day, seconds = (ps.evaluate(network, chip, data, trials=1, time=t, baseline=None) for t in ("1 day", 86400.0))
    assert day.accuracy == seconds.accuracy
    assert day.values.read_energy == seconds.values.read_energy


def shown(judged):
    """One of every result object."""
    chip = load_chip(CHIP)
    yield judged
    yield judged.cost
    yield ps.cost(SMALL, chip)
    yield scorecard.scorecard(SMALL, chip, suite=[])
    yield sensitivity.sensitivity(SMALL, chip, settings=[])
    yield ps.eyexam(Dense(m=16, c=32), chip)
    yield roofline(SMALL, "eyeriss")
    yield load_network(NETWORK)


def test_results_show_a_few_lines_and_have_tables_and_plain_data(judged):
    for result in shown(judged):
        name = type(result).__name__
        assert len(repr(result)) < 3000, name
        assert 1 < len(repr(result).splitlines()) <= 20, name
        assert result._repr_html_().startswith("<table>"), name
        assert len(result.table()) > 0, name
        assert json.dumps(result.to_dict()), name


def test_a_chip_shows_a_few_lines():
    chip = load_chip("isaac-ce")
    assert len(repr(chip).splitlines()) <= 10
    assert repr(chip).startswith("Chip isaac-ce\n")
    assert "<caption>Chip isaac-ce</caption>" in chip._repr_html_()


def test_lists_of_what_is_shipped():
    assert CHIP in ps.list_chips()
    assert NETWORK in ps.list_networks()
    assert "eyeriss" in ps.list_accelerators()
    assert "fashion-mnist" in ps.list_datasets()
    assert "adc_bits" in ps.list_experiments()
    assert "ideal" in ps.list_devices()


def test_signatures_are_real_and_in_one_order():
    for call in (ps.evaluate, ps.cost, scorecard.scorecard, sensitivity.sensitivity):
        assert list(inspect.signature(call).parameters)[:2] == ["network", "chip"], call
    assert list(inspect.signature(ps.evaluate).parameters)[2] == "data"
