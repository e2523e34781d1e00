"""Wider accelerators: more columns and more banks of the outermost buffer, to fill an area or reach a rate."""

from __future__ import annotations

import math

from pimsim.base.errors import InputError
from pimsim.digital.accelerator import Accelerator, Array, Memory
from pimsim.digital.network import network_cost
from pimsim.workload import Workload

_MOST_COLUMNS = 1 << 16
_MOST_DOUBLINGS = 10


def widened(acc: Accelerator, factor: float) -> Accelerator:
    """The accelerator with so many times the columns of its outermost array and banks of its outermost buffer.

    Columns and banks are rounded to whole ones, one at least.  Banks stand side by side, so that the energy of an
    access stays and the bandwidth grows with their number (assumed: the wire across more banks is not counted).

    Examples
    --------
    >>> import pimsim as ps
    >>> twice = widened(ps.digital.load_accelerator("eyeriss"), 2)
    >>> twice.macs, twice.memories[1].capacity / 8 / 1024
    (336, 216.0)
    """
    if not 0 < factor < math.inf:
        raise InputError(f"factor = {factor!r}: must be more than 0")
    array = next((level for level in acc.hierarchy if isinstance(level, Array)), None)
    buffer = next((memory for memory in acc.memories if not memory.off_chip and memory.capacity), None)
    changed = {
        level.name: level.replace({"x": max(1, round(factor * level.x))})
        if isinstance(level, Array)
        else _more_banks(level, factor)
        for level in (array, buffer)
        if level is not None
    }
    return acc.replace({"hierarchy": tuple(changed.get(level.name, level) for level in acc.hierarchy)})


def fit_area(acc: Accelerator, workload: Workload, area_m2: float) -> Accelerator:
    """The widest version of an accelerator within an area, the weight banks of the network included.

    Raises
    ------
    InputError
        If one column is too many.

    Examples
    --------
    >>> import pimsim as ps
    >>> work = ps.workload.load_workload("alexnet")
    >>> fit_area(ps.digital.load_accelerator("eyeriss"), work, 400e-6).macs
    24900
    """
    columns = _columns(acc)
    low, high = 0, 1
    while high < _MOST_COLUMNS and built_area(widened(acc, high / columns), workload) <= area_m2:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        fits = built_area(widened(acc, middle / columns), workload) <= area_m2
        low, high = (middle, high) if fits else (low, middle)
    if low == 0:
        least = built_area(narrowest(acc), workload)
        raise InputError(
            f"accelerator {acc.name}: one column and the weights of {workload.name} take {least * 1e6:.3g} mm^2, more"
            f" than the {area_m2 * 1e6:.3g} mm^2 to fill; compare as given"
        )
    return widened(acc, low / columns)


def fit_throughput(acc: Accelerator, workload: Workload, per_s: float) -> Accelerator:
    """The first of an accelerator's doublings that reaches a rate when it is mapped for latency.

    Raises
    ------
    InputError
        If ten doublings do not, since the off-chip memory stays as it is.
    """
    rate = 0.0
    for doublings in range(_MOST_DOUBLINGS + 1):
        wide = widened(acc, 2**doublings) if doublings else acc
        before, rate = rate, network_cost(workload, wide, mapper="latency").throughput_per_s
        if rate >= per_s:
            return wide
        if rate <= before:
            break
    raise InputError(f"accelerator {acc.name}: {rate:.4g} inferences a second at most, {per_s:.4g} asked for")


def narrowest(acc: Accelerator) -> Accelerator:
    """The accelerator with one column."""
    return widened(acc, 1 / _columns(acc))


def built_area(acc: Accelerator, workload: Workload) -> float:
    """Area [m^2] of an accelerator with the banks that hold a network's weights."""
    memories = math.fsum(acc.instances(one.name) * one.area for one in acc.memories if not one.off_chip)
    bank = acc.weight_bank
    weights = math.ceil(workload.weights * acc.precision.weights / bank.capacity) * bank.area if bank else 0.0
    return memories + acc.macs * acc.mac.area + weights


def _more_banks(memory: Memory, factor: float) -> Memory:
    banks = max(1, round(factor * memory.banks)) if memory.banks > 1 else 1
    share = banks / memory.banks if memory.banks > 1 else factor
    ports = {
        name: None if value is None else value * share
        for name, value in (("read_bandwidth", memory.read_bandwidth), ("write_bandwidth", memory.write_bandwidth))
    }
    sizes = {"capacity": (memory.capacity or 0.0) * share, "area": memory.area * share}
    return memory.replace({"banks": banks, "leakage": memory.leakage * share, **sizes, **ports})


def _columns(acc: Accelerator) -> int:
    return next((level.x for level in acc.hierarchy if isinstance(level, Array)), 1)
