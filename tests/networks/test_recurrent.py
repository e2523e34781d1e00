"""LSTM, GRU and RNN: float outputs of onnxruntime's own operators, integers bit for bit, counts by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimsim.base.errors import InputError
from pimsim.networks import load_network, quantize
from tests.networks import models
from tests.networks.test_normal_form import check, macs

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def layer(b, kind, source, inputs, hidden, ways=1, bias=True, states=(), outputs=1, **attributes):
    """A recurrent layer on (time, batch, inputs)."""
    g = GATES[kind]
    extra = [b.random(ways, 2 * g * hidden) if bias else "", "", *states] if bias or states else []
    numbers = [b.random(ways, g * hidden, inputs), b.random(ways, g * hidden, hidden), *extra]
    return b.add(kind, source, *numbers, outputs=outputs, hidden_size=hidden, **attributes)


def net(kind, steps, inputs, hidden, seed=0, ways=1, **options):
    """Images (batch, time, inputs) turned time-major, through the layer, and back."""
    b = models.Builder((steps, inputs), seed=seed, output_rank=4)
    y = layer(b, kind, b.add("Transpose", "x", perm=[1, 0, 2]), inputs, hidden, ways, **options)
    return b, b.add("Transpose", y, perm=[2, 0, 1, 3])


@settings(max_examples=12, deadline=None)
@given(
    kind=st.sampled_from(sorted(GATES)), steps=st.integers(1, 5), inputs=st.integers(1, 5), hidden=st.integers(1, 4),
    direction=st.sampled_from(["forward", "reverse", "bidirectional"]), bias=st.booleans(), after=st.booleans(),
    relu=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_recurrent_layers(tmp_path_factory, kind, steps, inputs, hidden, direction, bias, after, relu, seed):
    """A step's input meets gates x H x I weights, its state gates x H x H: one matrix each, read once a step."""
    ways = 2 if direction == "bidirectional" else 1
    extra = {"linear_before_reset": int(after)} if kind == "GRU" else {}
    extra |= {"activations": ["Relu"] * ways} if kind == "RNN" and relu else {}
    b, y = net(kind, steps, inputs, hidden, seed, ways, direction=direction, bias=bias, **extra)
    network = check(b, y, tmp_path_factory.mktemp("recurrent"), atol=0.35)
    assert sum(macs(network).values()) == ways * steps * GATES[kind] * hidden * (inputs + hidden)
    split = kind == "GRU" and not after  # the state's own part is multiplied after the reset
    assert network.workload().weights == ways * GATES[kind] * hidden * (inputs + hidden)
    assert len(network.workload().layers) == ways * (3 if split else 2)


def test_layers_on_layers_with_given_states(tmp_path):
    """A state that is computed from the input, a last state as output, three steps of 6 x (3 + 6) weights x 4 gates."""
    b = models.Builder((3, 3), output_rank=2)
    x = b.add("Transpose", "x", perm=[1, 0, 2])
    start = b.add("Unsqueeze", b.add("MatMul", b.add("ReduceMean", "x", axes=[1], keepdims=0), b.random(3, 6)),
                  b.constant(np.array([0])))  # fmt: skip
    y = layer(b, "LSTM", x, 3, 6, states=(start, start))
    y = layer(b, "GRU", b.add("Squeeze", y, b.constant(np.array([1]))), 6, 2, linear_before_reset=1)
    y = b.add("ReduceMean", y, axes=[0, 1], keepdims=0)
    network = check(b, y, tmp_path, atol=0.2)
    assert macs(network) == {
        "matmul2": 18, "lstm4/W": 3 * 3 * 24, "lstm4/R": 3 * 6 * 24, "gru6/W": 3 * 6 * 6, "gru6/R": 3 * 2 * 6,
    }  # fmt: skip


def test_an_unrolled_layer_is_stored_once(tmp_path):
    b, y = net("LSTM", 7, 3, 5)
    network = load_network(b.save(y, tmp_path / "lstm.onnx"))
    images = np.random.default_rng(0).normal(size=(4, 7, 3)).astype(np.float32)
    layers = quantize(network, images).layers
    assert [(one.name, one.weight.shape, one.positions) for one in layers] == [
        ("lstm1/W", (3, 20), 7), ("lstm1/R", (5, 20), 7),
    ]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), [
    ({"clip": 1.0}, "clip of LSTM is not supported"), ({"input_forget": 1}, "input_forget of LSTM"),
    ({"activations": ["Relu", "Tanh", "Tanh"]}, "activations Relu, Tanh, Tanh; only Sigmoid, Tanh, Tanh"),
])  # fmt: skip
def test_what_is_not_supported_is_refused(options, message, tmp_path):
    b, y = net("LSTM", 2, 3, 2, **options)
    with pytest.raises(InputError, match=f"lstm1: {message}"):
        load_network(b.save(y, tmp_path / "lstm.onnx"))
