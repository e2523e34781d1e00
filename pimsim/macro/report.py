"""What an array says about itself: its path, its cells, what programming took, how it uses its converters."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from pimsim.base.errors import InputError
from pimsim.macro.calibration import Calibration
from pimsim.macro.columns import sram
from pimsim.macro.columns.cell_law import cell_model
from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.columns.solved import needs_circuit
from pimsim.macro.product.plans import Plans
from pimsim.macro.programmed import Programmed
from pimsim.macro.trace import range_report
from pimsim.macro.verify import effort_report


def explain_reads(plans: Plans) -> dict[str, Any]:
    """Which path a product takes and why, without and with an rng, and what the converters see."""
    cells, plan = plans.cells, plans.quiet
    macro, path, noisy = cells.macro, plans.path(), plans.path_with_noise()
    found: dict[str, Any] = {
        "path": path.name,
        "why": path.why,
        "path_with_rng": noisy.name,
        "why_with_rng": noisy.why,
        "arrays": cells.programmed.tiling.arrays,
        "cells": cell_text(cells),
        "read_noise": macro.read_effects.sources(cells.card),
    }
    if macro.digital:
        return found | {"converter": sram.tree_text(macro.active)}
    signed = macro.weights.signed_columns
    return found | {
        "pedestal": "subtracted before the ADC" if signed else f"{plan.pedestal:.4g} cell steps an active input",
        "adc_step": (float(plan.q.min()), float(plan.q.max())),
        "adc_low": (float(plan.lo.min()), float(plan.lo.max())),
        "adc_errors": {} if plan.adc is None else plan.adc.largest_errors(),
    }


def cell_text(cells: CellsAt) -> str:
    """What the current of a cell follows."""
    macro, law = cells.macro, cell_model(cells.card)
    if macro.circuit is not None:
        return f"{macro.circuit.kind} column"
    if law is None:
        return "linear"
    kind = cells.card.iv.kind
    if needs_circuit(macro, cells.card):
        return f"{kind} I-V law of the card"
    return f"conductance at the read voltage (the card's I-V law is {kind}, cell_law is {macro.cell_law})"


def reported(x: np.ndarray | None, calibration: Calibration | None) -> np.ndarray:
    """Inputs a report rests on: those given, else those the array was calibrated with."""
    if x is None and calibration is None:
        raise InputError("report: give inputs X, or calibrate the array first")
    return calibration.sample if x is None and calibration is not None else np.asarray(x)


def report_ranges(plans: Plans, x: np.ndarray, calibration: Calibration | None) -> dict[str, Any]:
    """How the column sums of checked inputs (B, K) use the range of the converters, and what compensation does."""
    if not len(x):
        raise InputError("report: needs at least one input")
    macro = plans.cells.macro
    words = [w for _, w in macro.inputs.words(x)]
    report = range_report(plans.quiet, words, macro.weights.slice_weights)
    if calibration is not None:
        report["compensations"] = [asdict(found) for found in calibration.compensations]
    return report


def programming_report(programmed: Programmed) -> dict[str, float]:
    """What programming took and reached: cells, rms error in cell steps, pulses when verified.

    Reference cells count as the others do. See :func:`pimsim.macro.verify.effort_report`; after pre-distortion also
    its ``scale`` and the share of the cells that stopped at a limit of the device (``clipped``). Its errors are
    part of the calibration.
    """
    parts = [(programmed.cells, programmed.effort)]
    if programmed.reference is not None:
        parts.append((programmed.reference, programmed.reference_effort))
    report = effort_report(parts, programmed.step)
    if programmed.distortion is None:
        return report
    return report | {"scale": programmed.distortion.scale, "clipped": programmed.distortion.clipped}
