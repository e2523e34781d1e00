"""Damaged stores and results folders: the right results, or one line that says what is wrong; never a wrong row."""

from collections import Counter

import pytest

from pimsim.report import write_report
from tests.fuzz.kit import flipped, generator, outcome, run_apart, truncated
from tests.report.test_report import write

WORKER = "tests.fuzz.store_worker"
KINDS = ("flipped", "truncated", "overwritten", "edited")


@pytest.mark.parametrize("how", KINDS)
def test_damaged_stores(how):
    assert run_apart(WORKER, how, 1, 40).total() == 40


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("how", KINDS)
def test_damaged_stores_for_an_hour(how, seed):
    assert run_apart(WORKER, how, 100 + seed, 2_000).total() == 2_000


@pytest.mark.parametrize("count", [60, pytest.param(5_000, marks=pytest.mark.slow)])
def test_damaged_results_folders(count, tmp_path):
    rng, found = generator(1), Counter()
    for _ in range(count):
        folder = write(tmp_path)
        path = folder / rng.choice(["table.csv", "figure.png", "provenance.json"])
        raw = path.read_bytes()
        damaged = flipped(raw, rng, int(rng.integers(1, 9))) if rng.integers(2) else truncated(raw, rng)
        if damaged == raw:  # a bit turned over twice
            continue
        path.write_bytes(damaged)
        found[path.name, outcome(lambda folder=folder: write_report(folder))] += 1
    print(f"results folders: {dict(found)}")
    assert not found["table.csv", "accepted"]
    assert not found["figure.png", "accepted"]
