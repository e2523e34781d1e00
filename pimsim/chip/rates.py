"""How fast reads follow each other: cells, DACs and converters of one array, and the rates of what they drive."""

from __future__ import annotations

from pimsim.chip.estimates import estimate
from pimsim.chip.fields import ChipFields
from pimsim.components import load_estimator
from pimsim.components.adc import highest_rate
from pimsim.components.estimate import parameters_of


def read_cycle(chip: ChipFields) -> float:
    """Time [s] from one read of an array to the next; with samples held, cells and converters work side by side."""
    cells, converters = settling_time(chip) + chip.macro.t_read, conversion_time(chip)
    return max(cells, converters) if chip.with_role("sample_hold") else cells + converters


def settling_time(chip: ChipFields) -> float:
    """Time [s] that DACs of several bits take longer to settle than a row that is on or off, whose rise is in `t_read`.

    0 where the law of the DAC has no time, and for pulses, which have the full voltage alone.
    """
    if chip.macro.inputs.coding == "pulse_width":
        return 0.0
    dacs = [name for name in chip.with_role("dac") if chip.components[name].estimator]
    bits = {"bits": chip.macro.inputs.dac_bits}
    return max((estimate(chip, name, bits).latency_s for name in dacs), default=0.0)


def conversion_time(chip: ChipFields) -> float:
    """Time [s] in which a converter, or an adder tree, gets through the columns it shares."""
    return conversions_per_adc(chip) / adc_rate(chip)


def conversions_per_adc(chip: ChipFields) -> int:
    """Conversions of one converter for one read of a full array."""
    macro = chip.macro
    converted = macro.weights_per_row * macro.slices * macro.weights.conversions
    name = chip.converter
    return -(-converted * chip.arrays // chip.instances(name))


def full_rates(chip: ChipFields) -> dict[str, float]:
    """Highest rate of each count that the arrays drive, for one full array [1/s]."""
    macro, cycle = chip.macro, read_cycle(chip)
    columns, planes = macro.weights_per_row * macro.columns_per_weight, macro.input_planes
    cells = macro.active * (columns + macro.weights.reference_columns)
    positions = 1 / (planes * macro.groups_per_array * cycle)
    column_sums = macro.weights_per_row * macro.slices * macro.weights.conversions / cycle
    return {
        "array_reads": 1 / cycle,
        "row_drives": macro.active / cycle,
        "cell_reads": cells / cycle,
        "column_reads": columns / cycle,
        "column_sums": column_sums,
        "conversions": 0.0 if macro.digital else column_sums,
        "input_bits_driven": macro.rows * macro.inputs.bits * macro.inputs.passes * positions,
        "input_bits_delivered": macro.rows * macro.inputs.bits * positions,
        "sum_bits": macro.weights_per_row * chip.accumulator_bits * positions,
        "gain_multiplies": macro.weights_per_row * positions if macro.column_gain else 0.0,
    }


def adc_rate(chip: ChipFields) -> float:
    """Conversions per second of one converter: stated, or the law's own, or as many as keep up with the reads.

    What keeps up is no faster than the fastest converter of its kind and bits; then the reads wait.
    """
    own = _own_rate(chip)
    return _rate_kept_up(chip) if own is None else own


def _own_rate(chip: ChipFields) -> float | None:
    """Rate [1/s] that the card or the law of the converter gives, None if neither does."""
    name = chip.converter
    component = chip.components[name]
    if component.rate:
        return component.rate
    if component.estimator and "rate" not in parameters_of(load_estimator(component.estimator)):
        latency = estimate(chip, name, of_sums(chip)).latency_s
        return 1 / latency if latency else None
    return None


def _rate_kept_up(chip: ChipFields) -> float:
    needed = conversions_per_adc(chip) / chip.macro.t_read
    return needed if chip.macro.digital else min(needed, highest_rate(chip.macro.adc.kind, chip.macro.adc.bits))


def rate_note(chip: ChipFields) -> str:
    """At which rate the converters work, and who says so; "" for adder trees."""
    if chip.macro.digital:
        return ""
    adc, rate = chip.macro.adc, adc_rate(chip)
    highest = highest_rate(adc.kind, adc.bits)
    kind = {"uniform": "SAR", "sign_magnitude": "SAR", "sar": "SAR"}.get(adc.kind, adc.kind)
    limit = f"limit of a {kind} of {adc.bits} bits: {_mega(highest)}"
    if _own_rate(chip) is not None:
        origin = f"by its card or law; {'above the ' if rate > highest else ''}{limit}"
    elif rate < highest:
        origin = f"assumed: it keeps up with the reads; {limit}"
    else:
        origin = f"assumed: it is the limit of a {kind} of {adc.bits} bits, and the reads wait"
    return f"converter: {adc.bits} bits at {_mega(rate)}, {origin}{_shared_by_fewer(chip)}"


def _shared_by_fewer(chip: ChipFields) -> str:
    """What a macro that shares a converter among more columns than it has does."""
    macro = chip.macro
    if macro.columns_per_adc <= macro.cols:
        return ""
    return f"; one serves the {macro.cols} columns of an array, fewer than columns_per_adc = {macro.columns_per_adc}"


def _mega(rate: float) -> str:
    return f"{rate / 1e6:.4g} MS/s"


def of_sums(chip: ChipFields) -> dict[str, int]:
    """What makes the numbers of column sums, apart from its rate: bits of a converter, rows of an adder tree."""
    return {"rows": chip.macro.active} if chip.macro.digital else {"bits": chip.macro.adc.bits}
