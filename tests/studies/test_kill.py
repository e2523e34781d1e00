"""A study that is killed (SIGKILL) halfway and started again loses nothing and does nothing twice."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from pimsim.studies import Store, collect, grid

from . import trials

SCRIPT = """
import sys
from tests.studies import trials
from pimsim.studies import collect, grid, processes
if __name__ == "__main__":
    log, store, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tasks = grid(trials.logged, log=[log], point=[1, 2, 3])
    with processes(workers) as executor:
        results = collect(tasks, store=store, trials=5, executor=executor if workers > 1 else None)
    print(results.computed)
"""


def count(store):
    try:
        db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        return 0
    try:
        return db.execute("SELECT COUNT(*) FROM rows").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
    finally:
        db.close()


def start(tmp_path, workers):
    script = tmp_path / "study.py"
    script.write_text(SCRIPT)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    command = [sys.executable, str(script), str(tmp_path / "log"), str(tmp_path / "s.sqlite"), str(workers)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def wait_until(true):
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(pid):
    text = subprocess.run(["ps", "--no-headers", "-o", "pid", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in text.stdout.split()]


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_halfway(tmp_path, workers):
    store, log, gate = tmp_path / "s.sqlite", tmp_path / "log", tmp_path / "gate"
    gate.write_text("8")
    first = start(tmp_path, workers)
    wait_until(lambda: log.exists() and len(log.read_text().split()) >= 8 and count(store) >= 1)
    offspring = children(first.pid)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    wait_until(lambda: not [pid for pid in offspring if os.path.exists(f"/proc/{pid}")])
    kept, begun = count(store), len(log.read_text().split())
    assert 1 <= kept <= 7

    gate.unlink()
    second = start(tmp_path, workers)
    out, _ = second.communicate(timeout=120)
    assert int(out) == 15 - kept  # exactly the missing rows
    assert len(log.read_text().split()) == begun + 15 - kept  # no stored row was computed again

    tasks = grid(trials.logged, log=[str(log)], point=[1, 2, 3])
    with Store(store) as finished:
        assert len(finished) == 15
        rows = collect(tasks, store=finished, trials=5)
    undisturbed = collect(grid(trials.logged, log=[str(tmp_path / "other")], point=[1, 2, 3]), trials=5)
    assert [row["value"] for row in rows.records()] == [row["value"] for row in undisturbed.records()]
