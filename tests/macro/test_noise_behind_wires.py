"""Noise of cells behind wires: against cells drawn anew in the exact circuit, the fast form against all cells."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.crossbar.sensitivity import cell_drops
from pimsim.macro.reads.effects import ReadEffects
from tests.close import close
from tests.macro.cards import write_card
from tests.naive import crossbar_nodal as nodal

SLOW = ReadEffects(flicker={"amplitude": 0.03, "correlation": "vector"})
WHITE = ReadEffects(flicker={"amplitude": 0.03, "correlation": "read"})
WEIGHTS = ps.WeightEncoding(bits=4, cell_bits=3)


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    return write_card(tmp_path_factory.mktemp("cards"), 2e-6, 60e-6)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("lines", [(40.0, 70.0, 25.0, 10.0), (0.0, 70.0, 0.0, 0.0), (40.0, 0.0, 5.0, 0.0)])
def test_drops_give_the_finite_differences_of_the_exact_circuit(lines, double):
    rng = np.random.default_rng(2)
    G, V, change = rng.uniform(1e-5, 3e-4, (4, 3)), rng.uniform(0, 0.3, 4), 1e-9
    r_w, r_b, r_drv, r_sen = lines
    sources, feet = cell_drops(
        G, ps.Wires(r_wordline=r_w, r_bitline=r_b, r_driver=r_drv, r_sense=r_sen, double_sided=double)
    )
    for n, m in np.ndindex(G.shape):
        up, down = G.copy(), G.copy()
        up[n, m] += change
        down[n, m] -= change
        above, below = (nodal.crossbar(g, V, *lines, double=double)[0] for g in (up, down))
        slope = (above - below) / (2 * change)
        np.testing.assert_allclose(-(V @ sources[:, n, m]) * feet[:, n, m], slope, rtol=1e-5, atol=1e-8)


def programmed(card, r, rows=12, cols=16, access=None, effects=WHITE, **fields):
    wires = ps.Wires(
        r_wordline=r, r_bitline=r, r_driver=r, **{k: fields.pop(k) for k in ("double_sided",) if k in fields}
    )
    macro = ps.Macro(
        rows=rows, cols=cols, device=card, wires=wires, access=access, weights=WEIGHTS, read_effects=effects, **fields
    )
    rng = np.random.default_rng(7)
    return macro.program(rng.integers(-7, 8, (rows, cols // 2 - 1)), rng=1)


def drawn_sums(array, u, sigma, draws, rng):
    """Column sums (draws, conversions, C) of cells drawn anew, each draw the transfer matrix of its own array."""
    macro, held = array.macro, array.programmed
    g = held.cells.g[0, 0]  # (polarity, K, C)
    out = []
    for _ in range(draws):
        now = np.maximum(g + sigma[0, 0] * rng.normal(size=g.shape), 0.0)
        lines = np.zeros((macro.rows, macro.cols))
        used = now.transpose(1, 2, 0).reshape(g.shape[1], -1)
        lines[macro.rows - len(used) :, : used.shape[1]] = used
        seen = lines if macro.access is None else lines / (1 + lines * macro.access.r_on)
        current = ps.transfer_matrix(seen, macro.wires)[: used.shape[1], macro.rows - len(used) :] @ u
        out.append(current.reshape(-1, 2).T / held.step)
    return np.array(out)


def variances(array, u):
    """(fast, exact) variances (conversions, C) of the sums for the levels ``u`` of all rows."""
    noise = array.plans.quiet.noise
    level = u[None]
    fast = [noise.own.of(level, noise.drive(level), 0, a, slice(0, len(u)), noise.tile_of)[0] for a in (0, 1)]
    return np.array(fast), noise.own.exact(level, 0)[0, :, 0]


@pytest.mark.parametrize("r", [0.35, 20.0, 300.0])
@pytest.mark.parametrize("fields", [{}, {"access": ps.Transistor(r_on=2e3)}], ids=str)
def test_variance_is_that_of_cells_drawn_one_by_one(card, r, fields):
    """300 ohm in 12 x 16 is felt as 2.93 ohm in 128 x 128. 1,000 draws of 14 columns: one sigma is some 1 %."""
    array = programmed(card, r, **fields)
    rng = np.random.default_rng(3)
    u = (rng.random(12) < 0.6).astype(float)
    sums = drawn_sums(array, u, 0.03 * array.programmed.cells.g, 1000, rng)
    fast, exact = variances(array, u)
    assert exact.sum() == close(sums.var(axis=0).sum(), rel=0.04)
    assert fast.sum() == close(exact.sum(), rel=0.005)


@pytest.mark.parametrize(("r", "total", "column"), [(0.35, 0.001, 0.005), (2.93, 0.001, 0.01), (20.0, 0.002, 0.02)])
def test_two_vectors_beside_the_diagonal_are_the_sum_over_all_cells(card, r, total, column):
    array = programmed(card, r, rows=48, cols=48)
    rng = np.random.default_rng(4)
    for share in (0.1, 0.3, 1.0):
        fast, exact = variances(array, (rng.random(48) < share).astype(float))
        assert fast.sum() == close(exact.sum(), rel=total)
        assert np.abs(fast / exact - 1).max() < column


@pytest.mark.parametrize("effects", [WHITE, SLOW], ids=["read", "vector"])
def test_products_have_the_variance_of_their_columns(card, effects):
    """Of two planes: their variances where every read draws anew, that of their sum where noise lasts for a vector."""
    adc, inputs = ps.ADC(bits=16, range=(-10.0, 90.0)), ps.InputEncoding(bits=2)
    array = programmed(card, 300.0, effects=effects, inputs=inputs, adc=adc)
    assert array.explain()["path_with_rng"] == "plain"
    x = np.array([3, 1, 2, 3, 0, 1, 2, 3, 3, 2, 1, 3])
    white = array.replace({"read_effects.flicker.correlation": "read"})
    planes = [variances(white, (x >> t & 1).astype(float))[1].sum(axis=0) for t in (0, 1)]
    expected = planes[0] + 4 * planes[1] if effects is WHITE else variances(white, x.astype(float))[1].sum(axis=0)
    found = array.matmul(np.tile(x, (4000, 1)), rng=1).var(axis=0)
    assert found.sum() == close(expected.sum(), rel=0.05)
    assert effects is WHITE or expected.sum() > 1.2 * (planes[0] + 4 * planes[1]).sum()
