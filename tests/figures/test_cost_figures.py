"""Figures of the cost model: what is drawn is what the data say."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from pimsim.base.errors import InputError
from pimsim.components.spread import adc_law_rows, published_macros
from pimsim.figures import adc_laws, losses, macros, pareto, pareto_front, ratios, roofline, style, tornado
from pimsim.figures.labels import label_points
from tests.close import close


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


@pytest.mark.parametrize("ratio", [0.1, 1.0, 9.0])
def test_the_line_where_both_are_equal_is_on_the_axis(ratio):
    data = pd.DataFrame([("a", "low", 0.9 * ratio), ("a", "high", ratio)], columns=["factor", "value", "ratio"])
    with style():
        low, high = tornado(data, base=ratio, xlabel="ratio", even="equal").get_xlim()
    assert low < 1.0 < high


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


BOUNDS = [1e6, 1e4, 90, 80, 80, 70, 60]


def ladder_rows(intensities, bounds=BOUNDS):
    words = {"constraint": "what limits", "reason": "why"}
    return pd.DataFrame(
        {"layer": name, "macs_per_word": intensity, "step": step, "macs_per_cycle": value, **words}
        for name, intensity in intensities.items()
        for step, value in enumerate(bounds, start=1)
    )


def steps_drawn(*axes):
    lines = [line for ax in axes for line in ax.get_lines() if str(line.get_gid()).startswith("step")]
    return [(int(line.get_gid().split()[1]), *line.get_xydata()[0].tolist()) for line in lines]


def test_roofline_has_the_ridge_and_seven_marks_a_layer():
    with style():
        upper, lower = roofline(
            ladder_rows({"conv": 50.0, "fc": 2.0}), peak=100.0, words_per_cycle=4.0, connection="buffer",
            title="net on machine", notes=["PE = one multiplier"],
        )  # fmt: skip
        upper.figure.canvas.draw()
    (roof,) = [line for line in lower.get_lines() if line.get_gid() == "roof"]
    assert roof.get_xydata()[1].tolist() == [25.0, 100.0]
    assert upper.get_xscale() == lower.get_yscale() == "log"
    conv = sorted((step, y) for step, x, y in steps_drawn(upper, lower) if x > 10)
    assert conv == [(step, value) for step, value in enumerate(BOUNDS, start=1)]
    assert [x for _, x, _ in steps_drawn(upper) if x > 10] == close([50.0, 50.0])
    assert upper.get_title(loc="right") == "slope: 4 words per cycle of buffer"
    assert [text.get_text() for text in upper.texts] == ["conv", "fc"]
    assert "PE = one multiplier" in [text.get_text() for text in lower.texts]


def test_ladders_of_one_intensity_stand_apart_and_point_at_it():
    with style():
        upper, lower = roofline(ladder_rows({f"l{i}": 7.0 for i in range(12)}), peak=100.0, words_per_cycle=4.0)
        upper.figure.canvas.draw()
        across = [upper.transAxes.inverted().transform(upper.transData.transform((x, 1e6)))[0]
                  for step, x, _ in steps_drawn(upper) if step == 1]  # fmt: skip
    assert np.diff(sorted(across)).min() > 0.033
    assert min(across) > 0
    assert max(across) < 1
    leaders = [line.get_xdata() for line in lower.get_lines() if line.get_gid() == "leader"]
    assert {float(foot) for foot, _ in leaders} == {7.0}


def test_roofline_refuses_what_it_cannot_draw():
    rows = ladder_rows({"a": 3.0})
    with pytest.raises(InputError, match="there must be a layer"):
        roofline(rows.iloc[:0], peak=1.0, words_per_cycle=1.0)
    with pytest.raises(InputError, match="must be > 0"):
        roofline(rows, peak=1.0, words_per_cycle=0.0)
    with pytest.raises(InputError, match=r"layer 'a' has steps \[1, 2, 3\], not 1 to 7"):
        roofline(rows.iloc[:3], peak=1.0, words_per_cycle=1.0)


def test_losses_sum_to_the_peak():
    with style():
        ax = losses(ladder_rows({"a": 1.0, "b": 2.0}), peak=100.0)
        ax.figure.canvas.draw()
    widths = [[patch.get_width() for patch in bar] for bar in ax.containers]
    assert [sum(column) for column in zip(*widths, strict=True)] == close([100, 100])
    named = dict(zip((text.get_text() for text in ax.get_legend().get_texts()), widths, strict=True))
    assert named["reached"] == [60, 60]
    assert named["6 what limits: why"] == close([10, 10])
    assert "5 what limits: why" not in named  # nothing is lost there
    with pytest.raises(InputError, match="peak > 0"):
        losses(ladder_rows({"a": 1.0}), peak=0.0)


def test_ratios_are_colored_by_who_is_better():
    rows = [("rate", 20.0, True), ("use", 0.1, True), ("energy", 0.5, False), ("area", 3.0, False)]
    with style():
        axes = ratios(pd.DataFrame(rows, columns=["metric", "ratio", "higher_is_better"]), first="chip", second="array")
        axes[0].figure.canvas.draw()
    ends = [[patch.get_x() + patch.get_width() for patch in ax.patches] for ax in axes]
    assert ends == [close([20.0, 0.1]), close([0.5, 3.0])]
    colors = [patch.get_facecolor() for ax in axes for patch in ax.patches]
    assert colors[0] == colors[2] != colors[1] == colors[3]
    assert axes[0].get_xscale() == "log"
    assert axes[1].get_xlabel() == "chip / array"
    with pytest.raises(InputError, match="positive ratio"):
        ratios(pd.DataFrame([("a", 0.0, True)], columns=["metric", "ratio", "higher_is_better"]), first="", second="")


def test_names_cover_neither_each_other_nor_points():
    rng = np.random.default_rng(3)
    points = [tuple(point) for point in rng.uniform(0, 1, (25, 2)).tolist()]
    with style():
        _, ax = plt.subplots()
        ax.scatter(*zip(*points, strict=True), s=8)
        label_points(ax, points, [f"n{i}" for i in range(25)])
        ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    screen = ax.transData.transform(points)
    assert not [box for box in boxes if any(box.contains(*point) for point in screen)]


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
