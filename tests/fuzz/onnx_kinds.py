"""Networks that are wrong in one way each: attributes, types, shapes, constants, headers, operators."""

import numpy as np
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from tests.networks.models import Builder

BIG = np.array([2**20, 2**20], np.int64)


def kinds():
    """(name, bytes of an ONNX file) of every kind."""
    for family in (_attributes, _types, _shapes, _bombs, _random, _digital, _numbers, _headers, _inputs, _tensors):
        for name, model in family():
            yield f"{family.__name__[1:]}: {name}", model.SerializeToString()


def _finish(b, y):
    """A dense layer on the mean of everything, so that the network ends in (n, 2)."""
    mean = b.add("ReduceMean", b.add("Flatten", y), axes=[1], keepdims=1)
    return b.model(b.add("MatMul", mean, b.random(1, 2)))


def _attributes():
    lists = ([], [0], [1], [0, 0], [-1, 1], [1, 1, 1], [2**20] * 2, [2**62] * 2, [1, 1, 1, 1], [2**20] * 4, [-1] * 4)
    for key in ("strides", "pads", "dilations", "kernel_shape"):
        for values in lists:
            b = Builder((2, 6, 6))
            y = b.conv("x", 4, 2, 3, 3)
            b.nodes[-1].attribute.append(helper.make_attribute(key, values, attr_type=AttributeProto.INTS))
            yield f"{key} {values}", _finish(b, y)
    for group in (0, -1, 2, 3, 2**40):
        b = Builder((2, 6, 6))
        yield f"group {group}", _finish(b, b.add("Conv", "x", b.random(4, 1, 3, 3), group=group))
    for mode in ("BANANA", "", "SAME_UPPER", "SAME_LOWER", "VALID", "\x00"):
        b = Builder((2, 6, 6))
        yield f"auto_pad {mode!r}", _finish(b, b.conv("x", 4, 2, 3, 3, auto_pad=mode, strides=[5, 7], dilations=[2, 2]))
    for pads in ([2**20] * 4, [0, 2**30, 0, 0]):
        b = Builder((2, 6, 6))
        yield f"pads {pads} with strides", _finish(b, b.conv("x", 4, 2, 3, 3, pads=pads, strides=[2**20] * 2))
    for key in ("transA", "transB"):
        for value in (1, 2, -1):
            b = Builder((4,))
            yield f"{key} {value}", b.model(b.add("Gemm", "x", b.random(4, 4), b.random(4), **{key: value}))
    b = Builder((4,))
    yield "unknown attribute", b.model(b.add("Gemm", "x", b.random(4, 4), banana=1))
    b = Builder((4,))
    yield "attribute of a wrong type", b.model(b.add("Gemm", "x", b.random(4, 4), alpha="one"))


def _types():
    names = (
        "DOUBLE",
        "FLOAT16",
        "BFLOAT16",
        "INT8",
        "UINT8",
        "INT32",
        "INT64",
        "BOOL",
        "FLOAT8E4M3FN",
        "INT4",
        "STRING",
        "COMPLEX64",
    )
    for name in names:
        kind = TensorProto.DataType.Value(name)
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        values = np.array([["a"] * 4] * 4, object) if name == "STRING" else np.ones((4, 4)).astype(dtype)
        for place in ("weight", "bias", "digital"):
            b = Builder((4,))
            if place == "weight":
                y = b.add("MatMul", "x", b.constant(values))
            elif place == "bias":
                y = b.add("Gemm", "x", b.random(4, 4), b.constant(values[0]))
            else:
                y = b.add("Add", b.add("MatMul", "x", b.random(4, 4)), b.constant(values[0]))
            yield f"{place} of {name}", b.model(y)
        b = Builder((4,))
        yield f"input of {name}", b.model(b.add("MatMul", "x", b.random(4, 4)), input_type=kind)
        b = Builder((4,))
        yield f"cast to {name}", b.model(b.add("Cast", b.add("MatMul", "x", b.random(4, 4)), to=kind))


