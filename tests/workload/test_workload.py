"""Layer shapes and the published totals of the networks."""

import random

import pytest

import pimsim as ps
from pimsim.base.errors import MissingError, SpecError
from pimsim.workload import Conv2d, Dense, MatMul, Workload, list_workloads, load_workload, touched_pads
from tests.close import close

# Multiply-accumulates and weights (biases left out) as published, with the digits that the source prints:
# AlexNet, VGG-16, ResNet-50 conv and FC parts: Sze et al., Proc. IEEE 105(12), 2017, Table II;
# ResNet-18: He et al., CVPR 2016 (1.8e9 operations), 11.7 M parameters less batch norm and bias;
# MobileNetV2: Sandler et al., CVPR 2018, Table 4 (300 M, 3.4 M); ViT-B/16: 17.56 G and 86 M, Dosovitskiy 2021 and
# torchvision's model table; BERT-base: 22.3 G operations at 128 tokens, 85 M in the encoder.
PUBLISHED = {
    "alexnet": (724e6, 61e6, 0.005),
    "vgg16": (15.5e9, 138e6, 0.005),
    "resnet18": (1.8e9, 11.69e6, 0.01),
    "resnet50": (3.9e9, 25.5e6, 0.015),
    "mobilenet_v2": (300e6, 3.4e6, 0.025),
    "vit_b": (17.56e9, 86e6, 0.005),
    "bert_base": (22.3e9 / 2, 85e6, 0.01),
}
# Exact sums over the definitions, worked out by hand or from parameter counts less biases and batch norm.
EXACT_WEIGHTS = {
    "alexnet": 60_954_656,  # 2,332,704 conv + 58,621,952 dense
    "vgg16": 138_357_544 - 13_416,
    "resnet18": 11_689_512 - 9_600 - 1_000,
    "resnet50": 25_557_032 - 53_120 - 1_000,
    "mobilenet_v2": 3_504_872 - 34_112 - 1_000,
    "vit_b": 12 * 12 * 768 * 768 + 16 * 16 * 3 * 768 + 768_000,
    "bert_base": 12 * 12 * 768 * 768 + 768 * 768,
}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_totals_meet_the_published_ones(name):
    macs, weights, tolerance = PUBLISHED[name]
    workload = load_workload(name)
    assert workload.macs == close(macs, rel=tolerance)
    assert workload.weights == close(weights, rel=tolerance)
    assert workload.weights == EXACT_WEIGHTS[name]


def test_every_table_is_published():
    assert list_workloads() == sorted(PUBLISHED)


def test_alexnet_conv_part():
    conv = [layer for layer in load_workload("alexnet").layers if isinstance(layer, Conv2d)]
    assert sum(layer.macs for layer in conv) == 665_784_864
    assert sum(layer.weights for layer in conv) == 2_332_704


def test_conv_counts_by_hand():
    layer = Conv2d(m=4, c=6, p=5, q=3, r=3, s=2, n=2, stride=2, padding=1, groups=2)
    assert layer.macs == 2 * 4 * 3 * 5 * 3 * 3 * 2
    assert layer.weights == 4 * 3 * 3 * 2
    assert layer.outputs == 2 * 4 * 5 * 3
    assert (layer.input_height, layer.input_width) == (4 * 2 + 3 - 2, 2 * 2 + 2 - 2)
    assert layer.inputs == 2 * 6 * 9 * 4
    assert layer.matrix == (3 * 3 * 2, 2, 2 * 5 * 3)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({"p": 17, "q": 17, "r": 1, "s": 7, "padding": (0, 3)}, 17 * 17),
        ({"p": 17, "q": 17, "r": 7, "s": 1, "padding": (3, 0, 3, 0)}, 17 * 17),
        ({"p": 4, "q": 4, "r": 3, "s": 3, "stride": 2, "padding": (0, 0, 1, 1)}, 8 * 8),
        ({"p": 4, "q": 2, "r": 3, "s": 3, "stride": 2, "padding": (1, 0, 1, 0)}, 7 * 5),
        ({"p": 4, "q": 9, "r": 3, "s": 3, "stride": (2, 1)}, 9 * 11),
        ({"p": 3, "q": 5, "r": 3, "s": 2, "dilation": (2, 3)}, 7 * 8),
    ],
)
def test_sides_and_directions_have_their_own_numbers(shape, words):
    """The box that the windows span, by hand: (outputs - 1) stride + (taps - 1) dilation + 1 less the padding."""
    assert Conv2d(m=4, c=3, **shape).inputs == 3 * words


