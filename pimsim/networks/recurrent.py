"""LSTM, GRU and RNN step by step: their weights on arrays, their gates digital.

The matrix of the inputs multiplies all steps at once; that of the state is one matrix, read once a step. Equations: the
ONNX operators LSTM, GRU and RNN (gates in the order i o f c, and z r h).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from pimsim.base.errors import InputError
from pimsim.networks.fold import label
from pimsim.networks.normal_form import Rewriting, attributes_of

_MOST_STEPS = 4096
_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}

State = tuple[str, ...]  # h, and c of an LSTM


@dataclass(frozen=True)
class _Cell:
    """One direction of a recurrent layer.

    Attributes
    ----------
    name : of its products.
    prefix : of its tensors.
    state : (H, gates * H), what multiplies the state, and its bias (gates * H,).
    """

    kind: str
    name: str
    prefix: str
    key: str
    hidden: int
    activation: str
    state: NDArray[np.float32]
    bias: NDArray[np.float32]
    reset_after: bool


def recurrent(node: NodeProto, to: Rewriting) -> bool:
    """A recurrent layer as products and element-wise operators, one after another in time."""
    given = dict(zip(_INPUTS, node.input))
    steps = to.shape(node, given["X"])[0]
    directions = _checked(node, to, given, steps)
    last: list[State] = []
    outputs: list[list[str]] = []
    for place, backwards in enumerate(directions):
        cell, source = _direction(node, to, given, place)
        state = _first_state(node, to, given, place, cell, source)
        hidden = [""] * steps
        for t in reversed(range(steps)) if backwards else range(steps):
            x = to.add("Gather", [source, to.constant(f"step_{t}", np.array(t))], f"{cell.prefix}:x{t}", axis=0)
            state = _STEPS[node.op_type](to, cell, t, x, state)
            hidden[t] = state[0]
        last.append(state)
        outputs.append(hidden)
    _outputs(node, to, outputs, last)
    return True


def _checked(node: NodeProto, to: Rewriting, given: dict[str, str], steps: int) -> tuple[bool, ...]:
    """Which directions run backwards; `InputError` for what is not supported."""
    attributes, kind = attributes_of(node), node.op_type
    direction = attributes.get("direction", b"forward").decode()
    if direction not in _DIRECTIONS:
        raise InputError(f"{label(node)}: direction = {direction!r}: must be one of {', '.join(_DIRECTIONS)}")
    names = [name.decode() for name in attributes.get("activations", [])]
    usual = _USUAL[kind] * len(_DIRECTIONS[direction])
    relu = kind == "RNN" and set(names) == {"Relu"}
    if names not in ([], usual) and not relu:
        raise InputError(f"{label(node)}: activations {', '.join(names)}; only {', '.join(_USUAL[kind])} are supported")
    for key in ("clip", "input_forget", "layout"):
        if attributes.get(key):
            raise InputError(f"{label(node)}: {key} of {kind} is not supported")
    if any(given.get(part, "") not in to.constants for part in ("W", "R")):
        raise InputError(f"{label(node)}: the weights of {kind} are not constant; arrays are programmed once, ahead")
    if given.get("B") and given["B"] not in to.constants:
        raise InputError(f"{label(node)}: the bias of {kind} is not constant")
    lengths, peepholes = (to.constants.get(given.get(part, "")) for part in ("sequence_lens", "P"))
    if (given.get("sequence_lens") and (lengths is None or (lengths != steps).any())) or steps > _MOST_STEPS:
        raise InputError(f"{label(node)}: sequences must all have {steps} steps, and at most {_MOST_STEPS}")
    if given.get("P") and (peepholes is None or peepholes.any()):
        raise InputError(f"{label(node)}: peepholes of {kind} are not supported")
    return _DIRECTIONS[direction]


def _direction(node: NodeProto, to: Rewriting, given: dict[str, str], place: int) -> tuple[_Cell, str]:
    """The cell of one direction, and the products of all steps' inputs with its matrix, bias added."""
    kind, attributes = node.op_type, attributes_of(node)
    weight, state = (to.constants[given[part]][place] for part in ("W", "R"))
    rows, hidden = state.shape
    if rows != _GATES[kind] * hidden or weight.shape[0] != rows:
        raise InputError(f"{label(node)}: W {weight.shape} and R {state.shape} do not fit a {kind}")
    bias = to.constants[given["B"]][place] if given.get("B") else np.zeros(2 * rows, np.float32)
    prefix, name = f"{node.output[0] or label(node)}:{place}", f"{label(node)}/reverse" if place else label(node)
    relu = attributes.get("activations", [b"Tanh"])[0] == b"Relu"
    cell = _Cell(
        kind, name, prefix, f"{place}:{given['R']}", hidden, "Relu" if relu else "Tanh", state.T, bias[rows:],
        bool(attributes.get("linear_before_reset", 0)),
    )  # fmt: skip
    matrix = to.constant(f"recurrent:{place}:{given['W']}", weight.T)
    product = to.add("MatMul", [given["X"], matrix], f"{prefix}:inputs", f"{name}/W")
    if not bias.any():
        return cell, product
    return cell, to.add("Add", [product, to.constant(f"{prefix}:bias", bias[:rows])], f"{prefix}:biased")