def _shapes():
    for shape in ((), (4,), (4, 0), (0, 4), (3, 2), (4, 2, 2), (1, 4, 2), (1,) * 40):
        b = Builder((4,))
        yield f"matrix {shape}", b.model(b.add("MatMul", "x", b.constant(np.ones(shape, np.float32))))
    for shape in ((), (1,), (2,), (3,), (4,), (1, 4), (2, 4), (4, 1), (1, 1, 4), (0,)):
        b = Builder((4,))
        yield f"bias {shape}", b.model(b.add("Gemm", "x", b.random(4, 4), b.constant(np.ones(shape, np.float32))))
        b = Builder((2, 6, 6))
        bias = b.constant(np.ones(shape, np.float32))
        yield f"bias {shape} of a convolution", _finish(b, b.add("Conv", "x", b.random(4, 2, 3, 3), bias))
    for shape in (
        (4, 2, 3),
        (4, 2, 3, 3, 3),
        (4, 2),
        (4, 2, 9, 9),
        (4, 2, 0, 3),
        (0, 2, 3, 3),
        (4, 1, 3, 3),
        (4, 3, 3, 3),
    ):
        b = Builder((2, 6, 6))
        yield f"kernel {shape}", _finish(b, b.add("Conv", "x", b.constant(np.ones(shape, np.float32))))
    for shape in ((), (3,), (4, 1), (0,)):
        b = Builder((2, 6, 6))
        numbers = [b.constant(np.ones(shape, np.float32)) for _ in range(4)]
        yield f"batch norm {shape}", _finish(b, b.add("BatchNormalization", b.conv("x", 4, 2, 3, 3), *numbers))


def _bombs():
    one = np.ones((1, 1), np.float32)
    recipes = {
        "ConstantOfShape": [BIG], "Expand": [one, BIG], "Tile": [one, BIG],
        "Range": [np.float32(0), np.float32(1e9), np.float32(1)],
        "Pad": [one, np.array([0, 0, 2**20, 2**20], np.int64)],
        "OneHot": [np.arange(1000), np.int64(10**7), np.array([0, 1], np.float32)],
        "Resize": [one[None, None], np.zeros(0, np.float32), np.array([1, 1, 1e5, 1e5], np.float32)],
        "MatMul": [np.ones((20_000, 1), np.float32), np.ones((1, 20_000), np.float32)],
        "Reshape": [one, np.array([2**40, 2**40], np.int64)], "EyeLike": [np.zeros((2000, 2000), np.int8)],
    }  # fmt: skip
    for op, operands in recipes.items():
        for size in ("hostile", "typed"):
            typed = [
                v.astype(np.float64) if v.dtype == np.float32 and size == "typed" else v
                for v in map(np.asarray, operands)
            ]
            b = Builder((4,))
            made = b.add(op, *map(b.constant, typed))
            yield (
                f"{op} {size}",
                b.model(b.add("MatMul", b.add("Add", "x", b.add("ReduceMax", made, keepdims=0)), b.random(4, 2))),
            )
    b = Builder((4,))
    y = b.constant(np.ones((1, 1), np.float32))
    for _ in range(20):
        y = b.add("Concat", y, y, axis=0)
        y = b.add("Concat", y, y, axis=1)
    yield (
        "doubled forty times",
        b.model(b.add("MatMul", b.add("Add", "x", b.add("ReduceMax", y, keepdims=0)), b.random(4, 2))),
    )
    for op, *operands in (("Expand", BIG), ("Tile", BIG), ("Pad", np.array([0, 0, 0, 2**30], np.int64))):
        b = Builder((4,))
        yield f"{op} of the input", _finish(b, b.add(op, "x", *map(b.constant, operands)))
    b = Builder((2, 6, 6))
    sizes = b.constant(np.array([1, 1, 1e6, 1e6], np.float32))
    yield "Resize of the input", _finish(b, b.add("Resize", "x", "", sizes))


def _random():
    for op in ("RandomNormalLike", "RandomUniformLike", "Bernoulli"):
        b = Builder((4,))
        yield op, b.model(b.add("MatMul", b.add(op, "x"), b.random(4, 2)))
    for op in ("RandomNormal", "RandomUniform"):
        b = Builder((4,))
        yield op, b.model(b.add("MatMul", "x", b.add(op, shape=[4, 2])))
        b = Builder((4,))
        yield f"{op}, huge", b.model(b.add("MatMul", "x", b.add(op, shape=[4, 2**40])))
    b = Builder((4,))
    yield (
        "Multinomial",
        b.model(b.add("MatMul", b.add("Cast", b.add("Multinomial", "x", sample_size=4), to=1), b.random(4, 2))),
    )
    for flag in (True, False):
        b = Builder((4,))
        y = b.add("Dropout", "x", b.constant(np.float32(0.5)), b.constant(np.bool_(flag)))
        yield f"Dropout {flag}", b.model(b.add("MatMul", y, b.random(4, 2)))
    b = Builder((2, 6, 6))
    norm = b.batch_norm(b.conv("x", 4, 2, 3, 3), 4)
    b.nodes[-1].attribute.append(helper.make_attribute("training_mode", 1))
    yield "batch norm in training", _finish(b, norm)


