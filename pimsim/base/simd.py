"""Explicit SIMD inside numba kernels: vectors that stay in registers, of a width that follows the machine.

Numba does not keep a small accumulator array in registers by itself. Here a numba type's data model is an LLVM
vector, and a handful of intrinsics work on it. The number of lanes is part of the argument types: a kernel takes
``lanes``, a tuple of that many zeros, and hands it to the functions that make a vector, so one kernel source
compiles (and is cached) once per width.

Exempt from ``NUMBA_DISABLE_JIT=1``: every kernel that uses this module has a plain loop beside it that gives the
same answer. The functions check nothing: addresses are the caller's promise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic
from numba.extending import models, register_model

__all__ = [
    *["Vector", "native_lanes", "load", "load_scalar", "prefetch", "store", "broadcast", "to_float64", "to_int32"],
    *["add", "mul", "exclusive_or", "multiply_high", "fused_multiply_add", "minimum", "maximum", "shift_right"],
]

intrinsic: Any = _intrinsic  # inside a kernel an operation has one argument less than here
Operation = Callable[[Any, Any, Any], Any]

_ELEMENTS = {
    types.int16: ir.IntType(16),
    types.int32: ir.IntType(32),
    types.uint32: ir.IntType(32),
    types.int64: ir.IntType(64),
    types.float32: ir.FloatType(),
    types.float64: ir.DoubleType(),
}


class Vector(types.Type):
    """A fixed number of lanes of one numba scalar type; lives only inside a kernel."""

    def __init__(self, element: types.Type, lanes: int) -> None:
        self.element, self.lanes = element, lanes
        super().__init__(name=f"Vector({element}, {lanes})")

    @property
    def llvm(self) -> ir.VectorType:
        return ir.VectorType(_ELEMENTS[self.element], self.lanes)


@functools.cache
def native_lanes() -> int:
    """Lanes of 32 bits in this machine's widest vector register: 16, 8 or 4."""
    features = llvm.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx2") else 4


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Vector) -> None:
        super().__init__(dmm, fe_type, fe_type.llvm)


def _pointer(context: Any, builder: Any, array_type: types.Array, array: Any, index: Any, vector: Any) -> Any:
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _element_alignment(array_type: Any) -> int:
    return int(array_type.dtype.bitwidth) // 8


def _splat(builder: Any, value: Any, vector: ir.VectorType) -> Any:
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), mask)


@intrinsic
def load(typingctx: Any, lanes: Any, array: Any, index: Any) -> Any:
    """``load(lanes, array, index)``: consecutive elements of a one-dimensional array."""
    vector = Vector(array.dtype, lanes.count)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, args[1], args[2], vector.llvm)
        return builder.load(pointer, align=_element_alignment(array))

    return vector(lanes, array, types.intp), codegen


@intrinsic
def load_scalar(typingctx: Any, array: Any, index: Any) -> Any:
    """``array[index]`` without the test for a negative index."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = cgutils.create_struct_proxy(array)(context, builder, value=args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, types.intp), codegen


@intrinsic
def prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of ``array[index]`` in the second cache; past the end of the array it does nothing."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = cgutils.create_struct_proxy(array)(context, builder, value=args[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        place = builder.bitcast(builder.gep(data, [args[1]]), byte)
        builder.call(function, [place, number(0), number(2), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """``store(array, index, vector)``: write the lanes from ``index`` of a one-dimensional array of the same type."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, args[0], args[1], value.llvm)
        builder.store(args[2], pointer, align=_element_alignment(array))
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


@intrinsic
def broadcast(typingctx: Any, lanes: Any, value: Any) -> Any:
    """``broadcast(lanes, value)``: the same value in every lane; the lane type is the value's type."""
    vector = Vector(value, lanes.count)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, args[1], vector.llvm)

    return vector(lanes, value), codegen


def _binary(integer: Operation, real: Operation | None, text: str) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            chosen = integer if isinstance(a.element, types.Integer) or real is None else real
            return chosen(builder, args[0], args[1])

        return a(a, b), codegen

    operation.__doc__ = text
    return operation


def _pick(order: str, real: bool) -> Callable[[Any, Any, Any], Any]:
    def choose(builder: Any, a: Any, b: Any) -> Any:
        test = builder.fcmp_ordered if real else builder.icmp_signed
        return builder.select(test(order, a, b), a, b)

    return choose


add = _binary(lambda b, x, y: b.add(x, y), lambda b, x, y: b.fadd(x, y), "Lane by lane a + b.")
mul = _binary(lambda b, x, y: b.mul(x, y), lambda b, x, y: b.fmul(x, y), "Lane by lane a b.")
exclusive_or = _binary(lambda b, x, y: b.xor(x, y), None, "Lane by lane exclusive or of integers.")
minimum = _binary(_pick("<", False), _pick("<", True), "Lane by lane the smaller.")
maximum = _binary(_pick(">", False), _pick(">", True), "Lane by lane the larger.")


@intrinsic
def shift_right(typingctx: Any, a: Any, bits: Any) -> Any:
    """Lane by lane floor(a / 2^bits), one count for all lanes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        count = context.cast(builder, args[1], signature.args[1], a.element)
        return builder.ashr(args[0], _splat(builder, count, a.llvm))

    return a(a, bits), codegen


@intrinsic
def multiply_high(typingctx: Any, a: Any, b: Any) -> Any:
    """Upper 32 bits of the products of uint32 lanes."""
    wide = ir.VectorType(ir.IntType(64), a.lanes)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        half = ir.Constant(wide, [32] * a.lanes)
        return builder.trunc(builder.lshr(product, half), a.llvm)

    return a(a, b), codegen


@intrinsic
def to_float64(typingctx: Any, a: Any) -> Any:
    """The lanes as float64; twice as many registers."""
    wide = Vector(types.float64, a.lanes)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if isinstance(a.element, types.Integer):
            return builder.sitofp(args[0], wide.llvm)
        return builder.fpext(args[0], wide.llvm)

    return wide(a), codegen


@intrinsic
def to_int32(typingctx: Any, a: Any) -> Any:
    """Float lanes without their fraction as int32; the values must fit."""
    whole = Vector(types.int32, a.lanes)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fptosi(args[0], whole.llvm)

    return whole(a), codegen


@intrinsic
def fused_multiply_add(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """``a b + c`` rounded once: float32 scalars or vectors of them."""
    scalar = a == types.float32
    kind = _ELEMENTS[a] if scalar else a.llvm
    name = "llvm.fma.f32" if scalar else f"llvm.fma.v{a.lanes}f32"

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
        return builder.call(function, args)

    return a(a, b, c), codegen
