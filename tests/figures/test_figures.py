import re
import zlib

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from pimsim import figures
from pimsim.base.errors import InputError
from pimsim.base.prefixes import prefixed, readable
from tests.close import close

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def style():
    with figures.style():
        yield
    plt.close("all")


def summary(**changes):
    rows = [
        {
            "series": name, "bits": bits, "accuracy": a, "accuracy_low": a - 0.02, "accuracy_high": a + 0.03,
            "energy_j": e, "energy_j_low": 0.9 * e, "energy_j_high": 1.2 * e,
        }
        for name, a, e in [("RRAM", 0.8, 3e-6), ("PCM", 0.7, 4e-6)]
        for bits in (8, 4, 6)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**changes)


def draw(data=None, accuracies=(("float", 0.92), ("int8", 0.91)), energies=(("Eyeriss", 9e-6),)):
    return figures.accuracy_energy(
        summary() if data is None else data,
        "bits",
        xlabel="ADC bits",
        accuracies=dict(accuracies),
        energies=dict(energies),
    )


def test_curves_and_bands_hold_the_numbers():
    top, bottom = draw()
    rram = next(line for line in top.get_lines() if line.get_label() == "RRAM")
    np.testing.assert_array_equal(rram.get_xdata(), [4, 6, 8])
    np.testing.assert_allclose(rram.get_ydata(), 80)
    edge = top.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose([edge[:, 1].min(), edge[:, 1].max()], [78, 83])
    np.testing.assert_allclose(bottom.get_lines()[0].get_ydata(), 3)
    assert bottom.get_ylabel() == "Energy per inference (µJ)"


def test_references_are_drawn_and_named():
    top, bottom = draw()
    texts = [text.get_text() for ax in (top, bottom) for text in ax.texts]
    assert "float 92.0 %, int8 91.0 %" in texts
    assert "Eyeriss" in texts
    assert [line.get_ydata()[0] for line in bottom.get_lines() if line.get_linestyle() == "--"] == [9.0]


def test_name_of_a_reference_stands_where_the_curves_are_not():
    _, ax = plt.subplots()
    ax.plot([0, 1], [0.0, 1.0])
    ax.set_ylim(0, 2)
    figures.reference_line(ax, 1.1, "high at the right")
    figures.reference_line(ax, -0.1, "low at the left")
    assert [text.get_ha() for text in ax.texts] == ["left", "right"]


def test_infinite_interval_gets_no_band():
    top, _ = draw(summary(accuracy_low=-np.inf, accuracy_high=np.inf))
    assert len(top.collections) == 0
    low, high = top.get_ylim()
    assert 0 <= low < high <= 100


def test_reference_far_from_the_curves_stays_inside(tmp_path):
    top, _ = draw(summary(accuracy=0.9, accuracy_low=0.89999, accuracy_high=0.90001), accuracies=[("float", 0.95)])
    low, high = top.get_ylim()
    assert low < 90 < 95 < high
    figures.save(top.figure, tmp_path / "a.pdf", {})


def test_axes_of_the_caller_are_used():
    _, axes = plt.subplots(1, 2)
    drawn = figures.accuracy_energy(summary(), "bits", xlabel="", accuracies={}, energies={}, axes=axes)
    assert list(drawn) == list(axes)


def test_breakdown_parts_sum_to_the_bar():
    parts = [f"part_{i}" for i in range(10)]
    data = pd.DataFrame(
        [
            {"design": d, "component": part, "energy_j": (i + 1) * 1e-9}
            for d in "ab"
            for i, part in enumerate(parts)
            for _ in range(2)
        ]
    )
    ax = figures.breakdown(data)
    widths = [patch.get_width() for patch in ax.patches]
    assert sum(widths) == close(2 * 2 * 55)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == [*(f"part {i}" for i in reversed(range(2, 10))), "other"]  # part 1 is 3.6 % of the bar
    ends = {round(patch.get_x() + patch.get_width(), 6) for patch in ax.patches}
    assert max(ends) == 110


def test_a_part_is_ranked_by_its_share_of_its_own_bar_and_has_one_look_everywhere():
    small = pd.DataFrame({"adc": [6.0, 0.0], "dac": [4.0, 0.0], "mac": [0.0, 900.0], "net": [0.0, 100.0]})
    large = pd.DataFrame({"adc": [1.0, 0.0], "bank": [0.0, 5.0]})
    looks = figures.part_looks(small, large)
    assert list(looks) == ["adc", "bank", "mac", "dac", "net"]
    assert len(set(looks.values())) == len(looks)
    many = pd.DataFrame({f"p{i}": [1.0] for i in range(25)})
    assert len(set(figures.part_looks(many, shown=0.0).values())) == 21


def test_same_bytes_twice_with_ids_and_embedded_fonts(tmp_path):
    for name in ("a", "b"):
        top, _ = draw()
        for ending in ("pdf", "png", "svg"):
            figures.save(top.figure, tmp_path / f"{name}.{ending}", {"spec": "3f2a"})
    for ending in ("pdf", "png", "svg"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
        assert b"3f2a" in (tmp_path / f"a.{ending}").read_bytes()
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in pdf  # TrueType, embedded
    assert b"/Type3" not in pdf
    assert b"/Subtype /Image" not in pdf  # vector throughout
    assert b"CreationDate" not in pdf


def test_style_ends_with_its_block_and_ignores_the_users():
    with matplotlib.rc_context({"font.size": 33}):
        with figures.style():
            assert matplotlib.rcParams["font.size"] == 7.5
        assert matplotlib.rcParams["font.size"] == 33


@pytest.mark.parametrize(
    ("value", "text"), [(3.2e-6, "3.2 µJ"), (1e-9, "1 nJ"), (0.0, "0 J"), (999.6, "1e+03 J"), (-5e4, "-50 kJ")]
)
def test_prefixes(value, text):
    assert readable(value, "J") == text


def test_every_power_of_ten_reads_between_1_and_1000():
    for power in range(-18, 16):
        factor, _ = prefixed(10.0**power, "J")
        assert 1 <= round(10.0**power * factor, 6) < 1000


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="data has no column 'accuracy_low'; there are series, bits"):
        draw(summary().drop(columns="accuracy_low"))
    with pytest.raises(InputError, match="summary has no rows"):
        draw(summary().iloc[:0])
    with pytest.raises(InputError, match="data has no column 'energy_j'"):
        figures.breakdown(pd.DataFrame({"design": ["a"], "component": ["b"]}))
    with pytest.raises(InputError, match=r"figure\.jpg: the ending must be one of \.pdf, \.svg, \.png"):
        figures.save(plt.figure(), "figure.jpg", {})


def test_small_range_of_energy_is_linear():
    energy = [1.0e-6, 1.1e-6, 1.2e-6] * 2
    _, bottom = draw(summary(energy_j=energy, energy_j_low=energy, energy_j_high=energy), energies=())
    assert bottom.get_yscale() == "linear"


def test_text_does_not_become_shapes(tmp_path):
    top, _ = draw()
    figures.save(top.figure, tmp_path / "a.pdf", {})
    streams = re.findall(rb"stream\r?\n(.*?)endstream", (tmp_path / "a.pdf").read_bytes(), re.DOTALL)
    texts = b"".join(zlib.decompress(s) for s in streams if s[:1] == b"x")
    assert b"Tj" in texts or b"TJ" in texts