def _digital():
    bad = {
        "MaxPool": [{"kernel_shape": k} for k in ([0, 0], [-1, 2], [9, 9], [2], [2**40] * 2)],
        "AveragePool": [{"kernel_shape": [2, 2], "strides": s} for s in ([0, 0], [-1, 1], [2**40] * 2)],
        "Transpose": [{"perm": p} for p in ([0, 1], [0, 0, 0, 0], [9, 1, 2, 3], [-1, 0, 1, 2])],
        "Concat": [{"axis": a} for a in (9, -9)],
        "Softmax": [{"axis": a} for a in (9, -9)],
        "Flatten": [{"axis": a} for a in (9, -9)],
        "LRN": [{"size": s} for s in (0, -1, 2**40)],
        "DepthToSpace": [{"blocksize": s} for s in (0, -1, 7, 2**40)],
        "LeakyRelu": [{"alpha": a} for a in (float("nan"), float("inf"), 1e38)],
        "ReduceMean": [{"axes": a} for a in ([9], [-9], [1, 1])],
        "Split": [{"num_outputs": n} for n in (0, -1, 2**40)],
    }  # fmt: skip
    for op, choices in bad.items():
        for attributes in choices:
            b = Builder((2, 6, 6))
            yield f"{op} {attributes}", _finish(b, b.add(op, b.conv("x", 4, 2, 3, 3), **attributes))
    operands = {
        "Reshape": [[-1, -1], [0, 7], [-2, 4], [2**62, 1], []], "Gather": [[99], [-99], [2**40]],
        "Slice": [[2**62], [-(2**62)]], "Tile": [[-1] * 4, [0] * 4, [2**30] * 4], "Expand": [[0], [2**30, 4, 4, 4]],
        "TopK": [[-1], [2**40]], "Unsqueeze": [[9], [0, 0]], "Squeeze": [[1], [9]], "Pad": [[-9] * 8, [1] * 7],
    }  # fmt: skip
    for op, choices in operands.items():
        for values in choices:
            b = Builder((2, 6, 6))
            extra = [b.constant(np.array(values, np.int64))] * (2 if op == "Slice" else 1)
            yield f"{op} by {values}", _finish(b, b.add(op, b.conv("x", 4, 2, 3, 3), *extra))
    for op in ("Div", "Mod"):
        b = Builder((4,))
        whole = b.add("Cast", b.add("MatMul", "x", b.random(4, 4)), to=TensorProto.INT64)
        zero = b.add("Mul", whole, b.constant(np.zeros(4, np.int64)))
        yield f"integer {op} by zero", _finish(b, b.add("Cast", b.add(op, whole, zero), to=TensorProto.FLOAT))
    for op in (
        "If",
        "Loop",
        "Scan",
        "Einsum",
        "LSTM",
        "ConvTranspose",
        "Banana",
        "SequenceConstruct",
        "Shape",
        "NonZero",
    ):
        b = Builder((4,))
        yield op, b.model(b.add("MatMul", b.add(op, "x"), b.random(4, 2)))
    b = Builder((4,))
    y = b.add("Log", b.add("Neg", b.add("Relu", b.add("MatMul", "x", b.random(4, 2)))))
    yield "an output that is NaN", b.model(y)


def _numbers():
    for bad in (np.nan, np.inf, 1e38, -1e38, 1e-45):
        for place in ("weight", "bias", "alpha", "beta", "mean", "variance", "epsilon", "digital"):
            b = Builder((4,))
            weight, bias, norm = np.ones((4, 3), np.float32), np.ones(3, np.float32), np.ones((4, 3), np.float32)
            scalars = {place: float(bad)} if place in ("alpha", "beta") else {}
            for name, array in (("weight", weight), ("bias", bias), ("mean", norm[2]), ("variance", norm[3])):
                if place == name:
                    array[..., 1] = bad
            y = b.add("Gemm", "x", b.constant(weight), b.constant(bias), **scalars)
            epsilon = {"epsilon": float(bad)} if place == "epsilon" else {}
            y = b.add("BatchNormalization", y, *map(b.constant, norm), **epsilon)
            if place == "digital":
                y = b.add("Mul", y, b.constant(np.float32(bad)))
            yield f"{place} {bad}", b.model(y)
    b = Builder((4,))
    y = b.add("Gemm", "x", b.random(4, 3), b.random(3))
    numbers = [np.ones(3), np.ones(3), np.ones(3), -np.ones(3)]
    yield (
        "negative variance",
        b.model(b.add("BatchNormalization", y, *[b.constant(v.astype(np.float32)) for v in numbers])),
    )


