"""Damaged stores: the study goes on to the right results, or one line says what is wrong; never a wrong row."""

import pytest

from tests.fuzz.kit import run_apart

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
