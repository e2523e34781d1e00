"""Compiled kernels run wherever pimsim is put; what is kept of them on disk is trusted by its checksum alone."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest
from typer.testing import CliRunner

from pimsim.base import jit
from pimsim.cli.app import app

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
SOURCE = "from pimsim.base.jit import njit\n\n\n@njit\ndef twice(x):\n    return 2 * x\n"


def twice(folder):
    """A fresh kernel from a file, which looks into the cache of that file as another process would."""
    spec = importlib.util.spec_from_file_location("kernels", folder / "kernels.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.twice


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "kernels.py").write_text(SOURCE)
    return tmp_path


def files(folder, ending):
    return sorted((folder / "cache").rglob(f"*.{ending}"))


def hits(kernel):
    return sum(kernel.stats.cache_hits.values())


def test_a_kernel_is_kept_between_runs(folder):
    assert twice(folder)(4) == 8
    again = twice(folder)
    assert again(4) == 8
    assert hits(again) == 1


def empty(raw):
    return b""


def truncated(raw):
    return raw[: len(raw) // 2]


def flipped(place):
    def change(raw):
        at = int(place * (len(raw) - 1))
        return raw[:at] + bytes([raw[at] ^ 16]) + raw[at + 1 :]

    return change


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [empty, truncated, *map(flipped, (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0))])
def test_a_damaged_file_is_written_anew(folder, ending, damage):
    twice(folder)(4)
    (file,) = files(folder, ending)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    damaged = twice(folder)
    assert damaged(4) == 8
    assert hits(damaged) == 0
    again = twice(folder)
    assert again(4) == 8
    assert hits(again) == 1


def run_apart(folder, **options):
    script = folder / "script.py"
    script.write_text(SOURCE + "from pimsim.base.jit import kernel_cache\nprint(twice(4), kernel_cache())\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.strip()


def test_without_a_folder_to_write_kernels_are_compiled_at_every_start(tmp_path):
    """A package and a home that cannot be written: files stand where the folders of the caches would be."""
    package = Path(jit.__file__).parents[1]
    shutil.copytree(package, tmp_path / "pimsim", ignore=shutil.ignore_patterns("__pycache__", "*.onnx", "*.gz"))
    for place in (tmp_path, *(p for p in (tmp_path / "pimsim").rglob("*") if p.is_dir())):
        (place / "__pycache__").touch()
    away = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "PYTHONPATH": str(tmp_path)}
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"} | away
    assert run_apart(tmp_path, env=environment) == "8 None"


def test_a_full_disk_costs_a_compilation(tmp_path):
    """Files of no more than 0 bytes stand in for a disk that is full."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    script = tmp_path / "script.py"
    script.write_text(SOURCE)
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))"
    command = f"{full}; import sys; sys.path.insert(0, {str(tmp_path)!r}); import script; print(script.twice(4))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "8", "")
    assert not list((tmp_path / "cache").rglob("*.nbc"))


def test_the_folder_in_use_is_named(folder):
    assert str(jit.kernel_cache()).startswith(str(folder / "cache"))


def test_doctor_names_the_folder_in_use(folder, monkeypatch):
    def cache():
        rows = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).output)
        return next(row for row in rows if row["what"] == "kernel cache")

    assert cache() == {"what": "kernel cache", "found": str(jit.kernel_cache()), "verdict": "ok"}
    monkeypatch.setattr("pimsim.base.jit.kernel_cache", lambda: None)
    assert "none can be written: kernels are compiled at every start" in cache()["verdict"]


@pytest.fixture
def read_only_package(tmp_path):
    """A copy of the package on a file system that takes no writes, where this machine lets us mount one."""
    folder = tmp_path / "site"
    shutil.copytree(Path(jit.__file__).parents[1], folder / "pimsim", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(jit.__file__).parents[2] / "devices", folder / "devices")
    mount = ["mount", "--bind", str(folder), str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here; the tests above have files in place of the folders")
    subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_read_only_package_without_a_home(read_only_package, tmp_path):
    with pytest.raises(OSError, match="Read-only"):
        (read_only_package / "file").touch()
    environment = dict(os.environ, PYTHONPATH=str(read_only_package), HOME="/proc/none", XDG_CACHE_HOME="/proc/none")
    environment.pop("NUMBA_CACHE_DIR", None)
    wires = "ps.Wires(r_wordline=1.0, r_bitline=1.0)"  # a circuit, so that kernels are compiled
    solve = f"ps.solve_crossbar(np.eye(2), np.ones(2), {wires}).i_out.min() > 0"
    code = f"import numpy as np, pimsim as ps; print(ps.__file__, {solve})"
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(read_only_package) in done.stdout
    assert done.stdout.split()[-1] == "True"
