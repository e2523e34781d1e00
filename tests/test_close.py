"""Comparisons state what they let pass: no tolerance in which every femtojoule would be right."""

import ast
from pathlib import Path

import pytest

from tests.close import close

STATED = {"approx": "abs", "isclose": "atol", "allclose": "atol"}
FILES = sorted(path for path in Path(__file__).parent.rglob("*.py") if path.name != "close.py")


def silent(text: str) -> list[str]:
    """Comparisons whose absolute tolerance is the library's: 1e-12 of pytest.approx, 1e-8 of numpy's."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return [ast.unparse(call) for call in calls if not _stated(call)]


def _stated(call: ast.Call) -> bool:
    function = ast.unparse(call.func)
    needed = None if function.startswith("math.") else STATED.get(function.rpartition(".")[2])
    return needed is None or needed in {keyword.arg for keyword in call.keywords}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_comparison_states_its_absolute_tolerance(path):
    assert silent(path.read_text()) == [], "use tests.close.close, or state abs= (atol=)"


def test_comparisons_that_do_not_are_found():
    assert silent("assert x == pytest.approx(1e-13, rel=1e-9)") == ["pytest.approx(1e-13, rel=1e-09)"]
    assert silent("assert np.allclose(x, 1e-9, rtol=1e-3)") == ["np.allclose(x, 1e-09, rtol=0.001)"]
    assert silent("assert x == approx(1, abs=1); assert np.isclose(x, 1, atol=0); math.isclose(x, 1)") == []


def test_a_femtojoule_is_not_another():
    assert close(1.0000000001e-15) == 1e-15
    assert close(2e-15) != 1e-15
