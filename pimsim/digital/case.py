"""Check the analysis against a recorded loop-nest run: problem, mapping, energies and counts in a JSON file.

For people who come from Timeloop: write its mapping and statistics in this form (tests/data/mapper holds examples) and
:func:`check_case` lists every number that differs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pimsim.base.errors import InputError, SpecError
from pimsim.base.guard import refusing
from pimsim.base.reading import read_text
from pimsim.digital.case_schema import Case, CaseCounts, CaseProblem, CaseRecord
from pimsim.digital.nest import TIME, Flow, Loop, Nest, Store, cycles, flow
from pimsim.digital.problem import Problem, Tensor, conv_tensors

ENERGY_TOLERANCE = 1e-3
# What is counted, and the action whose energy it costs.
_ACTIONS = {"reads": "read", "fills": "write", "updates": "update"}


class Difference(NamedTuple):
    """One number that differs from the recorded one."""

    level: str
    tensor: str
    field: str
    expected: float
    got: float


def load_case(path: str | Path) -> dict[str, Any]:
    """Read a recorded case.

    Raises
    ------
    MissingError : no such file.
    InputError : not JSON, a field that is missing, unknown, of a wrong type or out of bounds, or names that do not
        fit each other: one line with the field and the file.
    """
    path = Path(path)
    text = read_text(path)
    with refusing(f"{path}: not readable as JSON"):
        case = json.loads(text, parse_constant=_no_number, object_pairs_hook=_without_repeats)
    _parsed(case, str(path))
    return case


def _no_number(text: str) -> float:
    raise InputError(f"JSON has no {text}")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InputError(f"a key stands twice in one object: {', '.join(name[:40] for name, _ in pairs[:9])}")
    return found


def _parsed(case: Mapping[str, Any], where: str = "") -> Case:
    try:
        return Case.parse(case, where)
    except SpecError as error:
        raise InputError(str(error)) from None


def check_case(case: Mapping[str, Any]) -> list[Difference]:
    """Every count that differs, and every energy that is more than 0.1 % off.

    A field that the case lists with two values under ``rerun_with_current_timeloop_source`` may have either.

    Raises
    ------
    InputError : as for :func:`load_case`, or loops that do not cover the problem.

    Examples
    --------
    >>> check_case(load_case("tests/data/mapper/tut02_gemm.json"))
    []
    """
    known = _parsed(case)
    nest, expected = case_nest(known), known.expected
    compute = cycles(nest)
    found = _compare("total", "", "cycles", expected.cycles, compute)
    for level in expected.levels_inner_to_outer:
        for tensor, record in level.dataspaces.items():
            got = case_counts(nest, level.name, tensor)
            for field in _ACTIONS:
                allowed = _alternatives(known, level.name, tensor, field, record)
                if got[field] not in allowed:
                    found.append(Difference(level.name, tensor, field, getattr(record, field), got[field]))
            found += _check_energy(known, level, tensor, record, got)
    return found + _check_macs(known, nest, compute)


def case_nest(case: Case) -> Nest:
    """The loop nest of a case; a spatial level that ends the mapping makes the multiply-accumulators latch."""
    problem = _problem(case.problem)
    loops: list[Loop] = []
    stores: list[Store] = []
    stage = 0
    for level in case.mapping_outer_to_inner:
        stage += level.spatial
        if not level.spatial:
            stores.append(Store(level.level, len(loops), frozenset(level.tiles)))
        for loop in level.loops:
            axis = loop.kind.removeprefix("spatial_") if level.spatial else "t"
            loops.append(Loop(loop.dim, loop.bound, stage if level.spatial else TIME, axis))
    latch = case.mapping_outer_to_inner[-1].spatial
    return Nest(problem, tuple(loops), tuple(stores), latch, forwarding=frozenset(range(1, stage + 1)))


def case_counts(nest: Nest, level: str, name: str) -> dict[str, float]:
    """Reads, fills and updates of one tensor in one level, per instance, in the recorded tool's convention.

    Words that neighbors pass on are recorded there once a sharing group and spread over all instances, as a fill of
    the receiver and a read of the sender.
    """
    tensor = nest.problem.tensor(name)
    chain = [store for store in nest.stores if name in store.keeps]
    place = next(i for i, store in enumerate(chain) if store.name == level)
    here = chain[place].position
    down = chain[place + 1].position if place + 1 < len(chain) else len(nest.loops)
    below = flow(nest, tensor, here, down, to_mac=place + 1 == len(chain))
    above = flow(nest, tensor, chain[place - 1].position, here, to_mac=False) if place else Flow(0, 0)
    instances = nest.instances(here)
    if tensor.output:
        counts = (below.supplied - below.parent_distinct, above.fetched - above.child_distinct, below.supplied)
        return dict(zip(("reads", "fills", "updates"), (count / instances for count in counts)))
    if not above.linked:
        return {"reads": below.supplied / instances, "fills": above.fetched / instances, "updates": 0.0}
    linked = above.linked / instances
    copies = above.fetched / (above.supplied + above.linked)
    fills = above.supplied * copies / instances + linked
    return {"reads": below.supplied / instances + linked, "fills": fills, "updates": 0.0}


def _check_energy(
    case: Case, level: CaseCounts, tensor: str, record: CaseRecord, got: Mapping[str, float]
) -> list[Difference]:
    """Compare the energy by the block rule, with the counts that were recorded so that one fault shows once."""
    table = case.energies(level.name)
    energy = 0.0
    for field, action in _ACTIONS.items():
        same = got[field] in _alternatives(case, level.name, tensor, field, record)
        count = getattr(record, field) if same else got[field]
        energy += record.utilized_instances * math.ceil(count / level.block_size_words) * getattr(table, action)
    return _near(level.name, tensor, "energy_pJ", record.energy_pJ_total_rounded, energy)


def _check_macs(case: Case, nest: Nest, compute: int) -> list[Difference]:
    macs, expected = nest.problem.macs, case.expected
    found = _compare("total", "", "computes", macs if expected.computes is None else expected.computes, macs)
    inner = expected.levels_inner_to_outer[0]
    energy = macs * case.energies(inner.name).compute
    found += _near(inner.name, "", "energy_pJ", inner.energy_pJ_total_rounded, energy)
    used = nest.instances(len(nest.loops))
    found += _compare(inner.name, "", "utilized_instances", inner.utilized_instances, used)
    built = int(inner.instances.split()[0])
    shown, recorded = f"{100 * macs / (compute * built):.2f}%", expected.utilization
    if shown != recorded:
        found.append(Difference("total", "", "utilization", float(recorded.rstrip("%")), float(shown.rstrip("%"))))
    return found


def _alternatives(case: Case, level: str, tensor: str, field: str, record: CaseRecord) -> set[str | float]:
    allowed: set[str | float] = {getattr(record, field)}
    for name, space, what, *values in case.rerun_with_current_timeloop_source.differences:
        if (name, space, what) == (level, tensor, field):
            allowed |= set(values)
    return allowed


def _compare(level: str, tensor: str, field: str, expected: float, got: float) -> list[Difference]:
    return [] if expected == got else [Difference(level, tensor, field, expected, got)]


def _near(level: str, tensor: str, field: str, expected: float, got: float) -> list[Difference]:
    same = math.isclose(expected, got, rel_tol=ENERGY_TOLERANCE)
    return [] if same else [Difference(level, tensor, field, expected, got)]


def _problem(data: CaseProblem) -> Problem:
    """Problem of a case: tensors as given, or those of a convolution with the case's stride."""
    if data.dataspaces is None:
        return Problem({"G": 1} | data.dims, conv_tensors((data.stride, data.stride)))
    spaces = data.dataspaces.items()
    return Problem(data.dims, tuple(Tensor(name, space.ranks, space.read_write) for name, space in spaces))
