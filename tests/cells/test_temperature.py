"""Temperature laws: closed forms, the reference, the range, and cells that follow."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, SpecError
from tests.close import close

HOW = {"how": "assumed", "where": "test"}


def card(law, coefficient):
    fields = {
        "law": law,
        "coefficient": {"value": coefficient, **HOW},
        "reference": {"value": 300.0, **HOW},
        "lowest": {"value": 250.0, **HOW},
        "highest": {"value": 400.0, **HOW},
    }
    return ps.load_device("rram-milo2021").replace({"temperature": fields})


@pytest.mark.parametrize(
    ("law", "coefficient", "temperature", "factor"),
    [
        ("linear", 2e-3, 350.0, 1.1),
        ("linear", -1e-3, 250.0, 1.05),
        # exp(0.0513/8.617333e-5 (1/300 - 1/350)) by hand
        ("arrhenius", 0.0513, 350.0, np.exp(595.3118 * 4.761905e-4)),
        ("arrhenius", 0.2, 300.0, 1.0),
    ],
)
def test_factor(law, coefficient, temperature, factor):
    assert card(law, coefficient).temperature_factor(temperature) == close(factor, rel=1e-5)


def test_cells_follow_their_temperature():
    cells = card("arrhenius", 0.05).program([1e-4, 2e-4], rng=1)
    np.testing.assert_array_equal(cells.at(0.0, temperature=300.0), cells.g)
    warm = cells.at(0.0, temperature=380.0)
    np.testing.assert_allclose(warm / cells.g, cells.card.temperature_factor(380.0), rtol=1e-12)
    assert (warm > cells.g).all()


@pytest.mark.parametrize("temperature", [249.0, 401.0])
def test_a_temperature_outside_of_the_law_is_refused(temperature):
    with pytest.raises(InputError, match=r"holds from 250\.0 to 400\.0 K"):
        card("linear", 1e-3).temperature_factor(temperature)


def test_a_temperature_must_be_above_absolute_zero():
    with pytest.raises(SpecError, match="greater than 0"):
        ps.load_device("rram-milo2021").replace(
            {"temperature": {**card("linear", 0.0).temperature.model_dump(), "reference": {"value": 0.0, **HOW}}}
        )
