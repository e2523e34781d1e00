"""Where the batch lies: rows of tokens, time-major sequences, frames in the batch, single inputs.

Right numbers of positions by hand; the engine against the integer reference for any batch; noise by sample.
"""

import numpy as np
import pytest

from pimsim.base.errors import InputError
from pimsim.networks import Engine, exact_matmuls, load_network, quantize
from tests.networks import models

T, K, D, C = 6, 3, 5, 4


def _shape(b, *sizes):
    return b.constant(np.array(sizes, np.int64))


def rows(b):
    """Tokens flattened to rows: input after input."""
    h = b.add("Relu", b.add("MatMul", "x", b.random(K, D)))
    m = b.add("Gemm", b.add("Reshape", h, _shape(b, -1, D)), b.random(D, C), b.random(C))
    return b.add("Reshape", m, _shape(b, -1, T, C))


def time_major(b):
    """(time, batch, values): the batch on axis 1."""
    h = b.add("Relu", b.add("MatMul", "x", b.random(K, D)))
    m = b.add("MatMul", b.add("Transpose", h, perm=[1, 0, 2]), b.random(D, C))
    return b.add("Transpose", m, perm=[1, 0, 2])


def time_major_rows(b):
    """(time x batch, values): step after step, the inputs of a step together."""
    t = b.add("Transpose", b.add("MatMul", "x", b.random(K, D)), perm=[1, 0, 2])
    m = b.add("Gemm", b.add("Reshape", t, _shape(b, -1, D)), b.random(D, C), b.random(C))
    return b.add("Transpose", b.add("Reshape", m, _shape(b, T, -1, C)), perm=[1, 0, 2])


def split_rows(b):
    """(2, batch, 3) flattened: two rows of one input apart, three together."""
    h = b.add("Reshape", b.add("MatMul", "x", b.random(K, D)), _shape(b, -1, 2, 3, D))
    t = b.add("Reshape", b.add("Transpose", h, perm=[1, 0, 2, 3]), _shape(b, -1, D))
    m = b.add("Reshape", b.add("MatMul", t, b.random(D, C)), _shape(b, 2, -1, 3, C))
    return b.add("Reshape", b.add("Transpose", m, perm=[1, 0, 2, 3]), _shape(b, -1, T, C))


def output_time_major(b):
    """The network's own output has its batch on axis 1, as for CTC losses."""
    return b.add("MatMul", b.add("Transpose", b.add("MatMul", "x", b.random(K, D)), perm=[1, 0, 2]), b.random(D, C))


LAYOUTS = (rows, time_major, time_major_rows, split_rows, output_time_major)


def _load(layout, path):
    b = models.Builder((T, K), output_rank=3)
    return load_network(b.save(layout(b), path / "net.onnx")), b.rng.normal(size=(8, T, K)).astype(np.float32)


def _watched(quantized, seen, error=0.0):
    """Exact products that note (layer, first sample, vectors), with an error addressed by sample."""

    def watched(name, exact):
        def run(vectors, first_sample):
            seen.append((name, first_sample, vectors.copy()))
            samples = np.arange(first_sample, first_sample + len(vectors))[:, None]
            return exact(vectors, first_sample=first_sample) + error * np.sin(samples)

        return run

    return {name: watched(name, exact) for name, exact in exact_matmuls(quantized).items()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_positions_are_those_of_one_input(layout, tmp_path):
    network, _ = _load(layout, tmp_path)
    assert network.workload().macs == T * (K * D + D * C)
    assert [product.positions for product in network.graph.products] == [T, T]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [8, 3, 1])
def test_engine_meets_the_reference_for_any_batch(layout, batch, tmp_path):
    network, x = _load(layout, tmp_path)
    quantized = quantize(network, x)
    expected = quantized.reference(x)
    assert expected.shape == network.run(x).shape == (8, T, C)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(x, batch=batch), expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_noise_goes_with_the_sample_not_with_the_batch(layout, tmp_path):
    network, x = _load(layout, tmp_path)
    quantized = quantize(network, x)
    results, vectors = [], []
    for batch in (8, 3, 1):
        seen = []
        results.append(Engine(quantized, _watched(quantized, seen, error=20.0)).run(x, batch=batch))
        second = [(first, part) for name, first, part in seen if name == quantized.layers[1].name]
        assert [first for first, _ in second] == list(range(0, 8 * T, batch * T))
        vectors.append(np.concatenate([part for _, part in second]))
    for other in (1, 2):
        np.testing.assert_array_equal(results[other], results[0])
        np.testing.assert_array_equal(vectors[other], vectors[0])
    assert (results[0] != quantized.reference(x)).any()