def _simple():
    b = Builder((4,))
    return b.model(b.add("Gemm", b.add("Relu", "x"), b.random(4, 3), b.random(3)))


def _headers():
    for opset in (-1, 0, 1, 12, 25, 999, 2**62):
        model = _simple()
        model.opset_import[0].version = opset
        yield f"opset {opset}", model
    for version in (-1, 0, 1, 3, 99, 2**62):
        model = _simple()
        model.ir_version = version
        yield f"IR version {version}", model
    changes = {
        "no opset": lambda m: m.ClearField("opset_import"), "no graph": lambda m: m.ClearField("graph"),
        "no nodes": lambda m: m.graph.ClearField("node"), "no inputs": lambda m: m.graph.ClearField("input"),
        "no outputs": lambda m: m.graph.ClearField("output"), "no name": lambda m: m.graph.ClearField("name"),
        "no constants": lambda m: m.graph.ClearField("initializer"),
        "two outputs": lambda m: m.graph.output.add(name="tensor0_0"),
        "an output nobody makes": lambda m: setattr(m.graph.output[0], "name", "banana"),
        "an input nobody makes": lambda m: m.graph.node[0].input.__setitem__(0, "banana"),
        "a cycle": lambda m: m.graph.node[0].input.__setitem__(0, m.graph.node[1].output[0]),
        "a node twice": lambda m: m.graph.node.append(m.graph.node[1]),
        "no node inputs": lambda m: m.graph.node[1].ClearField("input"),
        "no node outputs": lambda m: m.graph.node[1].ClearField("output"),
        "empty output name": lambda m: m.graph.node[0].output.__setitem__(0, ""),
        "foreign domain": lambda m: setattr(m.graph.node[1], "domain", "banana"),
        "no operator": lambda m: setattr(m.graph.node[1], "op_type", ""),
        "escape codes in a name": lambda m: setattr(m.graph.node[1], "name", "\x1b[31m[/x]\n$\\foo$"),
        "a long name": lambda m: setattr(m.graph.node[1], "name", "x" * 10**6),
        "a sequence as output": lambda m: m.graph.output[0].CopyFrom(
            helper.make_tensor_sequence_value_info(m.graph.output[0].name, TensorProto.FLOAT, None)),
        "no type of the input": lambda m: m.graph.input[0].ClearField("type"),
        "a function": lambda m: m.functions.append(helper.make_function("d", "Gemm", ["a"], ["a"], [], [])),
        "sparse constants": lambda m: m.graph.sparse_initializer.add(dims=[4, 3]),
    }  # fmt: skip
    for name, change in changes.items():
        model = _simple()
        change(model)
        yield name, model
    for batch in (0, 1, 7, -1, 2**30, 2**62):
        b = Builder((4,))
        yield f"batch {batch}", b.model(b.add("MatMul", "x", b.random(4, 2)), batch=batch)


def _inputs():
    for shape in ((), (0,), (-1,), (2**31,), (2**62,), (None,), ("k",), (1,) * 70, (2**16, 2**16, 2**16)):
        b = Builder(shape)
        yield f"{shape[:4]}, {len(shape)} axes", _finish(b, b.add("Relu", "x"))


def _tensors():
    changes = {
        "type 9999": {"data_type": 9999}, "type 0": {"data_type": 0}, "1,000 axes": {"dims": [1] * 1000},
        "too many": {"dims": [4, 5]}, "too few": {"dims": [2, 3]}, "negative": {"dims": [-4, -3]},
        "2^62": {"dims": [2**62, 3]},
        "no data": {"raw_data": b""}, "external": {"data_location": TensorProto.EXTERNAL}, "no name": {"name": ""},
    }  # fmt: skip
    for name, change in changes.items():
        model = _simple()
        for key, value in change.items():
            if key == "dims":
                model.graph.initializer[0].dims[:] = value
            else:
                setattr(model.graph.initializer[0], key, value)
        yield name, model
    model = _simple()
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.array(["a"], object), "constant0"))
    yield "text", model
    model = _simple()
    model.graph.initializer[0].float_data.extend([1.0] * 12)
    yield "data twice", model
