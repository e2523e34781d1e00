"""Operators that become products on arrays: float outputs unchanged, integers bit for bit, counts by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimsim.base.errors import InputError
from pimsim.networks import Engine, exact_matmuls, load_network, quantize
from pimsim.networks.session import Session
from tests.networks import models

SMALL = st.integers(1, 3)


def check(b, output, path, n=5, atol=0.1):
    """The network as loaded: rewritten it gives the float outputs of the file, and its engine the reference."""
    network = load_network(b.save(output, path / "net.onnx"))
    images = np.random.default_rng(3).normal(size=(n, *b.input_shape)).astype(np.float32)
    graph = network.graph
    exact = network.run(images)
    rewritten = Session(graph.model.SerializeToString()).run([graph.output], {graph.input: images})[0]
    np.testing.assert_allclose(graph.outputs(rewritten, n), exact, rtol=1e-4, atol=1e-4 * np.abs(exact).max())
    quantized = quantize(network, images)
    reference = quantized.reference(images)
    np.testing.assert_array_equal(Engine(quantized, exact_matmuls(quantized)).run(images, batch=2), reference)
    np.testing.assert_allclose(reference, exact, atol=atol * np.abs(exact).max())
    return network


def macs(network):
    return {layer.name: layer.macs for layer in network.workload().layers}


@pytest.mark.parametrize("shape", [(7, 12), (3, 7, 12)])
def test_a_constant_on_the_left(shape, tmp_path):
    """Token mixing: 5 x 7 on 7 tokens of 12 channels is 12 vectors of 7."""
    b = models.Builder(shape, output_rank=len(shape) + 1)
    network = check(b, b.add("MatMul", b.random(5, 7), "x"), tmp_path)
    assert macs(network) == {"matmul0": 5 * 7 * 12 * int(np.prod(shape[:-2]))}
    assert network.graph.products[0].weight.shape == (7, 5)


def test_a_vector_on_either_side(tmp_path):
    b = models.Builder((7, 12), output_rank=2)
    y = b.add("Add", b.add("MatMul", "x", b.random(12)), b.add("MatMul", b.random(7), b.add("Slice", "x",
        b.constant(np.array([0])), b.constant(np.array([7])), b.constant(np.array([2])))))  # fmt: skip
    assert list(macs(check(b, y, tmp_path)).values()) == [7 * 12, 7 * 7]


@pytest.mark.parametrize(("shape", "weight"), [
    ((4, 6, 5), (4, 5, 3)), ((4, 6, 5), (1, 5, 3)), ((2, 4, 6, 5), (2, 4, 5, 3)), ((2, 4, 6, 5), (4, 5, 3)),
    ((1, 6, 5), (4, 5, 3)), ((6, 5), (1, 5, 3)),
])  # fmt: skip
@pytest.mark.parametrize("left", [False, True])
def test_stacks_of_matrices(shape, weight, left, tmp_path):
    """Each matrix is a layer; all of them together multiply as often as the operator."""
    out = (*np.broadcast_shapes(shape[:-2], weight[:-2]), shape[-2], weight[-1])
    b = models.Builder(shape, output_rank=len(out) + 1)
    if left:
        matrix = b.random(*weight[:-2], weight[-1], weight[-2])
        y = b.add("MatMul", matrix, b.add("Transpose", "x", perm=[*range(len(shape) - 1), len(shape), len(shape) - 1]))
    else:
        y = b.add("MatMul", "x", b.random(*weight))
    network = check(b, y, tmp_path)
    assert sum(macs(network).values()) == int(np.prod(out)) * weight[-2]
    assert len(network.graph.products) == int(np.prod(weight[:-2]))


@pytest.mark.parametrize(("equation", "shape", "weight", "count"), [
    ("bnk,km->bnm", (6, 5), (5, 3), 6 * 5 * 3), ("bkn,mk->bmn", (5, 6), (3, 5), 6 * 5 * 3),
    ("mk,bkn->bnm", (5, 6), (3, 5), 6 * 5 * 3), ("bhnd,hdm->bnhm", (2, 6, 5), (2, 5, 3), 2 * 6 * 5 * 3),
    ("bhnd,hdm->bnm", (2, 6, 5), (2, 5, 3), 2 * 6 * 5 * 3), ("btd,dhk->bhtk", (6, 5), (5, 2, 3), 6 * 5 * 2 * 3),
    ("bgk,gk->bg", (4, 5), (4, 5), 4 * 5), ("bk,k->b", (5,), (5,), 5),
])  # fmt: skip
def test_einsum_with_a_constant(equation, shape, weight, count, tmp_path):
    operands = ["x", None] if equation.startswith("b") else [None, "x"]
    b = models.Builder(shape, output_rank=len(equation.split("->")[1]))
    operands = [b.random(*weight) if name is None else name for name in operands]
    network = check(b, b.add("Einsum", *operands, equation=equation), tmp_path)
    assert sum(macs(network).values()) == count


def test_einsum_of_two_computed_tensors_is_attention(tmp_path):
    b = models.Builder((6, 5), output_rank=3)
    q, k = (b.add("MatMul", "x", b.random(5, 4)) for _ in range(2))
    y = b.add("Einsum", q, k, equation="bid,bjd->bij")
    network = check(b, y, tmp_path)
    assert macs(network) == {"matmul0": 120, "matmul1": 120, "einsum2": 6 * 6 * 4}
    assert [product.name for product in network.graph.computed] == ["einsum2"]


@pytest.mark.parametrize(("equation", "weight"), [
    ("bii,ij->bj", (5, 5)), ("bij,kl->bk", (5, 5)), ("...j,jk->...k", (5, 5)), ("bij,ij->bij", (5, 5)),
])  # fmt: skip
def test_einsums_that_are_no_matrix_product_are_refused(equation, weight, tmp_path):
    b = models.Builder((5, 5), output_rank=2)
    y = b.add("Einsum", "x", b.random(*weight), equation=equation)
    with pytest.raises(InputError, match=r"einsum0: Einsum '.*' is no (product of two tensors|matrix product)"):
        load_network(b.save(y, tmp_path / "einsum.onnx"))


@settings(max_examples=25, deadline=None)
@given(
    rank=SMALL, c=SMALL, m=SMALL, groups=SMALL, kernel=SMALL, stride=SMALL, dilation=SMALL,
    pads=st.lists(st.integers(0, 2), min_size=6, max_size=6), size=st.integers(4, 6), seed=st.integers(0, 99),
)  # fmt: skip
def test_convolutions_of_any_rank(tmp_path_factory, rank, c, m, groups, kernel, stride, dilation, pads, size, seed):
    if dilation * (kernel - 1) + 1 > size:
        dilation = 1
    b = models.Builder((c * groups, *[size] * rank), seed=seed, output_rank=rank + 2)
    y = b.add(
        "Conv", "x", b.random(m * groups, c, *[kernel] * rank), b.random(m * groups), group=groups,
        strides=[stride] * rank, dilations=[dilation] * rank, pads=pads[:rank] + pads[3 : 3 + rank],
    )  # fmt: skip
    network = check(b, y, tmp_path_factory.mktemp("conv"))
    out = int(np.prod(network.graph.output_shape))
    assert sum(macs(network).values()) == out * c * kernel**rank


@settings(max_examples=25, deadline=None)
@given(
    rank=SMALL, c=SMALL, m=SMALL, groups=SMALL, kernel=SMALL, stride=SMALL, dilation=SMALL, pad=st.integers(0, 1),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_transposed_convolutions(tmp_path_factory, rank, c, m, groups, kernel, stride, dilation, pad, seed):
    """A pixel's channels meet every output channel and place of the kernel once, whatever the stride."""
    size = 4
    b = models.Builder((c * groups, *[size] * rank), seed=seed, output_rank=rank + 2)
    y = b.add(
        "ConvTranspose", "x", b.random(c * groups, m, *[kernel] * rank), b.random(m * groups), group=groups,
        strides=[stride] * rank, dilations=[dilation] * rank, pads=[pad] * (2 * rank),
        output_padding=[stride - 1] * rank,
    )  # fmt: skip
    network = check(b, y, tmp_path_factory.mktemp("transposed"))
    assert macs(network) == {"convtranspose0": groups * c * m * kernel**rank * size**rank}


