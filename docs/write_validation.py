"""Write docs/validation.md from live numbers: ``python docs/write_validation.py``.

What a row claims (transcribed, fit, prediction) follows from the tags of the numbers it rests on: validation/labels.py.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # tests: the circuits that ngspice solved

from validation import circuits, converters, costs, devices, digital
from validation.row import Row

HERE = Path(__file__).parent
HEAD = """# Validation

Published results beside what pimsim computes, written by `docs/write_validation.py` from live numbers; every row is
also a test. What a row claims follows from the tag of every number it rests on (`docs/validation/labels.py`).
*transcribed*: all numbers come from the source it compares with, so the row checks arithmetic. *fit*: a number was
calibrated to this source. *prediction*: a number from elsewhere is used, or a law carries the numbers to a condition
that the source's values were not used for; assumed numbers are named.

"""
ROWS = {
    "V1": ("IR drop against ngspice", circuits.v1),
    "V2": ("one column, closed form", circuits.v2),
    "V3": ("square crossbar, all cells on", circuits.v3),
    "V4": ("quantizers of a Gaussian", converters.v4),
    "V5": ("lossless ADC bits", converters.v5),
    "V6": ("compute SNR against ADC bits (Kavishwar and Shanbhag, arXiv:2507.09776)", converters.v6),
    "V7": ("PCM statistics (Nandakumar 2019, Joshi 2020)", devices.v7),
    "V8": ("RRAM statistics (Wan 2022, Milo 2021)", devices.v8),
    "V9": ("order of mappings (Xiao et al. 2022)", converters.v9),
    "V10": ("ISAAC (Shafiee et al., ISCA 2016)", costs.v10),
    "V11": ("NeuRRAM (Wan et al., Nature 2022)", costs.v11),
    "V12": ("Jia et al., JSSC 2020", costs.v12),
    "V13": ("Sinangil et al., JSSC 2021", costs.v13),
    "V14": ("Wang et al., VLSI 2022", costs.v14),
    "V15": ("ADC survey law (arXiv:2404.06553)", costs.v15),
    "V16": ("Horowitz, ISSCC 2014", costs.v16),
    "V17": ("Eyeriss, off-chip traffic (Chen et al. 2016/2017)", digital.v17),
    "V18": ("loop-nest counts against Timeloop", digital.v18),
    "V19": ("converter-limited energy (Rekhi et al., DAC 2019)", costs.v19),
    "V20": ("utilization against array size (Andrulis et al., ISPASS 2024)", costs.v20),
    "V21": ("Eyeriss, energy by part (Wu et al., ICCAD 2019)", digital.v21),
    "V22": ("Eyeriss, frames per second and power (Chen et al., JSSC 2017)", digital.v22),
    "V23": ("read circuit and converters (Ye et al., JSSC 2023; NeuroSim V1.4)", costs.v23),
    "V24": ("optimal mapping against AccelForge", digital.v24),
}


def main(path=HERE / "validation.md"):
    """Compute every row and write the page; return the rows by the name of their target."""
    found = {name: compute() for name, (_, compute) in ROWS.items()}
    lines = [HEAD, "| id | what | values | passed | largest error |", "|---|---|---|---|---|"]
    lines += [_summary(name, ROWS[name][0], rows) for name, rows in found.items()]
    for name, rows in found.items():
        lines += ["", f"## {name}: {ROWS[name][0]}", "", *_table(rows)]
    Path(path).write_text("\n".join(lines) + "\n")
    return found


def _summary(name, title, rows):
    judged = [row for row in rows if row.passed is not None]
    if not judged:
        return f"| {name} | {title} | | not yet | |"
    errors = [abs(row.error) for row in judged if row.error is not None]
    worst = f"{100 * max(errors):.2g} %" if errors else ""
    passed = sum(row.passed for row in judged)
    return f"| {name} | {title} | {len(judged)} | {passed} of {len(judged)} | {worst} |"


def _table(rows: list[Row]):
    if all(row.passed is None for row in rows):
        return ["not yet"]
    lines = [
        "| quantity | published | pimsim | unit | error | accepted | kind | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [row.markdown() for row in rows]
    notes = list(dict.fromkeys(row.note for row in rows if row.note))
    return [*lines, *(["", *notes] if notes else [])]


if __name__ == "__main__":
    results = main(*sys.argv[1:])
    failed = [f"{name}: {row.quantity}" for name, rows in results.items() for row in rows if row.passed is False]
    print("\n".join(failed) or "every row passes")
