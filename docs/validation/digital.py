"""V17, V18, V21: the digital side."""

from pathlib import Path

from pimsim.digital import check_case, list_accelerators, load_case, network_cost
from pimsim.workload import Workload, load_workload
from validation.row import NOT_YET, Row, absolute

PUBLISHED_CHIP = "eyeriss-chen2016"
CASES = sorted((Path(__file__).parents[2] / "tests" / "data" / "mapper").glob("*.json"))
CODING = "The published count is of run-length-coded activations; ours moves them as they are."


def v17():
    """Off-chip accesses per MAC of grouped AlexNet at batch 4, conv layers."""
    if PUBLISHED_CHIP not in list_accelerators():
        return NOT_YET
    cost = network_cost(_convolutions("alexnet"), PUBLISHED_CHIP, batch=4, weights="per_inference")
    words = sum(row.count for row in cost.actions if row.component in cost.off_chip) * _words_per_access()
    ours = words / (cost.macs * cost.batch)
    low, high = 0.00245, 1.3 * 0.0029
    return [
        Row("DRAM accesses per MAC, AlexNet, batch 4", 0.0029, ours, "words", f"{low} ... {high:.5f}", "prediction",
            False, low <= ours <= high, CODING)
    ]  # fmt: skip


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
    """Shares of the on-chip energy of AlexNet's convolutions."""
    if PUBLISHED_CHIP not in list_accelerators():
        return NOT_YET
    cost = network_cost(_convolutions("alexnet"), PUBLISHED_CHIP, batch=1, weights="per_inference")
    by_part = {name: energy for name, energy in cost.energy_by("component").items() if name not in cost.off_chip}
    total = sum(by_part.values())
    buffer, noc = by_part.get("buffer", 0.0) / total, by_part.get("array", 0.0) / total
    array = 1 - buffer - noc
    return [
        absolute("PE array", 93.8, 100 * array, "%", 1.5),
        absolute("shared buffer", 3.6, 100 * buffer, "%", 1.0),
        absolute("networks on chip", 2.4, 100 * noc, "%", 1.0),
    ]


def _convolutions(name):
    layers = tuple(layer for layer in load_workload(name).layers if layer.kind == "conv2d")
    return Workload(name=name, layers=layers)


def _words_per_access():
    from pimsim.digital import load_accelerator

    acc = load_accelerator(PUBLISHED_CHIP)
    return acc.memories[0].width / acc.precision.inputs
