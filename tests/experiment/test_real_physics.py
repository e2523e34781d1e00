"""Equal bits with real cells, noise and converters: killed on two workers, resumed on one, in any order."""

import csv
import multiprocessing
import os
import shutil
import signal
import struct
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from pimsim import networks
from pimsim.base.errors import InputError
from pimsim.base.library import library_path
from pimsim.experiment import run_experiment
from pimsim.experiment.plan import make_plan
from pimsim.experiment.spec import load_experiment
from pimsim.studies import OtherStudyError, collect
from tests.studies.test_kill import children, count, wait_until

SPEC = """
name: real
chip: generic-rram-32nm
network: fashion-vgg
data: fashion-mnist
images: 4
trials: 4
sweep: {{macro.adc.bits: {bits}}}
series:
  - label: PCM
    overrides:
      macro.device: pcm-nandakumar2019
      macro.adc.range: calibrated
      macro.read_effects: {{correlation: batch}}
baselines: [roof]
figure: {{label: ADC resolution (bits)}}
"""
ROWS = 1 + 4 * 2  # the constants, then two points of four chips


def spec(folder, bits):
    folder.mkdir()
    path = folder / "real.yaml"
    path.write_text(SPEC.format(bits=bits))
    return path


def test_killed_on_two_workers_and_resumed_gives_the_table_of_one(tmp_path):
    undisturbed = run_experiment(spec(tmp_path / "one", [4, 7]), out=tmp_path / "one")
    assert undisturbed.computed == ROWS

    turned = spec(tmp_path / "two", [7, 4])
    command = [sys.executable, "-m", "pimsim.cli", "run", str(turned), "--out", str(tmp_path / "two"), "--workers", "2"]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    first = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    store = tmp_path / "two" / "real" / "results.sqlite"
    wait_until(lambda: count(store) >= 3)
    offspring = children(first.pid)
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_until(lambda: not [pid for pid in offspring if os.path.exists(f"/proc/{pid}")])
    kept = count(store)
    assert 3 <= kept < ROWS

    resumed = run_experiment(turned, out=tmp_path / "two")
    assert resumed.computed == ROWS - kept
    table = (undisturbed.folder / "table.csv").read_bytes()
    assert (resumed.folder / "table.csv").read_bytes() == table
    # The rows are not equal for want of anything random: every chip draws another energy from its cells.
    rows = list(csv.DictReader(table.decode().splitlines()))
    assert len({row["energy_j"] for row in rows if row["macro.adc.bits"] == "7"}) == 4


DIGITAL = """
name: digital
chip: generic-digital-sram-22nm
network: fashion-vgg
data: fashion-mnist
images: 4
trials: 1
sweep: {macro.rows: [64, 128]}
figure: {x: macro.rows, label: rows}
"""


def test_an_experiment_on_a_digital_chip(tmp_path):
    path = tmp_path / "digital.yaml"
    path.write_text(DIGITAL)
    with open(run_experiment(path, out=tmp_path).folder / "table.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["macro.rows"] for row in rows] == ["64", "128"]
    assert all(float(row["accuracy"]) == float(rows[0]["accuracy"]) for row in rows)
    assert all("adder-tree" in row["adc_law"] for row in rows)


OWN = """
name: own
chip: ./chip.yaml
network: net.onnx
data: images
images: 4
trials: 1
sweep: {macro.adc.bits: [7]}
series:
  - label: own card
    overrides: {macro.device: ./card}
baselines: [./acc.yaml]
figure: {label: ADC resolution (bits)}
"""


@pytest.fixture
def own(tmp_path):
    """An experiment all of whose files lie beside it, and an empty folder to look from."""
    folder = tmp_path / "own"
    (folder / "images").mkdir(parents=True)
    (folder / "own.yaml").write_text(OWN)
    (folder / "chip.yaml").write_text("name: mine\nextends: generic-rram-32nm\n")
    shutil.copytree(library_path("cells", "rram-milo2021").parent, folder / "card")
    shutil.copy(library_path("accelerators", "eyeriss"), folder / "acc.yaml")
    shutil.copy(Path(networks.__file__).parent / "data" / "fashion-vgg.onnx", folder / "net.onnx")
    for split, name in (("test", "t10k"), ("calibration", "train")):
        data = networks.load_dataset("fashion-mnist", split)
        pixels = np.rint(255 * data.images[:64, 0]).astype(np.uint8)
        write_idx(folder / "images" / f"{name}-images-idx3-ubyte", pixels)
        write_idx(folder / "images" / f"{name}-labels-idx1-ubyte", data.labels[:64].astype(np.uint8))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    return folder, elsewhere


def write_idx(path, array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())


def test_files_beside_the_experiment_are_found_from_anywhere(own, tmp_path, monkeypatch):
    """By a worker in another folder as well, which is what a worker of Dask is."""
    folder, elsewhere = own
    (elsewhere / "images").mkdir()  # of the same name, and no data set
    monkeypatch.chdir(folder)
    here = run_experiment("own.yaml", out=tmp_path / "one")
    monkeypatch.chdir(elsewhere)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=os.chdir, initargs=("/",)) as pool:
        there = run_experiment("../own/own.yaml", out=tmp_path / "two", executor=pool)
    tables = [(run.folder / "table.csv").read_bytes() for run in (here, there)]
    assert tables[0] == tables[1]
    assert here.constants == there.constants
    assert here.constants["baseline../acc.yaml"] > 0


def test_files_beside_the_experiment_are_found_by_a_dask_worker(own, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    folder, elsewhere = own
    here = run_experiment(folder / "own.yaml", out=tmp_path / "one")
    monkeypatch.chdir(elsewhere)
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        client.run(os.chdir, "/")
        there = run_experiment("../own/own.yaml", out=tmp_path / "two", executor=client.get_executor())
    assert (here.folder / "table.csv").read_bytes() == (there.folder / "table.csv").read_bytes()


def test_what_a_file_holds_decides_the_result_not_its_name(own, tmp_path):
    """In one process, which keeps what it loaded: another network and another baseline under the same names."""
    folder, _ = own
    first = run_experiment(folder / "own.yaml", out=tmp_path / "one")
    model = onnx.load(folder / "net.onnx")
    last = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 2][-1]  # weights of the classes
    last.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(last), last.name))
    onnx.save(model, folder / "net.onnx")
    changed = run_experiment(folder / "own.yaml", out=tmp_path / "two")
    assert changed.constants["float_accuracy"] != first.constants["float_accuracy"]
    with pytest.raises(OtherStudyError, match="network is"):
        run_experiment(folder / "own.yaml", out=tmp_path / "one")

    card = (folder / "acc.yaml").read_text()
    assert "512 pJ" in card
    (folder / "acc.yaml").write_text(card.replace("512 pJ", "1024 pJ"))
    again = run_experiment(folder / "own.yaml", out=tmp_path / "two")
    assert again.computed == 1
    assert again.constants["baseline../acc.yaml"] != changed.constants["baseline../acc.yaml"]


def test_a_file_that_changes_under_a_study_is_told(own):
    folder, _ = own
    plan = make_plan(load_experiment(folder / "own.yaml"), folder)
    (folder / "net.onnx").write_bytes((folder / "net.onnx").read_bytes() + b"\x12\x01a")
    with pytest.raises(InputError, match=r"network: .*net\.onnx is not the file that the study was planned with"):
        collect([plan.constants])
