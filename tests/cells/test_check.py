"""The public suite passes every shipped card and finds each kind of fault planted in one."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.cells import check_device
from pimsim.cells.noise import ReadNoise
from pimsim.cells.programming import NormalProgramming
from pimsim.cells.retention import PowerLaw
from pimsim.cells.state import Cells

NAME = "pcm-nandakumar2019"


@pytest.mark.parametrize("name", ps.list_devices())
def test_shipped_cards_pass(name):
    assert check_device(ps.load_device(name)) == []


def test_a_current_that_falls_is_found():
    card = ps.load_device("rram-milo2021").replace({"current_voltage.model.a3": (-1.0,)})
    assert any("does not rise" in line for line in check_device(card))


def test_a_negative_curve_is_found():
    pieces = [{"coefficients": [0.3, -1.0]}]
    card = ps.load_device(NAME).replace({"programming.sigma.pieces": pieces})
    assert any("spread of programming is negative" in line for line in check_device(card))


@pytest.mark.parametrize(
    ("owner", "method", "wrong", "finding"),
    [
        (NormalProgramming, "apply", lambda self, g, xi: g + 0.9 * self.std(g) * xi, "scatter by"),
        (
            NormalProgramming,
            "apply",
            lambda self, g, xi: g + self.std(g) * np.sort(xi.ravel()).reshape(xi.shape),
            "stands",
        ),
        (PowerLaw, "at", lambda self, cells, t: cells.g * np.nan, "not finite"),
        (PowerLaw, "at", lambda self, cells, t: cells.g * np.random.default_rng().random(), "two answers"),
        (Cells, "at", lambda self, t=0.0: self.g * 0.9, "not as programmed"),
        (ReadNoise, "sigma", lambda self, a, b, t: -np.ones(np.shape(a)), "read noise is negative"),
    ],
)
def test_a_wrong_law_is_found(monkeypatch, owner, method, wrong, finding):
    monkeypatch.setattr(owner, method, wrong)
    assert any(finding in line for line in check_device(ps.load_device(NAME)))
