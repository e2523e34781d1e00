"""Every field of every spec against values that nobody should write: refused in a line, or used to a finite end."""

import pytest

from tests.fuzz.kit import run_apart
from tests.fuzz.spec_kinds import SPECS, cases

WORKER = "tests.fuzz.spec_worker"


@pytest.mark.parametrize("kind", SPECS)
def test_a_sample_of_fields_and_values(kind):
    counts = run_apart(WORKER, kind, 1, 600)
    assert counts["refused"] > 300
    assert counts["accepted"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", SPECS)
def test_every_field_with_every_value(kind):
    assert run_apart(WORKER, kind, 0, 0).total() == len(list(cases(kind)))
