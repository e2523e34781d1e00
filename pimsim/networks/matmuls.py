"""MatMul and Einsum with one constant as products of a tensor and a matrix that stands on the right."""

from __future__ import annotations

from itertools import chain
from math import prod

from onnx import NodeProto, helper

from pimsim.base.errors import InputError
from pimsim.networks.fold import label
from pimsim.networks.inference import Shape
from pimsim.networks.normal_form import Rewriting, attributes_of

_MOST_MATRICES = 4096  # that one constant may hold


def matmul(node: NodeProto, to: Rewriting) -> bool:
    """MatMul with a constant that is a vector, stands on the left or holds several matrices."""
    left, right = node.input
    if (left in to.constants) == (right in to.constants):
        return False
    if left in to.constants:
        _left(node, to)
        return True
    if to.constants[right].ndim == 2:
        return False
    _right(to, label(node), left, to.shape(node, left), right, node.output[0])
    return True


def _left(node: NodeProto, to: Rewriting) -> None:
    """W @ X is the transpose of X^T @ W^T; a vector w is a row that the result has not."""
    left, source = node.input
    out = node.output[0]
    weight, shape = to.constants[left], to.shape(node, source)
    if len(shape) < 2 or weight.ndim < 1:
        raise InputError(f"{label(node)}: a constant on the left needs an input of two axes, not of shape {shape}")
    turned = to.transpose(source, _swapped(len(shape)), f"{out}:turned")
    if weight.ndim == 1:
        _right(to, label(node), turned, _swap(shape), left, out)
        return
    matrix = to.constant(f"left:{left}", weight.swapaxes(-1, -2))
    _right(to, label(node), turned, _swap(shape), matrix, f"{out}:product")
    to.transpose(f"{out}:product", _swapped(max(len(shape), weight.ndim)), out)


def _swapped(rank: int) -> list[int]:
    return [*range(rank - 2), rank - 1, rank - 2]


def _swap(shape: Shape) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2])


def _right(to: Rewriting, name: str, source: str, shape: Shape, right: str, out: str) -> None:
    """X @ W where W is a vector, a matrix, or a stack of them along its first axis."""
    weight = to.constants[right]
    if weight.ndim == 0 or not shape:
        raise InputError(f"{name}: MatMul of shapes {shape} and {weight.shape}; both need an axis")
    if weight.ndim == 1:
        column = to.constant(f"column:{right}", weight[:, None])
        to.add("MatMul", [source, column], f"{out}:column", name)
        to.add("Squeeze", [f"{out}:column", to.sizes(-1)], out)
    elif weight.ndim == 2:
        to.add("MatMul", [source, right], out, name)
    else:
        _stack(to, name, source, shape, right, out)


def _stack(to: Rewriting, name: str, source: str, shape: Shape, right: str, out: str) -> None:
    """Each matrix of a stack with its own part of the input, or with all of it where the input is the same for all."""
    weight = to.constants[right]
    axis, count = len(shape) - weight.ndim, len(weight)
    if not 1 <= count <= _MOST_MATRICES:
        raise InputError(f"{name}: a constant of {count} matrices; it must hold 1 to {_MOST_MATRICES}")
    outs, parts = [f"{out}:{k}" for k in range(count)], [source] * count
    if axis >= 0 and min(count, shape[axis]) > 1:
        parts = [f"{out}:part{k}" for k in range(count)]
        to.nodes.append(helper.make_node("Split", [source, to.sizes(*[1] * count)], parts, axis=axis))
        shape = (*shape[:axis], 1, *shape[axis + 1 :])
    for k, (part, result) in enumerate(zip(parts, outs)):
        own = to.constant(f"{right}:{k}", weight[k])
        named = f"{name}/{k}" if count > 1 else name
        _right(to, named, part, shape, own, result if axis >= 0 else f"{result}:flat")
        if axis < 0:
            to.add("Unsqueeze", [f"{result}:flat", to.sizes(0)], result)
    to.add("Concat", outs, out, axis=max(axis, 0))


