"""Streaming by one position after the other: when each is done, as plain loops."""


def ends(layers):
    """Time at which the last result of each layer is there.

    layers : dicts with p, q (positions), r (taps), stride, top (padding), height (of the input), copies, step (seconds
    of one position), drain; "whole": needs all of its input.
    """
    found, before = [], None
    for layer in layers:
        done, positions = [], layer["p"] * layer["q"]
        free = 0.0
        for first in range(0, positions, layer["copies"]):
            group = range(first, min(first + layer["copies"], positions))
            ready = max(arrival(layer, position, before) for position in group)
            free = max(free, ready) + layer["step"]
            done += [free + layer["drain"]] * len(group)
        found.append(done[-1])
        before = layer | {"done": done}
    return found


def arrival(layer, position, before):
    """When all input rows under the window of a position are there."""
    if before is None:
        return 0.0
    if layer["whole"]:
        return before["done"][-1]
    start = position // layer["q"] * layer["stride"] - layer["top"]
    rows = [row for row in range(start, start + layer["r"]) if 0 <= row < layer["height"]] or [0]
    # A pool in between makes a row of the input from several rows of the layer before.
    made = -(-(max(rows) + 1) * before["p"] // layer["height"])
    return before["done"][made * before["q"] - 1]
