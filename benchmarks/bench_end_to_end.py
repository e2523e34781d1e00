"""Images per second of a whole network on arrays, where the time goes, and what one more worker brings.

Run: python benchmarks/bench_end_to_end.py [--images 200] [--device rram-milo2021]
The last column compares all that is neither circuit nor converter with onnxruntime's float time for the same images
on one thread, measured in turn with it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

os.environ["NUMBA_NUM_THREADS"] = "1"  # a worker is one thread, as in a study

import pimsim as ps
from pimsim.evaluation.bench import make_bench
from pimsim.evaluation.programmed import program_network
from pimsim.networks import Engine


def setup(images: int, device: str):
    bench = make_bench(ps.load_network("fashion-vgg"), ps.load_dataset("fashion-mnist", limit=images))
    macro = ps.load_chip("generic-rram-32nm").macro.replace({"device": device})
    return bench, program_network(bench, macro, seed=0, trial=0).arrays


def once(bench, arrays) -> dict[str, float]:
    """Seconds a phase for one pass over the images."""
    engine = Engine(bench.quantized, {name: array.matmul for name, array in arrays.items()})
    start = time.perf_counter()
    engine.run(bench.data.images, batch=50)
    return engine.seconds | {"total": time.perf_counter() - start}


def float_seconds(bench) -> float:
    start = time.perf_counter()
    bench.network.run(bench.data.images)
    return time.perf_counter() - start


def worker(images: int, device: str, repeats: int) -> float:
    """Seconds for `repeats` passes in a process of its own, set-up left out."""
    bench, arrays = setup(images, device)
    once(bench, arrays)
    start = time.perf_counter()
    for _ in range(repeats):
        once(bench, arrays)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--device", default="rram-milo2021")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    bench, arrays = setup(options.images, options.device)
    once(bench, arrays)
    float_seconds(bench)
    runs = [(once(bench, arrays), float_seconds(bench)) for _ in range(options.repeats)]
    middle = {key: statistics.median(run[key] for run, _ in runs) for key in runs[0][0]}
    flt = statistics.median(seconds for _, seconds in runs)
    other = middle["total"] - sum(middle[k] for k in ("encode", "matmul", "digital"))
    outside = statistics.median((run["total"] - run["matmul"]) / seconds for run, seconds in runs)
    print("| workers | images/s | encode | circuit + converter | digital | other | float onnxruntime |")
    print("|---|---|---|---|---|---|---|")
    share = {k: f"{middle[k] / middle['total']:.1%}" for k in ("encode", "matmul", "digital")}
    print(
        f"| 1 | {options.images / middle['total']:.0f} | {share['encode']} | {share['matmul']} | {share['digital']} "
        f"| {other / middle['total']:.1%} | {options.images / flt:.0f} images/s |"
    )
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        both = list(pool.map(worker, [options.images] * 2, [options.device] * 2, [options.repeats] * 2))
    print(f"| 2 | {2 * options.images * options.repeats / max(both):.0f} | | | | | |")
    print(f"\noutside circuit and converter: {outside:.2f} x onnxruntime's float time (limit 3)")


if __name__ == "__main__":
    main()