def einsum(node: NodeProto, to: Rewriting) -> bool:
    """Einsum of two tensors that sums over what both have and the result has not: a MatMul between two transpositions.

    The labels are those that both keep (a stack), those of one side alone, and those that are summed. A constant
    becomes a matrix or a stack; two computed tensors stay a product of two computed tensors.
    """
    equation, names = attributes_of(node)["equation"].decode().replace(" ", ""), list(node.input)
    sides, _, kept = equation.partition("->")
    terms = sides.split(",")
    plain = len(terms) == len(names) == 2 and "->" in equation and "." not in equation
    if not plain or any(len(set(term)) < len(term) for term in (*terms, kept)):
        raise InputError(f"{label(node)}: Einsum {equation[:60]!r} is no product of two tensors")
    if names[0] in to.constants:
        names, terms = names[::-1], terms[::-1]
    (source, other), (left, right) = names, terms
    both = set(left) & set(right)
    groups = {
        "stack": [a for a in left if a in both and a in kept],
        "summed": [a for a in left if a in both and a not in kept],
        "left": [a for a in left if a not in both],
        "right": [a for a in right if a not in both],
    }
    if not groups["summed"] or set(kept) != (set(left) | set(right)) - set(groups["summed"]):
        raise InputError(f"{label(node)}: Einsum {equation[:60]!r} is no matrix product")
    build = _einsum_constant if other in to.constants else _einsum_computed
    build(node, to, (source, left), (other, right), groups, kept)
    return True


Term = tuple[str, str]  # tensor and its labels
Groups = dict[str, list[str]]


def _einsum_constant(node: NodeProto, to: Rewriting, source: Term, constant: Term, groups: Groups, kept: str) -> None:
    """(left..., stack..., 1, summed) times (stack..., summed, right)."""
    out, (name, labels), (other, right) = node.output[0], source, constant
    stack, summed, alone, columns = (groups[kind] for kind in ("stack", "summed", "left", "right"))
    weight = to.constants[other]
    size = dict(zip(right, weight.shape))
    order = [right.index(a) for a in chain(stack, summed, columns)]
    sizes = [*(size[a] for a in stack), prod(size[a] for a in summed), prod(size[a] for a in columns)]
    matrix = to.constant(f"einsum_{right}_{''.join(stack + summed)}:{other}", weight.transpose(order).reshape(sizes))
    ordered = to.transpose(name, [labels.index(a) for a in chain(alone, stack, summed)], f"{out}:ordered")
    shape = dict(zip(labels, to.shape(node, name)))
    row = [1] if stack else []
    rows = to.reshape(ordered, [0] * len(alone + stack) + row + [-1], f"{out}:rows")
    known = (*(shape[a] for a in alone + stack), *row, prod(shape[a] for a in summed))
    _right(to, label(node), rows, known, matrix, f"{out}:product")
    _einsum_result(to, out, alone + stack, [size[a] for a in columns], alone + stack + columns, kept)


def _einsum_computed(node: NodeProto, to: Rewriting, one: Term, two: Term, groups: Groups, kept: str) -> None:
    """(stack..., left, summed) times (stack..., summed, right), both computed."""
    out, (first, left), (second, right) = node.output[0], one, two
    stack, summed, rows, columns = (groups[kind] for kind in ("stack", "summed", "left", "right"))
    size = dict(zip(left, to.shape(node, first))) | dict(zip(right, to.shape(node, second)))
    inner, ahead = prod(size[a] for a in summed), [0] * len(stack)
    a = to.transpose(first, [left.index(a) for a in chain(stack, rows, summed)], f"{out}:left_ordered")
    b = to.transpose(second, [right.index(a) for a in chain(stack, summed, columns)], f"{out}:right_ordered")
    a = to.reshape(a, [*ahead, -1, inner], f"{out}:left")
    b = to.reshape(b, [*ahead, inner, -1], f"{out}:right")
    to.add("MatMul", [a, b], f"{out}:product", label(node))
    further = [size[a] for a in rows + columns]
    _einsum_result(to, out, stack, further, stack + rows + columns, kept)


def _einsum_result(to: Rewriting, out: str, ahead: list[str], sizes: list[int], labels: list[str], kept: str) -> None:
    """The product with its flattened axes apart again, in the order of the equation."""
    apart = to.reshape(f"{out}:product", [*[0] * len(ahead), *sizes], f"{out}:apart")
    to.transpose(apart, [labels.index(a) for a in kept], out)


REWRITES = {"MatMul": matmul, "Einsum": einsum}
