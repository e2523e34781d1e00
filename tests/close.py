"""Comparison of small numbers in SI units."""

import pytest


def close(expected, rel=1e-9):
    """As pytest.approx without its absolute tolerance of 1e-12, in which every femtojoule would be right."""
    return pytest.approx(expected, rel=rel, abs=0)
