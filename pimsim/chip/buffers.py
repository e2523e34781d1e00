"""Activations in the buffers of a chip: which layers' inputs stay there, and how many bits are alive at once."""

from __future__ import annotations

from collections.abc import Sequence

from pimsim.chip.fields import ChipFields
from pimsim.chip.placement import Placed
from pimsim.workload import Conv2d
from pimsim.workload.layers import touched


def buffer_bits(chip: ChipFields, level: str | None = None) -> float:
    """Bits that the buffers of one chip hold, all of them or those of a level."""
    names = [name for name in chip.with_role("buffer") if chip.components[name].capacity]
    names = [name for name in names if level in (None, chip.components[name].level)]
    return 8 * sum(chip.instances(name) * (chip.components[name].capacity or 0.0) for name in names)


def spilled_layers(placed: Sequence[Placed], chip: ChipFields, chips: int) -> frozenset[int]:
    """Places of the layers whose input does not stay on the chip until it is used.

    One layer at a time: those whose input and output together exceed the buffers.  Pipelined: all inputs are held at
    once, and the largest go off-chip until the rest fits.  Streaming needs a few rows of each and holds them.  The
    first layer's input comes from off-chip as it is needed.
    """
    room = chips * buffer_bits(chip)
    if not room or chip.schedule.mode == "streaming":
        return frozenset()
    bits, later = chip.macro.inputs.bits, range(1, len(placed))
    if chip.schedule.mode == "layer_by_layer":
        return frozenset(n for n in later if bits * (placed[n].layer.inputs + placed[n].layer.outputs) > room)
    held, spilled = sum(bits * placed[n].layer.inputs for n in later), set()
    for number in sorted(later, key=lambda n: placed[n].layer.inputs, reverse=True):
        if held <= room:
            break
        spilled.add(number)
        held -= bits * placed[number].layer.inputs
    return frozenset(spilled)


def alive_bits(placed: Sequence[Placed], chip: ChipFields, chips: int) -> list[int]:
    """Bits of activations that the buffers hold while each layer works, in order of the layers.

    One layer at a time: its input and its output.  Pipelined: the inputs of all layers at once, the same all the time.
    Streaming: of each input the rows of one window.  What :func:`spilled_layers` sends off-chip, and the network's own
    input and output, are not held.
    """
    bits, last = chip.macro.inputs.bits, len(placed) - 1
    spilled = spilled_layers(placed, chip, chips)
    held = [0 if n == 0 or n in spilled else bits * one.layer.inputs for n, one in enumerate(placed)]
    if chip.schedule.mode == "layer_by_layer":
        return [held[n] + (held[n + 1] if n < last else 0) for n in range(last + 1)]
    if chip.schedule.mode == "streaming":
        held = [
            -(-one * _window_rows(layer)[0] // _window_rows(layer)[1]) for one, layer in zip(held, placed, strict=True)
        ]
    return [sum(held)] * len(placed)


def _window_rows(placed: Placed) -> tuple[int, int]:
    """Rows of the input that one window covers, of how many."""
    layer = placed.layer
    if not isinstance(layer, Conv2d):
        return 1, 1
    return min(touched(1, layer.r, dilation=layer.dilations[0]), layer.input_height), layer.input_height
