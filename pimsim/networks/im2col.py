"""Windows of a feature map as the rows of a matrix."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pimsim.networks.products import Product

_SHORT = 8  # bytes


def im2col(product: Product, tensor: NDArray[np.integer], zero: int = 0) -> NDArray[np.integer]:
    """The input vectors of a product's matrices, (groups, n * positions, K).

    Parameters
    ----------
    tensor : (n, height, width, channels) for a convolution, (n, ..., K) for a dense layer.
    zero : the integer that stands for 0, with which the edges are padded.

    A row of a convolution runs over the kernel position first and the channel last,
    as in `Product.matrices`; rows run over image, then output height, then width.
    """
    if product.kind == "dense":
        return tensor.reshape(1, -1, tensor.shape[-1])
    _, c, r, s = product.weight.shape
    windows = _windows(product, _padded(tensor, product.pads, zero), r, s)
    n, p, q = windows.shape[:3]
    rows = np.empty((product.groups, n, p, q, r, s, c), tensor.dtype)
    ordered = windows.reshape(n, p, q, product.groups, c, r, s).transpose(3, 0, 1, 2, 5, 6, 4)
    if c * s > _SHORT:
        rows[:] = ordered
    else:
        # numpy copies runs of s * c bytes; where they are short, long strided runs are faster
        for i, j in np.ndindex(r, s):
            rows[..., i, j, :] = ordered[..., i, j, :]
    return rows.reshape(product.groups, n * p * q, r * s * c)


def _windows(product: Product, tensor: NDArray[np.integer], r: int, s: int) -> NDArray[np.integer]:
    """A view (n, p, q, channels, r, s)."""
    (down, right), (dr, ds) = product.strides, product.dilations
    extent = ((r - 1) * dr + 1, (s - 1) * ds + 1)
    _, _, p, q = product.output_shape
    return sliding_window_view(tensor, extent, axis=(1, 2))[:, ::down, ::right, :, ::dr, ::ds][:, :p, :q]


def _padded(tensor: NDArray[np.integer], pads: tuple[int, int, int, int], zero: int) -> NDArray[np.integer]:
    if not any(pads):
        return tensor
    top, left, bottom, right = pads
    n, height, width, channels = tensor.shape
    padded = np.full((n, top + height + bottom, left + width + right, channels), zero, tensor.dtype)
    padded[:, top : top + height, left : left + width] = tensor
    return padded


def by_input(vectors: NDArray[np.integer], outer: int, positions: int) -> NDArray[np.integer]:
    """Vectors (groups, n * positions, K) in the order of a tensor, sorted by input and then by position.

    `outer` positions lie ahead of the batch in the tensor, the others behind it.
    """
    if outer == 1:
        return vectors
    groups, _, k = vectors.shape
    placed = vectors.reshape(groups, outer, -1, positions // outer, k)
    return np.ascontiguousarray(placed.swapaxes(1, 2)).reshape(groups, -1, k)


def by_place(results: NDArray[np.float32], outer: int, positions: int) -> NDArray[np.float32]:
    """Results (n * positions, C) sorted by input, put back into the order of the tensor."""
    if outer == 1:
        return results
    sorted_results = results.reshape(-1, outer, positions // outer, results.shape[-1])
    return np.ascontiguousarray(sorted_results.swapaxes(0, 1)).reshape(results.shape)
