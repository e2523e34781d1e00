"""V17, V18, V21: the digital side."""

import functools
from pathlib import Path

from pimsim.digital import best_mapping, check_case, load_accelerator, load_case, network_cost
from pimsim.workload import Workload, load_workload
from validation.row import Row, absolute

CHIP = "eyeriss-chen2016"
CASES = sorted((Path(__file__).parents[2] / "tests" / "data" / "mapper").glob("*.json"))
IDEAL, PUBLISHED = 0.00245, 0.0029
# The smallest of the ratios published for the run-length coding of activations, layer by layer (remembered).
CODING = 1.2
CODED = (
    f"AlexNet's convolutions, batch 4, mapping of least energy. Activations but the image are divided by {CODING}, the"
    " smallest published ratio of their run-length coding (remembered, not read); without it the row before."
)
PARTS = (
    "Energies of the card are the ratios of Chen et al. (ISCA 2016): a transfer over the array costs 2 multiply-"
    "accumulates. The post-layout networks of the reference take about a third of that, which moves their share to the"
    " PEs."
)


@functools.cache
def _cost():
    layers = _convolutions("alexnet")
    return network_cost(layers, CHIP, 4, "per_inference", mapper=best_mapping, activations="off_chip")


def v17():
    """Off-chip words per MAC between every word once and 1.3 times what was measured."""
    per_mac = 1 / (_cost().macs * _cost().batch)
    plain, coded = _words(1.0) * per_mac, _words(CODING) * per_mac
    high = 1.3 * PUBLISHED
    judged = IDEAL <= coded <= high
    return [
        Row(
            "DRAM words per MAC, as they are", PUBLISHED, plain, "", "not judged: no coding", passed=True, absolute=True
        ),
        Row("DRAM words per MAC, coded", PUBLISHED, coded, "", f"{IDEAL} ... {high:.5f}", passed=judged, note=CODED),
    ]


def _words(ratio):
    """Words to and from off-chip memory, activations but the image divided by the ratio of their coding."""
    memory = load_accelerator(CHIP).memories[0]
    total = 0.0
    for row in _cost().actions:
        if row.component in _cost().off_chip:
            whole = "Weights" in row.action or (row.layer == "conv1" and "Inputs" in row.action)
            total += row.count * memory.width / 16 / (1.0 if whole else ratio)
    return total


def v18():
    """Counts of recorded loop nests; energies to 0.1 %."""
    rows = []
    for path in CASES:
        differences = check_case(load_case(path))
        rows.append(
            Row(path.stem, "all counts", "equal" if not differences else str(differences[0]), "", "exact", "prediction",
                True, not differences)
        )  # fmt: skip
    return rows


def v21():
    """Shares of the on-chip energy."""
    parts = {name: energy for name, energy in _cost().energy_by("component").items() if name not in _cost().off_chip}
    total = sum(parts.values())
    buffer, networks = 100 * parts["buffer"] / total, 100 * parts["array"] / total
    return [
        absolute("PE array", 93.8, 100 - buffer - networks, "%", 1.5, note=PARTS),
        absolute("shared buffer", 3.6, buffer, "%", 1.0),
        absolute("networks on chip", 2.4, networks, "%", 1.0, note=PARTS),
    ]


def _convolutions(name):
    layers = tuple(layer for layer in load_workload(name).layers if layer.kind == "conv2d")
    return Workload(name=name, layers=layers)
