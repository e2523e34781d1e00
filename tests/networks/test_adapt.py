"""Networks as people have them: open sizes, states, several outputs, old operator sets."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from pimsim.base.errors import InputError, MissingError
from pimsim.networks import Engine, exact_matmuls, load_network, quantize
from tests.networks import models


def _open(tmp_path, sizes=("h", "w")):
    """A convolution of 8 x 4 x 3 x 3 on maps whose sizes are left open."""
    b = models.Builder((4, *sizes), output_rank=4)
    return b.save(b.conv("x", 8, 4, 3, 3), tmp_path / "open.onnx")


def test_sizes_that_are_left_open_are_given(tmp_path):
    path = _open(tmp_path)
    with pytest.raises(InputError, match="needs a fixed shape after the batch; give it by shape="):
        load_network(path)
    for shape in ({"x": (4, 9, 9)}, (4, 9, 9), [4, np.int64(9), 9]):
        network = load_network(path, shape=shape)
        assert network.workload().macs == 8 * 4 * 9 * 49
        assert network.graph.input_shape == (4, 9, 9)
    assert load_network(path, shape=(4, 5, 7)).workload().macs == 8 * 4 * 9 * 3 * 5


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ({"y": (4, 9, 9)}, MissingError, "the network has no input 'y'; it has x"),
        ((4, 9), InputError, r"x has the sizes \[4, 0, 0\] behind the batch \(0 = open\), not \[4, 9\]"),
        ((3, 9, 9), InputError, r"not \[3, 9, 9\]"),
        ((4, 9, -1), InputError, "shape of x = -1: must be an integer of at least 1"),
        ((4, 9, 9.5), InputError, "shape of x = 9.5: must be an integer"),
        ((4, 2**20, 2**20), InputError, "elements"),
    ],
)
def test_sizes_that_do_not_fit(shape, error, message, tmp_path):
    with pytest.raises(error, match=message):
        load_network(_open(tmp_path), shape=shape)


def test_the_hash_covers_what_was_asked_for(tmp_path):
    path = _open(tmp_path, sizes=(9, 9))
    plain = load_network(path).sha256
    assert plain == load_network(path, inputs={}).sha256
    found = {load_network(_open(tmp_path), shape=(4, n, 9)).sha256 for n in (8, 9)}
    assert len(found | {plain}) == 3
    assert len({load_network(_open(tmp_path), shape=s).sha256 for s in ((4, 9, 9), [4, np.int64(9), 9])}) == 1


def _with_state(tmp_path):
    """y = x W + s, the state s an input of shape (1, 3); and a rate that nothing but a cast reads."""
    b = models.Builder((4,))
    y = b.add("Add", b.add("MatMul", "x", b.random(4, 3)), "s")
    model = b.model(b.add("Mul", y, b.add("Cast", "rate", to=TensorProto.FLOAT)))
    model.graph.input.append(helper.make_tensor_value_info("s", TensorProto.FLOAT, (1, 3)))
    model.graph.input.append(helper.make_tensor_value_info("rate", TensorProto.INT64, ()))
    (tmp_path / "s.onnx").write_bytes(model.SerializeToString())
    return tmp_path / "s.onnx", b.rng.normal(size=(5, 4)).astype(np.float32)


def test_inputs_that_stay_the_same_are_fixed(tmp_path):
    path, x = _with_state(tmp_path)
    with pytest.raises(InputError, match=r"not 3 \(x, s, rate\) and 1; fix the other inputs by inputs="):
        load_network(path)
    state = np.array([[1.0, 2.0, 3.0]])
    one, two = (load_network(path, inputs={"s": k * state, "rate": 2}) for k in (1, 2))
    np.testing.assert_allclose(two.run(x) - one.run(x), np.broadcast_to(2 * state, (5, 3)), atol=1e-5)
    assert one.sha256 != two.sha256
    quantized = quantize(one, x)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(x), quantized.reference(x))


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ({"t": 1}, MissingError, "the network has no input 't'; it has x, s, rate"),
        ({"s": np.zeros((2, 3))}, InputError, r"s has shape \(2, 3\), the network wants \[1, 3\]"),
        ({"s": [[np.nan, 0, 0]]}, InputError, "s is not finite"),
        ({"s": "many"}, InputError, "inputs: s"),
        ({"s": [[1, 2], [3]]}, InputError, "inputs: s"),
    ],
)
def test_inputs_that_do_not_fit(inputs, error, message, tmp_path):
    with pytest.raises(error, match=message):
        load_network(_with_state(tmp_path)[0], inputs=inputs)


def _two_outputs(tmp_path):
    b = models.Builder((4,))
    first = b.add("MatMul", "x", b.random(4, 3))
    second = b.add("MatMul", b.add("Relu", first), b.random(3, 2))
    model = b.model(first)
    model.graph.output.append(helper.make_tensor_value_info(second, TensorProto.FLOAT, ("n", 2)))
    (tmp_path / "two.onnx").write_bytes(model.SerializeToString())
    return tmp_path / "two.onnx", first, second


def test_one_of_several_outputs(tmp_path):
    path, first, second = _two_outputs(tmp_path)
    network = load_network(path)
    assert network.notes == (f"the network's output is {first!r}; it also has {second} (output=)",)
    assert network.workload().macs == 4 * 3 + 3 * 2  # all that the file computes
    assert load_network(path, output=first).workload().macs == 4 * 3
    chosen = load_network(path, output=second)
    assert (chosen.workload().macs, chosen.notes) == (4 * 3 + 3 * 2, ())
    x = np.ones((5, 4), np.float32)
    assert [net.run(x).shape for net in (network, chosen)] == [(5, 3), (5, 2)]
    for net in (network, chosen):
        quantized = quantize(net, x)
        np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(x), quantized.reference(x))
    with pytest.raises(MissingError, match="the network has no output 'logits'"):
        load_network(path, output="logits")


@pytest.mark.parametrize("opset", [7, 9, 11, 12])
def test_old_operator_sets_are_converted(opset, tmp_path):
    b = models.Builder((4, 9, 9))
    y = b.add("Relu", b.conv("x", 8, 4, 3, 3))
    y = b.add("Softmax", b.add("Gemm", b.add("Flatten", y), b.random(392, 5), b.random(5)), axis=1)
    model = b.model(y, opset=opset)
    model.ir_version = 4
    path = tmp_path / "old.onnx"
    path.write_bytes(model.SerializeToString())
    network = load_network(path)
    assert network.notes == (f"converted from ONNX opset {opset} to 17",)
    assert network.workload().macs == 8 * 4 * 9 * 49 + 392 * 5
    x = b.rng.normal(size=(3, 4, 9, 9)).astype(np.float32)
    session = ReferenceEvaluator(model)
    np.testing.assert_allclose(network.run(x), session.run(None, {"x": x})[0], atol=1e-5)
    quantized = quantize(network, x)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(x), quantized.reference(x))


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_dilated_convolutions_as_large_as_their_input(mode, size, tmp_path):
    """onnxruntime refuses the combination: against loops over the taps."""
    b = models.Builder((1, 7, 6), output_rank=4)
    options = {"dilations": [2, 3], "kernel_shape": [size, size], "auto_pad": mode}
    network = load_network(b.save(b.conv("x", 1, 1, size, size, bias=False, **options), tmp_path / "d.onnx"))
    x = b.rng.normal(size=(2, 1, 7, 6)).astype(np.float32)
    weight, right = network.graph.products[0].weight[0, 0], np.zeros((2, 7, 6))
    for r, s in np.ndindex(size, size):
        top, left = ((size - 1) * d for d in (2, 3))
        before = [t // 2 if mode == "SAME_UPPER" else t - t // 2 for t in (top, left)]
        for p, q in np.ndindex(7, 6):
            i, j = p - before[0] + 2 * r, q - before[1] + 3 * s
            if 0 <= i < 7 and 0 <= j < 6:
                right[:, p, q] += weight[r, s] * x[:, 0, i, j]
    np.testing.assert_allclose(network.run(x)[:, 0], right, atol=1e-5)


def test_constants_that_are_listed_as_inputs(tmp_path):
    """As files of IR version 3 list them."""
    b = models.Builder((4,))
    model = b.model(b.add("MatMul", "x", b.random(4, 3)), opset=9)
    model.ir_version = 3
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    (tmp_path / "ir3.onnx").write_bytes(model.SerializeToString())
    assert load_network(tmp_path / "ir3.onnx").workload().macs == 12


def test_operators_that_cannot_be_converted_are_refused(tmp_path):
    b = models.Builder((4,))
    path = b.save(b.add("Relu", b.add("MatMul", "x", b.random(4, 3))), tmp_path / "o.onnx", opset=12)
    model = onnx.load(path)
    model.opset_import[0].version = 0
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"not a valid ONNX file|opset 0 cannot be converted"):
        load_network(path)
