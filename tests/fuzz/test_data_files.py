"""Damaged data files: images, arrays, measurements, recorded cases."""

import csv
import gzip
import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pimsim.cells.fit import fit_device, read_measurements
from pimsim.cli.app import app
from pimsim.digital import check_case, load_case
from pimsim.networks import load_dataset
from tests.fuzz.kit import BYTES, flipped, generator, outcome, peak_bytes, truncated

CASES = sorted((Path(__file__).parents[1] / "data" / "mapper").glob("*.json"))
BAD = (
    None, True, 0, -1, 1, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, "", "x", "1", "-1", "\ud800", "x" * 10_000,
    [], {}, [[]], [1], ["C"], [["C", 1]], {"C": 1},
)  # fmt: skip
SHORT, FULL = 1, pytest.param(100, marks=pytest.mark.slow)


def _damage(raw, rng):
    """Bits turned over, an end cut off, a piece overwritten, doubled or left out."""
    how = rng.integers(5)
    if how == 0:
        return flipped(raw, rng, bits=int(rng.integers(1, 9)))
    if how == 1:
        return truncated(raw, rng)
    start, length = int(rng.integers(0, len(raw))), int(rng.integers(1, 64))
    piece = raw[start : start + length]
    middle = {2: rng.bytes(length), 3: piece * 2, 4: b""}[int(how)]
    return raw[:start] + middle + raw[start + length :]


def _run(name, raws, path, use, count, seed):
    """Damage the files again and again; what became of it."""
    rng, found = generator(seed), Counter()
    for raw in raws:
        path.write_bytes(raw)
        use()  # must be accepted, in any time: kernels may have to be compiled
    for case in range(count):
        path.write_bytes(_damage(raws[case % len(raws)], rng))
        found[outcome(use)] += 1
    assert peak_bytes() < 2 * BYTES  # the whole test process, with everything it has imported
    print(f"{name}: {dict(found)}")
    return found


def _idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


@pytest.mark.parametrize("effort", [SHORT, FULL])
def test_idx_plain_and_gzipped(effort, tmp_path):
    rng = generator(3)
    images, labels = rng.integers(0, 256, (5, 4, 3), np.uint8), rng.integers(0, 10, 5, np.uint8)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(_idx(labels))
    raws = [_idx(images), gzip.compress(_idx(images), mtime=0)]
    path = tmp_path / "t10k-images-idx3-ubyte"
    assert _run("IDX", raws, path, lambda: load_dataset(tmp_path), 400 * effort, seed=4)["refused"] > 200


@pytest.mark.parametrize("effort", [SHORT, FULL])
def test_cifar(effort, tmp_path):
    raw = np.random.default_rng(0).integers(0, 10, 2 * 3073, np.uint8).tobytes()
    _run("CIFAR-10", [raw], tmp_path / "test_batch.bin", lambda: load_dataset(tmp_path), 100 * effort, seed=5)


@pytest.mark.parametrize("effort", [SHORT, FULL])
def test_arrays_of_solve(effort, tmp_path):
    rng, raws = generator(6), []
    G = rng.uniform(1e-6, 1e-4, (3, 4))
    for save, arrays in ((np.save, {"arr": G}), (np.savez, {"G": G}), (np.savez_compressed, {"G": G, "V": np.ones(3)})):
        file = io.BytesIO()
        save(file, **arrays)
        raws.append(file.getvalue())
    path = tmp_path / "a.npz"

    def use():
        result = CliRunner().invoke(app, ["solve", "--array", str(path), "--json"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception

    _run("npy and npz", raws, path, use, 200 * effort, seed=7)


@pytest.mark.parametrize("effort", [SHORT, FULL])
def test_measurements(effort, tmp_path):
    rng, text = generator(8), io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["target_uS", "g_uS", "time_s", "device"])
    for device, target in enumerate(np.repeat([1.0, 5.0, 10.0], 12)):
        writer.writerows([target, target + rng.normal(0, 0.1), time, device] for time in (1, 10))
    raw = text.getvalue().encode()
    path = tmp_path / "m.csv"
    found = _run("CSV", [raw], path, lambda: fit_device(read_measurements(path), "mine", "PCM", "lab"), 150 * effort, 9)
    assert found["refused"] > 40


def _places(node):
    """Every (container, key) of a JSON value."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])


@pytest.mark.parametrize("effort", [SHORT, FULL])
def test_recorded_cases(effort, tmp_path):
    """One field of a case replaced, left out or renamed; or its text damaged."""
    rng, found, path = generator(10), Counter(), tmp_path / "case.json"
    texts = [path.read_text() for path in CASES]
    for case in range(1000 * effort):
        text = texts[case % len(texts)]
        if case % 5 == 0:
            path.write_bytes(_damage(text.encode(), rng))
        else:
            changed = json.loads(text)
            places = list(_places(changed))
            node, key = places[rng.integers(len(places))]
            how = rng.integers(4)
            if how == 0 and isinstance(node, dict):
                node[f"{key}x"] = node.pop(key)
            elif how == 1:
                del node[key]
            else:
                node[key] = BAD[rng.integers(len(BAD))]
            path.write_text(json.dumps(changed))
        found[outcome(lambda: check_case(load_case(path)))] += 1
    print(f"recorded cases: {dict(found)}")
    assert found["refused"] > 500 * effort
