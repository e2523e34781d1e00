"""Numbers of all that is shipped stay what they were; ``python -m tests.golden.library`` writes them anew."""

import json

import pytest

from tests.close import close
from tests.golden import library

STORED = json.loads(library.FILE.read_text())
ITEMS = [(kind, name) for kind, names in STORED.items() for name in names]


def flat(numbers, path=""):
    """Numbers by their path."""
    if isinstance(numbers, dict):
        return {k: v for key, value in numbers.items() for k, v in flat(value, f"{path}/{key}").items()}
    if isinstance(numbers, list):
        return {k: v for key, value in enumerate(numbers) for k, v in flat(value, f"{path}/{key}").items()}
    return {path: numbers}


def test_all_that_is_shipped_stands_in_the_file():
    assert {kind: sorted(names) for kind, names in STORED.items()} == {
        kind: sorted(names()) for kind, (names, _) in library.KINDS.items()
    }


@pytest.mark.parametrize(("kind", "name"), ITEMS)
def test_numbers_are_unchanged(kind, name):
    stored, found = flat(STORED[kind][name]), flat(library.KINDS[kind][1](name))
    assert found.keys() == stored.keys()
    moved = {path: f"{stored[path]} -> {found[path]}" for path in stored if not same(found[path], stored[path])}
    assert moved == {}, "moved on purpose: python -m tests.golden.library, and a line in CHANGELOG.md"


def same(found, stored):
    return found == stored if isinstance(stored, str) else found == close(stored, rel=2e-9)


def test_a_default_that_moves_is_seen():
    chip = library.ps.load_chip("generic-rram-32nm")
    moved = chip.replace({"macro.columns_per_adc": 2 * chip.macro.columns_per_adc}).cost(library.NETWORK)
    stored = STORED["chips"]["generic-rram-32nm"]
    assert library.cost_of(moved)["area [m^2]"] != close(stored["area [m^2]"], rel=1e-3)
