"""Wrong words on the command line: a result or one line, in a process of their own."""

import pytest

from tests.fuzz.kit import run_apart

WORKER = "tests.fuzz.command_worker"


def test_wrong_words():
    counts = run_apart(WORKER, 1, 120)
    assert counts["refused"] > 60
    assert counts["accepted"] > 8  # the commands themselves: a harness that refuses all would prove nothing


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_wrong_words_for_an_hour(seed):
    assert run_apart(WORKER, 100 + seed, 3_000).total() > 3_000
