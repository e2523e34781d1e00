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

from pimsim.base.errors import InputError, MissingError
from pimsim.digital.nest import TIME, Flow, Loop, Nest, Store, cycles, flow
from pimsim.digital.problem import Problem, Tensor, conv_tensors

ENERGY_TOLERANCE = 1e-3


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
    InputError : not JSON, or without a problem, mapping or expected counts.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingError(f"no file {path}")
    try:
        case = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not readable as JSON: {error}") from None
    for key in ("problem", "mapping_outer_to_inner", "expected"):
        if key not in case:
            raise InputError(f"{path}: a case needs the key {key!r}")
    return case


def check_case(case: Mapping[str, Any]) -> list[Difference]:
    """Every count that differs, and every energy that is more than 0.1 % off.

    A field that the case lists with two values under ``rerun_with_current_timeloop_source`` may have either.

    Examples
    --------
    >>> check_case(load_case("tests/data/mapper/tut02_gemm.json"))
    []
    """
    nest, expected = case_nest(case), case["expected"]
    compute = cycles(nest)
    found = _compare("total", "", "cycles", expected["cycles"], compute)
    levels = {level["name"]: level for level in expected["levels_inner_to_outer"]}
    for level in levels.values():
        for tensor, record in level["dataspaces"].items():
            got = case_counts(nest, level["name"], tensor)
            for field in ("reads", "fills", "updates"):
                allowed = _alternatives(case, level["name"], tensor, field, record[field])
                if got[field] not in allowed:
                    found.append(Difference(level["name"], tensor, field, record[field], got[field]))
            found += _check_energy(case, level, tensor, record, got)
    return found + _check_macs(case, nest, compute, levels)


def case_nest(case: Mapping[str, Any]) -> Nest:
    """The loop nest of a case; a spatial level that ends the mapping makes the multiply-accumulators latch."""
    problem = _problem(case["problem"])
    loops: list[Loop] = []
    stores: list[Store] = []
    stage = 0
    for level in case["mapping_outer_to_inner"]:
        spatial = "spatial" in level["level"]
        stage += spatial
        if not spatial:
            keeps = frozenset(level["tiles"])
            stores.append(Store(level["level"], len(loops), keeps))
        for loop in level["loops"]:
            axis = loop["kind"].removeprefix("spatial_") if spatial else "t"
            loops.append(Loop(loop["dim"], loop["bound"], stage if spatial else TIME, axis))
    latch = "spatial" in case["mapping_outer_to_inner"][-1]["level"]
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


def _check_energy(case: Any, level: Any, tensor: str, record: Any, got: Mapping[str, float]) -> list[Difference]:
    """Compare the energy by the block rule, with the counts that were recorded so that one fault shows once."""
    table = case["energy_table_pJ_per_action"][level["name"]]
    block, instances = level["block_size_words"], record["utilized_instances"]
    actions = {"reads": "read", "fills": "write", "updates": "update"}
    energy = 0.0
    for field, action in actions.items():
        same = got[field] in _alternatives(case, level["name"], tensor, field, record[field])
        energy += instances * math.ceil((record if same else got)[field] / block) * table[action]
    return _near(level["name"], tensor, "energy_pJ", record["energy_pJ_total_rounded"], energy)


def _check_macs(case: Any, nest: Nest, compute: int, levels: Mapping[str, Any]) -> list[Difference]:
    macs, expected = nest.problem.macs, case["expected"]
    found = _compare("total", "", "computes", expected.get("computes", macs), macs)
    inner = case["expected"]["levels_inner_to_outer"][0]
    energy = macs * case["energy_table_pJ_per_action"][inner["name"]]["compute"]
    found += _near(inner["name"], "", "energy_pJ", inner["energy_pJ_total_rounded"], energy)
    used = nest.instances(len(nest.loops))
    found += _compare(inner["name"], "", "utilized_instances", inner["utilized_instances"], used)
    built = int(inner["instances"].split()[0])
    shown = f"{100 * macs / (compute * built):.2f}%"
    recorded = expected["utilization"]
    if shown != recorded:
        found.append(Difference("total", "", "utilization", float(recorded.rstrip("%")), float(shown.rstrip("%"))))
    return found


def _alternatives(case: Any, level: str, tensor: str, field: str, value: float) -> set[float]:
    allowed = {value}
    for name, space, what, *values in case.get("rerun_with_current_timeloop_source", {}).get("differences", []):
        if (name, space, what) == (level, tensor, field):
            allowed |= set(values)
    return allowed


def _compare(level: str, tensor: str, field: str, expected: float, got: float) -> list[Difference]:
    return [] if expected == got else [Difference(level, tensor, field, expected, got)]


def _near(level: str, tensor: str, field: str, expected: float, got: float) -> list[Difference]:
    same = math.isclose(expected, got, rel_tol=ENERGY_TOLERANCE)
    return [] if same else [Difference(level, tensor, field, expected, got)]


def _problem(data: Mapping[str, Any]) -> Problem:
    """Problem of a case: tensors as given, or those of a convolution with the case's stride."""
    dims = dict(data["dims"])
    if "dataspaces" in data:
        spaces = data["dataspaces"].items()
        tensors = tuple(
            Tensor(name, tuple(tuple((d, c) for d, c in rank) for rank in space["ranks"]), space["read_write"])
            for name, space in spaces
        )
        return Problem(dims, tensors)
    dims.setdefault("G", 1)
    return Problem(dims, conv_tensors((data.get("stride", 1),) * 2))
