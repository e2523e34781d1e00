"""Dask's own executor runs a study; no code here knows of Dask. Runs where the extra is installed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from pimsim.studies import Store, WorkerError, collect, grid

from . import trials
from .trials import noisy

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask's own clean-up

CLUSTER = """
import sys, time, distributed
if __name__ == "__main__":
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None)
    print(cluster.scheduler_address, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and its worker in processes of their own, which a test may kill."""
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    command = [sys.executable, str(script)]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment, process_group=0
    )
    yield running
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.communicate()


def test_same_rows_through_dask():
    tasks = grid(noisy, mean=[0.0, 1.0])
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        results = collect(tasks, trials=5, executor=client.get_executor())
    assert results.records() == collect(tasks, trials=5).records()


def test_a_trial_that_kills_every_worker_is_named_and_rows_are_kept(cluster, tmp_path):
    path = tmp_path / "s.sqlite"
    with (
        distributed.Client(cluster.stdout.readline().strip()) as client,
        pytest.raises(
            WorkerError, match=r"a worker process ended before its trial did: .*KilledWorker.*; 1 results are"
        ),
    ):
        collect(grid(trials.killed, point=[0, 1]), store=path, executor=client.get_executor())
    with Store(path) as store:
        assert len(store) == 1


def test_a_scheduler_that_dies_is_told_soon_and_rows_are_kept(cluster, tmp_path):
    path, log = tmp_path / "s.sqlite", tmp_path / "log"
    (tmp_path / "gate").write_text("4")

    def kill():
        while not (log.exists() and len(log.read_text().split()) >= 4):
            time.sleep(0.05)
        os.killpg(cluster.pid, signal.SIGKILL)

    client = distributed.Client(cluster.stdout.readline().strip())
    killer = threading.Thread(target=kill)
    killer.start()
    start = time.monotonic()
    with pytest.raises(WorkerError, match=r"does not answer any more .*results are kept in .*; run again to go on"):
        collect(
            grid(trials.logged, log=[str(log)], point=[1, 2, 3]), store=path, trials=5, executor=client.get_executor()
        )
    assert time.monotonic() - start < 120  # two seconds on a machine with nothing else to do
    killer.join()
    client.close(timeout=2)
    (tmp_path / "gate").unlink()
    again = collect(grid(trials.logged, log=[str(log)], point=[1, 2, 3]), store=path, trials=5)
    assert 1 <= again.reused <= 3
