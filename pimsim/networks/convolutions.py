"""Transposed and three-dimensional convolutions as convolutions that arrays hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto

from pimsim.base.errors import InputError
from pimsim.networks.fold import label
from pimsim.networks.normal_form import Rewriting, attributes_of


def transposed(node: NodeProto, to: Rewriting) -> bool:
    """ConvTranspose: every pixel's channels times one matrix, and the results, a kernel each, added where they overlap.

    The matrix is a convolution of kernel 1, with a column for each output channel and place of the kernel: as many
    products as the operator has. The sum is digital: a ConvTranspose whose kernels are ones at their own place.
    """
    source, weights, *bias = node.input
    if weights not in to.constants:
        raise InputError(f"{label(node)}: the weights of ConvTranspose are not constant")
    weight, attributes, out = to.constants[weights], attributes_of(node), node.output[0]
    if weight.ndim < 3:
        raise InputError(f"{label(node)}: weights of shape {weight.shape}; a ConvTranspose has three or more axes")
    (channels, m, *kernel), groups = weight.shape, attributes.pop("group", 1)
    if groups < 1 or channels % groups:
        raise InputError(f"{label(node)}: {channels} channels in {groups} groups")
    places, ones = int(np.prod(kernel)), [1] * len(kernel)
    # (groups, channels, m, places) -> one row of columns a group, channels last
    grouped = weight.reshape(groups, channels // groups, m * places).swapaxes(1, 2)
    matrix = grouped.reshape(groups * m * places, channels // groups, *ones)
    to.add(
        "Conv",
        [source, to.constant(f"transposed_{groups}:{weights}", matrix)],
        f"{out}:places",
        label(node),
        group=groups,
    )
    place = np.tile(np.eye(places, dtype=np.float32), (groups * m, 1)).reshape(-1, 1, *kernel)
    apart = to.constant(f"places_{groups * m}_{'_'.join(map(str, kernel))}", place)
    attributes |= {"group": groups * m, "kernel_shape": kernel}
    to.add("ConvTranspose", [f"{out}:places", apart, *bias], out, f"{label(node)}/overlap", **attributes)
    return True


def deep(node: NodeProto, to: Rewriting) -> bool:
    """A 3-D convolution: the slices that a kernel spans become channels, and the depths of the result a batch."""
    weight = to.constants.get(node.input[1]) if len(node.input) > 1 else None
    if weight is None or weight.ndim != 5:
        return False
    source, out, attributes = node.input[0], node.output[0], attributes_of(node)
    shape, result = to.shape(node, source), to.shape(node, out)
    if len(shape) != 5 or len(result) != 5:
        raise InputError(f"{label(node)}: a 3-D convolution of an input of shape {shape}")
    (m, c, t, r, s), (_, channels, depth, height, width), (_, _, d, p, q) = weight.shape, shape, result
    strides, dilations = (attributes.get(key, [1, 1, 1]) for key in ("strides", "dilations"))
    before, after, plane = _pads(node, (depth, height, width), (d, p, q), (t, r, s), strides, dilations)
    padded = to.add("Pad", [source, to.sizes(0, 0, before, 0, 0, 0, 0, after, 0, 0)], f"{out}:padded")
    taps = (np.arange(d)[:, None] * strides[0] + np.arange(t) * dilations[0]).ravel()
    if taps.max() >= before + depth + after or len(dilations) != 3 or len(strides) != 3:
        raise InputError(f"{label(node)}: kernel, strides and pads do not fit a depth of {depth}")
    slices = to.add("Gather", [padded, to.sizes(*taps.tolist())], f"{out}:slices", axis=2)
    split = to.reshape(slices, [0, 0, d, t, height, width], f"{out}:split")
    moved = to.transpose(split, (0, 2, 1, 3, 4, 5), f"{out}:moved")
    maps = to.reshape(moved, [-1, channels * t, height, width], f"{out}:maps")
    flat = to.constant(f"deep:{node.input[1]}", weight.reshape(m, c * t, r, s))
    to.add(
        "Conv", [maps, flat, *node.input[2:]], f"{out}:planes", label(node),
        strides=strides[1:], dilations=dilations[1:], pads=plane, group=attributes.get("group", 1),
    )  # fmt: skip
    apart = to.reshape(f"{out}:planes", [-1, d, m, p, q], f"{out}:apart")
    to.transpose(apart, (0, 2, 1, 3, 4), out)
    return True


def _pads(
    node: NodeProto, size: Sequence[int], result: Sequence[int], kernel: Sequence[int], strides: Sequence[int],
    dilations: Sequence[int],
) -> tuple[int, int, list[int]]:  # fmt: skip
    """Slices before and after, and the pads of a plane."""
    attributes = attributes_of(node)
    mode = attributes.get("auto_pad", b"NOTSET")
    pads = list(attributes.get("pads", [0] * 6)) if mode in (b"NOTSET", b"VALID") else []
    if not pads:
        windows = zip(result, strides, kernel, dilations, size)
        total = [max((o - 1) * by + (k - 1) * step + 1 - n, 0) for o, by, k, step, n in windows]
        small, large = [n // 2 for n in total], [n - n // 2 for n in total]
        pads = small + large if mode == b"SAME_UPPER" else large + small
    if len(pads) != 6 or min(pads) < 0:
        raise InputError(f"{label(node)}: pads = {pads[:9]}: must be six numbers of at least 0")
    front, top, left, back, bottom, right = pads
    return front, back, [top, left, bottom, right]


TRANSPOSED = {"ConvTranspose": transposed}
DEEP = {"Conv": deep}
