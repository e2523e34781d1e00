"""The tool behind `make mutants`: which faults it draws and which tests it runs for each."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray", reason="an extra of its own: pip install .[mutants]")
SPEC = importlib.util.spec_from_file_location("mutants", Path(__file__).parent.parent / "benchmarks" / "mutants.py")
mutants = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mutants)

SOURCE = """
from functools import cache

@cache
def area(width: int | None, *rest, depth=2):
    if width is None:
        return 0.5
    return (
        width
        * depth
    )

class Shape:
    def __repr__(self):
        return 1 + 1
"""


def changes(source):
    every = list(mutants.faults("a.py", source))
    return {mutants.changed_lines(source, mutants.apply(fault, source)) for fault in every}


def test_faults_are_operators_numbers_and_conditions():
    found = changes(SOURCE)
    assert "-        * depth\n+        / depth" in found
    assert "-def area(width: int | None, *rest, depth=2):\n+def area(width: int | None, *rest, depth= 3):" in found
    assert "-    if width is None:\n+    if width is not None:" in found
    assert "-        return 0.5\n+        return 1.5" in found


def test_what_no_test_can_notice_is_left_out():
    found = "\n".join(changes(SOURCE))
    for meaningless in ("-@cache", "+        << depth", "1 + 1", "int -", "/rest", "/ rest"):
        assert meaningless not in found


def test_a_fault_meets_the_tests_of_its_whole_statement_shortest_first():
    seen = mutants.Seen({"slow": 2.0, "fast": 1.0, "other": 0.1}, {"a.py": {9: ["slow"], 10: ["fast"], 7: ["other"]}})
    fault = mutants.Fault("a.py", "NumberReplacer", 0, 10, 8)
    assert mutants.tests_of(fault, SOURCE, seen) == ["fast", "slow"]


def test_what_runs_at_import_meets_every_test_users_of_the_file_first():
    seen = mutants.Seen({"slow": 2.0, "other": 0.1}, {"a.py": {5: [""], 7: ["slow"]}})
    fault = mutants.Fault("a.py", "NumberReplacer", 0, 5, 41)
    assert mutants.tests_of(fault, SOURCE, seen) == ["slow", "other"]


def test_what_nothing_executes_meets_no_test():
    assert mutants.tests_of(mutants.Fault("a.py", "NumberReplacer", 0, 10, 8), SOURCE, mutants.Seen({}, {})) == []
