"""Networks drawn at random: the engine meets the reference bit for bit, the reference the float network in steps."""

import numpy as np
import pytest

from pimsim.networks import Engine, exact_matmuls, load_network, quantize
from tests.networks import models

# Each tensor is rounded; these networks end at most 5.6 steps of 2^-bits of the largest output off.
_STEPS = 6.0
UNARY = ("Relu", "Sigmoid", "Identity", "Tanh", "Neg")


def _draw(seed, path):
    """Up to nine nodes on feature maps of 4 channels and 6 x 6 pixels; each reads any earlier ones."""
    b = models.Builder((4, 6, 6), seed=seed)
    maps = ["x"]
    for _ in range(b.rng.integers(3, 10)):
        kind = b.rng.choice(["conv", "conv", "unary", "add", "pool", "concat", "norm"])
        one, two = (maps[b.rng.integers(len(maps))] for _ in range(2))
        if kind == "conv":
            size, group = int(b.rng.choice([1, 3])), int(b.rng.choice([1, 2, 4]))
            new = b.conv(one, 4, 4, size, size, pads=[size // 2] * 4, group=group)
        elif kind == "unary":
            new = b.add(str(b.rng.choice(UNARY)), one)
        elif kind == "add":
            new = b.add("Add", one, two)
        elif kind == "pool":
            new = b.add("MaxPool", one, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        elif kind == "concat":
            new = b.conv(b.add("Concat", one, two, axis=1), 4, 8, 1, 1)
        else:
            new = b.batch_norm(one, 4)
        maps.append(new)
    y = b.add("Flatten", b.add("AveragePool", maps[-1], kernel_shape=[2, 2], strides=[2, 2]))
    return b.save(b.add("Gemm", y, b.random(36, 3), b.random(3)), path)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("seed", range(25))
def test_engine_meets_reference(seed, bits, tmp_path):
    """The distance to float is that of rounding: eight bits more make it 256 times less."""
    network = load_network(_draw(seed, tmp_path / "random.onnx"))
    images = np.random.default_rng(seed).normal(size=(7, 4, 6, 6)).astype(np.float32)
    quantized = quantize(network, images, weights=bits, inputs=bits)
    reference = quantized.reference(images)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(images, batch=3), reference)
    exact = network.run(images)
    np.testing.assert_allclose(reference, exact, rtol=0, atol=_STEPS * 2.0**-bits * np.abs(exact).max())
