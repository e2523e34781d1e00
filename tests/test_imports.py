"""Starting is cheap: what is imported when, and what that costs beside numpy."""

import os
import subprocess
import sys

HEAVY = {"numba", "pandas", "onnx", "onnxruntime", "matplotlib", "torch"}


def modules_after(code: str) -> set[str]:
    """Top-level modules a fresh interpreter has loaded after running ``code``."""
    listing = f"{code}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    return set(
        subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()
    )


def fastest(*command: str, runs: int = 7) -> float:
    """Least processor time of a command, which other work on the machine does not stretch as it does wall time."""
    spent = []
    for _ in range(runs):
        before = os.times()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        after = os.times()
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(spent)


def test_import_loads_nothing_heavy():
    assert not modules_after("import pimsim") & (HEAVY | {"pydantic", "scipy", "pint"})


def test_a_macro_from_yaml_needs_no_kernels(tmp_path):
    path = tmp_path / "macro.yaml"
    path.write_text(
        "rows: 64\ndevice: rram-milo2021\nadc: {bits: 6, range: calibrated}\nwires: {r_bitline: 0.35 ohm}\n"
    )
    code = (
        "import pimsim as ps\nfrom pimsim.base.spec import load_yaml\n"
        f"assert ps.Macro.parse(load_yaml({str(path)!r})).rows == 64"
    )
    assert not modules_after(code) & HEAVY


def test_import_costs_little_beside_numpy():
    numpy = fastest("-c", "import numpy")
    assert fastest("-c", "import pimsim") <= 1.5 * numpy


def test_help_is_fast():
    assert fastest("-m", "pimsim.cli", "--help") < 0.5