def _first_state(node: NodeProto, to: Rewriting, given: dict[str, str], place: int, cell: _Cell, source: str) -> State:
    """The state before the first step: zeros, one row for each input of the batch, plus what is given."""
    ends = (to.sizes(0, 0), to.sizes(1, cell.hidden), to.sizes(0, 2))
    row = to.add("Slice", [source, *ends], f"{cell.prefix}:row")
    flat = to.add("Squeeze", [row, to.sizes(0)], f"{cell.prefix}:flat")
    zeros = to.add("Mul", [flat, to.constant("nothing", np.zeros((), np.float32))], f"{cell.prefix}:zeros")
    state = []
    for part in ("initial_h", "initial_c") if cell.kind == "LSTM" else ("initial_h",):
        if given.get(part):
            own = to.add(
                "Gather", [given[part], to.constant(f"step_{place}", np.array(place))], f"{cell.prefix}:{part}", axis=0
            )
            state.append(to.add("Add", [zeros, own], f"{cell.prefix}:{part}0"))
        else:
            state.append(zeros)
    return tuple(state)


def _times_state(to: Rewriting, cell: _Cell, t: int, h: str, columns: slice, part: str = "R") -> str:
    """The state times columns of its matrix, bias added."""
    matrix = to.constant(f"recurrent_{part}:{cell.key}", cell.state[:, columns])
    out = f"{cell.prefix}:{part}{t}"
    product = to.add("MatMul", [h, matrix], out, f"{cell.name}/{part}/{t}" if t else f"{cell.name}/{part}")
    bias = cell.bias[columns]
    if not bias.any():
        return product
    return to.add("Add", [product, to.constant(f"{cell.prefix}:{part}:bias", bias)], f"{out}:biased")


def _parts(to: Rewriting, source: str, count: int, hidden: int) -> list[str]:
    """The gates of a row."""
    outs = [f"{source}:gate{k}" for k in range(count)]
    to.nodes.append(helper.make_node("Split", [source, to.sizes(*[hidden] * count)], outs, axis=1))
    return outs


def _lstm(to: Rewriting, cell: _Cell, t: int, x: str, state: State) -> State:
    h, c = state
    at = f"{cell.prefix}:{t}"
    total = to.add("Add", [x, _times_state(to, cell, t, h, slice(None))], f"{at}:total")
    i, o, f, new = _parts(to, total, 4, cell.hidden)
    i, o, f = (to.add("Sigmoid", [gate], f"{gate}:open") for gate in (i, o, f))
    new = to.add("Tanh", [new], f"{at}:new")
    kept, added = to.add("Mul", [f, c], f"{at}:kept"), to.add("Mul", [i, new], f"{at}:added")
    c = to.add("Add", [kept, added], f"{at}:c")
    return to.add("Mul", [o, to.add("Tanh", [c], f"{at}:seen")], f"{at}:h"), c


def _gru(to: Rewriting, cell: _Cell, t: int, x: str, state: State) -> State:
    (h,), at, both = state, f"{cell.prefix}:{t}", slice(2 * cell.hidden)
    xz, xr, xh = _parts(to, x, 3, cell.hidden)
    if cell.reset_after:
        hz, hr, hh = _parts(to, _times_state(to, cell, t, h, slice(None)), 3, cell.hidden)
    else:
        hz, hr = _parts(to, _times_state(to, cell, t, h, both), 2, cell.hidden)
    z, r = (
        to.add("Sigmoid", [to.add("Add", pair, f"{at}:{name}sum")], f"{at}:{name}")
        for name, pair in (("z", [xz, hz]), ("r", [xr, hr]))
    )
    if cell.reset_after:
        seen = to.add("Mul", [r, hh], f"{at}:seen")
    else:
        reset = to.add("Mul", [r, h], f"{at}:reset")
        seen = _times_state(to, cell, t, reset, slice(2 * cell.hidden, None), "Rh")
    new = to.add("Tanh", [to.add("Add", [xh, seen], f"{at}:newsum")], f"{at}:new")
    change = to.add("Mul", [z, to.add("Sub", [h, new], f"{at}:difference")], f"{at}:change")
    return (to.add("Add", [new, change], f"{at}:h"),)


def _rnn(to: Rewriting, cell: _Cell, t: int, x: str, state: State) -> State:
    at = f"{cell.prefix}:{t}"
    total = to.add("Add", [x, _times_state(to, cell, t, state[0], slice(None))], f"{at}:total")
    return (to.add(cell.activation, [total], f"{at}:h"),)


_STEPS: dict[str, Callable[[Rewriting, _Cell, int, str, State], State]] = {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn}


def _outputs(node: NodeProto, to: Rewriting, hidden: list[list[str]], last: list[State]) -> None:
    """Y (time, directions, batch, H), and the last states (directions, batch, H), as far as they are wanted."""
    wanted = [*node.output, "", "", ""]
    if wanted[0]:
        ways = []
        for states in hidden:
            rows = [to.add("Unsqueeze", [h, to.sizes(0, 1)], f"{h}:row") for h in states]
            ways.append(to.add("Concat", rows, f"{states[0]}:all", axis=0))
        to.add("Concat", ways, wanted[0], axis=1)
    for place, name in enumerate(wanted[1:3]):
        if name:
            ways = [to.add("Unsqueeze", [state[place], to.sizes(0)], f"{state[place]}:last{place}") for state in last]
            to.add("Concat", ways, name, axis=0)


REWRITES = dict.fromkeys(_GATES, recurrent)
