"""What the engine adds to the arrays: im2col, digital operators and rescaling beside onnxruntime's float network.

    OMP_NUM_THREADS=1 python benchmarks/bench_engine.py

Prints microseconds an image on one thread, the best of nine rounds, for the shipped network
with exact matrix products; their own time is left out of "all but matmul".
"""

import time

from pimsim.networks import Engine, exact_matmuls, load_dataset, load_network, quantize

IMAGES = 512
ROUNDS = 9


def measure(batch: int) -> dict[str, float]:
    network = load_network("fashion-vgg")
    quantized = quantize(network, load_dataset("fashion-mnist", split="calibration").images)
    images = load_dataset("fashion-mnist", limit=IMAGES).images
    engine = Engine(quantized, exact_matmuls(quantized))
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        engine.seconds = dict.fromkeys(engine.seconds, 0.0)
        start = time.perf_counter()
        for first in range(0, IMAGES, batch):
            network.run(images[first : first + batch])
        middle = time.perf_counter()
        engine.run(images, batch=batch)
        total = time.perf_counter() - middle
        found = {"float": middle - start, "encode": engine.seconds["encode"], "digital": engine.seconds["digital"]}
        found["all but matmul"] = total - engine.seconds["matmul"]
        best = {name: min(best.get(name, value), value) for name, value in found.items()}
    return {name: value / IMAGES * 1e6 for name, value in best.items()}


def main() -> None:
    print("| batch | onnxruntime float | encode | digital | all but matmul | ratio to float |")
    print("|---|---|---|---|---|---|")
    for batch in (16, 32, 64):
        row = measure(batch)
        cells = " | ".join(f"{value:.0f} us" for value in row.values())
        print(f"| {batch} | {cells} | {row['all but matmul'] / row['float']:.2f} |")


if __name__ == "__main__":
    main()
