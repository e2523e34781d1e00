"""The script that draws the figures of the cost model runs from top to bottom."""

import runpy
from pathlib import Path

from matplotlib import pyplot as plt

from pimsim.workload import Dense, Workload

SCRIPT = Path(__file__).parents[2] / "experiments" / "cost_figures.py"
SMALL = Workload(name="small", layers=[Dense(name="fc", m=16, c=128)])  # few mappings to search
TABLE = """series,macro.adc.bits,trial,accuracy,energy_j
RRAM,4,0,0.6,1e-6
RRAM,4,1,0.7,1e-6
RRAM,8,0,0.9,2e-6
RRAM,8,1,0.9,2e-6
PCM,4,0,0.5,3e-6
PCM,4,1,0.5,3e-6
"""


def test_every_figure_is_written(tmp_path):
    (tmp_path / "table.csv").write_text(TABLE)
    draw = runpy.run_path(str(SCRIPT))["main"]
    paths = draw(tmp_path, "alexnet", tmp_path / "table.csv", (".png",), 60, compared=[SMALL, SMALL])
    names = {"adc_laws", "breakdown", "macros", "tornado", "roofline", "scorecard", "pareto"}
    assert {path.stem for path in paths} == names
    assert all(path.stat().st_size > 1000 for path in paths)


def test_pareto_of_an_experiment_has_a_point_a_design_with_its_bits_and_interval(tmp_path):
    (tmp_path / "table.csv").write_text(TABLE)
    (ax,) = runpy.run_path(str(SCRIPT))["pareto_figure"](tmp_path / "table.csv").axes
    points = sorted(tuple(xy) for found in ax.collections for xy in getattr(found, "get_offsets", list)() if len(xy))
    assert {(1.0, 65.0), (2.0, 90.0), (3.0, 50.0)} <= {(round(x, 6), round(y, 6)) for x, y in points}
    assert sorted(text.get_text() for text in ax.texts) == ["4", "4", "8"]
    assert {"RRAM", "PCM"} <= {text.get_text() for text in ax.get_legend().get_texts()}
    assert ax.get_xscale() == "log"
    plt.close("all")
