"""Data that a user made by hand."""

import numpy as np
import pytest

from pimsim.base.errors import MissingError
from pimsim.evaluation.bench import make_bench
from pimsim.networks import Dataset, load_network
from tests.networks import models


def test_data_made_by_hand_need_calibration_images(tmp_path):
    network = load_network(models.tokens(tmp_path / "tokens.onnx"))
    images = np.random.default_rng(0).normal(size=(6, 5, 8)).astype(np.float32)
    data = Dataset(images, network.run(images).argmax(axis=1), "mine", "test")
    with pytest.raises(MissingError, match="the data set 'mine' has no calibration images of its own: give training"):
        make_bench(network, data)
    assert make_bench(network, data, calibration=data).float_accuracy == 1
