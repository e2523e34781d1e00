"""Networks at 2 ... 16 bits: the engine against the integer reference, the reference against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimsim.base.errors import InputError, MissingError
from pimsim.networks import Engine, exact_matmuls, layer_inputs, load_network, quantize
from pimsim.networks.ranges import METHODS, range_of
from tests.close import close
from tests.naive import networks_integer as naive
from tests.networks import models
from tests.networks.test_quantize import _conv

BITS = st.integers(2, 16)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return {name: load_network(build(folder / f"{name}.onnx")) for name, build in models.ALL.items()}


def images_of(network, n=6, seed=4):
    return np.random.default_rng(seed).normal(size=(n, *network.graph.input_shape)).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(sorted(models.ALL)), weights=BITS, inputs=BITS,
    symmetric=st.booleans(), per_tensor=st.booleans(), ranges=st.sampled_from(METHODS), seed=st.integers(0, 99),
)  # fmt: skip
def test_engine_meets_reference_at_any_precision(networks, name, weights, inputs, symmetric, per_tensor, ranges, seed):
    network, images = networks[name], 1.5 * images_of(networks[name], seed=seed)  # some values saturate
    options = {"symmetric": symmetric, "per_tensor": per_tensor, "ranges": ranges}
    quantized = quantize(network, images / 1.5, weights, inputs, **options)
    reference = quantized.reference(images)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(images, batch=4), reference)
    low, high = (-(2 ** (inputs - 1)) + 1, 2 ** (inputs - 1) - 1) if symmetric else (0, 2**inputs - 1)
    for vectors in layer_inputs(quantized, images).values():
        assert low <= vectors.min() <= vectors.max() <= high
    assert all(np.abs(layer.weight.astype(int)).max() <= 2 ** (weights - 1) - 1 for layer in quantized.layers)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize(("weights", "inputs"), [(2, 3), (4, 8), (9, 7), (8, 12), (16, 16)])
def test_reference_meets_plain_loops_at_other_bits(networks, weights, inputs, symmetric):
    network = networks["plain"]
    images = images_of(network, 3)
    quantized = quantize(network, images, weights, inputs, symmetric=symmetric)
    first, second, dense = quantized.products
    limits = first.source.low, first.source.high
    x = naive.quantize(1.7 * images, quantized.ranges["x"].scale, first.zero, *limits)
    y = naive.rescale(_conv(first, x), first.bias, first.multiplier)
    x = naive.quantize(naive.maxpool2(np.maximum(y, 0)), 1, 0, *limits)
    y = naive.rescale(_conv(second, x), second.bias, second.multiplier)
    x = naive.quantize(np.maximum(y, 0), 1, 0, *limits)
    sums = x.reshape(len(x), -1).astype(np.int64) @ dense.weights[0].astype(np.int64)
    expected = naive.rescale(sums, dense.bias, dense.multiplier)
    np.testing.assert_array_equal(expected, quantized.reference(1.7 * images))


def test_largest_sums_of_16_bits_are_exact(tmp_path):
    """2003 products of 65535 and 32767: beyond int32 by a factor of 2000, and rounded to float32 once."""
    b = models.Builder((2003,))
    network = load_network(b.save(b.add("Gemm", "x", b.random(2003, 5), b.random(5)), tmp_path / "wide.onnx"))
    images = b.rng.uniform(0.999, 1, (6, 2003)).astype(np.float32)
    quantized = quantize(network, images, weights=16, inputs=16)
    (dense,) = quantized.products
    dense.weights[:] = np.where(b.rng.random(dense.weights.shape) < 0.99, 32767, -32767)
    x = naive.quantize(images, quantized.ranges["x"].scale, 0, 0, 65535)
    exact = x.astype(object) @ dense.weights[0].astype(object)
    assert min(exact.ravel()) > 2**41
    expected = naive.rescale(exact, dense.bias, dense.multiplier)
    np.testing.assert_array_equal(quantized.reference(images), expected)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(images), expected)


def test_each_bit_is_worth_six_decibels(networks):
    """Signal over quantization noise grows by 6.02 dB a bit of weights and inputs (W. Bennett, 1948)."""
    network = networks["plain"]
    images = images_of(network, 64)
    exact = network.run(images)
    errors = [quantize(network, images, bits, bits).reference(images) - exact for bits in (6, 8, 10, 12)]
    sqnr = [10 * np.log10((exact**2).mean() / (error**2).mean()) for error in errors]
    np.testing.assert_allclose(np.diff(sqnr) / 2, 6.02, atol=1.0)


def test_bits_by_layer(networks):
    network = networks["plain"]
    images = images_of(network)
    quantized = quantize(network, images, weights={"conv*": 4, "conv0": 6}, inputs={"gemm*": 3})
    assert [q.bits for q in quantized.products] == [6, 4, 8]
    assert [q.source.high for q in quantized.products] == [255, 255, 7]
    assert [int(np.abs(q.weights).max()) for q in quantized.products] == [31, 7, 127]
    with pytest.raises(MissingError, match="weights: no layer is called 'conv9'; did you mean 'conv"):
        quantize(network, images, weights={"conv9": 4})
    with pytest.raises(InputError, match=r"weights: 'conv\*' and '\*0' both fit layer 'conv0'; name it once"):
        quantize(network, images, weights={"conv*": 4, "*0": 5})
    for bits in (1, 17, 4.0, True):
        with pytest.raises(InputError, match=rf"inputs = {bits}: must be an integer from 2 to 16"):
            quantize(network, images, inputs=bits)
    with pytest.raises(InputError, match="ranges = 'minmax': must be one of max, percentile, mean_square"):
        quantize(network, images, ranges="minmax")


def test_two_readers_of_one_tensor_may_want_different_bits(networks):
    """conv2 and conv3 of the grouped network read the same tensor."""
    network = networks["grouped"]
    images = images_of(network)
    two = [q.product.matrix for q in quantize(network, images).products][-2:]
    quantized = quantize(network, images, inputs={two[0]: 3, two[1]: 10})
    assert [q.source.high for q in quantized.products][-2:] == [7, 1023]
    reference = quantized.reference(images)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(images), reference)


def dense(tmp_path, weight, **options):
    """A dense layer alone, on 40,000 normal values and one that is a thousand times too large."""
    b = models.Builder((len(weight),))
    network = load_network(b.save(b.add("MatMul", "x", b.constant(weight)), tmp_path / "dense.onnx"))
    images = np.random.default_rng(0).normal(size=(40_000 // len(weight), len(weight))).astype(np.float32)
    images[0, 0] = 1000
    return quantize(network, images, **options)


def test_a_percentile_range_leaves_rare_values_out(tmp_path):
    """Of the 40,000 values 2 lie above the range, 2 at its lower end or below; a bin is 0.015 wide."""
    weight = np.eye(4, dtype=np.float32)
    assert dense(tmp_path, weight, inputs=16).ranges["x"].scale == close(1000 / 65535, rel=0.01)
    quantized = dense(tmp_path, weight, inputs=16, ranges="percentile")
    found, x = quantized.ranges["x"], np.sort(np.random.default_rng(0).normal(size=40_000))
    np.testing.assert_allclose(found.scale * (65535 - found.zero), x[-2], atol=0.05)
    np.testing.assert_allclose(found.scale * -found.zero, x[1], atol=0.05)


def test_mean_square_ranges_have_the_least_error(tmp_path):
    """Of weights: against the errors of a thousand ranges. A normal distribution in 3 bits is clipped near 2 sigma."""
    weight = np.random.default_rng(1).normal(size=(4096, 1)).astype(np.float32)
    quantized = dense(tmp_path, weight, weights=3, ranges="mean_square").products[0]
    steps = np.abs(weight).max() * np.linspace(0.1, 1, 1000) / 3
    errors = [((np.clip(np.rint(weight / s), -3, 3) * s - weight) ** 2).mean() for s in steps]
    scale = quantized.multiplier[0] / quantized.source.scale
    error = ((quantized.weights[0] * scale - weight) ** 2).mean()
    assert error == close(min(errors), rel=0.01)
    full = dense(tmp_path, weight, weights=3).products[0]
    assert error < 0.5 * ((full.weights[0] * full.multiplier[0] / full.source.scale - weight) ** 2).mean()


def test_mean_square_ranges_of_inputs_beat_the_largest_range(tmp_path):
    """A normal tensor in 3 bits: the error of the range that is found is at most that of any symmetric cut."""
    b = models.Builder((16,))
    network = load_network(b.save(b.add("MatMul", "x", b.constant(np.eye(16, dtype=np.float32))), tmp_path / "i.onnx"))
    x = np.random.default_rng(2).normal(size=(2000, 16)).astype(np.float32)

    def error(found):
        return ((found.rounded(x) - x) ** 2).mean()

    found = quantize(network, x, inputs=3, ranges="mean_square").ranges["x"]
    cuts = [range_of(x.min() * shrink, x.max() * shrink, 3, False) for shrink in np.linspace(0.1, 1, 200)]
    assert error(found) <= 1.02 * min(error(cut) for cut in cuts)
    assert error(found) < 0.7 * error(quantize(network, x, inputs=3).ranges["x"])


def test_one_scale_a_tensor(tmp_path):
    weight = np.diag([1.0, 0.5, 0.25, 0.125]).astype(np.float32)
    one = dense(tmp_path, weight, per_tensor=True).products[0]
    np.testing.assert_array_equal(np.diag(one.weights[0]), [127, 64, 32, 16])
    assert len(set(one.multiplier.tolist())) == 1
    np.testing.assert_array_equal(np.diag(dense(tmp_path, weight).products[0].weights[0]), 127)
