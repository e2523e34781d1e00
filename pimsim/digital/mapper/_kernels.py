"""Compiled inner loops of the mapper: factors of a dimension or rank, and the search over their products.

A dimension cut by nested loops has tiles of one full size and at most one short tile, so two numbers a size suffice.
"""

from __future__ import annotations

import numpy as np

from pimsim.base.jit import njit

TIE = 1e-9  # weight of the energy where the time is what counts


@njit
def _gcd(a, b):
    while b:
        a, b = b, a % b
    return a


@njit
def _cut(full, n_full, rest, n_rest, step, counted):
    """Cut the full tiles and the short one into tiles of ``step``; keep each one's first tile unless counted."""
    if counted:
        left = rest % step
        return n_full * (full // step) + n_rest * (rest // step), left, n_rest if left else 0.0
    if rest >= step:
        return n_full + n_rest, 0, 0.0
    return n_full, rest, n_rest


@njit
def count_tiles(extent, bounds, stop, counted, out):
    """Number of tiles of one dimension below ``stop`` slots, for each row of ``bounds``."""
    for option in range(bounds.shape[0]):
        step = 1
        for slot in range(bounds.shape[1]):
            step *= bounds[option, slot]
        full, rest = step, extent % step
        n_full, n_rest = (1.0, 0.0) if rest == 0 else (0.0, 1.0)
        for slot in range(stop):
            step //= bounds[option, slot]
            n_full, rest, n_rest = _cut(full, n_full, rest, n_rest, step, counted[slot])
            full = step
        out[option] = n_full + n_rest


@njit
def _distinct(a, n0, b, n1):
    """Different values of a i + b j for i < n0, j < n1."""
    if n0 == 0 or n1 == 0:
        return 0
    g = _gcd(a, b)
    return n0 * n1 - max(0, n0 - b // g) * max(0, n1 - a // g)


@njit
def _merge(size, number, coefs, step0, step1):
    """Spread both dimensions over one stage; windows that start together with equal extents count once."""
    full, left0, left1, corner = 0.0, 0.0, 0.0, 0.0
    for i in range(2):
        for j in range(2):
            n = number[i, j]
            if n == 0.0:
                continue
            whole0, short0 = size[0, i] // step0, 1 if size[0, i] % step0 else 0
            whole1, short1 = size[1, j] // step1, 1 if size[1, j] % step1 else 0
            full += n * _distinct(coefs[0] * step0, whole0, coefs[1] * step1, whole1)
            left0 += n * short0 * whole1
            left1 += n * whole0 * short1
            corner += n * short0 * short1
    number[0, 0], number[1, 0], number[0, 1], number[1, 1] = full, left0, left1, corner
    size[0, 1], size[1, 1] = size[0, 1] % step0, size[1, 1] % step1
    size[0, 0], size[1, 0] = step0, step1


@njit
def _cut_axis(size, number, axis, step, counted):
    full, rest, left = size[axis, 0], size[axis, 1], 0
    for other in range(2):
        if axis == 0:
            n_full, left, n_rest = _cut(full, number[0, other], rest, number[1, other], step, counted)
            number[0, other], number[1, other] = n_full, n_rest
        else:
            n_full, left, n_rest = _cut(full, number[other, 0], rest, number[other, 1], step, counted)
            number[other, 0], number[other, 1] = n_full, n_rest
    size[axis, 0], size[axis, 1] = step, left


@njit
def _pair_classes(extents, bounds, coefs, stop, counted, merged, size, number):
    """Tiles of a rank of two dimensions: ``number[i, j]`` of extents ``size[0, i], size[1, j]`` (0 full, 1 short).

    ``bounds`` and ``counted`` have a row a dimension; ``merged`` marks the x slot of stages whose equal windows merge
    (the y slot follows it).
    """
    for axis in range(2):
        size[axis, 0] = 1
        for slot in range(bounds.shape[1]):
            size[axis, 0] *= bounds[axis, slot]
        size[axis, 1] = extents[axis] % size[axis, 0]
        number[axis, 0], number[axis, 1] = 0.0, 0.0
    number[1 if size[0, 1] else 0, 1 if size[1, 1] else 0] = 1.0
    slot = 0
    while slot < stop:
        if merged[slot]:
            spread0 = bounds[0, slot] * bounds[0, slot + 1]
            spread1 = bounds[1, slot] * bounds[1, slot + 1]
            if spread0 > 1 and spread1 > 1:
                _merge(size, number, coefs, size[0, 0] // spread0, size[1, 0] // spread1)
                slot += 2
                continue
        for axis in range(2):
            _cut_axis(size, number, axis, size[axis, 0] // bounds[axis, slot], counted[axis, slot])
        slot += 1


@njit
def _held(size, number, coefs, axis, step):
    """Words that windows share with the one ``step`` before, summed; the window before is a full one along ``axis``."""
    total = 0.0
    for other in range(2):
        n = number[0, other] + number[1, other] if axis == 0 else number[other, 0] + number[other, 1]
        if n > 0.0:
            width = 1 + coefs[axis] * (size[axis, 0] - 1) + coefs[1 - axis] * (size[1 - axis, other] - 1)
            total += n * max(0, width - coefs[axis] * step)
    return total


@njit
def rank_words(extents, bounds0, bounds1, coefs, stop, counted, still, merged, axis, move, out):
    """Words along a rank of two dimensions over all visits, for every pair of rows of ``bounds0`` and ``bounds1``.

    The window slides along dimension ``axis`` in slot ``move``, and ``still`` is ``counted`` without that slot;
    ``move`` < 0: it does not slide.
    """
    size, number = np.zeros((2, 2), np.int64), np.zeros((2, 2))
    bounds = np.empty((2, bounds0.shape[1]), np.int64)
    for i in range(bounds0.shape[0]):
        for j in range(bounds1.shape[0]):
            for slot in range(bounds.shape[1]):
                bounds[0, slot], bounds[1, slot] = bounds0[i, slot], bounds1[j, slot]
            _pair_classes(extents, bounds, coefs, stop, counted, merged, size, number)
            words = 0.0
            for a in range(2):
                for b in range(2):
                    words += number[a, b] * (1 + coefs[0] * (size[0, a] - 1) + coefs[1] * (size[1, b] - 1))
            if move >= 0 and bounds[axis, move] > 1:
                step = 1
                for slot in range(move + 1, bounds.shape[1]):
                    step *= bounds[axis, slot]
                words -= _held(size, number, coefs, axis, step)
                _pair_classes(extents, bounds, coefs, stop, still, merged, size, number)
                words += _held(size, number, coefs, axis, step)
            out[i * bounds1.shape[0] + j] = words


@njit
def _least(column, sharper, vector, low):
    """Lower bound of a product: the greater of its column's and of its sharper column's, if it has one."""
    value = vector[column] * low[column]
    if sharper >= 0:
        value = max(value, vector[sharper] * low[sharper])
    return value


@njit
def _form(form, vector, low, high, constant, terms, prices):
    """Lower bound of a cost: constant + sum of price x A + sum of (price x A - price x B).

    A row of ``terms``: form, A, its sharper column, and for differences B, A / B, its sharper column (else B is -1).
    """
    total = constant[form]
    for k in range(terms.shape[0]):
        if terms[k, 0] != form:
            continue
        value = prices[k, 0] * _least(terms[k, 1], terms[k, 2], vector, low)
        b = terms[k, 3]
        if b >= 0:
            least, most = vector[b] * low[b], vector[b] * high[b]
            rate = prices[k, 0] * _least(terms[k, 4], terms[k, 5], vector, low) - prices[k, 1]
            value = max(value - prices[k, 1] * most, rate * (least if rate >= 0.0 else most))
        total += value
    return total


@njit
def _rate(vector, low, standing, leak_parts, leak_weights, leaks):
    """Lower bound of what leaks in a cycle: what always does, and the banks that hold something.

    A row of ``leak_parts``: leak, column.  One of ``leaks``: bits there as a whole, bits of a bank, price of a bank,
    column of the instances in use (-1: one).
    """
    total = standing
    for leak in range(leaks.shape[0]):
        held = leaks[leak, 0]
        for k in range(leak_weights.size):
            if leak_parts[k, 0] == leak:
                held += leak_weights[k] * vector[leak_parts[k, 1]] * low[leak_parts[k, 1]]
        used = int(leaks[leak, 3])
        number = 1.0 if used < 0 else vector[used] * low[used]
        total += number * np.ceil(held / leaks[leak, 1] - 1e-9) * leaks[leak, 2]
    return total


@njit
def bound(kind, vector, low, high, constant, terms, prices, fixed, leak_parts, leak_weights, leaks):
    """Lower bound of the objective: 0 energy, 1 time (energy breaks ties), 2 energy x time.

    ``fixed``: what leaks in a cycle whatever the mapping, and the energy in whose units ties are broken.
    """
    energy = _form(0, vector, low, high, constant, terms, prices)
    if constant.size == 1:
        return energy
    time = 0.0
    for form in range(1, constant.size):
        time = max(time, _form(form, vector, low, high, constant, terms, prices))
    energy += time * _rate(vector, low, fixed[0], leak_parts, leak_weights, leaks)
    if kind == 0:
        return energy
    return time * (1.0 + TIE * energy / fixed[1]) if kind == 1 else time * energy


@njit
def fits(vector, low, parts, weights, most):
    """Whether every sum of weight x column can stay within its limit; a row of ``parts``: limit, column."""
    total, limit = 0.0, -1
    for k in range(weights.size):
        total = 0.0 if parts[k, 0] != limit else total
        limit, column = parts[k, 0], parts[k, 1]
        total += weights[k] * vector[column] * low[column]
        if total > most[limit]:
            return False
    return True


@njit
def extremes(factors, n_options, least, most):
    """Least and greatest factor of every group and column."""
    for group in range(factors.shape[0]):
        for column in range(factors.shape[2]):
            least[group, column], most[group, column] = np.inf, -np.inf
        for option in range(n_options[group]):
            for column in range(factors.shape[2]):
                value = factors[group, option, column]
                least[group, column] = min(least[group, column], value)
                most[group, column] = max(most[group, column], value)


@njit
def _weighted(factors, n_options, column, powers, ratios):
    """Product over groups of the least of column x product of (limited column / limit) ^ power."""
    total = 1.0
    for group in range(factors.shape[0]):
        least = np.inf
        for option in range(n_options[group]):
            value = factors[group, option, column]
            for k in range(powers.size):
                if powers[k] == 1:
                    value *= np.sqrt(ratios[group, option, k])
                elif powers[k] == 2:
                    value *= ratios[group, option, k]
            least = min(least, value)
        total *= least
    return total


@njit
def tighten(factors, n_options, column, ratios, powers):
    """Powers (in halves) of limited columns that raise the least product of ``column`` most; returns the raised bound.

    A feasible mapping has every limited column at most at its limit, so column x (limited / limit)^power is no greater
    than the column, while its least product sees the limit that the column alone does not.
    """
    for k in range(powers.size):
        powers[k] = 0
    best = _weighted(factors, n_options, column, powers, ratios)
    for _ in range(2):
        raised = False
        for k in range(powers.size):
            kept = powers[k]
            for power in range(3):
                if power == kept:
                    continue
                powers[k] = power
                value = _weighted(factors, n_options, column, powers, ratios)
                if value > best * (1.0 + 1e-9):
                    best, kept, raised = value, power, True
            powers[k] = kept
        if not raised:
            break
    return best


@njit
def rate_options(
    kind, factors, n_options, constant, terms, prices, fixed, leak_parts, leak_weights, leaks, parts, weights, limits,
    scores,
):  # fmt: skip
    """Objective bound of every option with all other groups at their best; infinite where it cannot fit."""
    n_groups, n_columns = factors.shape[0], factors.shape[2]
    least, most = np.empty((n_groups, n_columns)), np.empty((n_groups, n_columns))
    extremes(factors, n_options, least, most)
    low, high = np.ones(n_columns), np.ones(n_columns)
    for group in range(n_groups):
        for column in range(n_columns):
            low[column], high[column] = 1.0, 1.0
            for other in range(n_groups):
                if other != group:
                    low[column] *= least[other, column]
                    high[column] *= most[other, column]
        for option in range(n_options[group]):
            vector = factors[group, option]
            scores[group, option] = np.inf
            if fits(vector, low, parts, weights, limits):
                scores[group, option] = bound(
                    kind, vector, low, high, constant, terms, prices, fixed, leak_parts, leak_weights, leaks
                )


@njit
def undominated(factors, falling, fixed, keep):
    """Mark options that no other one beats: no greater in the falling columns, equal in the fixed ones.

    Of options that are equal throughout the first is kept.
    """
    for option in range(keep.size):
        keep[option] = True
        for other in range(keep.size):
            if other == option:
                continue
            beats, equal = True, True
            for column in fixed:
                if factors[other, column] != factors[option, column]:
                    beats = False
                    break
            if not beats:
                continue
            for column in falling:
                if factors[other, column] > factors[option, column]:
                    beats = False
                    break
                if factors[other, column] < factors[option, column]:
                    equal = False
            if beats and (not equal or other < option):
                keep[option] = False
                break


@njit
def search(
    kind, factors, scores, n_options, constant, terms, prices, fixed, leak_parts, leak_weights, leaks, parts, weights,
    limits, best, chosen, place, vectors, depth, nodes,
):  # fmt: skip
    """Depth-first over the options of every group; a partial choice is dropped when its bound is no better.

    ``place`` (zeros), ``vectors`` (ones) and ``depth`` (0) hold where the search stands, so that it goes on after
    ``nodes`` partial choices.  Returns the best objective, the number of complete mappings that were costed, and the
    depth: -1 when the search is through.
    """
    n_groups, n_columns = factors.shape[0], factors.shape[2]
    least, most = np.empty((n_groups, n_columns)), np.empty((n_groups, n_columns))
    extremes(factors, n_options, least, most)
    low, high = np.ones((n_groups + 1, n_columns)), np.ones((n_groups + 1, n_columns))
    for group in range(n_groups - 1, -1, -1):
        for column in range(n_columns):
            low[group, column] = low[group + 1, column] * least[group, column]
            high[group, column] = high[group + 1, column] * most[group, column]
    leaves = 0
    while depth >= 0 and nodes > 0:
        # Options come best first: when one's own bound is no better than the best, neither is that of those after it.
        if place[depth] == n_options[depth] or scores[depth, place[depth]] >= best:
            place[depth] = 0
            depth -= 1
            if depth >= 0:
                place[depth] += 1
            continue
        nodes -= 1
        after = depth + 1
        vector = vectors[after]
        for column in range(n_columns):
            vector[column] = vectors[depth, column] * factors[depth, place[depth], column]
        good = fits(vector, low[after], parts, weights, limits)
        if good:
            value = bound(
                kind, vector, low[after], high[after], constant, terms, prices, fixed, leak_parts, leak_weights, leaks
            )
            good = value < best * (1.0 - 1e-12)
            if after == n_groups:
                leaves += 1
                if good:
                    best = value
                    for group in range(n_groups):
                        chosen[group] = place[group]
        if good and after < n_groups:
            depth = after
        else:
            place[depth] += 1
    return best, leaves, depth
