"""Runs every example of every command's help with the pimsim beside this Python, in a new folder with their files.

``venv/bin/python .ci/help_examples.py``: CI does this with the installed wheel.  Sizes are cut (``SMALLER``); what
cannot run without a machine of one's own stands in ``LEFT_OUT`` with its reason.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Options that make an example quick; the last one given holds.
SMALLER = {
    "run": "--size smoke --workers 1",
    "evaluate": "--images 4 --trials 1",
    "scorecard": "--images 4 --trials 1",
    "assign": "--images 4 --trials 1",
}
LEFT_OUT = {
    "pimsim COMMAND --help": "COMMAND stands for any; each is called to find the examples",
    "pimsim run adc_bits --size paper --dask tcp://cluster:8786": "needs a Dask cluster",
}
# These write what others read.
FIRST = ("pimsim run", "pimsim devices fit", "pimsim new", "pimsim map")


def examples(text: str) -> list[str]:
    """Command lines of the examples on a help page; a comment stands two spaces or more behind its command."""
    _, _, rest = text.partition("Examples:")
    lines = (line.strip() for line in rest.splitlines())
    return [re.split(r"\s{2,}", line)[0] for line in lines if line.startswith("pimsim ")]


def commands(text: str) -> list[str]:
    """Names of the commands on a help page."""
    _, _, rest = text.partition("Commands:")
    return re.findall(r"^  ([a-z][\w-]*)", rest, flags=re.MULTILINE)


def collect(page, *path: str) -> list[str]:
    """Examples of a command and of all below it; ``page`` gives the help page of a command by its words."""
    text = page(*path)
    below = [line for name in commands(text) for line in collect(page, *path, name)]
    return list(dict.fromkeys(examples(text) + below))


def prepare(folder: Path) -> None:
    """The files that the examples name."""
    import numpy as np

    rng = np.random.default_rng(0)
    _network(folder / "net.onnx", rng)
    (folder / "my_chip.yaml").write_text("extends: generic-rram-32nm\nname: my-chip\n")
    batches = folder / "cifar-10"
    batches.mkdir()
    for name in ("test_batch", "data_batch_1"):
        records = rng.integers(0, 256, (600, 1 + 3 * 32 * 32), dtype=np.uint8)
        records[:, 0] %= 10
        records.tofile(batches / f"{name}.bin")
    from pimsim.experiment import experiment_path

    shipped = experiment_path("adc_bits").read_text(encoding="utf-8")
    (folder / "my_experiment.yaml").write_text(shipped.replace("name: adc_bits", "name: mine"), encoding="utf-8")
    (folder / "refs.bib").write_text("@misc{lab2026, title={Readings}, author={Us}, year={2026}}\n")
    targets = np.repeat(np.linspace(5.0, 40.0, 8), 60)
    readings = targets + rng.normal(0.0, 0.5 + 0.02 * targets)
    rows = [f"{target:.6g},{g:.6g},{device}" for device, (target, g) in enumerate(zip(targets, readings, strict=True))]
    (folder / "readings.csv").write_text("\n".join(["target_uS,g_uS,device", *rows]) + "\n")
    np.savez(folder / "cells.npz", G=rng.uniform(1e-6, 1e-4, (16, 8)))
    recorded = folder / "tests" / "data" / "mapper"
    recorded.mkdir(parents=True)
    case = Path(__file__).parents[1] / "tests" / "data" / "mapper" / "tut02_gemm.json"
    (recorded / case.name).write_bytes(case.read_bytes())
    _shards(folder)


def _shards(folder: Path) -> None:
    """The same study as another machine would have computed it, and its store under the names of two more."""
    from pimsim.experiment import run_experiment

    run_experiment("adc_bits", out=folder / "other", size="smoke")
    for name in ("a.sqlite", "b.sqlite"):
        shutil.copy(folder / "other" / "adc_bits" / "results.sqlite", folder / name)


def _network(path: Path, rng) -> None:
    """A convolution of stride 4 and a dense layer for images of CIFAR-10."""
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper, save

    kernel, matrix = rng.normal(0, 0.1, (8, 3, 4, 4)), rng.normal(0, 0.1, (512, 10))
    weights = {"kernel": kernel.astype(np.float32), "matrix": matrix.astype(np.float32)}
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["c"], strides=[4, 4]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("MatMul", ["f", "matrix"], ["logits"]),
    ]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in (("image", ["batch", 3, 32, 32]), ("logits", ["batch", 10]))
    ]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "net", *ends, constants), opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    checker.check_model(model)
    save(model, path)


def smaller(line: str) -> str:
    """The example at a small size; a redirection stays at its end."""
    call, arrow, file = line.partition(" > ")
    return " ".join(filter(None, [call, SMALLER.get(line.split()[1], "")])) + arrow + file


def main() -> int:
    """Run all; the exit code is 1 if one failed."""
    binaries = Path(sys.executable).parent
    places = {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}

    def page(*path: str) -> str:
        call = ["pimsim", *path, "--help"]
        return subprocess.run(call, capture_output=True, text=True, check=True, env=os.environ | places).stdout

    lines = [line for line in collect(page) if line not in LEFT_OUT]
    failed = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for line in sorted(lines, key=lambda line: not line.startswith(FIRST)):
            begin = time.monotonic()
            settings = {"cwd": folder, "env": os.environ | places | {"HOME": name}, "text": True}
            done = subprocess.run(smaller(line), shell=True, capture_output=True, **settings)
            print(f"{'ok' if done.returncode == 0 else 'FAILED'} {time.monotonic() - begin:5.1f} s  {line}", flush=True)
            if done.returncode:
                failed.append(line)
                print(done.stderr[-1500:], flush=True)
    print(f"{len(lines) - len(failed)} of {len(lines)} examples ran")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
