"""Products of two computed tensors: digital, counted in the workload, priced on the role mac."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, SpecError
from pimsim.networks import Dataset, Engine, exact_matmuls, load_network, quantize
from tests.networks import models

D, H, T, C = 8, 2, 5, 3  # values, heads, tokens, classes


def _attention(path):
    b = models.Builder((T, D))
    split, joined = (b.constant(np.array(s, np.int64)) for s in ((0, T, H, D // H), (0, T, D)))
    heads = {}
    for part, perm in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        heads[part] = b.add("Transpose", b.add("Reshape", b.add("MatMul", "x", b.random(D, D)), split), perm=perm)
    weights = b.add("Softmax", b.add("MatMul", heads["q"], heads["k"]), axis=-1)
    mixed = b.add("Transpose", b.add("MatMul", weights, heads["v"]), perm=[0, 2, 1, 3])
    out = b.add("MatMul", b.add("Reshape", mixed, joined), b.random(D, D))
    y = b.add("Gemm", b.add("ReduceMean", b.add("Add", out, "x"), axes=[1], keepdims=0), b.random(D, C), b.random(C))
    return b.save(y, path / "attention.onnx"), b.rng.normal(size=(6, T, D)).astype(np.float32)


def test_every_product_is_counted(tmp_path):
    """Four matrices of D x D at T tokens; scores H x T x T x D/H, and as many to attend; the head."""
    path, _ = _attention(tmp_path)
    network = load_network(path)
    workload = network.workload()
    assert workload.macs == 4 * T * D * D + 2 * H * T * T * (D // H) + D * C
    assert workload.weights == 4 * D * D + D * C
    assert [layer.kind for layer in workload.layers] == ["dense"] * 3 + ["matmul"] * 2 + ["dense"] * 2
    scores, attend = (layer for layer in workload.layers if layer.kind == "matmul")
    assert (scores.groups, scores.n, scores.c, scores.m) == (H, T, D // H, T)
    assert (attend.groups, attend.n, attend.c, attend.m) == (H, T, T, D // H)
    assert network.notes == (
        f"products of two computed tensors run digitally, priced on the role 'mac': {scores.name}, {attend.name}",
    )


@pytest.mark.parametrize("batch", [6, 4, 1])
def test_engine_meets_the_reference(batch, tmp_path):
    path, x = _attention(tmp_path)
    quantized = quantize(load_network(path), x)
    assert len(quantized.layers) == 5
    np.testing.assert_array_equal(
        Engine(quantized, exact_matmuls(quantized)).run(x, batch=batch), quantized.reference(x)
    )


def test_strict_refuses_them_by_name(tmp_path):
    path, _ = _attention(tmp_path)
    with pytest.raises(InputError, match=r"matmul\d+, matmul\d+: the weights of MatMul are not constant"):
        load_network(path, strict=True)


def test_they_are_priced_and_evaluated(tmp_path):
    path, x = _attention(tmp_path)
    network, chip = load_network(path), ps.load_chip("generic-rram-32nm")
    cost = chip.cost(network.workload())
    assert cost.macs == network.workload().macs
    data = Dataset(x, network.run(x).argmax(axis=1), "tokens", "test")
    found = ps.evaluate(network, chip, data, trials=1, baseline=None, calibration=data)
    assert 0 <= found.accuracy.mean <= 1
    assert [row["layer"] for row in found.layers] == [row["layer"] for row in chip.layers(network.workload())]
    without = {name: part for name, part in chip.components.items() if name not in chip.with_role("mac")}
    with pytest.raises(SpecError, match="need the role 'mac'"):
        chip.replace({"components": without}).cost(network.workload())