def test_vectors_are_sorted_by_input_and_then_by_position(tmp_path):
    """The second layer of the time-major network sees, input by input, what one input alone gives."""
    network, x = _load(time_major_rows, tmp_path)
    quantized = quantize(network, x)
    seen: list = []
    Engine(quantized, _watched(quantized, seen)).run(x)
    together = next(part for name, _, part in seen if name == quantized.layers[1].name)
    alone = []
    for image in x:
        seen.clear()
        Engine(quantized, _watched(quantized, seen)).run(image[None])
        alone.append(next(part for name, _, part in seen if name == quantized.layers[1].name))
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_frames_merged_into_the_batch(tmp_path):
    """Two frames an input through one convolution of 3 x 3 on 5 x 5: 2 x 9 positions, 18 rows of 9 x 1 weights."""
    b = models.Builder((2, 1, 5, 5))
    y = b.conv(b.add("Reshape", "x", _shape(b, -1, 1, 5, 5)), 4, 1, 3, 3)
    y = b.add("Gemm", b.add("Reshape", b.add("Relu", y), _shape(b, -1, 72)), b.random(72, 3), b.random(3))
    network = load_network(b.save(y, tmp_path / "frames.onnx"))
    assert network.workload().macs == 2 * 9 * 9 * 4 + 72 * 3
    assert [product.positions for product in network.graph.products] == [18, 1]
    x = b.rng.normal(size=(5, 2, 1, 5, 5)).astype(np.float32)
    quantized = quantize(network, x)
    for batch in (5, 2):
        found = Engine(quantized, exact_matmuls(quantized)).run(x, batch=batch)
        np.testing.assert_array_equal(found, quantized.reference(x))


def test_a_network_for_single_inputs_takes_one_at_a_time(tmp_path):
    b = models.Builder((4, 9, 9))
    y = b.add("Reshape", b.add("Relu", b.conv("x", 8, 4, 3, 3)), _shape(b, 1, 392))
    path = b.save(b.add("Gemm", y, b.random(392, 5), b.random(5)), tmp_path / "one.onnx", batch=1)
    network = load_network(path)
    assert network.graph.single
    assert network.workload().macs == 8 * 4 * 9 * 49 + 5 * 392
    x = b.rng.normal(size=(3, 4, 9, 9)).astype(np.float32)
    quantized = quantize(network, x)
    assert network.run(x).shape == (3, 5)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(x), quantized.reference(x))
    b = models.Builder((4, 9, 9))
    y = b.add("Gemm", b.add("Flatten", b.conv("x", 8, 4, 3, 3)), b.random(392, 5), b.random(5))
    assert not load_network(b.save(y, tmp_path / "open.onnx", batch=1)).graph.single


def test_networks_that_mix_inputs_are_refused(tmp_path):
    b = models.Builder((T, K), output_rank=3)
    flat = b.add("Reshape", b.add("MatMul", "x", b.random(K, D)), _shape(b, -1, D))
    total = b.add("Add", flat, b.add("ReduceMean", flat, axes=[0], keepdims=1))
    y = b.add("Reshape", b.add("MatMul", total, b.random(D, C)), _shape(b, -1, T, C))
    network = load_network(b.save(y, tmp_path / "mix.onnx"))
    with pytest.raises(InputError, match=r"matmul\d: the rows of an input depend on the other inputs in its batch"):
        quantize(network, b.rng.normal(size=(4, T, K)).astype(np.float32))
    b = models.Builder((T, K), output_rank=2)
    y = b.add("MatMul", b.add("ReduceMean", "x", axes=[0], keepdims=0), b.random(K, C))
    with pytest.raises(InputError, match=r"matmul1: tensor 'tensor0_0' does not grow with the batch"):
        load_network(b.save(y, tmp_path / "mean.onnx"))


def test_a_batch_among_the_values_is_refused(tmp_path):
    b = models.Builder((2,))
    turned = b.add("Transpose", "x", perm=[1, 0])
    with pytest.raises(InputError, match=r"matmul1: (the batch is part of the vectors|tensor .* does not grow)"):
        load_network(b.save(b.add("MatMul", turned, b.random(1, 3)), tmp_path / "turned.onnx"))
