"""Closed-form counts against a walk of the nest, element by element, on random small problems."""

import random

import pytest

from pimsim.base.errors import InputError
from pimsim.digital.nest import TIME, Loop, Nest, Store, cycles, flow
from pimsim.digital.problem import Problem, conv_tensors
from tests.naive.digital_nest import walk

DIMS = "NMCPQRS"


def random_nest(seed):
    """Two or three stores, up to two array stages, imperfect factors, bypasses, strides."""
    rng = random.Random(seed)
    entries, loops, stores, size = rng.choice(["ms", "mm", "mms", "msm", "msms", "msmsm", "mmsm"]), [], [], 1
    # Half of the nests have a window that can slide or be shared.
    used = ["P", "R", rng.choice("QMC")] if rng.random() < 0.5 else rng.sample(DIMS, rng.randint(2, 4))
    for stage, kind in enumerate(entries):
        if kind == "m":
            keeps = {"Weights", "Inputs", "Outputs"} if not stores else {t for t in _NAMES if rng.random() < 0.7}
            stores.append(Store(f"L{len(stores)}", len(loops), frozenset(keeps)))
        for _ in range(rng.randint(0, 3) if kind == "m" else rng.randint(1, 2)):
            bound = rng.randint(2, 4)
            if size * bound > 600:
                continue
            size *= bound
            loops.append(Loop(rng.choice(used), bound, TIME if kind == "m" else stage))
    extents = {}
    for dim in (*DIMS, "G"):
        bounds = [loop.bound for loop in loops if loop.dim == dim]
        inner = 1
        for bound in bounds[1:]:
            inner *= bound
        extents[dim] = inner * bounds[0] - rng.randint(0, inner - 1) if bounds else 1
    problem = Problem(extents, conv_tensors(_pair(rng, [1, 1, 2, 3]), _pair(rng, [1, 1, 2])))
    return Nest(problem, tuple(loops), tuple(stores), latch=rng.random() < 0.5)


def _pair(rng, choices):
    """A number for each direction."""
    return rng.choice(choices), rng.choice(choices)


_NAMES = ("Weights", "Inputs", "Outputs")


def closed_form(nest):
    found = {}
    for tensor in nest.problem.tensors:
        chain = [store for store in nest.stores if tensor.name in store.keeps]
        for place, store in enumerate(chain):
            last = place + 1 == len(chain)
            child = len(nest.loops) if last else chain[place + 1].position
            words = flow(nest, tensor, store.position, child, last)
            if tensor.output:
                again = words.fetched - words.child_distinct, words.supplied - words.parent_distinct
            else:
                again = None, None
            found[tensor.name, store.name] = (words.fetched, words.supplied, *again)
    return found


def oracle(nest):
    loops = [(loop.dim, loop.bound, None if loop.stage == TIME else loop.stage) for loop in nest.loops]
    tensors = [(tensor.name, tensor.ranks, tensor.output) for tensor in nest.problem.tensors]
    stores = [(store.name, store.position, store.keeps) for store in nest.stores]
    found, steps = walk(nest.problem.dims, tensors, loops, stores, nest.latch)
    outputs = {tensor.name for tensor in nest.problem.tensors if tensor.output}
    return {
        key: (t["fetched"], t["supplied"], *((t["refilled"], t["reread"]) if key[0] in outputs else (None, None)))
        for key, t in found.items()
    }, steps


@pytest.mark.parametrize("block", range(10))
def test_counts_equal_the_walk(block):
    for seed in range(25 * block, 25 * block + 25):
        nest = random_nest(seed)
        expected, steps = oracle(nest)
        assert closed_form(nest) == expected, (seed, nest)
        assert cycles(nest) == steps, (seed, nest)


def test_loops_that_miss_or_overshoot_are_refused():
    problem = Problem(dict.fromkeys("NGCPQRS", 1) | {"M": 7}, conv_tensors())
    stores = (Store("DRAM", 0, frozenset(_NAMES)),)
    with pytest.raises(InputError, match=r"loops over M: bounds \[6\] cover 6 of 7"):
        Nest(problem, (Loop("M", 6),), stores)
    with pytest.raises(InputError, match="the outer loop has empty steps"):
        Nest(problem, (Loop("M", 3), Loop("M", 4)), stores)
    with pytest.raises(InputError, match="the problem has"):
        Nest(problem, (Loop("Z", 2), Loop("M", 7)), stores)
