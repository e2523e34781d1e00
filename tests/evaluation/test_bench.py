"""Data that a user made by hand."""

import numpy as np

from pimsim.evaluation.bench import make_bench
from pimsim.networks import Dataset, load_network
from tests.networks import models


def test_data_made_by_hand_are_calibrated_on_themselves_and_say_so(tmp_path):
    network = load_network(models.tokens(tmp_path / "tokens.onnx"))
    images = np.random.default_rng(0).normal(size=(6, 5, 8)).astype(np.float32)
    data = Dataset(images, network.run(images).argmax(axis=1), "mine", "test")
    own, given = make_bench(network, data), make_bench(network, data, calibration=data)
    assert own.float_accuracy == given.float_accuracy == 1
    assert own.notes[0].startswith("calibration: the first 6 test inputs themselves, without labels")
    assert given.notes == ()
