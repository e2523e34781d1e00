"""Inputs and weights of other types: token ids, half precision."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.networks import Dataset, Engine, exact_matmuls, load_network, quantize
from pimsim.networks.datasets import dataset_of
from tests.networks import models

WORDS, T = 11, 6


def tokens(path, kind=TensorProto.INT64):
    """An embedding, a dense layer on every token, their mean, a dense layer."""
    b = models.Builder((T,))
    y = b.add("Gather", b.random(WORDS, 8), "x")
    y = b.add("ReduceMean", b.add("Relu", b.add("MatMul", y, b.random(8, 5))), axes=[1], keepdims=0)
    return load_network(b.save(b.add("Gemm", y, b.random(5, 3)), path / "tokens.onnx", input_type=kind))


@pytest.mark.parametrize(("kind", "dtype"), [(TensorProto.INT64, np.int64), (TensorProto.INT32, np.int32)])
def test_token_ids(kind, dtype, tmp_path):
    """The embedding is digital: the arrays hold the dense layers."""
    network = tokens(tmp_path, kind)
    ids = np.random.default_rng(0).integers(0, WORDS, (20, T))
    assert network.check_images(ids.tolist()).dtype == dtype
    quantized = quantize(network, ids)
    reference = quantized.reference(ids)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(ids, batch=3), reference)
    exact = network.run(ids)
    np.testing.assert_allclose(reference, exact, atol=0.05 * np.abs(exact).max())
    assert {layer.name: layer.macs for layer in network.workload().layers} == {"matmul1": T * 40, "gemm4": 15}


def test_token_ids_are_evaluated(tmp_path):
    network = tokens(tmp_path)
    ids = np.random.default_rng(0).integers(0, WORDS, (20, T))
    chip = ps.load_chip("generic-rram-32nm").replace({"macro.device": "ideal", "macro.adc.bits": 16})
    ev = ps.evaluate(network, chip, (ids, network.run(ids).argmax(axis=1)), 1, baseline=None)
    assert ev.accuracy.mean == ev.quantized_accuracy


def test_pairs_of_ids_stay_integers():
    assert dataset_of((np.zeros((2, T), np.uint8), [0, 1])).images.dtype == np.int64
    assert isinstance(dataset_of((np.zeros((2, T)), [0, 1])), Dataset)
    assert dataset_of((np.zeros((2, T)), [0, 1])).images.dtype == np.float32


def test_ids_that_are_none_are_refused(tmp_path):
    network = tokens(tmp_path)
    with pytest.raises(InputError, match="images: "):
        network.run(np.full((1, T), 0.5))
    with pytest.raises(InputError, match="onnxruntime cannot run the network"):
        network.run(np.full((1, T), WORDS))
    with pytest.raises(InputError, match="must be float32, or integers of 32 or 64 bits"):
        tokens(tmp_path, TensorProto.BOOL)


def half(model, kind):
    """The model in half precision: every weight, the input, the output and the types of nodes."""
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            made = helper.make_tensor(tensor.name, kind, values.shape, values.ravel())
            tensor.CopyFrom(made)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = kind
    return model


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.BFLOAT16])
def test_half_precision_runs_as_float32(kind, tmp_path):
    b = models.Builder((2, 6, 6))
    y = b.add("Relu", b.conv("x", 4, 2, 3, 3, pads=[1, 1, 1, 1]))
    y = b.add("Cast", b.add("Cast", y, to=TensorProto.FLOAT), to=kind)
    y = b.add("Gemm", b.add("Flatten", y), b.random(144, 3), b.random(3))
    (tmp_path / "half.onnx").write_bytes(half(b.model(y), kind).SerializeToString())
    network = load_network(tmp_path / "half.onnx")
    assert network.notes == ("half precision runs as float32",)
    stored = numpy_helper.to_array(half(b.model(y), kind).graph.initializer[0]).astype(np.float32)
    np.testing.assert_array_equal(network.graph.products[0].weight, stored)
    images = np.random.default_rng(1).normal(size=(4, 2, 6, 6)).astype(np.float32)
    quantized = quantize(network, images)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(images), quantized.reference(images))
