"""Oracle of the loop-nest counts: walk the nest step by step and hold every tile as a set of elements."""

import itertools


def walk(dims, tensors, loops, stores, latch):
    """Words moved, by (tensor, parent store).

    dims: {dim: extent}; tensors: [(name, [[(dim, coef), ...], ...], is_output)]; loops: [(dim, bound, stage or None)]
    outermost first; stores: [(name, position, keeps)]; returns ({(tensor, store): {...}}, cycles).
    """
    found = {}
    for name, ranks, is_output in tensors:
        chain = [(store, position) for store, position, keeps in stores if name in keeps]
        chain.append((None, len(loops)))
        for (parent, above), (child, below) in itertools.pairwise(chain):
            every_step = child is None and not latch
            found[name, parent] = _pair(dims, ranks, is_output, loops, above, below, every_step)
    first = [0 if stage is not None else None for _, _, stage in loops]
    steps = sum(
        all(region(dims, loops, index, len(loops), dim)[0] < extent for dim, extent in dims.items())
        for index in indices(loops, first)
    )
    return found, steps


def indices(loops, fixed):
    """All index tuples, outermost slowest; None in ``fixed`` runs, a number stays."""
    return itertools.product(*(range(bound) if f is None else [f] for (_, bound, _), f in zip(loops, fixed)))


def region(dims, loops, index, position, dim):
    """[start, end) of a dimension below ``position`` loops."""
    start, tile = 0, 1
    for place in reversed(range(len(loops))):
        d, bound, _ = loops[place]
        if d == dim:
            if place < position:
                start += index[place] * tile
            tile *= bound
    size = 1
    for d, bound, _ in loops[position:]:
        size *= bound if d == dim else 1
    return start, min(dims[dim], start + size)


def window(dims, loops, index, position, rank):
    """First and last coordinate along a rank."""
    low = sum(coef * region(dims, loops, index, position, dim)[0] for dim, coef in rank)
    high = sum(coef * (region(dims, loops, index, position, dim)[1] - 1) for dim, coef in rank)
    return low, high


def _pair(dims, ranks, is_output, loops, above, below, every_step):
    mine = {dim for rank in ranks for dim, _ in rank}
    timed = [place for place in range(len(loops)) if loops[place][2] is None]
    counted, run = _visiting(loops, timed, mine, below, every_step)
    spread = [place for place in range(len(loops)) if loops[place][2] is not None]
    seen_child, seen_parent, last = {}, {}, {}
    total = dict.fromkeys(("fetched", "supplied", "refilled", "reread"), 0)
    for time in itertools.product(*(range(loops[place][1]) for place in timed)):
        shared = {}
        for space in itertools.product(*(range(loops[place][1]) if place < below else (0,) for place in spread)):
            index = [0] * len(loops)
            for place, i in (*zip(timed, time), *zip(spread, space)):
                index[place] = i
            depth = len(loops) if every_step else below
            if any(region(dims, loops, index, depth, dim)[0] >= extent for dim, extent in dims.items()):
                continue
            child = tuple(i for place, i in zip(spread, space) if place < below)
            visit = tuple(index[place] for place in counted)
            if last.get(child, (None,))[0] == visit:
                continue
            spans = [window(dims, loops, index, below, rank) for rank in ranks]
            tile = set(itertools.product(*(range(low, high + 1) for low, high in spans)))
            new = tile
            if child in last and not is_output and _slides(last[child][0], visit, counted, run):
                new = tile - last[child][1]
            last[child] = (visit, tile)
            total["fetched"] += len(new)
            seen = seen_child.setdefault(child, set())
            total["refilled"] += len(tile & seen)
            seen |= tile
            parent = tuple(i for place, i in zip(spread, space) if place < above)
            shared[parent, _sharing(dims, ranks, loops, index, above, below)] = (parent, new)
        for parent, new in shared.values():
            total["supplied"] += len(new)
            seen = seen_parent.setdefault(parent, set())
            total["reread"] += len(new & seen)
            seen |= new
    return total


def _visiting(loops, timed, mine, below, every_step):
    """Time loops whose step starts a new visit, and the innermost that moves the tensor (a window slides along it)."""
    if every_step:
        return timed, []
    outside = [place for place in timed if place < below]
    moving = [place for place in outside if loops[place][0] in mine and loops[place][1] > 1]
    if not moving:
        return [], []
    counted = [place for place in outside if place <= moving[-1]]
    return counted, moving[-1:]


def _slides(before, now, counted, run):
    """Whether the innermost moving loop went on by one step and nothing else moved."""
    moved = [place for place, a, b in zip(counted, before, now) if a != b]
    return moved == run and now[-1] == before[-1] + 1


def _sharing(dims, ranks, loops, index, above, below):
    """What children have in common when one read serves them: start and extents of their windows below every stage."""
    key = []
    for stage in sorted({loops[place][2] for place in range(above, below)} - {None}):
        end = max(place for place in range(above, below) if loops[place][2] == stage) + 1
        for rank in ranks:
            spans = [region(dims, loops, index, end, dim) for dim, _ in rank]
            start = sum(coef * low for (_, coef), (low, _) in zip(rank, spans))
            key.append((start, *(high - low for low, high in spans)))
    return tuple(key)
