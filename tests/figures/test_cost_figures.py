"""Figures of the cost model: what is drawn is what the data say."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from pimsim.base.errors import InputError
from pimsim.components.spread import adc_law_rows, published_macros
from pimsim.figures import adc_laws, macros, pareto, pareto_front, roofline, style, tornado


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_tornado_puts_the_widest_bar_on_top():
    rows = [("a", "low", 0.9), ("a", "high", 1.1), ("b", "x", 0.2), ("b", "y", 1.0), ("b", "z", 3.0)]
    data = pd.DataFrame(rows, columns=["factor", "value", "ratio"])
    with style():
        ax = tornado(data, base=1.0, xlabel="ratio", even="equal")
        ax.figure.canvas.draw()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    ends = {(patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches}
    assert ends == {(0.9, 1.1), (0.2, 3.0)}
    with pytest.raises(InputError, match="positive ratio"):
        tornado(data.assign(ratio=0.0), base=1.0, xlabel="ratio")


def test_pareto_front_against_every_pair():
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.integers(0, 12, (60, 2)), columns=["x", "y"])
    front = pareto_front(data, "x", "y")
    kept = {tuple(row) for row in front[["x", "y"]].to_numpy()}
    points = [tuple(row) for row in data.to_numpy()]
    best = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] >= p[1] for q in points)}
    assert kept == best
    assert len(front) == len(kept)
    with style():
        ax = pareto(data.assign(name="d"), x="x", y="y", label="name", xlabel="x", ylabel="y")
    assert len(ax.texts) == 60


def test_roofline_draws_the_ridge_and_the_dot():
    with style():
        ax = roofline(100.0, 4.0, {"conv": (50.0, [1e6, 1e4, 90, 80, 80, 70, 60])}, connection="buffer")
        ax.figure.canvas.draw()
    roof = ax.lines[0].get_xydata()
    assert roof[1].tolist() == [25.0, 100.0]
    assert ax.lines[-1].get_xydata().tolist() == [[50.0, 60.0]]
    with pytest.raises(InputError, match="there must be a layer"):
        roofline(1.0, 1.0, {})


def test_adc_laws_draws_one_line_a_law():
    data = pd.DataFrame(adc_law_rows())
    with style():
        ax = adc_laws(data)
        ax.figure.canvas.draw()
    assert len(ax.get_legend().get_texts()) == data["law"].nunique() == 5
    below = data[(data["bits"] == 3) & data["extrapolated"]]
    assert set(below["law"]) == {"survey", "saberi"}


def test_published_macros_are_drawn_with_doubtful_ones_hollow():
    data = published_macros()
    assert len(data) == 30
    assert data["doubtful"].sum() == 2
    own = pd.DataFrame([{"design": "x", "node_nm": 32, "in_bits": 8, "w_bits": 8, "tops_per_w": 2, "tops_per_mm2": 1}])
    with style():
        left, right = macros(data, own)
        left.figure.canvas.draw()
    drawn = sum(len(c.get_offsets()) for c in left.collections)
    widths = pd.to_numeric(data["w_bits"], errors="coerce").notna() & data["tops_per_w"].notna()
    assert drawn == widths.sum() + 1
    assert right.get_legend() is not None
    with pytest.raises(InputError, match="no row"):
        macros(data.assign(tops_per_w=np.nan), own)
