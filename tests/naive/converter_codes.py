"""Codes of real converters, one conversion after the other."""


def flash(x, thresholds):
    """How many comparators have fired."""
    return sum(1 for threshold in thresholds if threshold <= x)


def successive_approximation(x, weights):
    """Capacitors are kept from the largest down as long as their sum, less half a step, does not pass the input."""
    kept = []
    for bit in range(len(weights))[::-1]:
        total = sum(weights[b] for b in kept) + weights[bit]
        if total <= x + 0.5:
            kept.append(bit)
    return sum(2**bit for bit in kept)
