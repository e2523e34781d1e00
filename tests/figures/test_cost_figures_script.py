"""The script that draws the figures of the cost model runs from top to bottom."""

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "experiments" / "cost_figures.py"


def test_every_figure_is_written(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("accuracy,energy_j\n0.9,2e-6\n0.8,1e-6\n0.7,3e-6\n")
    paths = runpy.run_path(str(SCRIPT))["main"](tmp_path, "alexnet", table)
    assert len(paths) == 16
    assert all(path.stat().st_size > 1000 for path in paths)
