"""`pimsim solve`: the table is the solver's, ngspice stands beside it, files and figures go in and out."""

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import pimsim as ps
from pimsim.base.errors import InputError, MissingError, SpecError
from pimsim.cli import app


def solve(*arguments):
    result = CliRunner().invoke(app, ["solve", *map(str, arguments)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_an_array_from_a_file(tmp_path):
    rng = np.random.default_rng(0)
    G, V = rng.uniform(1e-6, 1e-4, (6, 4)), rng.uniform(0.1, 0.2, 6)
    np.savez(tmp_path / "cells.npz", G=G, V=V)
    table = json.loads(solve("--array", tmp_path / "cells.npz", "--r-wordline", "5 ohm", "--r-bitline", 7, "--json"))
    exact = ps.solve_crossbar(G, V, ps.Wires(r_wordline=5.0, r_bitline=7.0)).i_out
    np.testing.assert_allclose([row["i_out_a"] for row in table], exact, rtol=1e-12)
    np.testing.assert_allclose([row["ideal_a"] for row in table], V @ G, rtol=1e-12)


@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
@pytest.mark.parametrize("cell", [[], ["--vc", "0.25 V"]])
def test_beside_ngspice(cell):
    table = json.loads(solve("--rows", 7, "--cols", 5, "--spice-check", "--json", *cell))
    assert max(row["difference"] for row in table) < 1e-11
    assert all(row["ngspice_a"] > 0 for row in table)


def test_figure(tmp_path):
    assert "8 x 8, line-cg" in solve("--rows", 8, "--cols", 8, "--figure", tmp_path / "maps.pdf")
    assert (tmp_path / "maps.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--r-wordline", "3 V"], SpecError, "--r-wordline"),
        (["--g-min", "200 uS"], InputError, "need 0 < g_min <= g_max"),
        (["--v-read", "1 ohm"], InputError, "--v-read"),
        (["--array", "nothing.npy"], MissingError, "no file nothing.npy"),
    ],
)
def test_refusals(arguments, error, message):
    result = CliRunner().invoke(app, ["solve", *arguments])
    assert isinstance(result.exception, error)
    assert message in str(result.exception)
