"""Layer shapes as frozen specs: exact counts of multiply-accumulates (MAC), weights, inputs and outputs.

Dimensions are named as in the loop-nest literature (Sze et al., Efficient Processing of Deep Neural Networks, 2020):
N batch, M output channels, C input channels, P x Q output height x width, R x S filter height x width.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from pimsim.base.spec import Spec

Count = Annotated[int, Field(ge=1)]
Rows = Annotated[int, Field(ge=0)]


def _shortest(value: object) -> object:
    """A tuple of equal numbers as the one number, so that one shape has one spelling and one id."""
    if not isinstance(value, list | tuple) or not value:
        return value
    if len(value) == 4 and tuple(value[:2]) == tuple(value[2:]):
        value = value[:2]
    return value[0] if len(set(value)) == 1 and len(value) == 2 else tuple(value)


Steps = Annotated[Count | tuple[Count, Count], BeforeValidator(_shortest)]
Pads = Annotated[Rows | tuple[Rows, Rows] | tuple[Rows, Rows, Rows, Rows], BeforeValidator(_shortest)]


class Matrix(NamedTuple):
    """A layer as matrix products: `positions` vectors of length `rows` times a (rows, cols) matrix."""

    rows: int
    cols: int
    positions: int


class Conv2d(Spec):
    """A 2-D convolution.

    Parameters
    ----------
    m, c : int
        Output and input channels, over all groups.
    p, q : int
        Output height and width.
    r, s : int
        Filter height and width.
    n : int
        Inputs in a batch.
    stride, dilation : int or (int, int)
        The same in both directions, or (vertical, horizontal).
    padding : int, (int, int) or (int, int, int, int)
        Zero rows and columns that the outputs touch, which are no words of the input: the same on all sides,
        (vertical, horizontal), or (top, left, bottom, right).
    groups : int
        Groups; `groups == c == m` is a depthwise convolution.
    name : str
        Label in tables; no part of the shape.

    Examples
    --------
    >>> Conv2d(m=384, c=256, p=13, q=13, r=3, s=3).macs
    149520384
    >>> Conv2d(m=64, c=3, p=112, q=112, r=7, s=7, stride=2, padding=(3, 3, 2, 2)).inputs == 3 * 224 * 224
    True
    """

    kind: Literal["conv2d"] = "conv2d"
    m: Count
    c: Count
    p: Count
    q: Count
    r: Count
    s: Count
    n: Count = 1
    stride: Steps = 1
    dilation: Steps = 1
    padding: Pads = 0
    groups: Count = 1
    name: str = ""

    @model_validator(mode="after")
    def _groups_divide(self) -> Conv2d:
        if self.m % self.groups or self.c % self.groups:
            raise ValueError(f"groups = {self.groups} must divide both m = {self.m} and c = {self.c}")
        if min(self.input_height, self.input_width) < 1:
            raise ValueError(f"padding = {self.padding} leaves no input")
        return self

    @property
    def strides(self) -> tuple[int, int]:
        """Vertical and horizontal stride."""
        return _pair(self.stride)

    @property
    def dilations(self) -> tuple[int, int]:
        """Vertical and horizontal dilation."""
        return _pair(self.dilation)

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """Zero rows and columns at the top, left, bottom and right."""
        if isinstance(self.padding, tuple) and len(self.padding) == 4:
            return self.padding
        vertical, horizontal = _pair(self.padding)
        return vertical, horizontal, vertical, horizontal

    @property
    def input_height(self) -> int:
        """Rows between the first and the last of the input that the outputs touch, padding left out."""
        return touched(self.p, self.r, self.strides[0], self.dilations[0]) - self.pads[0] - self.pads[2]

    @property
    def input_width(self) -> int:
        """Columns between the first and the last of the input that the outputs touch, padding left out."""
        return touched(self.q, self.s, self.strides[1], self.dilations[1]) - self.pads[1] - self.pads[3]

    @property
    def macs(self) -> int:
        """Multiply-accumulates, products with padding included."""
        return self.n * self.m * (self.c // self.groups) * self.p * self.q * self.r * self.s

    @property
    def weights(self) -> int:
        """Weights, biases left out."""
        return self.m * (self.c // self.groups) * self.r * self.s

    @property
    def inputs(self) -> int:
        """Words of the input, each counted once."""
        return self.n * self.c * self.input_height * self.input_width

    @property
    def outputs(self) -> int:
        """Words of the output."""
        return self.n * self.m * self.p * self.q

    @property
    def matrix(self) -> Matrix:
        """Rows, columns and positions of one group's matrix product."""
        rows = (self.c // self.groups) * self.r * self.s
        return Matrix(rows, self.m // self.groups, self.n * self.p * self.q)


def touched(outputs: int, taps: int, stride: int = 1, dilation: int = 1) -> int:
    """Words from the first to the last that `outputs` windows of `taps` touch in one direction, padding included."""
    return (outputs - 1) * stride + (taps - 1) * dilation + 1


def touched_pads(
    outputs: tuple[int, int],
    taps: tuple[int, int],
    size: tuple[int, int],
    before: tuple[int, int],
    strides: tuple[int, int] = (1, 1),
    dilations: tuple[int, int] = (1, 1),
) -> tuple[int, int, int, int]:
    """Padding of an input of (height, width) `size` that the outputs touch: top, left, bottom, right.

    Strides can end before the last padded rows, or before the last rows of the input; then nothing is touched behind.
    Each argument is (vertical, horizontal); `before` is the padding at the top and left.

    Examples
    --------
    >>> touched_pads((112, 112), (7, 7), (224, 224), (3, 3), (2, 2))
    (3, 3, 2, 2)
    """
    ends = [touched(*one) for one in zip(outputs, taps, strides, dilations, strict=True)]
    bottom, right = (max(0, end - first - words) for end, first, words in zip(ends, before, size, strict=True))
    return (*before, bottom, right)


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


class Dense(Spec):
    """A fully connected layer: `n` vectors of `c` inputs times a stored (c, m) matrix.

    Examples
    --------
    >>> Dense(m=10, c=128, n=4).macs
    5120
    """

    kind: Literal["dense"] = "dense"
    m: Count
    c: Count
    n: Count = 1
    name: str = ""
    groups: Literal[1] = 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.n * self.m * self.c

    @property
    def weights(self) -> int:
        """Weights, biases left out."""
        return self.m * self.c

    @property
    def inputs(self) -> int:
        """Words of the input."""
        return self.n * self.c

    @property
    def outputs(self) -> int:
        """Words of the output."""
        return self.n * self.m

    @property
    def matrix(self) -> Matrix:
        """Rows, columns and positions of the matrix product."""
        return Matrix(self.c, self.m, self.n)


class MatMul(Spec):
    """`groups` products of two computed operands, (n, c) times (c, m): attention scores and their use.

    Neither operand is a stored weight: the (c, m) operand changes with every input.

    Examples
    --------
    >>> MatMul(m=197, c=64, n=197, groups=12).weights
    0
    """

    kind: Literal["matmul"] = "matmul"
    m: Count
    c: Count
    n: Count = 1
    groups: Count = 1
    name: str = ""

    @property
    def macs(self) -> int:
        """Multiply-accumulates over all groups."""
        return self.groups * self.n * self.m * self.c

    @property
    def weights(self) -> int:
        """Stored weights: none."""
        return 0

    @property
    def inputs(self) -> int:
        """Words of both operands."""
        return self.groups * (self.n * self.c + self.c * self.m)

    @property
    def outputs(self) -> int:
        """Words of the output."""
        return self.groups * self.n * self.m

    @property
    def matrix(self) -> Matrix:
        """Rows, columns and positions of one group's matrix product."""
        return Matrix(self.c, self.m, self.n)


Layer = Annotated[Conv2d | Dense | MatMul, Field(discriminator="kind")]


class Workload(Spec):
    """A network as a sequence of layers that multiply matrices, for one input.

    Parameters
    ----------
    name : str
        What the network is called.
    layers : sequence of Conv2d, Dense, MatMul
        In order of execution; unnamed layers are called by kind and place.
    source : str
        Where the shapes come from.
    input_words, output_words : int, optional
        Words of the network's own input and output, where they are not those of its first and last layer: a network
        that starts or ends with pooling, say.

    Examples
    --------
    >>> Workload(name="two", layers=[Dense(m=4, c=8), Dense(m=2, c=4)]).macs
    40
    """

    name: str
    layers: tuple[Layer, ...] = Field(min_length=1, strict=False)
    source: str = ""
    input_words: Count | None = None
    output_words: Count | None = None

    @model_validator(mode="after")
    def _labels_differ(self) -> Workload:
        twice = {label for label in self.labels if self.labels.count(label) > 1}
        if twice:
            raise ValueError(f"two layers are called {sorted(twice)[0]!r}; names must differ")
        return self

    @property
    def labels(self) -> tuple[str, ...]:
        """One label a layer: its name, or kind and place."""
        return tuple(layer.name or f"{layer.kind}{place}" for place, layer in enumerate(self.layers, start=1))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one input."""
        return sum(layer.macs for layer in self.layers)

    @property
    def weights(self) -> int:
        """Stored weights, biases left out."""
        return sum(layer.weights for layer in self.layers)

    @property
    def inputs(self) -> int:
        """Words of the network's input."""
        return self.layers[0].inputs if self.input_words is None else self.input_words

    @property
    def outputs(self) -> int:
        """Words of the network's output."""
        return self.layers[-1].outputs if self.output_words is None else self.output_words
