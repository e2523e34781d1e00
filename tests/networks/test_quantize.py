"""The integer arithmetic, against plain loops and against float."""

import numpy as np
import pytest

from pimsim.base.errors import InputError
from pimsim.networks import Engine, exact_matmuls, layer_inputs, load_dataset, load_network, quantize
from pimsim.networks.im2col import im2col
from tests.naive import networks_integer as naive
from tests.networks import models


def test_reference_meets_plain_loops_bit_for_bit(tmp_path):
    network, images = _quantized(models.plain, tmp_path)
    images = 1.7 * images  # beyond the calibrated range, so that some values saturate
    first, second, dense = network.products
    assert first.zero > 0  # the images are of both signs
    assert [second.zero, dense.zero] == [0, 0]
    scale, zero = network.ranges["x"].scale, first.zero
    x = naive.quantize(images, scale, zero)
    y = naive.rescale(_conv(first, x), first.bias, first.multiplier)
    x = naive.quantize(naive.maxpool2(np.maximum(y, 0)), 1)
    y = naive.rescale(_conv(second, x), second.bias, second.multiplier)
    x = naive.quantize(np.maximum(y, 0), 1)
    sums = x.reshape(len(x), -1).astype(np.int64) @ dense.weights[0]
    np.testing.assert_array_equal(naive.rescale(sums, dense.bias, dense.multiplier), network.reference(images))


def test_sums_beyond_the_integers_of_float32(tmp_path):
    """Sums of up to 6.5e7 are rounded to float32 once, on either way, after exact int32."""
    b = models.Builder((2003,))
    network = load_network(b.save(b.add("Gemm", "x", b.random(2003, 5), b.random(5)), tmp_path / "wide.onnx"))
    images = b.rng.uniform(0.9, 1, (6, 2003)).astype(np.float32)
    quantized = quantize(network, images)
    (dense,) = quantized.products
    dense.weights[:] = np.where(b.rng.random(dense.weights.shape) < 0.99, 127, 126)
    exact = naive.quantize(images, quantized.ranges["x"].scale).astype(np.int64) @ dense.weights[0].astype(np.int64)
    assert (exact > 2**24).all()
    assert (exact != exact.astype(np.float32)).any()
    expected = naive.rescale(exact, dense.bias, dense.multiplier)
    np.testing.assert_array_equal(quantized.reference(images), expected)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(images), expected)


def test_im2col_times_matrix_is_the_convolution(tmp_path):
    """Strides, dilation, unequal padding, groups and a zero point, one convolution at a time."""
    rng = np.random.default_rng(5)
    checked = 0
    for build in (models.residual, models.grouped, models.signed):
        network, _ = _quantized(build, tmp_path)
        for quantized in (q for q in network.products if q.product.kind == "conv"):
            x = rng.integers(0, 256, (2, *quantized.product.input_shape[1:]), dtype=np.uint8)
            vectors = im2col(quantized.product, np.ascontiguousarray(x.transpose(0, 2, 3, 1)), quantized.zero)
            centered = vectors.astype(np.int64) - quantized.zero
            sums = np.concatenate(list(centered @ quantized.weights.astype(np.int64)), axis=1)
            expected = _conv(quantized, x)
            np.testing.assert_array_equal(sums.reshape(2, *expected.shape[2:], -1).transpose(0, 3, 1, 2), expected)
            checked += 1
    assert checked == 10


def test_rows_of_a_matrix_run_over_the_kernel_position_first(fashion):
    product = fashion.products[1].product
    matrix = product.matrices()[0]
    for r, s, c, k in [(0, 0, 0, 0), (1, 2, 5, 3), (2, 0, 15, 31)]:
        assert matrix[(r * 3 + s) * 16 + c, k] == product.weight[k, c, r, s]


def test_weights_are_symmetric_and_fill_their_range(fashion):
    for layer in fashion.layers:
        assert layer.weight.dtype == np.int8
        np.testing.assert_array_equal(np.abs(layer.weight.astype(int)).max(axis=0), 127)


def test_inputs_of_the_shipped_network_have_no_zero_point(fashion):
    assert all(product.zero == 0 for product in fashion.products)
    assert fashion.ranges["images"].scale == np.float32(1 / 255)


