"""Mapper: whole networks on Eyeriss, every answer with its bound, beside ZigZag on AlexNet alone.

    python benchmarks/bench_mapper.py --zigzag-python /path/to/venv/bin/python

ZigZag (zigzag-dse and six on PyPI) lives in an environment of its own; without --zigzag-python it is left out. Both run
on one thread; the clock is CPU time, so that a busy machine does not decide. Compiling (once a machine) is left out.
"""

import argparse
import statistics
import subprocess
import time

from pimsim.digital import load_accelerator, map_layer
from pimsim.workload import Conv2d, load_workload

NETWORKS = ("alexnet", "vgg16", "resnet18")
ZIGZAG = """
import pathlib, tempfile, time, zigzag
from zigzag.api import get_hardware_performance_zigzag
inputs = pathlib.Path(zigzag.__file__).parent / "inputs"
with tempfile.TemporaryDirectory() as folder:
    start = time.process_time()
    get_hardware_performance_zigzag(
        str(inputs / "workload/alexnet.onnx"), str(inputs / "hardware/eyeriss_like.yaml"),
        str(inputs / "mapping/default.yaml"), dump_folder=folder, loma_show_progress_bar=False)
    print("seconds", time.process_time() - start)
"""


def network(name, acc, objective):
    """Map every different layer; returns (seconds of each, results)."""
    shapes = list(dict.fromkeys(layer.replace({"name": ""}) for layer in load_workload(name).layers))
    seconds, found = [], []
    for layer in shapes:
        start = time.process_time()
        found.append(map_layer(layer, acc, objective))
        seconds.append(time.process_time() - start)
    return seconds, found


def zigzag_alexnet(python):
    """CPU seconds of ZigZag's default search on its own AlexNet and Eyeriss-like design."""
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([python, "-c", ZIGZAG], capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout.split("seconds")[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accelerator", default="eyeriss")
    parser.add_argument("--objective", default="energy", choices=("energy", "latency", "edp"))
    parser.add_argument("--zigzag-python", default=None)
    options = parser.parse_args()
    acc = load_accelerator(options.accelerator)
    start = time.process_time()
    map_layer(Conv2d(m=4, c=4, p=4, q=4, r=3, s=3), acc, options.objective)
    print(f"first call, compiling or loading what is compiled: {time.process_time() - start:.1f} s CPU")
    every, total = [], 0.0
    print("| network | different layers | optimal | worst gap | median s | worst s | total s | costed / s | pruned |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in NETWORKS:
        seconds, found = network(name, acc, options.objective)
        proven = sum(best.proof == "optimal" for best in found)
        rate = sum(best.costed for best in found) / sum(seconds)
        pruned = statistics.median(best.pruned for best in found)
        gap = max(best.gap for best in found)
        print(
            f"| {name} | {len(found)} | {proven} | {gap:.1%} | {statistics.median(seconds):.2f} | {max(seconds):.2f} "
            f"| {sum(seconds):.1f} | {rate:,.0f} | {pruned:.1e} |",
            flush=True,
        )
        every += seconds
        total += sum(seconds)
    print(f"all: median {statistics.median(every):.2f} s a layer, {total:.1f} s in all")
    if options.zigzag_python:
        theirs = zigzag_alexnet(options.zigzag_python)
        print(f"ZigZag, AlexNet alone: {theirs:.1f} s; ratio to all three networks here {theirs / total:.2f}")


if __name__ == "__main__":
    main()
