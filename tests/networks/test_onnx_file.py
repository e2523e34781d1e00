"""Files of networks: weights beside the model, and nothing hostile or half-written gets through."""

import os
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pimsim.base.errors import InputError, MissingError
from pimsim.networks import load_network
from tests.networks import models


def _dense(scale=1.0):
    b = models.Builder((4,))
    weight = b.constant(scale * np.arange(12, dtype=np.float32).reshape(4, 3))
    return b.model(b.add("Gemm", "x", weight, b.constant(np.full(3, scale, np.float32))))


def _external(folder, scale=1.0, location="w.bin", **options):
    """A model file whose constants lie in `location`."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {"save_as_external_data": True, "size_threshold": 0} | options
    onnx.save_model(_dense(scale), str(folder / "m.onnx"), location=location, **options)
    return folder / "m.onnx"


def _edit(path, **changes):
    """Rewrite entries of the first external tensor without touching its data."""
    model = onnx.load_model(str(path), load_external_data=False)
    tensor = model.graph.initializer[0]
    entries = {entry.key: entry.value for entry in tensor.external_data} | changes
    del tensor.external_data[:]
    for key, value in entries.items():
        if value is not None:
            tensor.external_data.add(key=key, value=str(value))
    path.write_bytes(model.SerializeToString())
    return path


ONES = np.ones((1, 4), np.float32)
RIGHT = np.array([[18 + 1, 22 + 1, 26 + 1]])  # column sums of 0 ... 11 in rows of 3, plus the bias


def test_weights_are_those_beside_the_model_wherever_it_is_loaded(tmp_path, monkeypatch):
    ours, theirs = _external(tmp_path / "a"), _external(tmp_path / "b", scale=-5.0)
    for folder in (tmp_path, tmp_path / "a", tmp_path / "b"):
        monkeypatch.chdir(folder)
        np.testing.assert_array_equal(load_network(ours).run(ONES), RIGHT)
        np.testing.assert_array_equal(load_network(theirs).run(ONES), -5 * RIGHT)
    np.testing.assert_array_equal(load_network("m.onnx").run(ONES), -5 * RIGHT)


def test_a_link_to_the_model_finds_its_weights(tmp_path):
    _external(tmp_path / "a")
    (tmp_path / "link.onnx").symlink_to(tmp_path / "a" / "m.onnx")
    np.testing.assert_array_equal(load_network(tmp_path / "link.onnx").run(ONES), RIGHT)


def test_the_hash_covers_the_external_bytes(tmp_path):
    path = _external(tmp_path)
    before = load_network(path).sha256
    assert load_network(path).sha256 == before
    data = bytearray((tmp_path / "w.bin").read_bytes())
    data[4:8] = np.float32(7).tobytes()
    (tmp_path / "w.bin").write_bytes(data)
    assert load_network(path).sha256 != before


def test_weights_inside_attributes_are_read_too(tmp_path):
    b = models.Builder((4,))
    weight = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(4, 3), "w")
    model = b.model(b.add("MatMul", "x", b.add("Constant", value=weight)))
    onnx.save_model(
        model, str(tmp_path / "m.onnx"), location="w.bin",
        save_as_external_data=True, size_threshold=0, convert_attribute=True,
    )  # fmt: skip
    np.testing.assert_array_equal(load_network(tmp_path / "m.onnx").run(ONES), RIGHT - 1)


def test_a_folder_inside_is_allowed(tmp_path):
    path = _external(tmp_path)
    (tmp_path / "data").mkdir()
    shutil.move(tmp_path / "w.bin", tmp_path / "data" / "w.bin")
    np.testing.assert_array_equal(
        load_network(_edit_all(path, "data/w.bin")).run(ONES),
        RIGHT,
    )


def _edit_all(path, location):
    model = onnx.load_model(str(path), load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(model.SerializeToString())
    return path


def test_a_missing_data_file_is_named(tmp_path, monkeypatch):
    path = _external(tmp_path / "a")
    shutil.move(tmp_path / "a" / "w.bin", tmp_path / "w.bin")
    monkeypatch.chdir(tmp_path)  # a file of that name in the working directory changes nothing
    with pytest.raises(MissingError, match=r"m\.onnx: weights 'constant0': no file w\.bin beside the model"):
        load_network(path)


@pytest.mark.parametrize("location", ["../secret.bin", "{root}/secret.bin", "link.bin", "d/secret.bin", "", "."])
def test_nothing_outside_the_folder_is_read(tmp_path, location):
    (tmp_path / "secret.bin").write_bytes(bytes(60))
    path = _external(tmp_path / "a")
    (tmp_path / "a" / "link.bin").symlink_to(tmp_path / "secret.bin")
    (tmp_path / "a" / "d").symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"outside the model's folder|no regular file"):
        load_network(_edit_all(path, location.format(root=tmp_path)))


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: os.link(p.parent / "w.bin", p), os.mkdir])
def test_only_regular_files_are_read(tmp_path, make):
    path = _external(tmp_path)
    make(tmp_path / "other")
    with pytest.raises(InputError, match="other is no regular file or has several hard links"):
        load_network(_edit_all(path, "other"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"offset": -4}, r"weights 'constant0': offset = '-4': must be a whole number"),
        ({"offset": 10**30}, "offset = '1000000"),
        ({"offset": 10**9}, r"w\.bin is too short: 48 bytes are needed from offset 1000000000, 0 are there"),
        ({"offset": 16}, r"too short: 48 bytes are needed from offset 16, 44 are there"),
        ({"length": 47}, "length = 47, but shape and type need 48 bytes"),
        ({"length": "many"}, "length = 'many': must be a whole number"),
        ({"location": "http://x/w.bin"}, r"no file http://x/w\.bin"),
        ({"location": "\0"}, "location"),
        ({"location": "w" * 5000}, "location|no file"),
        ({"location": None}, "outside the model's folder"),
    ],
)
def test_damaged_entries_are_refused(tmp_path, changes, message):
    path = _external(tmp_path)
    with pytest.raises((InputError, MissingError), match=message) as caught:
        load_network(_edit(path, **changes))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_short_data_file_is_named(tmp_path):
    path = _external(tmp_path)
    (tmp_path / "w.bin").write_bytes(bytes(20))
    with pytest.raises(InputError, match=r"w\.bin is too short: 48 bytes are needed from offset 0, 20 are there"):
        load_network(path)


def test_a_sparse_terabyte_is_refused_before_it_is_read(tmp_path):
    path = _external(tmp_path)
    model = onnx.load_model(str(path), load_external_data=False)
    model.graph.initializer[0].dims[:] = [4, 2**36]
    (tmp_path / "w.bin").write_bytes(b"")
    os.truncate(tmp_path / "w.bin", 2**40)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=f"length = 48, but shape and type need {2**40} bytes"):
        load_network(path)
    with pytest.raises(InputError, match=f"{2**40} bytes; a model and its weights have at most 2147483647"):
        load_network(_edit(path, length=2**40))


def test_a_model_in_memory_has_no_folder():
    from pimsim.networks.network import network_from_bytes

    model = _dense()
    model.graph.initializer[0].ClearField("raw_data")
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    model.graph.initializer[0].external_data.add(key="location", value="w.bin")
    with pytest.raises(InputError, match="the weights of 'constant0' are in another file"):
        network_from_bytes(model.SerializeToString(), "m", "here")


def _refused(b, output, message, path, **options):
    with pytest.raises(InputError, match=message):
        load_network(b.save(output, path / "refused.onnx", **options))


@pytest.mark.parametrize("op", ["RandomNormalLike", "RandomUniformLike", "Bernoulli"])
def test_operators_that_draw_numbers_are_refused(op, tmp_path):
    b = models.Builder((4,))
    _refused(b, b.add("MatMul", b.add(op, "x"), b.random(4, 2)), f"0: {op} draws random numbers", tmp_path)


@pytest.mark.parametrize("op", ["RandomNormal", "RandomUniform"])
def test_random_constants_are_refused(op, tmp_path):
    b = models.Builder((4,))
    _refused(b, b.add("MatMul", "x", b.add(op, shape=[4, 2])), f"0: {op} draws random numbers", tmp_path)


def test_training_mode_is_refused(tmp_path):
    for flag in (True, None):
        b = models.Builder((4,))
        training = b.constant(np.bool_(flag)) if flag else b.add("Cast", b.add("ReduceMax", "x", keepdims=0), to=9)
        y = b.add("Dropout", "x", b.constant(np.float32(0.5)), training)
        _refused(b, b.add("MatMul", y, b.random(4, 2)), "Dropout is in training mode", tmp_path)
    b = models.Builder((4,))
    y = b.add("Dropout", "x", b.constant(np.float32(0.5)), b.constant(np.bool_(False)))
    assert load_network(b.save(b.add("MatMul", y, b.random(4, 2)), tmp_path / "ok.onnx")).run(ONES).shape == (1, 2)


def _bombs():
    big = np.array([2**20, 2**20], np.int64)
    yield "ConstantOfShape", [big]
    yield "Expand", [np.ones((1, 1), np.float32), big]
    yield "Tile", [np.ones((1, 1), np.float32), big]
    yield "Range", [np.float32(0), np.float32(1e9), np.float32(1)]
    yield "Pad", [np.ones((1, 1), np.float32), np.array([0, 0, 2**20, 2**20], np.int64)]


@pytest.mark.parametrize(("op", "operands"), list(_bombs()), ids=lambda value: value if isinstance(value, str) else "")
def test_folded_constants_are_bounded(op, operands, tmp_path):
    b = models.Builder((4,))
    made = b.add(op, *map(b.constant, operands))
    y = b.add("MatMul", b.add("Add", "x", b.add("ReduceMax", made, keepdims=0)), b.random(4, 2))
    _refused(b, y, rf"{op.lower()}0: {op} of constants: the results take \d+ bytes; 33554432 are left", tmp_path)


def test_many_small_constants_share_one_bound(tmp_path):
    b = models.Builder((4,))
    y = "x"
    for _ in range(5):
        made = b.add("ConstantOfShape", b.constant(np.array([2**21], np.int64)))
        y = b.add("Add", y, b.add("ReduceMax", made, keepdims=0))
    _refused(b, b.add("MatMul", y, b.random(4, 2)), "8388608 bytes; [0-9]+ are left", tmp_path)


def _conv(weight=(6, 2, 3, 3), bias=(6,), **attributes):
    def make(b):
        return b.add("Conv", "x", b.random(*weight), b.random(*bias), **attributes)

    return make


STRUCTURED = {
    "groups": (_conv(group=3), "conv0: "),
    "negative groups": (_conv(group=-2), "conv0: |not a valid|run the network"),
    "bias": (_conv((6, 4, 3, 3), (5,)), r"conv0: weights \(6, 4, 3, 3\), bias \(5,\) and 1 groups"),
    "large kernel": (_conv((6, 4, 9, 9)), "conv0: "),
    "large pads": (_conv((6, 4, 3, 3), pads=[2**20] * 4), "elements"),
    "large pads and strides": (_conv((6, 4, 3, 3), pads=[2**20] * 4, strides=[2**20] * 2), "conv0: padded to"),
    "auto_pad": (_conv((6, 4, 3, 3), auto_pad="BANANA"), "conv0: "),
    "strides": (_conv((6, 4, 3, 3), strides=[0, 1]), "conv0: "),
    "few strides": (_conv((6, 4, 3, 3), strides=[1]), "conv0: "),
    "dilations": (_conv((6, 4, 3, 3), dilations=[-1, 1]), "conv0: "),
}


@pytest.mark.parametrize("name", STRUCTURED)
def test_convolutions_that_do_not_fit_are_refused(name, tmp_path):
    make, message = STRUCTURED[name]
    b = models.Builder((4, 8, 8), output_rank=4)
    _refused(b, make(b), message, tmp_path)


@pytest.mark.parametrize("shape", [(2, 3), (5,), (3, 1), (3, 3, 3)])
def test_a_bias_of_a_wrong_shape_is_refused(shape, tmp_path):
    b = models.Builder((4,))
    _refused(b, b.add("Gemm", "x", b.random(4, 3), b.random(*shape)), "bias of shape|its shape is not", tmp_path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", ["bias", "alpha", "beta", "batch norm", "scale of a digital operator"])
def test_numbers_that_are_not_finite_are_refused(place, bad, tmp_path):
    b = models.Builder((4,))
    numbers = {"alpha": bad} if place == "alpha" else {"beta": bad} if place == "beta" else {}
    bias = np.array([1, bad if place == "bias" else 2, 3], np.float32)
    y = b.add("Gemm", "x", b.random(4, 3), b.constant(bias), **numbers)
    if place == "batch norm":
        y = b.add("Relu", y)
        y = b.add("BatchNormalization", y, *[b.constant(np.array([1, bad, 1], np.float32)) for _ in range(4)])
    if place == "scale of a digital operator":
        y = b.add("Mul", y, b.constant(np.float32(bad)))
    if place.startswith("scale") and bad == np.inf:  # an infinite constant may be a mask: the result is what counts
        network = load_network(b.save(y, tmp_path / "n.onnx"))
        with pytest.raises(InputError, match="output is NaN or infinite"):
            network.run(ONES)
        return
    _refused(b, y, "finite", tmp_path)


@pytest.mark.parametrize("place", ["mean", "variance", "epsilon"])
def test_a_folded_batch_norm_must_be_finite(place, tmp_path):
    """An infinite variance would silently make every weight of the channel zero."""
    b = models.Builder((4,))
    numbers = [np.ones(3, np.float32) for _ in range(4)]
    if place != "epsilon":
        numbers[2 if place == "mean" else 3][1] = np.inf
    options = {"epsilon": np.inf} if place == "epsilon" else {}
    y = b.add("BatchNormalization", b.add("Gemm", "x", b.random(4, 3)), *map(b.constant, numbers), **options)
    _refused(b, y, "batchnormalization1: a number of BatchNormalization is not finite", tmp_path)


def test_names_are_printable_and_of_a_readable_length(tmp_path):
    for name, shown in (("\x1b[31m\nfc", "?[31m?fc"), ("x" * 300, "x" * 300)):
        b = models.Builder((4,))
        y = b.add("MatMul", "x", b.random(4, 2))
        b.nodes[-1].name = name
        assert load_network(b.save(y, tmp_path / "n.onnx")).graph.products[0].name == shown
    b.nodes[-1].name = "x" * 301
    _refused(b, y, "no usable names", tmp_path)


def test_names_that_are_no_text_are_refused(tmp_path):
    """Protobuf hands them out as bytes."""
    b = models.Builder((4,))
    path = b.save(b.add("MatMul", "x", b.random(4, 2)), tmp_path / "n.onnx")
    path.write_bytes(path.read_bytes().replace(b"/matmul0", b"/matm\xff\xfe0"))
    with pytest.raises(InputError, match=r"n\.onnx is not a valid ONNX file: a name is not UTF-8 text"):
        load_network(path)


def test_products_in_functions_of_the_model_are_found(tmp_path):
    nodes = [helper.make_node("MatMul", ["a", "w"], ["h"], name="inner"), helper.make_node("Relu", ["h"], ["r"])]
    b = models.Builder((4,))
    model = b.model(b.add("Block", "x", b.random(4, 2), domain="mine"))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model.functions.append(helper.make_function("mine", "Block", ["a", "w"], ["r"], nodes, opsets))
    model.opset_import.append(opsets[1])
    (tmp_path / "f.onnx").write_bytes(model.SerializeToString())
    network = load_network(tmp_path / "f.onnx")
    assert [layer.matrix for layer in network.workload().layers] == [(4, 2, 1)]
    assert [node.op_type for node in network.graph.digital] == ["Relu"]


def test_float_overflow_in_folding_is_refused(tmp_path):
    b = models.Builder((4,))
    huge = b.constant(np.full((4, 3), 1e38, np.float32))
    _refused(b, b.add("Gemm", "x", huge, b.random(3), alpha=1e5), "gemm0: its weights or bias are not finite", tmp_path)


@pytest.mark.parametrize("dtype", [np.float64, np.int8])
def test_weights_of_other_types_are_refused(dtype, tmp_path):
    b = models.Builder((4,))
    _refused(
        b, b.add("MatMul", "x", b.constant(np.ones((4, 2), dtype))), "must be float32|shape is not known", tmp_path
    )


def test_newer_operators_than_onnx_knows_are_refused(tmp_path):
    b = models.Builder((4,))
    _refused(b, b.add("MatMul", "x", b.random(4, 2)), "opset 999; the installed onnx package", tmp_path, opset=999)


def test_constants_that_contradict_their_shape_are_refused(tmp_path):
    for change in ({"data_type": 9999}, {"dims": [1] * 1000}, {"dims": [4, 3, 5]}, {"dims": [-4, -3]}):
        model = _dense()
        tensor = model.graph.initializer[0]
        if "data_type" in change:
            tensor.data_type = change["data_type"]
        else:
            tensor.dims[:] = change["dims"]
        (tmp_path / "c.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(InputError, match=r"constant0|not a valid ONNX file|gemm0"):
            load_network(tmp_path / "c.onnx")


def test_weights_in_operators_of_other_domains_are_refused(tmp_path):
    b = models.Builder((4,))
    y = b.add("FusedMatMul", b.add("MatMul", "x", b.random(4, 4)), b.random(4, 4), domain="com.microsoft")
    model = b.model(y)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    (tmp_path / "f.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"FusedMatMul of 'com\.microsoft' holds weights"):
        load_network(tmp_path / "f.onnx")


def test_what_onnxruntime_cannot_run_is_one_line_and_leaves_the_terminal_alone(tmp_path, capfd):
    b = models.Builder((4,))
    y = b.add("Reshape", b.add("MatMul", "x", b.random(4, 2)), b.constant(np.array([-1, 3], np.int64)))
    network = load_network(b.save(y, tmp_path / "r.onnx"))
    with pytest.raises(InputError, match=r"onnxruntime cannot run the network: .*reshape1") as caught:
        network.run(np.ones((5, 4), np.float32))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_an_output_without_a_batch_is_refused(tmp_path):
    b = models.Builder((4,), output_rank=0)
    y = b.add("ReduceMax", b.add("MatMul", "x", b.random(4, 2)), keepdims=0)
    _refused(b, y, "the network's output: tensor 'tensor1_0' does not grow with the batch", tmp_path)


def test_an_output_that_shapes_do_not_foretell_is_checked_when_it_runs(tmp_path):
    b = models.Builder((4,), output_rank=1)
    y = b.add("Cast", b.add("NonZero", b.add("Relu", b.add("MatMul", "x", b.random(4, 2)))), to=TensorProto.FLOAT)
    network = load_network(b.save(y, tmp_path / "s.onnx"))
    with pytest.raises(InputError, match=r"output has shape \(2, \d\) for 3 inputs"):
        network.run(np.ones((3, 4)))
