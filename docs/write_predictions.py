"""Write docs/predictions.md from the laws of the components: ``python docs/write_predictions.py``."""

import sys
from pathlib import Path

from predictions import digital, resistive, votes
from predictions.parts import Assumed, Pin

from pimsim.base.spec import PHYSICS_VERSION

HERE = Path(__file__).parent
MADE = "28 November 2026"
PINS = {
    "P1": digital.p1, "P2": resistive.p2, "P3": resistive.p3, "P4": resistive.p4, "P5": digital.p5, "P6": digital.p6,
    "P7": votes.p7, "P8": resistive.p8,
}  # fmt: skip
HEAD = f"""# Predictions

Eight chips of which only design data was at hand, computed before any outcome was looked at; written by
`docs/write_predictions.py` on {MADE} with physics version {PHYSICS_VERSION}. Outcomes were not consulted, and no
number was set so that one comes out: energies and areas follow from the laws that every chip here uses
(`docs/cost.md`). Where no law gives a number it is assumed, with its ends; *low* and *high* are all assumptions at the
ends that give the smaller and the larger result together, so the range is wide. Parts sum to their total at each end.
Operations are 2 a MAC.

Claims follow from the tags of the numbers, as on the page of validation: *transcribed* is arithmetic with the design
data, *prediction* rests on a law or on numbers from elsewhere, and names those that are assumed.
"""


def main(path: str | Path = HERE / "predictions.md") -> dict[str, Pin]:
    """Compute every pin and write the page; return the pins by their names."""
    pins = {name: compute() for name, compute in PINS.items()}
    lines = [HEAD]
    for name, pin in pins.items():
        lines += [f"## {name}: {pin.title}", "", f"Given: {pin.given}.", "", *_table(pin), "", pin.notes, ""]
        lines += [*_assumptions(pin.assumptions), ""]
    Path(path).write_text("\n".join(lines).rstrip() + "\n")
    return pins


def _table(pin: Pin) -> list[str]:
    rows = [row for line in pin.lines for row in line.markdown()]
    return ["| quantity | low | value | high | unit | claim |", "|---|---|---|---|---|---|", *rows]


def _assumptions(assumptions: tuple[Assumed, ...]) -> list[str]:
    rows = [assumption.markdown() for assumption in assumptions]
    return ["| assumed | low | value | high | unit | what it is |", "|---|---|---|---|---|---|", *rows]


if __name__ == "__main__":
    main(*sys.argv[1:])
