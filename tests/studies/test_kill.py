"""A study that is killed, interrupted or out of disk halfway and started again loses nothing, does nothing twice."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from pimsim.studies import Store, StoreError, collect, grid

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


def start(tmp_path, workers, stderr=None):
    script = tmp_path / "study.py"
    script.write_text(SCRIPT)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    command = [sys.executable, str(script), str(tmp_path / "log"), str(tmp_path / "s.sqlite"), str(workers)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True, process_group=0)


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


@pytest.mark.parametrize("gap", [0.0, 0.1, 0.25])
def test_two_ctrl_c_do_not_hang(tmp_path, gap):
    """Both go to the whole group, as a terminal sends them."""
    store, log = tmp_path / "s.sqlite", tmp_path / "log"
    (tmp_path / "gate").write_text("8")
    study = start(tmp_path, 2, stderr=subprocess.PIPE)
    wait_until(lambda: log.exists() and len(log.read_text().split()) >= 8 and count(store) >= 1)
    offspring = children(study.pid)
    for _ in range(2):
        os.killpg(study.pid, signal.SIGINT)
        time.sleep(gap)
    _, errors = study.communicate(timeout=100)  # a hang is for ever
    assert study.returncode in (130, -signal.SIGINT)
    assert "KeyboardInterrupt" in errors
    assert "InvalidStateError" not in errors
    assert "Exception in thread" not in errors
    wait_until(lambda: not [pid for pid in offspring if os.path.exists(f"/proc/{pid}")])
    assert 1 <= count(store) <= 7


def test_one_ctrl_c_says_what_is_kept_and_how_to_go_on(tmp_path):
    store, log = tmp_path / "s.sqlite", tmp_path / "log"
    (tmp_path / "gate").write_text("8")
    study = start(tmp_path, 2, stderr=subprocess.PIPE)
    wait_until(lambda: log.exists() and len(log.read_text().split()) >= 8 and count(store) >= 1)
    os.killpg(study.pid, signal.SIGINT)
    _, errors = study.communicate(timeout=100)
    kept = count(store)
    assert f"interrupted: {kept} results are kept in {store}; run again to go on (15 are wanted)" in errors
    assert "Exception in thread" not in errors
    (tmp_path / "gate").unlink()
    out, _ = start(tmp_path, 2).communicate(timeout=300)
    assert int(out) == 15 - kept


UNGUARDED = """
from tests.studies import trials
from pimsim.studies import collect, grid, processes
with processes(2) as executor:
    collect(grid(trials.noisy, mean=[1.0, 2.0]), trials=3, executor=executor)
"""


def test_a_script_without_a_guard_is_told_what_is_missing(tmp_path):
    script = tmp_path / "bare.py"
    script.write_text(UNGUARDED)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if "starts worker processes when it is imported" in line]
    assert told
    assert all(line.startswith(str(script)) and '`if __name__ == "__main__":`' in line for line in told)
    assert "bootstrapping phase" not in done.stderr
    assert 'is what starts workers under `if __name__ == "__main__":`?' in done.stderr.splitlines()[-1]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 KiB, where this machine lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here; test_store.py has a stand-in")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_the_study_goes_on_when_there_is_room(small_disk, tmp_path):
    path, tasks = small_disk / "s.sqlite", grid(trials.noisy, mean=[0.0, 1.0])
    with pytest.raises(StoreError, match=r"s\.sqlite cannot grow: the disk is full"):
        collect(tasks, store=path, trials=1000)
    kept = count(path)
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    rows = collect(tasks, store=path, trials=1000)
    assert rows.reused == kept
    assert rows.records() == collect(tasks, trials=1000).records()
    (small_disk / "fill").write_bytes(bytes(2**20))


def test_a_disk_that_is_full_from_the_start_is_named(small_disk):
    (small_disk / "fill").write_bytes(bytes(60 * 1024))
    with pytest.raises(StoreError, match="the disk is full"):
        collect(grid(trials.noisy, mean=[0.0]), store=small_disk / "folder" / "s.sqlite", trials=1000)
