import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.figures import column_sums, style


def test_one_panel_a_slice_that_counts_every_sum():
    import matplotlib

    matplotlib.use("Agg")
    rng = np.random.default_rng(0)
    before = {"slice 0": rng.normal(20, 5, 500), "slice 1": rng.normal(5, 2, 500)}
    after = {name: np.rint(x) for name, x in before.items()}
    with style():
        axes = column_sums(before, after)
    assert [ax.get_ylabel() for ax in axes] == ["slice 0", "slice 1"]
    assert sum(patch.get_height() for patch in axes[0].patches[:-1]) == 500
    assert axes[0].get_yscale() == "log"
    matplotlib.pyplot.close(axes[0].figure)


def test_unequal_panels_are_refused():
    with pytest.raises(InputError, match="same panels"):
        column_sums({"a": np.ones(3)}, {"b": np.ones(3)})


def test_the_figure_of_a_real_trace_shows_its_histograms(tmp_path):
    """Bars before the converter and the line after it, panel by panel, hold the counts of the trace."""
    import matplotlib

    matplotlib.use("Agg")
    rng = np.random.default_rng(1)
    macro = ps.Macro(rows=64, cols=64, device="rram-milo2021", adc=ps.ADC(bits=5, range="calibrated", percentile=0.99))
    w, x = rng.integers(-127, 128, (100, 8)), rng.integers(0, 256, (40, 100))
    trace = macro.program(w, rng=1).calibrate(x[:20]).matmul(x[20:], trace=True)[1]
    with style():
        axes = column_sums(*trace.by_slice())
        axes[0].figure.savefig(tmp_path / "columns.png", dpi=200)
    assert [ax.get_ylabel() for ax in axes] == [f"slice worth {worth}" for worth in (1, 4, 16, 64)]
    for s, ax in enumerate(axes):
        bars, line = ax.patches[:-1], ax.patches[-1].get_xy()
        edges = np.array([*(bar.get_x() for bar in bars), bars[-1].get_x() + bars[-1].get_width()])
        before, after, _ = trace.histogram(weight_slice=s, bins=edges)
        np.testing.assert_array_equal([bar.get_height() for bar in bars], before)
        # A step line has two corners a bin, (left, count) and (right, count), between its two feet.
        np.testing.assert_array_equal(line[1:-1:2, 1], after)
        np.testing.assert_allclose(line[1:-1:2, 0], edges[:-1])
        # A bin is a level: none of those in use is without sums, and sums beyond them are clipped.
        np.testing.assert_allclose(np.diff(edges), trace.q[0, s, 0])
        occupied = np.flatnonzero(after)
        assert (after[occupied[0] : occupied[-1] + 1] > 0).all()
        assert before.sum() == after.sum() == trace.before[:, :, :, s].size
    image = matplotlib.image.imread(tmp_path / "columns.png")
    assert len(np.unique(image.reshape(-1, image.shape[2]), axis=0)) > 20
    matplotlib.pyplot.close(axes[0].figure)


def test_an_empty_trace_is_refused():
    y, trace = ps.Macro(rows=8, cols=8).program(np.ones((8, 2), dtype=int)).matmul(np.zeros((0, 8), int), trace=True)
    assert y.shape == (0, 2)
    with pytest.raises(InputError, match="no sums to draw"):
        column_sums(*trace.by_slice())
    with pytest.raises(InputError, match="trace of an empty batch"):
        trace.rows()