def test_a_deep_convolution_of_the_same_size(tmp_path):
    for mode in ("SAME_UPPER", "SAME_LOWER"):
        b = models.Builder((2, 5, 6, 7), output_rank=5)
        network = check(b, b.add("Conv", "x", b.random(3, 2, 2, 3, 2), auto_pad=mode, strides=[2, 1, 1]), tmp_path)
        assert network.graph.output_shape == (3, 3, 6, 7)


def test_a_small_network_of_them_all(tmp_path):
    """Shared weights stay shared: two uses of one matrix on the left are one matrix."""
    b = models.Builder((4, 6, 6), output_rank=3)
    y = b.add("Relu", b.add("ConvTranspose", "x", b.random(4, 3, 2, 2), strides=[2, 2]))
    y = b.add("Reshape", y, b.constant(np.array([0, 3, 144])))
    left = b.random(3, 3)
    for _ in range(2):
        y = b.add("Tanh", b.add("MatMul", left, y))
    network = check(b, y, tmp_path)
    assert macs(network) == {"convtranspose0": 36 * 4 * 3 * 4, "matmul3": 2 * 144 * 9}


def test_weights_that_are_not_constant_are_refused(tmp_path):
    b = models.Builder((4, 3, 3), output_rank=4)
    y = b.add("ConvTranspose", "x", b.add("ReduceMean", b.conv("x", 4, 4, 1, 1), axes=[0], keepdims=1))
    with pytest.raises(InputError, match="convtranspose2: the weights of ConvTranspose are not constant"):
        load_network(b.save(y, tmp_path / "computed.onnx"))
