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
import inspect
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic
from numba.extending import models, overload, register_model

__all__ = [
    *["Vector", "native_lanes", "simd_of", "stay_apart", "width_of"],
    *["load", "load_scalar", "prefetch", "store", "broadcast"],
    *["add", "subtract", "mul", "divide", "multiply_high", "multiply_low", "fused_multiply_add", "square_root"],
    *["bit_and", "bit_or", "exclusive_or", "shift_left", "shift_right", "minimum", "maximum", "where_greater"],
    *["to_float32", "to_float64", "to_int32", "as_float32", "as_int32", "as_uint32"],
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


def simd_of(plain: Callable[..., Any]) -> Callable[[Any], Any]:
    """Decorator: what takes the place of ``plain(lanes, ...)`` in kernels whose ``lanes`` is a tuple, same parameters.

    One kernel then serves both: with a tuple it runs in registers, with a number it runs the plain loops, and without
    the compiler these are the Python function itself.
    """

    def attach(fast: Any) -> Any:
        def choose(lanes: Any, *rest: Any) -> Any:
            return fast if isinstance(lanes, types.BaseTuple) else plain

        choose.__signature__ = inspect.signature(plain)  # type: ignore[attr-defined]
        overload(plain)(choose)
        return fast

    return attach


def width_of(lanes):
    """Lanes that ``lanes`` stands for: the length of a tuple in SIMD kernels, the number itself in plain loops."""
    return lanes


@simd_of(width_of)
def width_of_simd(lanes):
    return len(lanes)


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
def stay_apart(typingctx: Any) -> Any:
    """``stay_apart()`` in a function's body keeps it from being merged into its callers, where registers get scarce."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), codegen


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


def _binary(integer: Operation | None, real: Operation | None, text: str) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            chosen = integer if isinstance(a.element, types.Integer) else real
            assert chosen is not None, f"no such operation on lanes of {a.element}"
            return chosen(builder, args[0], args[1])

        return a(a, b), codegen

    operation.__doc__ = text
    return operation


def _compare(builder: Any, element: Any) -> Any:
    if isinstance(element, types.Float):
        return builder.fcmp_ordered
    return builder.icmp_signed if element.signed else builder.icmp_unsigned


def _pick(order: str, text: str) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.select(_compare(builder, a.element)(order, *args), *args)

        return a(a, b), codegen

    operation.__doc__ = text
    return operation


add = _binary(lambda b, x, y: b.add(x, y), lambda b, x, y: b.fadd(x, y), "Lane by lane a + b.")
mul = _binary(lambda b, x, y: b.mul(x, y), lambda b, x, y: b.fmul(x, y), "Lane by lane a b.")
divide = _binary(None, lambda b, x, y: b.fdiv(x, y), "Lane by lane a / b of real numbers.")
subtract = _binary(lambda b, x, y: b.sub(x, y), lambda b, x, y: b.fsub(x, y), "Lane by lane a - b.")
bit_and = _binary(lambda b, x, y: b.and_(x, y), None, "Lane by lane and of integers.")
bit_or = _binary(lambda b, x, y: b.or_(x, y), None, "Lane by lane or of integers.")
exclusive_or = _binary(lambda b, x, y: b.xor(x, y), None, "Lane by lane exclusive or of integers.")
minimum = _pick("<", "Lane by lane the smaller.")
maximum = _pick(">", "Lane by lane the larger.")


def _shift(left: bool, text: str) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any, bits: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            count = _splat(builder, context.cast(builder, args[1], signature.args[1], a.element), a.llvm)
            shift = builder.shl if left else builder.ashr if a.element.signed else builder.lshr
            return shift(args[0], count)

        return a(a, bits), codegen

    operation.__doc__ = text
    return operation


shift_left = _shift(True, "Lane by lane a 2^bits, one count for all lanes.")
shift_right = _shift(False, "Lane by lane floor(a / 2^bits), one count for all lanes.")


@intrinsic
def where_greater(typingctx: Any, x: Any, y: Any, a: Any, b: Any) -> Any:
    """Lane by lane ``a if x > y else b``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(_compare(builder, x.element)(">", args[0], args[1]), args[2], args[3])

    return a(x, y, a, b), codegen


@intrinsic
def square_root(typingctx: Any, a: Any) -> Any:
    """Lane by lane square root, correctly rounded."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name = f"llvm.sqrt.v{a.lanes}f{a.element.bitwidth}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(a.llvm, [a.llvm]), name)
        return builder.call(function, args)

    return a(a), codegen


def _half_products(half: int, text: str) -> Any:
    """Lanes of one half (0 lower, 1 upper) of the products of uint32 lanes."""

    @intrinsic
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        wide = ir.VectorType(ir.IntType(64), a.lanes // 2)
        order = [n // 2 * 2 + half + a.lanes * (n % 2) for n in range(a.lanes)]

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            # Even and odd lanes in turn: 64-bit products of 32-bit numbers are what machines have an instruction for.
            x, y = (builder.bitcast(arg, wide) for arg in args)
            lower, upper = (ir.Constant(wide, [n] * wide.count) for n in (0xFFFFFFFF, 32))
            even = builder.mul(builder.and_(x, lower), builder.and_(y, lower))
            odd = builder.mul(builder.lshr(x, upper), builder.lshr(y, upper))
            mask = ir.Constant(ir.VectorType(ir.IntType(32), a.lanes), order)
            return builder.shuffle_vector(builder.bitcast(even, a.llvm), builder.bitcast(odd, a.llvm), mask)

        return a(a, b), codegen

    operation.__doc__ = text
    return operation


multiply_high = _half_products(1, "Upper 32 bits of the products of uint32 lanes.")
multiply_low = _half_products(0, "Lower 32 bits of them: ``mul`` that shares the products with ``multiply_high``.")


def _converted(a: Any, element: types.Type, convert: Callable[[Any, Any, Any], Any]) -> Any:
    target = Vector(element, a.lanes)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return convert(builder, args[0], target.llvm)

    return target(a), codegen


def _to_real(element: types.Type, text: str) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any) -> Any:
        def convert(builder: Any, value: Any, kind: Any) -> Any:
            if isinstance(a.element, types.Float):
                return builder.fpext(value, kind)
            return (builder.sitofp if a.element.signed else builder.uitofp)(value, kind)

        return _converted(a, element, convert)

    operation.__doc__ = text
    return operation


to_float32 = _to_real(types.float32, "Integer lanes as float32, rounded to nearest.")
to_float64 = _to_real(types.float64, "The lanes as float64; twice as many registers.")


@intrinsic
def to_int32(typingctx: Any, a: Any) -> Any:
    """Float lanes without their fraction as int32; the values must fit."""
    return _converted(a, types.int32, lambda builder, value, kind: builder.fptosi(value, kind))


def _bits_as(element: types.Type) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any) -> Any:
        return _converted(a, element, lambda builder, value, kind: builder.bitcast(value, kind))

    operation.__doc__ = f"The bits of the lanes read as {element}."
    return operation


as_int32, as_uint32, as_float32 = (_bits_as(kind) for kind in (types.int32, types.uint32, types.float32))


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
