"""`pimsim cost`, `eyexam` and `scorecard`: what they print is what the functions return."""

import json
import math

import pytest
from typer.testing import CliRunner

from pimsim.base.errors import InputError
from pimsim.chip import load_chip
from pimsim.cli.app import app
from pimsim.digital import network_cost
from pimsim.evaluation import digital_twin, evaluate
from pimsim.evaluation.bounds import eyexam
from pimsim.networks import load_dataset, load_network
from pimsim.workload import load_workload
from tests.close import close


def run(*arguments):
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_cost_as_json_and_as_tables():
    cost = load_chip("isaac-ce").cost(load_workload("alexnet"), 2)
    data = json.loads(run("cost", "alexnet", "--chip", "isaac-ce", "--batch", "2", "--json"))
    assert data["energy_j"] == cost.energy_j
    twin = network_cost(load_workload("alexnet"), digital_twin(load_chip("isaac-ce")), 2)
    assert data["digital"]["energy_j"] == twin.energy_j
    assert len(data["breakdown"]) == len(cost.actions)
    assert data["layers"] == load_chip("isaac-ce").layers(load_workload("alexnet"))
    text = run("cost", "alexnet", "--chip", "isaac-ce", "--by", "layer")
    assert "fc6" in text
    assert "utilization" in text
    assert "16 x 16" in text
    assert "ADC law: Shafiee" in text


def test_evaluate_as_json_and_as_tables():
    asked = ["evaluate", "fashion-vgg", "--chip", "generic-rram-32nm", "--data", "fashion-mnist"]
    asked += ["--images", "4", "--trials", "2", "--seed", "3"]
    data = load_dataset("fashion-mnist", limit=4)
    ev = evaluate(load_network("fashion-vgg"), load_chip("generic-rram-32nm"), data, trials=2, rng=3)
    found = json.loads(run(*asked, "--json"))
    assert found["trial_accuracies"] == list(ev.trial_accuracies)
    assert found["cost"]["energy_j"] == ev.cost.energy_j
    assert found["layers"] == list(ev.layers)
    text = run(*asked, "--baseline", "none")
    assert "clip_fraction" in text
    assert "generic-rram-32nm, 2 chips" in text
    assert "twin" not in text


def test_assign_as_json_and_as_tables():
    asked = ["assign", "fashion-vgg", "--chip", "generic-digital-sram-22nm", "--data", "fashion-mnist"]
    asked += ["--images", "4", "--trials", "1", "--budget", "0"]
    found = json.loads(run(*asked, "--json"))
    assert found["digital"] == []
    assert found["sensitivity"] == dict.fromkeys(["conv1", "conv2", "conv3", "conv4", "dense"], 0.0)
    assert found["steps"][0]["loss"] == 0
    assert "per_layer: {}" in run(*asked)


def test_eyexam_of_a_layer():
    rows = json.loads(run("eyexam", "alexnet", "--chip", "isaac-ce", "--layer", "conv3", "--json"))
    bounds = eyexam(load_workload("alexnet").layers[2], load_chip("isaac-ce"))
    twin = eyexam(load_workload("alexnet").layers[2], digital_twin(load_chip("isaac-ce")))
    assert [row["macs_per_cycle"] for row in rows if row["side"] == "twin"] == [one.macs_per_cycle for one in twin]
    rows = [row for row in rows if row["side"] == "isaac-ce"]
    assert [row["macs_per_cycle"] for row in rows] == [bound.macs_per_cycle for bound in bounds]
    kept = math.prod(1 - row["lost of bound before %"] / 100 for row in rows)
    assert kept == close(bounds[-1].macs_per_cycle / bounds[0].macs_per_cycle)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["eyexam", "alexnet"], "accelerator 'twin' needs --chip"),
        (["eyexam", "alexnet", "--chip", "isaac-ce", "--layer", "conv9"], "no layer 'conv9'"),
    ],
)
def test_mistakes_are_named(arguments, match):
    with pytest.raises(InputError, match=match):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_scorecard_puts_both_sides_and_the_ratio_in_a_row(tmp_path):
    rows = json.loads(run("scorecard", "alexnet", "--chip", "generic-rram-32nm", "--json"))
    by_name = {row["metric"]: row for row in rows}
    energy = by_name["energy per inference"]
    assert energy["ratio"] == close(energy["pim"] / energy["digital"])
    assert {"peak rate", "achieved rate", "latency", "storage density"} <= set(by_name)
