"""Dask's own executor runs a study; no code here knows of Dask. Runs where the extra is installed."""

import pytest

from pimsim.studies import collect, grid

from .trials import noisy

distributed = pytest.importorskip("distributed")


@pytest.mark.filterwarnings("ignore")  # of Dask's own clean-up
def test_same_rows_through_dask():
    tasks = grid(noisy, mean=[0.0, 1.0])
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        results = collect(tasks, trials=5, executor=client.get_executor())
    assert results.records() == collect(tasks, trials=5).records()
