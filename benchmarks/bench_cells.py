"""Programming, ageing and reading a million cells, against drawing a million normals with numpy.

Usage: python benchmarks/bench_cells.py
"""

import time

import numpy as np

import pimsim as ps

CELLS = 1_000_000
ROUNDS = 7
CARDS = {"rram-milo2021": None, "rram-wan2022": 86400.0, "pcm-nandakumar2019": 86400.0, "rram-falcone2025": 3600.0}


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main():
    generator = np.random.default_rng(0)
    print(f"{CELLS} cells, one thread, medians of {ROUNDS} interleaved rounds; in units of numpy's normals")
    print(f"{'card':22s} {'program':>8s} {'at':>6s} {'read':>6s} {'program [s]':>12s}")
    for name, t in CARDS.items():
        card = ps.load_device(name)
        target = generator.uniform(card.g_min, card.g_max, CELLS)
        card.program(target[:10], rng=0).read()
        rows = []
        for seed in range(ROUNDS):
            normals = seconds(lambda: generator.standard_normal(CELLS))
            program = seconds(lambda s=seed, c=card, g=target: c.program(g, rng=s))
            cells = card.program(target, rng=seed)
            at = seconds(lambda c=cells, t=t: c.at(t)) if t else np.nan
            read = seconds(lambda c=cells: c.read(0.0, rng=1))
            rows.append((program / normals, at / normals, read / normals, program))
        program, at, read, absolute = np.median(rows, axis=0)
        print(f"{name:22s} {program:8.1f} {at:6.1f} {read:6.1f} {absolute:12.3f}")


if __name__ == "__main__":
    main()
