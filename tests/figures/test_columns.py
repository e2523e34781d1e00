import numpy as np
import pytest

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
    assert sum(patch.get_height() for patch in axes[0].patches[:48]) == 500
    assert axes[0].get_yscale() == "log"
    matplotlib.pyplot.close(axes[0].figure)


def test_unequal_panels_are_refused():
    with pytest.raises(InputError, match="same panels"):
        column_sums({"a": np.ones(3)}, {"b": np.ones(3)})