@pytest.mark.parametrize("seed", range(60))
def test_inputs_are_the_pixels_that_windows_reach(seed):
    """A walk over the windows of a random convolution, each direction with numbers of its own."""
    rng = random.Random(seed)
    sizes, taps, strides, dilations, before, after = (
        [rng.randint(low, high) for _ in range(2)] for low, high in [(5, 12), (1, 3), (1, 3), (1, 2), (0, 2), (0, 2)]
    )
    outputs, reached = [], []
    for size, t, stride, dilation, first, last in zip(sizes, taps, strides, dilations, before, after, strict=True):
        number = (size + first + last - (t - 1) * dilation - 1) // stride + 1
        pixels = [o * stride + tap * dilation - first for o in range(number) for tap in range(t)]
        outputs.append(number)
        reached.append(min(max(pixels) + 1, size))
    pads = touched_pads(*(tuple(one) for one in (outputs, taps, sizes, before, strides, dilations)))
    shape = dict(zip(["p", "q", "r", "s"], [*outputs, *taps], strict=True))
    layer = Conv2d(m=1, c=2, stride=tuple(strides), dilation=tuple(dilations), padding=pads, **shape)
    assert [layer.input_height, layer.input_width] == reached
    assert layer.inputs == 2 * reached[0] * reached[1]


def test_one_shape_has_one_spelling():
    spelled = [1, (1, 1), [1, 1], (1, 1, 1, 1)]
    shapes = [Conv2d(m=1, c=1, p=4, q=4, r=3, s=3, padding=padding) for padding in spelled]
    assert {layer.spec_id for layer in shapes} == {shapes[0].spec_id}
    assert shapes[-1].padding == 1
    assert Conv2d(m=1, c=1, p=4, q=4, r=3, s=3, padding=(1, 0, 1, 0)).padding == (1, 0)
    assert Conv2d(m=1, c=1, p=4, q=4, r=3, s=3, stride=(2, 2)).stride == 2


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet_v2", "vgg16"])
def test_inputs_are_the_whole_images_of_the_tables(name):
    """Words of a layer's input are those of the tensor before it: 224 x 224 pixels, halved by strides and pools."""
    for layer in load_workload(name).layers:
        if isinstance(layer, Conv2d) and layer.r > 1:
            assert (layer.input_height, layer.input_width) == (layer.p * layer.stride, layer.q * layer.stride)


def test_a_network_has_words_of_its_own():
    layers = [Dense(m=4, c=8), Dense(m=2, c=4)]
    pooled = Workload(name="pooled", layers=layers, input_words=32, output_words=1)
    assert (pooled.inputs, pooled.outputs) == (32, 1)
    assert (Workload(name="bare", layers=layers).inputs, Workload(name="bare", layers=layers).outputs) == (8, 2)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_matrices_hold_all_the_macs(name):
    for layer in load_workload(name).layers:
        rows, cols, positions = layer.matrix
        assert rows * cols * positions * layer.groups == layer.macs


def test_matmul_has_no_stored_weights():
    layer = MatMul(m=7, c=5, n=3, groups=2)
    assert (layer.macs, layer.weights, layer.inputs, layer.outputs) == (210, 0, 2 * (15 + 35), 42)


def test_labels_name_unnamed_layers():
    workload = Workload(name="two", layers=[Dense(m=4, c=8), Dense(m=2, c=4, name="head")])
    assert workload.labels == ("dense1", "head")
    assert (workload.inputs, workload.outputs) == (8, 2)


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: ps.Conv2d(m=4, c=3, p=1, q=1, r=1, s=1, groups=2), "groups = 2 must divide"),
        (lambda: ps.Conv2d(m=4, c=3, p=0, q=1, r=1, s=1), "p = 0"),
        (lambda: ps.Conv2d(m=4, c=3, p=1, q=1, r=1, s=1, padding=1), "leaves no input"),
        (lambda: ps.Conv2d(m=4, c=3, p=9, q=9, r=3, s=3, padding=(1, 1, 1)), "padding"),
        (lambda: ps.Conv2d(m=4, c=3, p=9, q=9, r=3, s=3, stride=(0, 1)), "stride"),
        (lambda: ps.Dense(m=True, c=3), "m = True"),
        (lambda: ps.Dense(m=2, c=3, d=3), "no such field"),
        (lambda: Workload(name="none", layers=[]), "layers"),
        (lambda: Workload(name="x", layers=[Dense(m=1, c=1, name="a")] * 2), "two layers are called 'a'"),
    ],
)
def test_bad_shapes_are_refused_by_name(build, match):
    with pytest.raises(SpecError, match=match):
        build()


def test_unknown_network_names_the_nearest():
    with pytest.raises(MissingError, match="did you mean 'resnet18'"):
        load_workload("resnet-19")
