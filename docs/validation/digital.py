"""V17, V18, V21, V22, V24: the digital side."""

import functools
from pathlib import Path

from pimsim.components.control import CONTROL, Control
from pimsim.digital import (
    Accelerator,
    best_mapping,
    check_case,
    load_accelerator,
    load_case,
    map_layer,
    network_cost,
    row_stationary,
)
from pimsim.workload import MatMul, Workload, load_workload
from validation.labels import Tagged, of_accelerator
from validation.row import Basis, Row, absolute, relative

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
    "Networks are those between buffer and PEs; the links that hand partial sums from PE to PE are wired"
    " inside the array (Chen et al., JSSC 2017) and count as PE array: the reference names no such network."
    " Here the mapping is that of least energy and every access costs its published ratio (ISCA 2016); it"
    " moves fewer partial sums to and from the buffer (0.6 % of the energy, the reference 1.8 %) than the chip"
    " did with its own mapping, so buffer and networks are 0.8 points each below the reference and the PE"
    " array the sum of both above."
)

# Network: batch; frames per second and power [W] of the convolutions at 1 V and 200 MHz, off-chip memory apart.
MEASURED = {"alexnet": (4, 34.7, 0.278), "vgg16": (3, 0.7, 0.236)}
POWER = (
    "Row-stationary mapping, clock and control at the share assumed for every design. Two things are missing, and no"
    " number was set from these values. The chip does not load and compute at once: on VGG-16 its array is busy a third"
    " of the time, where the loop nest says all of it, so the frames take 3 times as long. And the power that is left"
    " over runs with time, not with work: 50 mW (AlexNet) and 131 mW (VGG-16) over the measured times would close the"
    " energies, more than a share of the work gives a chip that waits."
)

_LOOPS = Tagged("loop nest of the mapping of least energy", "law", "data-reuse analysis, docs/mapper.md")
_ROWS = Tagged("loop nest of the row-stationary mapping", "law", "data-reuse analysis, docs/mapper.md")
MAPPED = Basis("Chen et al.", (_LOOPS,))
_CODED = Basis("Chen et al.", (_LOOPS, Tagged("coding ratio", "remembered", "Chen et al., JSSC 2017")))


@functools.cache
def _cost():
    layers = _convolutions("alexnet")
    return network_cost(layers, CHIP, 4, "per_inference", mapper=best_mapping, activations="off_chip")


def v17():
    """Off-chip words per MAC between every word once and 1.3 times what was measured."""
    per_mac = 1 / (_cost().macs * _cost().batch)
    plain, coded = _words(1.0) * per_mac, _words(CODING) * per_mac
    high = 1.3 * PUBLISHED
    judged, limits = IDEAL <= coded <= high, f"{IDEAL} ... {high:.5f}"
    return [
        Row(
            "DRAM words per MAC, as they are",
            PUBLISHED,
            plain,
            "",
            "not judged: no coding",
            MAPPED,
            passed=True,
            absolute=True,
        ),
        Row("DRAM words per MAC, coded", PUBLISHED, coded, "", limits, _CODED, passed=judged, note=CODED),
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
    rows, recorded = [], Basis("Timeloop", (_LOOPS,))
    for path in CASES:
        differences = check_case(load_case(path))
        rows.append(
            Row(path.stem, "all counts", "equal" if not differences else str(differences[0]), "", "exact", recorded,
                True, not differences)
        )  # fmt: skip
    return rows


def v21():
    """Shares of the on-chip energy."""
    apart = {*_cost().off_chip, CONTROL}  # the reference names no clock and control
    parts = {name: energy for name, energy in _cost().energy_by("component").items() if name not in apart}
    total = sum(parts.values())
    basis = Basis("Wu et al., ICCAD 2019", (_LOOPS, *of_accelerator(load_accelerator(CHIP))))
    buffer, networks = 100 * parts["buffer"] / total, 100 * _networks(load_accelerator(CHIP)) / total
    return [
        absolute("PE array", 93.8, 100 - buffer - networks, "%", 1.5, basis, note=PARTS),
        absolute("shared buffer", 3.6, buffer, "%", 1.0, basis),
        absolute("networks on chip", 2.4, networks, "%", 1.0, basis, note=PARTS),
    ]


def v22():
    """Frames per second, power and energy a frame of the convolutions, which the chip's own clock and control join."""
    return [row for name in MEASURED for row in _frame(name)]


def v24():
    """Off-chip words of the optimal mapping of a square product, bounds that divide the sides."""
    basis = Basis("AccelForge", (_LOOPS,))
    best = map_layer(MatMul(m=256, c=256, n=256), _one_buffer(), imperfect=0)
    words = sorted(one.reads + one.updates for one in best.counts.levels["DRAM"].tensors.values())
    found = zip(("least", "middle", "most"), (65536, 131072, 262144), words)
    return [relative(f"256^3 product in 16 KiB, {name} words", *pair, "words", 0.0, basis) for name, *pair in found]


def _one_buffer():
    """A buffer of 16 KiB below off-chip memory, one byte a word; only that off-chip words are dear decides."""
    word = {"width": 8.0, "source": "toy"}
    far = {"kind": "memory", "name": "DRAM", "read": 100.0, "write": 100.0, **word}
    near = {"kind": "memory", "name": "buffer", "read": 1.0, "write": 1.0, "capacity": 8.0 * 2**14, **word}
    precision = dict.fromkeys(("weights", "inputs", "outputs", "psums"), 8)
    design = {"name": "square", "description": "", "source": "toy", "node": 45e-9, "clock": 1e9}
    mac = {"energy": 0.1, "source": "toy"}
    return Accelerator.parse(design | {"precision": precision, "hierarchy": (far, near), "mac": mac})


def _frame(name):
    batch, rate, power = MEASURED[name]
    cost = network_cost(
        _convolutions(name), CHIP, batch, "per_inference", mapper=row_stationary, activations="off_chip"
    )
    energy = cost.energy_on_chip_j / batch
    parts = (_ROWS, *of_accelerator(load_accelerator(CHIP)), Tagged("control", "assumed", Control().origin))
    basis, time = Basis("JSSC 52(1), 2017, measured", parts), Basis("JSSC 52(1), 2017, measured", (_ROWS,))
    return [
        relative(f"{name}, frames per second", rate, cost.throughput_per_s, "1/s", 0.3, time, POWER),
        relative(f"{name}, power", 1e3 * power, 1e3 * energy * cost.throughput_per_s, "mW", 0.3, basis, POWER),
        relative(f"{name}, energy a frame", 1e3 * power / rate, 1e3 * energy, "mJ", 0.3, basis, POWER),
    ]


def _networks(acc):
    """Energy of the words that cross between buffer and PEs; partial sums handed from PE to PE do not."""
    rows = _cost().actions
    delivered = [row.energy_j for row in rows if row.component == "array" and row.action != "move Outputs"]
    sums = [row.count for row in rows if row.component == "buffer" and row.action.endswith("Outputs")]
    return sum(delivered) + sum(sums) * acc.memories[1].width * acc.array_at(2).energy


def _convolutions(name):
    layers = tuple(layer for layer in load_workload(name).layers if layer.kind == "conv2d")
    return Workload(name=name, layers=layers)
