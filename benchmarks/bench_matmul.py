"""Speed of ``array.matmul`` beside numpy's sgemm and beside the field's way of doing the same.

Every row: pairs interleaved in one run, fresh inputs each time, medians of the ratios; packing, corrections and checks
included; one thread unless the row says two. MACs are counted as slices x conversions x planes x K x C x batch, the
rate of sgemm on a matrix of the same physical size. The outputs of every row are compared with the float64 path; the
number of differing outputs (sums within float32 rounding of a code edge) is shown.

    python benchmarks/bench_matmul.py [--rounds 9] [--only noise]
"""

import argparse
import os
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1" if name != "NUMBA_NUM_THREADS" else "2")

import numba  # noqa: E402
import numpy as np  # noqa: E402

import pimsim as ps  # noqa: E402
from pimsim.macro.product import lookup, paths  # noqa: E402
from pimsim.macro.reads.effects import ReadEffects  # noqa: E402

SIZES = [(128, 128, 256), (128, 1024, 256), (1024, 128, 512), (1024, 1024, 512)]
DIGITAL = {"bits": 8, "cell_bits": 2, "scheme": "differential", "subtract": "digital"}
FIRST_CALL = """
import time
start = time.perf_counter(); import numba; imported = time.perf_counter() - start
import numpy as np, pimsim as ps
array = ps.Macro(device="rram-milo2021").program(np.ones((128, 128), int))
X = np.ones((64, 128), np.uint8)
times = []
for _ in range(2):
    start = time.perf_counter(); array.matmul(X); times.append(time.perf_counter() - start)
print((times[0] - times[1]) / imported, imported)
"""


def uniform(rng, batch, k):
    return rng.integers(0, 256, (batch, k)).astype(np.uint8)


def relu(rng, batch, k):
    """Half of the inputs zero, the rest half-normal: bit density about 0.2."""
    return np.clip(rng.normal(size=(batch, k)) * 60, 0, 255).astype(np.uint8)


def bit_density(x):
    return float(np.unpackbits(x).mean())


def make(weights=DIGITAL, **fields):
    fields = {"device": "rram-milo2021", "adc": ps.ADC(bits=8), **fields}
    return ps.Macro(rows=128, cols=128, weights=ps.WeightEncoding(**weights), **fields)


def macs(array, batch):
    plan = array.plans.quiet
    return plan.matrix.size * len(plan.planes) * batch


def seconds(call, clock=time.thread_time):
    """Time of a call: of its thread where there is one, so that other jobs on the machine do not count."""
    start = clock()
    call()
    return clock() - start


def sgemm_rate(rng, shape):
    """A call that runs sgemm and the MACs it does."""
    batch, k, n = shape
    a, b = rng.random((batch, k), np.float32), rng.random((k, n), np.float32)
    out = np.empty((batch, n), np.float32)
    return lambda: np.dot(a, b, out=out), batch * k * n


def numpy_way(plan, words):
    """A matrix product per row group, plane, slice and conversion, and whole-array passes for the converter."""
    out = np.zeros((len(words), plan.matrix.shape[3]))
    for r, (start, stop) in enumerate(plan.groups):
        total = np.zeros(out.shape, np.int64)
        for plane in plan.planes:
            bits = ((words[:, start:stop] >> plane.lsb) & ((1 << plane.width) - 1)).astype(np.float32)
            for s in range(plan.matrix.shape[0]):
                for a in range(plan.matrix.shape[1]):
                    cells = (plan.matrix[s, a, start:stop] + plan.pedestal).astype(np.float32)
                    x = (bits @ cells - plan.lo[r, s].astype(np.float32)) / plan.q[r, s].astype(np.float32)
                    codes = np.clip(np.floor(x + np.float32(0.5)), 0, plan.top).astype(np.int64)
                    total += codes * (plan.weights[r, s, a] * plane.weight)
        out += plan.unit[r] * total
    return out


def check(array, x, rng):
    """Outputs that differ from the float64 path, as text; noise is addressed, so noisy results compare too."""
    x = x[:32]
    got = array.matmul(x, rng=rng)
    keep, paths.choose = paths.choose, lambda plan, noisy=False: paths.Path("plain", "")
    try:
        expected = array.matmul(x, rng=rng)
    finally:
        paths.choose = keep
    differing = np.abs(got - expected) > 1e-9 * np.abs(expected).max()
    return f"{differing.sum()}/{got.size}"


def row(label, macro, size, inputs, rounds, rng=None):
    k, c, batch = size
    random = np.random.default_rng(7)
    numba.config.NUMBA_NUM_THREADS = 1
    array = macro.program(random.integers(-127, 128, (k, c)), rng=1)
    array.matmul(inputs(random, batch, k), rng=rng)
    columns = array.plans.quiet.matrix.shape[0] * array.plans.quiet.matrix.shape[1] * c
    gemm, gemm_macs = sgemm_rate(random, (batch, k, columns))
    gemm()
    pairs = []
    for _ in range(rounds):
        x = inputs(random, batch, k)
        a, b = seconds(gemm), seconds(lambda: array.matmul(x, rng=rng))  # noqa: B023
        pairs.append((gemm_macs / a, macs(array, batch) / b))
    gemm_rate, rate = np.median(pairs, axis=0) / 1e9
    ratio = np.median([ours / theirs for theirs, ours in pairs])
    wrong = check(array, x, rng)
    path = array.explain()["path" if rng is None else "path_with_rng"]
    print(
        f"| {label} | {k} | {c} | {batch} | {path} | {rate:.0f} | {gemm_rate:.0f} | **{ratio:.2f}** | {wrong} |",
        flush=True,
    )


