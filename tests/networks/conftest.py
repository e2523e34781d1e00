import numpy as np
import pytest

from pimsim.networks import load_dataset, load_network, quantize
from tests.networks import models


@pytest.fixture(scope="session")
def fashion():
    """The shipped network, quantized as a user would."""
    return quantize(load_network("fashion-vgg"), load_dataset("fashion-mnist", split="calibration").images)


@pytest.fixture(params=models.ALL)
def small(request, tmp_path):
    """A small network with its quantized form and images of both signs."""
    network = load_network(models.ALL[request.param](tmp_path / f"{request.param}.onnx"))
    images = np.random.default_rng(3).normal(size=(13, *network.graph.input_shape)).astype(np.float32)
    return quantize(network, images[:8]), images