def test_quantization_error_is_a_few_steps(small):
    """Each result is within 5 % of the largest one: 8 bits through three layers, random weights."""
    network, images = small
    exact = network.network.run(images[:8])
    np.testing.assert_allclose(network.reference(images[:8]), exact, atol=0.05 * np.abs(exact).max())


def test_a_dead_channel_and_a_dead_input_stay_zero(tmp_path):
    b = models.Builder((1, 4, 4))
    weight = np.zeros((3, 1, 1, 1), np.float32)
    weight[1] = 1e-30
    y = b.add("Relu", b.add("Conv", "x", b.constant(weight), b.constant(np.array([0, 2, -1], np.float32))))
    network = load_network(b.save(b.add("Flatten", b.conv(y, 2, 3, 1, 1, bias=False)), tmp_path / "dead.onnx"))
    images = np.zeros((4, 1, 4, 4), np.float32)
    quantized = quantize(network, images)
    np.testing.assert_allclose(quantized.reference(images), network.run(images), atol=0.02)


def test_grouped_layers_are_one_matrix_a_group(tmp_path):
    network, _ = _quantized(models.grouped, tmp_path)
    shapes = {layer.name: layer.weight.shape for layer in network.layers}
    assert shapes["conv0/group3"] == (9, 2)
    assert shapes["conv2/group1"] == (16, 3)
    assert list(shapes)[-2:] == ["conv4", "conv5"]
    inputs = layer_inputs(network, np.zeros((1, 4, 10, 8), np.float32))
    assert {name: x.shape[1] for name, x in inputs.items()} == {name: shape[0] for name, shape in shapes.items()}


def test_refusals(fashion, tmp_path):
    network = fashion.network
    with pytest.raises(InputError, match="calibration needs at least one"):
        quantize(network, np.zeros((0, 1, 28, 28), np.float32))
    with pytest.raises(InputError, match=r"images: shape \(4, 28, 28\)"):
        quantize(network, np.zeros((4, 28, 28), np.float32))
    with pytest.raises(InputError, match="images: not finite"):
        quantize(network, np.full((4, 1, 28, 28), np.inf, np.float32))
    b = models.Builder((40000,))
    tall = load_network(b.save(b.add("Gemm", "x", b.random(40000, 2)), tmp_path / "tall.onnx"))
    with pytest.raises(InputError, match="gemm0: 40000 rows; sums fit 32 bits up to 33155"):
        quantize(tall, np.ones((1, 40000), np.float32))


def test_accuracy_of_the_shipped_network_survives(fashion):
    """On the shipped images: at most 0.3 points of accuracy are lost."""
    data = load_dataset("fashion-mnist")
    assert fashion.accuracy(data) > fashion.network.accuracy(data) - 0.003


def _quantized(build, folder):
    network = load_network(build(folder / f"{build.__name__}.onnx"))
    images = np.random.default_rng(4).normal(size=(6, *network.graph.input_shape)).astype(np.float32)
    return quantize(network, images), images


def _conv(quantized, x):
    """The convolution by plain loops, weights brought back from rows (r, s, c)."""
    product = quantized.product
    m, c, r, s = product.weight.shape
    matrices = quantized.weights.reshape(product.groups, r, s, c, m // product.groups)
    weight = matrices.transpose(0, 4, 3, 1, 2).reshape(m, c, r, s)
    return naive.conv(x, weight, quantized.zero, product.strides, product.dilations, product.pads, product.groups)


def test_multipliers_beyond_float32_are_refused(tmp_path):
    """Weights of 3e38 cancel, and the next layer's input is a bias of 1e-3."""
    b = models.Builder((2,))
    weight, bias = b.constant(np.array([[3e38] * 3, [-3e38] * 3], np.float32)), b.constant(np.full(3, 1e-3, np.float32))
    y = b.add("MatMul", b.add("Relu", b.add("Gemm", "x", weight, bias)), b.random(3, 2))
    network = load_network(b.save(y, tmp_path / "huge.onnx"))
    with pytest.raises(InputError, match=r"gemm0: weights up to 3e\+38 overflow float32 when rescaled"):
        quantize(network, np.ones((2, 2), np.float32))
