"""A matrix that is used n times is one matrix: stored once, the same devices, fresh noise at each use."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.networks import Engine, exact_matmuls, layer_inputs, load_network, quantize
from tests.networks import models

STEPS, K, H, C = 5, 3, 6, 4


def recurrent(b, transposed=False):
    """h = tanh(x_t W + h U + b), unrolled over five steps; then a dense layer."""
    W, U, bias = b.random(K, H), b.random(H, H), b.random(H)
    h = None
    for step in range(STEPS):
        x = b.add("Gather", "x", b.constant(np.int64(step)), axis=1)
        y = b.add("Add", b.add("MatMul", x, W), bias)
        if h is not None:
            recurrent = b.add("Transpose", U, perm=[1, 0]) if transposed else U
            y = b.add("Add", y, b.add("MatMul", h, recurrent))
        h = b.add("Tanh", y)
    return b.add("Gemm", h, b.random(H, C), b.random(C))


def _load(path, **options):
    b = models.Builder((STEPS, K))
    network = load_network(b.save(recurrent(b, **options), path / "net.onnx"))
    return network, b.rng.normal(size=(7, STEPS, K)).astype(np.float32)


@pytest.mark.parametrize("transposed", [False, True])
def test_weights_are_counted_once_and_positions_at_every_use(transposed, tmp_path):
    """x W five times, h U four times: 5*18 + 4*36 + 24 products of 18 + 36 + 24 weights."""
    network, x = _load(tmp_path, transposed=transposed)
    workload = network.workload()
    assert workload.weights == K * H + H * H + H * C
    assert workload.macs == 5 * K * H + 4 * H * H + H * C
    assert sorted(layer.matrix.positions for layer in workload.layers) == [1, 4, 5]
    assert [layer.positions for layer in quantize(network, x).layers] == [5, 4, 1]


@pytest.mark.parametrize("batch", [7, 3, 1])
def test_engine_meets_the_reference(batch, tmp_path):
    network, x = _load(tmp_path)
    quantized = quantize(network, x)
    found = Engine(quantized, exact_matmuls(quantized)).run(x, batch=batch)
    np.testing.assert_array_equal(found, quantized.reference(x))
    np.testing.assert_allclose(found, network.run(x), atol=0.05)
    inputs = layer_inputs(quantized, x)
    assert [len(inputs[layer.name]) for layer in quantized.layers] == [5 * 7, 4 * 7, 7]


@pytest.mark.parametrize("batch", [7, 2])
def test_every_read_has_a_number_of_its_own(batch, tmp_path):
    network, x = _load(tmp_path)
    quantized = quantize(network, x)
    seen = {layer.name: [] for layer in quantized.layers}

    def watched(name, exact):
        def run(vectors, first_sample):
            seen[name].extend(range(first_sample, first_sample + len(vectors)))
            return exact(vectors, first_sample=first_sample)

        return run

    Engine(quantized, {n: watched(n, m) for n, m in exact_matmuls(quantized).items()}).run(x, batch=batch)
    for layer in quantized.layers:
        uses = layer.positions
        expected = {use * (2**32 // uses) + image for use in range(uses) for image in range(7)}
        assert set(seen[layer.name]) == expected
        assert len(seen[layer.name]) == len(expected)


def test_more_reads_than_numbers_are_refused(tmp_path):
    network, x = _load(tmp_path)
    engine = Engine(quantized := quantize(network, x), exact_matmuls(quantized))
    with pytest.raises(InputError, match=r"vector 858993460; reads are numbered up to 858993459 a use"):
        engine.run(x[:1], first_image=2**32 // 5)


def test_uses_of_one_matrix_have_one_scale(tmp_path):
    """Also where one use has a bias that would need a coarser one."""
    b = models.Builder((K,))
    W = b.constant(np.full((K, K), 1e-6, np.float32))
    y = b.add("Gemm", "x", W, b.constant(np.full(K, 50.0, np.float32)))
    network = load_network(b.save(b.add("Gemm", y, W, b.random(K)), tmp_path / "net.onnx"))
    quantized = quantize(network, b.rng.uniform(0, 1, (5, K)).astype(np.float32))
    first, second = quantized.products
    np.testing.assert_array_equal(first.weights, second.weights)
    assert len(quantized.layers) == 1
    x = b.rng.uniform(0, 1, (5, K)).astype(np.float32)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(x), quantized.reference(x))


def test_a_chip_stores_a_shared_matrix_once(tmp_path):
    shared, _ = _load(tmp_path)
    chip = ps.load_chip("generic-rram-32nm")
    rows = chip.layers(shared.workload())
    assert [row["layer"] for row in rows] == list(shared.workload().labels)
    assert len(rows) == 3


def test_shared_convolutions_and_batch_norms(tmp_path):
    """One convolution twice, two batch norms behind it: one matrix, the batch norms digital."""
    b = models.Builder((4, 6, 6))
    W, y = b.random(4, 4, 3, 3), "x"
    for _ in range(2):
        y = b.add("Relu", b.batch_norm(b.add("Conv", y, W, pads=[1, 1, 1, 1]), 4))
    network = load_network(b.save(b.add("Flatten", y), tmp_path / "net.onnx"))
    (layer,) = network.workload().layers
    assert (layer.weights, layer.macs) == (144, 2 * 36 * 144)
    assert [node.op_type for node in network.graph.digital].count("BatchNormalization") == 2
    x = b.rng.normal(size=(5, 4, 6, 6)).astype(np.float32)
    quantized = quantize(network, x)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(x, 2), quantized.reference(x))


def test_one_dimensional_convolutions_are_matrices(tmp_path):
    """By hand: (20 + 3 - 5) // 2 + 1 = 10 positions of 15 x 6, 10 of two groups of 9 x 3, twice 10 of 18 x 6."""
    workload = load_network(models.sequence(tmp_path / "s.onnx")).workload()
    assert [layer.matrix for layer in workload.layers] == [(15, 6, 10), (9, 3, 10), (18, 6, 20), (6, 4, 1)]
    assert workload.macs == 10 * 90 + 10 * 2 * 27 + 20 * 108 + 24
