"""Small ONNX networks with the shapes that real ones have."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """Collects nodes and random constants, then writes the model."""

    def __init__(self, input_shape, seed=0, output_rank=2):
        self.rng = np.random.default_rng(seed)
        self.input_shape, self.output_rank, self.nodes, self.constants = input_shape, output_rank, [], []

    def constant(self, value):
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def random(self, *shape):
        return self.constant((self.rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32))

    def add(self, op, *inputs, outputs=1, **attributes):
        names = [f"tensor{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(
            helper.make_node(op, inputs, names, name=f"/{op.lower()}{len(self.nodes)}/{op}", **attributes)
        )
        return names[0]

    def conv(self, x, m, c, r, s, bias=True, **attributes):
        weight = self.random(m, c // attributes.get("group", 1), r, s)
        extra = [self.random(m)] if bias else []
        return self.add("Conv", x, weight, *extra, **attributes)

    def batch_norm(self, x, channels):
        numbers = [
            self.rng.uniform(0.5, 2, channels),
            *self.rng.normal(size=(2, channels)),
            self.rng.uniform(0.1, 3, channels),
        ]
        return self.add("BatchNormalization", x, *[self.constant(v.astype(np.float32)) for v in numbers])

    def model(self, output, opset=17, input_type=TensorProto.FLOAT, batch="n"):
        graph = helper.make_graph(
            self.nodes,
            "test",
            [helper.make_tensor_value_info("x", input_type, (batch, *self.input_shape))],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, (batch, *[None] * (self.output_rank - 1)))],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)

    def save(self, output, path, **options):
        path.write_bytes(self.model(output, **options).SerializeToString())
        return path


def plain(path):
    """Convolution, ReLU, pool, convolution, dense: every input is folded into the multiplier before it."""
    b = Builder((2, 9, 7))
    y = b.add("MaxPool", b.add("Relu", b.conv("x", 5, 2, 3, 3, pads=[1, 1, 1, 1])), kernel_shape=[2, 2], strides=[2, 2])
    y = b.add("Relu", b.conv(y, 7, 5, 3, 3, pads=[1, 1, 1, 1]))
    return b.save(b.add("Gemm", b.add("Flatten", y), b.random(3, 84), b.random(3), transB=1), path)


def residual(path):
    """A residual sum, strides, a padding that differs from side to side, average pool, softmax."""
    b = Builder((3, 11, 11))
    y = b.add("Relu", b.conv("x", 6, 3, 3, 3, pads=[0, 1, 1, 1], strides=[2, 2]))
    z = b.add("Relu", b.conv(y, 6, 6, 3, 3, pads=[1, 1, 1, 1]))
    z = b.add("Relu", b.add("Add", b.conv(z, 6, 6, 1, 1), y))
    y = b.add("Concat", z, b.conv(z, 2, 6, 3, 3, auto_pad="SAME_UPPER"), axis=1)
    y = b.add("Flatten", b.add("GlobalAveragePool", y))
    return b.save(b.add("Softmax", b.add("Gemm", y, b.random(8, 4), b.random(4)), axis=1), path)


def grouped(path):
    """Depthwise and grouped convolutions, dilation, an even kernel, a product with two readers."""
    b = Builder((4, 10, 8))
    y = b.add("Relu", b.conv("x", 8, 4, 3, 3, group=4, pads=[1, 1, 1, 1]))
    y = b.add("Relu", b.conv(y, 6, 8, 2, 2, group=2, dilations=[2, 2]))
    left, right = b.conv(y, 3, 6, 1, 1), b.conv(y, 3, 6, 3, 3, pads=[1, 1, 1, 1], bias=False)
    return b.save(b.add("Flatten", b.add("Mul", left, b.add("Sigmoid", right))), path)


def signed(path):
    """Activations of both signs: tanh, LeakyReLU, an input that is below zero, batch norm that cannot be folded."""
    b = Builder((2, 6, 6))
    y = b.add("Tanh", b.batch_norm(b.conv("x", 4, 2, 3, 3, pads=[1, 1, 1, 1], bias=False), 4))
    y = b.add("LeakyRelu", b.conv(y, 5, 4, 3, 3, pads=[1, 1, 1, 1]), alpha=0.1)
    y = b.batch_norm(b.add("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2]), 5)
    return b.save(b.add("Gemm", b.add("Flatten", y), b.random(45, 3), b.random(3), beta=0.5), path)


def bottleneck(path):
    """Convolutions that follow one another with nothing between, as around a linear bottleneck; ReLU6."""
    b = Builder((3, 8, 8))
    six = [b.constant(np.float32(0)), b.constant(np.float32(6))]
    y = b.add("Clip", b.conv("x", 8, 3, 3, 3, pads=[1, 1, 1, 1]), *six)
    y = b.conv(y, 4, 8, 1, 1)
    z = b.add("Clip", b.conv(y, 12, 4, 1, 1), *six)
    z = b.add("Clip", b.conv(z, 12, 12, 3, 3, pads=[1, 1, 1, 1], group=12), *six)
    y = b.conv(b.add("Add", b.conv(z, 4, 12, 1, 1), y), 5, 4, 3, 3)
    return b.save(b.add("Flatten", b.conv(y, 2, 5, 1, 1)), path)


def tokens(path):
    """Dense layers on every token of a sequence, layer norm, a residual sum."""
    b = Builder((5, 8))
    ones = b.constant(np.ones(8, np.float32))
    y = b.add("LayerNormalization", "x", ones, b.random(8), axis=-1)
    y = b.add("Relu", b.add("Add", b.add("MatMul", y, b.random(8, 12)), b.random(12)))
    y = b.add("Add", b.add("MatMul", y, b.random(12, 8)), "x")
    y = b.add("ReduceMean", y, axes=[1], keepdims=0)
    return b.save(b.add("MatMul", y, b.random(8, 4)), path)


def sequence(path):
    """1-D convolutions with stride, dilation, groups and unequal padding; one of them used twice; batch norm folded."""
    b = Builder((3, 20))
    y = b.add("Relu", b.batch_norm(b.add("Conv", "x", b.random(6, 3, 5), b.random(6), pads=[2, 1], strides=[2]), 6))
    y = b.add("Relu", b.add("Conv", y, b.random(6, 3, 3), group=2, dilations=[2], pads=[2, 2]))
    shared = b.random(6, 6, 3)
    for _ in range(2):
        y = b.add("Tanh", b.add("Conv", y, shared, pads=[1, 1]))
    return b.save(b.add("Gemm", b.add("ReduceMean", y, axes=[2], keepdims=0), b.random(6, 4), b.random(4)), path)


ALL = {f.__name__: f for f in (plain, residual, grouped, signed, bottleneck, tokens, sequence)}