def against(label, first, second, rounds):
    """Time of ``second`` over time of ``first``: median of interleaved pairs."""
    first(), second()
    ratio = np.median([seconds(second) / seconds(first) for _ in range(rounds)])
    print(f"| {label} | {ratio:.2f} |", flush=True)


def second_thread(label, array, x, rounds, repeat):
    """Wall time of a product with one thread over that with two, and what the machine's second core is worth then.

    The latter is the gain of two threads with products of their own, ``repeat`` each, over one thread; other work on
    the machine takes the core away at times, so rounds in which it was there (a gain of 1.8) have a row of their own.
    """
    pool = ThreadPoolExecutor(2)

    def product(threads):
        numba.config.NUMBA_NUM_THREADS = threads
        return min(seconds(lambda: array.matmul(x), time.perf_counter) for _ in range(4))

    def apart():
        numba.config.NUMBA_NUM_THREADS = 1
        work = [lambda: [array.matmul(x) for _ in range(repeat)]] * 2
        return seconds(lambda: list(pool.map(lambda run: run(), work)), time.perf_counter) / (2 * repeat)

    product(2), apart()
    found = np.array([(one / product(2), one / apart()) for one in (product(1) for _ in range(rounds))])
    for name, some in (("", found), (", second core free", found[found[:, 1] >= 1.8])):
        gain, worth = np.median(some, axis=0) if len(some) else (np.nan, np.nan)
        print(f"| one thread / two{name}, {label} ({len(some)} rounds) | {gain:.2f} of {worth:.2f} |", flush=True)
    numba.config.NUMBA_NUM_THREADS = 1


def every_path(rounds, only):
    serial, wide = ps.InputEncoding(bits=8, dac_bits=1), ps.InputEncoding(bits=8, dac_bits=8)
    analog = DIGITAL | {"subtract": "analog"}
    noisy = ReadEffects(bandwidth=1e8)
    white = ReadEffects(correlation="read")
    rows = [
        ("uniform", make(), uniform, {}),
        ("ReLU-like", make(), relu, {}),
        ("analog subtraction", make(analog), uniform, {}),
        ("ideal cells", make(device="ideal", adc=ps.ADC(bits=9)), uniform, {}),
        ("2-bit DAC", make(inputs=ps.InputEncoding(bits=8, dac_bits=2)), uniform, {}),
        ("4-bit DAC", make(inputs=ps.InputEncoding(bits=8, dac_bits=4)), uniform, {}),
        ("8-bit DAC", make(inputs=wide), uniform, {}),
        ("read noise", make(inputs=serial, read_effects=noisy), uniform, {"rng": 3}),
        ("PCM, 1/f noise of a vector", make(device="pcm-nandakumar2019"), uniform, {"rng": 3}),
        ("PCM, noise of every read", make(device="pcm-nandakumar2019", read_effects=white), uniform, {"rng": 3}),
        ("noise of the converters", make(adc=ps.ADC(bits=8, noise_lsb=0.5)), uniform, {"rng": 3}),
        ("offset and gain of the converters", make(adc=ps.ADC(bits=8, offset_lsb=0.5, gain_error=0.01)), uniform, {}),
    ]
    print("| inputs and cells | K | C | batch | path | GMAC/s | sgemm | ratio | differing |")
    print("|---|---|---|---|---|---|---|---|---|")
    for label, macro, inputs, options in rows:
        for size in SIZES:
            if only in label:
                row(label, macro, size, inputs, rounds, **options)


def comparisons(rounds):
    random = np.random.default_rng(8)
    print("\n| comparison | ratio |\n|---|---|")
    for k, c, batch in SIZES:
        numba.config.NUMBA_NUM_THREADS = 1
        weights = random.integers(-127, 128, (k, c))
        array, x = make().program(weights, rng=1), uniform(random, batch, k)
        against(f"numpy's way / ours, K={k} C={c}", lambda: array.matmul(x), lambda: numpy_way(array.plans.quiet, x), 5)  # noqa: B023
        wired = (
            make(wires=ps.Wires(r_wordline=0.35, r_bitline=0.35)).program(weights, rng=1) if k * c <= 2**17 else None
        )
        if wired is not None:
            against(f"with wires / without, K={k} C={c}", lambda: array.matmul(x), lambda: wired.matmul(x), rounds)  # noqa: B023

        second_thread(f"K={k} C={c}", array, x, 4 * rounds, repeat=max(1, 2**18 // (k * c)))
        tracemalloc.start()
        array.matmul(x)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        tables = array.plans.quiet.keep("lookup", lookup.build).entries.nbytes
        out = batch * c * 8
        allowed = 2 * x.nbytes + out + tables
        print(f"| peak memory of the call / (2 x inputs + outputs + tables), K={k} C={c} | {peak / allowed:.3f} |")
    done = [
        subprocess.run([sys.executable, "-c", FIRST_CALL], capture_output=True, text=True, check=True) for _ in range(4)
    ]
    ratio, imported = np.median([[float(v) for v in run.stdout.split()] for run in done[1:]], axis=0)
    print(f"| extra time of the first call in a fresh process / import numba ({imported:.2f} s) | {ratio:.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="rows whose label holds this text")
    parser.add_argument("--skip-comparisons", action="store_true")
    arguments = parser.parse_args()
    every_path(arguments.rounds, arguments.only)
    if not arguments.skip_comparisons:
        comparisons(arguments.rounds)
