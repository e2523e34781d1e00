"""Loading a network: what is shipped, what is folded, what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import pimsim
from pimsim.base.errors import InputError, MissingError
from pimsim.networks import Engine, exact_matmuls, list_networks, load_dataset, load_network, quantize
from pimsim.networks.session import Session
from tests.networks import models

# where the Debian package dataset-fashion-mnist puts the whole data set
FULL = Path("/usr/share/datasets/fashion-mnist")


def test_shipped_network_is_small_and_right():
    network = pimsim.load_network("fashion-vgg")
    assert list_networks() == ["fashion-vgg"]
    assert len(network.session.model) <= 400_000
    assert network.accuracy(load_dataset("fashion-mnist")) > 0.93
    shape = network.workload()
    assert (shape.name, shape.macs, shape.weights) == ("fashion-vgg", 3_053_952, 51_984)
    assert shape.labels == ("conv1", "conv2", "conv3", "conv4", "dense")
    assert [layer.matrix for layer in shape.layers] == [
        (9, 16, 784), (144, 32, 196), (288, 48, 49), (432, 64, 49), (576, 10, 1)
    ]  # fmt: skip
    assert [layer.inputs for layer in shape.layers] == [784, 16 * 196, 32 * 49, 48 * 49, 576]


@pytest.mark.skipif(not FULL.is_dir(), reason="needs all of Fashion-MNIST")
def test_accuracy_on_all_test_images(fashion):
    data = load_dataset(FULL, split="test")
    assert len(data) == 10_000
    exact = fashion.network.accuracy(data)
    assert exact >= 0.91
    assert fashion.accuracy(data) > exact - 0.003


@pytest.mark.parametrize("name", models.ALL)
def test_float_run_is_onnxruntime(name, tmp_path):
    path = models.ALL[name](tmp_path / f"{name}.onnx")
    network = load_network(str(path))
    images = np.random.default_rng(0).normal(size=(3, *network.graph.input_shape)).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(network.run(images), session.run(None, {"x": images})[0], rtol=1e-6, atol=1e-6)


def test_batch_norm_is_folded_without_a_trace():
    """Relative to the largest output, 1e-5: what onnxruntime computes from the file that still has the batch norm."""
    network = load_network("fashion-vgg")
    images = load_dataset("fashion-mnist", limit=50).images
    stored = [node.op_type for node in onnx.load_from_string(network.session.model).graph.node]
    folded = [node.op_type for node in network.graph.model.graph.node]
    assert stored.count("BatchNormalization") == 4
    assert folded.count("BatchNormalization") == 0
    _same_function(network, images)


@pytest.mark.parametrize("trans", [0, 1])
def test_batch_norm_after_a_dense_layer_is_folded(trans, tmp_path):
    b = models.Builder((5,))
    y = b.batch_norm(b.add("Gemm", "x", b.random(*((4, 5) if trans else (5, 4))), b.random(4), transB=trans), 4)
    network = load_network(b.save(y, tmp_path / "dense.onnx"))
    assert [node.op_type for node in network.graph.model.graph.node] == ["Gemm"]
    _same_function(network, b.rng.normal(size=(7, 5)).astype(np.float32))


def test_batch_norm_that_shares_its_input_or_comes_first_stays_digital(tmp_path):
    b = models.Builder((2, 5, 5))
    y = b.conv(b.batch_norm("x", 2), 3, 2, 3, 3)
    network = load_network(b.save(b.add("Flatten", b.add("Add", b.batch_norm(y, 3), y)), tmp_path / "shared.onnx"))
    assert [node.op_type for node in network.graph.model.graph.node].count("BatchNormalization") == 2
    _same_function(network, b.rng.normal(size=(7, 2, 5, 5)).astype(np.float32))


def _same_function(network, images):
    expected = network.run(images)
    folded = Session(network.graph.model.SerializeToString()).run([network.graph.output], {network.graph.input: images})
    np.testing.assert_allclose(folded[0], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_weights_behind_constant_operators_are_constant(tmp_path):
    b = models.Builder((4,))
    weight = b.add("Transpose", b.random(3, 4), perm=[1, 0])
    network = load_network(b.save(b.add("MatMul", "x", weight), tmp_path / "transposed.onnx"))
    assert network.graph.products[0].weight.shape == (4, 3)
    assert not network.graph.digital


def test_shape_for_the_cost_of_other_layers(tmp_path):
    layers = load_network(models.grouped(tmp_path / "grouped.onnx")).workload().layers
    assert [(layer.groups, layer.padding, layer.dilation) for layer in layers[:2]] == [(4, 1, 1), (2, 0, 2)]
    layers = load_network(models.tokens(tmp_path / "tokens.onnx")).workload().layers
    assert [layer.matrix for layer in layers] == [(8, 12, 5), (12, 8, 5), (8, 4, 1)]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("fashion-vg", MissingError, "no network 'fashion-vg'; did you mean 'fashion-vgg'"),
        ("nowhere/net.onnx", MissingError, "no file nowhere/net.onnx"),
    ],
)
def test_missing(name, error, message):
    with pytest.raises(error, match=message):
        load_network(name)


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x08garbage" * 9])
def test_a_file_that_is_not_onnx(content, tmp_path):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.onnx is not a valid ONNX file"):
        load_network(path)


def _refused(b, output, message, path, **options):
    with pytest.raises(InputError, match=message):
        load_network(b.save(output, path / "refused.onnx", **options))


def test_weights_that_are_not_constant(tmp_path):
    b = models.Builder((4, 4))
    _refused(b, b.add("Gemm", "x", "x"), "gemm0: the weights of Gemm are not constant", tmp_path)
    b = models.Builder((1, 4, 4))
    y = b.add("Conv", "x", b.random(2, 1, 3, 3), b.add("ReduceMax", "x", keepdims=0))
    _refused(b, y, "conv1: the bias of Conv is not constant", tmp_path)


def test_operators_that_no_array_computes(tmp_path):
    b = models.Builder((2, 5, 5, 5, 5), output_rank=6)
    _refused(b, b.add("Conv", "x", b.random(2, 2, 3, 3, 3, 3)), "only 1-D, 2-D and 3-D convolutions", tmp_path)
    b = models.Builder((4,))
    _refused(b, b.add("Relu", "x"), "no convolution or dense layer", tmp_path)
    b = models.Builder((4,))
    y = b.add("Gemm", "x", b.random(1, 3), transA=1)
    _refused(b, y, "an input that is not transposed", tmp_path)


def test_networks_that_are_not_usable(tmp_path):
    b = models.Builder((4,))
    y = b.add("MatMul", "x", b.constant(np.array([[np.nan], [1], [2], [3]], np.float32)))
    _refused(b, y, "matmul0: its weights or bias are not finite", tmp_path)
    b = models.Builder((4,))
    y = b.add("MatMul", b.add("Cast", "x", to=TensorProto.FLOAT), b.random(4, 2))
    _refused(b, y, "input 'x' must be float32", tmp_path, input_type=TensorProto.DOUBLE)
    b = models.Builder((None, 4))
    _refused(b, b.add("MatMul", "x", b.random(4, 2)), "needs a fixed shape after the batch", tmp_path)


def test_two_inputs_are_refused(tmp_path):
    b = models.Builder((4,))
    model = b.model(b.add("MatMul", b.add("Add", "x", "z"), b.random(4, 2)))
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ("n", 4)))
    (tmp_path / "two.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"one input and one output, not 2 \(x, z\) and 1"):
        load_network(tmp_path / "two.onnx")


def test_a_fixed_batch_is_freed_or_refused(tmp_path):
    b = models.Builder((2, 3))
    flat = b.add("MatMul", b.add("Flatten", "x"), b.random(6, 4))
    network = load_network(b.save(flat, tmp_path / "fixed.onnx", batch=1))
    assert network.run(b.rng.normal(size=(5, 2, 3))).shape == (5, 4)
    b = models.Builder((2, 3))
    flat = b.add("MatMul", b.add("Reshape", "x", b.constant(np.array([2, 6]))), b.random(6, 4))
    _refused(b, flat, "does not grow with the batch; export the network with the batch size", tmp_path, batch=2)


def _saved(b, output, path):
    return load_network(b.save(output, path)).workload()


@pytest.mark.parametrize(
    ("kernel", "options", "expected"),
    [
        ((3, 3), {"strides": [1, 2]}, {"p": 6, "q": 3, "stride": (1, 2), "inputs": 8 * 7}),
        ((3, 3), {"dilations": [2, 1]}, {"p": 4, "q": 6, "dilation": (2, 1), "inputs": 8 * 8}),
        ((1, 7), {"pads": [0, 3, 0, 3]}, {"p": 8, "q": 8, "padding": (0, 3), "inputs": 8 * 8}),
        ((3, 3), {"pads": [0, 0, 1, 1], "strides": [2, 2]}, {"p": 4, "padding": (0, 0, 1, 1), "inputs": 8 * 8}),
        # The second padded row at the bottom is not touched: windows start at rows -1, 1, 3, 5.
        ((3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}, {"p": 4, "padding": (1, 1, 0, 0), "inputs": 8 * 8}),
    ],
)
def test_directions_and_sides_of_convolutions_reach_the_workload(kernel, options, expected, tmp_path):
    b = models.Builder((1, 8, 8))
    (layer,) = _saved(b, b.add("Flatten", b.conv("x", 2, 1, *kernel, **options)), tmp_path / "s.onnx").layers
    assert {name: getattr(layer, name) for name in expected} == expected


def test_networks_with_unequal_strides_are_quantized(tmp_path):
    b = models.Builder((1, 8, 8))
    y = b.conv("x", 2, 1, 3, 3, strides=[1, 2], dilations=[2, 1], pads=[0, 1, 2, 0])
    network = load_network(b.save(b.add("Flatten", y), tmp_path / "s.onnx"))
    images = np.random.default_rng(0).uniform(size=(20, 1, 8, 8)).astype(np.float32)
    exact = network.run(images)
    quantized = quantize(network, images)
    found = Engine(quantized, exact_matmuls(quantized)).run(images)
    assert np.abs(found - exact).max() < 0.02 * np.abs(exact).max()


def test_words_of_the_network_are_those_of_its_own_input_and_output(tmp_path):
    b = models.Builder((3, 16, 16))
    pooled = b.add("AveragePool", "x", kernel_shape=[4, 4], strides=[4, 4])
    out = b.add("Flatten", b.add("GlobalAveragePool", b.conv(pooled, 8, 3, 3, 3)))
    workload = _saved(b, out, tmp_path / "p.onnx")
    assert (workload.inputs, workload.outputs) == (3 * 16 * 16, 8)
    assert workload.layers[0].inputs == 3 * 4 * 4


def test_from_torch_meets_torch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, bias=False),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(64, 3),
    )
    model(torch.rand(8, 2, 6, 6))  # moves the running statistics of the batch norm
    images = torch.rand(5, 2, 6, 6)
    network = pimsim.from_torch(model, images[:1])
    assert model.training
    np.testing.assert_allclose(network.run(images.numpy()), model.eval()(images).detach().numpy(), atol=1e-5)
    assert [layer.weight.shape for layer in quantize(network, images.numpy()).layers] == [(18, 4), (64, 3)]


def test_from_torch_without_torch(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"pip install 'pimsim\[torch\]'"):
        pimsim.from_torch(None, None)


def test_networks_do_not_import_torch_or_compile():
    code = "import sys, pimsim.networks; print(sorted({'torch', 'numba', 'matplotlib', 'pandas'} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert shown.stdout.strip() == "[]"
