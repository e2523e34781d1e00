"""Equal bits with real cells, noise and converters: killed on two workers, resumed on one, in any order."""

import csv
import os
import signal
import subprocess
import sys

from pimsim.experiment import run_experiment
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
