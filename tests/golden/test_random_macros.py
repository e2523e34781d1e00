"""Numbers of forty random macros stay what they were; ``python -m tests.golden.random_macros`` writes them anew."""

import json

import pytest

import pimsim as ps
from tests.golden import random_macros

STORED = json.loads(random_macros.FILE.read_text())


def test_there_are_forty_of_many_kinds():
    specs = [stored["spec"] for stored in STORED]
    assert len(specs) == 40
    assert len({spec.get("device", "ideal") for spec in specs}) >= 6
    assert {spec["circuit"]["kind"] for spec in specs if "circuit" in spec} >= {"charge", "current", "gate", "ladder"}


@pytest.mark.parametrize("seed", random_macros.SEEDS)
def test_numbers_are_unchanged(seed):
    stored = STORED[seed]
    macro = ps.Macro.parse(stored["spec"])
    numbers = random_macros.numbers_of(macro, seed)
    found = random_macros.kept(macro, numbers)
    assert found["spec"] == stored["spec"]
    assert found["exact"] == stored["exact"]
    assert found["sums"].keys() == stored["sums"].keys()
    for name, value in stored["sums"].items():
        assert abs(found["sums"][name] - value) <= 1e-10 * random_macros.magnitude(numbers[name]), name
