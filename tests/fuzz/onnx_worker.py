"""Loads and runs hostile networks, a line for each: ``python -m tests.fuzz.onnx_worker KIND SEED COUNT``."""

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import onnx

from pimsim.networks import Engine, exact_matmuls, load_network, quantize
from tests.fuzz.kit import flipped, generator, report, truncated
from tests.fuzz.onnx_kinds import kinds
from tests.networks import models


def use(path):
    """Load, run, count, quantize and run on exact arrays."""
    network = load_network(path)
    images = np.random.default_rng(0).uniform(0.1, 1, (3, *network.graph.input_shape)).astype(np.float32)
    assert np.isfinite(network.run(images)).all()
    network.workload()
    quantized = quantize(network, images)
    found = Engine(quantized, exact_matmuls(quantized)).run(images)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, quantized.reference(images))


def good(folder):
    """Bytes of networks that load."""
    return [make(folder / "good.onnx").read_bytes() for make in models.ALL.values()]


def damaged(folder, how, rng, count):
    """Networks with bits turned over, or cut."""
    for case in range(count):
        base = good(folder)[case % len(models.ALL)]
        base = with_opset(base, 12) if case % 4 == 3 else base  # goes through the converter
        raw = truncated(base, rng) if how == "truncated" else flipped(base, rng, bits=int(rng.integers(1, 20)))
        yield f"{how} {case}", raw


def external(folder, rng, count):
    """Models with weights beside them: entries, files and links that are wrong."""
    model = onnx.load_from_string(good(folder)[0])
    onnx.save_model(model, str(folder / "base.onnx"), location="w.bin", save_as_external_data=True, size_threshold=0)
    data = (folder / "w.bin").read_bytes()
    base = onnx.load_model(str(folder / "base.onnx"), load_external_data=False)
    numbers = ("0", "-1", "1", str(len(data)), str(2**63), str(10**30), "1e3", "", "\u0663", "0x10")
    places = (
        "w.bin",
        "../w.bin",
        "/etc/passwd",
        "/dev/zero",
        "d/w.bin",
        "",
        ".",
        "..",
        "\0",
        "http://x/w",
        "w" * 300,
        "a/../w.bin",
    )
    for case in range(count):
        changed = onnx.ModelProto()
        changed.CopyFrom(base)
        tensor = changed.graph.initializer[rng.integers(len(changed.graph.initializer))]
        entries = {entry.key: entry.value for entry in tensor.external_data}
        key = str(rng.choice(["location", "offset", "length", "checksum", "data"]))
        if key != "data":
            entries[key] = str(rng.choice(places if key == "location" else numbers))
        del tensor.external_data[:]
        for name, value in entries.items():
            tensor.external_data.add(key=name, value=value)
        cut = data[: rng.integers(0, len(data))] if key == "data" else data
        yield f"external {case} {key} {entries.get(key, len(cut))!r:.60}", changed.SerializeToString(), cut


def with_opset(raw, opset):
    """The model as if written for an older operator set, which is converted."""
    model = onnx.load_from_string(raw)
    if model.opset_import:
        model.opset_import[0].version = opset
    return model.SerializeToString()


def main(how, seed, count):
    """Run the cases of one kind."""
    rng = generator(int(seed))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "net.onnx"
        (folder / "d").symlink_to(folder.parent)
        if how == "old":
            cases = ((name, with_opset(raw, int(count)), None) for name, raw in kinds())
        elif how == "structured":
            cases = ((name, raw, None) for name, raw in kinds())
        elif how == "external":
            cases = external(folder, rng, int(count))
        else:
            cases = ((name, raw, None) for name, raw in damaged(folder, how, rng, int(count)))

        def calls():
            for name, raw, data in cases:
                path.write_bytes(raw)
                if data is not None:
                    (folder / "w.bin").write_bytes(data)
                yield ascii(name), partial(use, path)

        path.write_bytes(good(folder)[0])
        use(path)  # imports what is imported late, which is no case's time
        report(calls())


if __name__ == "__main__":
    main(*sys.argv[1:])
