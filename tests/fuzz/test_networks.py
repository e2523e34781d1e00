"""Hostile networks, in processes of their own: a crash of onnx or onnxruntime would be told, not shared."""

import pytest

from tests.fuzz.kit import run_apart

WORKER = "tests.fuzz.onnx_worker"
SIZES = [("truncated", 50), ("flipped", 200), ("external", 100)]
FULL = [("truncated", 2_000), ("flipped", 20_000), ("external", 5_000)]


def test_every_kind_of_wrong_network():
    counts = run_apart(WORKER, "structured", 0, 0)
    assert counts["refused"] > 300
    assert counts["accepted"] > 20  # what is odd and right must load: a harness that refuses all would prove nothing


@pytest.mark.parametrize("opset", [9, pytest.param(12, marks=pytest.mark.slow)])
def test_every_kind_of_wrong_network_in_an_old_operator_set(opset):
    counts = run_apart(WORKER, "old", 0, opset)
    assert counts["refused"] > 200
    assert counts["accepted"] > 10


@pytest.mark.parametrize(("how", "count"), SIZES)
def test_damaged_networks(how, count):
    assert run_apart(WORKER, how, 1, count).total() == count


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("how", "count"), FULL)
def test_damaged_networks_for_hours(how, count, seed):
    assert run_apart(WORKER, how, 100 + seed, count).total() == count
