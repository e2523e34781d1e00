"""Every kernel against its oracle: all sizes, arrays with gaps, extreme values, compiled and as plain Python."""

import ast
import copy
import functools
import importlib
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest

from pimsim.base.streams import Stream
from pimsim.encoding import InputEncoding
from pimsim.macro.product import blocked, lookup, lookup_noise, plain
from pimsim.macro.reads.addresses import Reads
from tests.kernels.register import ELSEWHERE, KERNELS, LANES, PARTS, WHOLE
from tests.macro.test_kernels import make_plan, make_words
from tests.naive import macro_matmul

PACKAGE = Path(__file__).resolve().parents[2] / "pimsim"
SIZES = (0, 1, 3, 8, 17)
compiler = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="needs the compiler")


def kernels_in(path):
    """Names of the functions of a file that numba compiles."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            marks = {ast.unparse(d.func if isinstance(d, ast.Call) else d).split(".")[-1] for d in node.decorator_list}
            if marks & {"njit", "jit", "vectorize", "guvectorize", "simd_of"}:
                yield node.name


def test_every_kernel_is_registered():
    known = {kernel.name for kernel in KERNELS} | WHOLE | set(PARTS)
    missing = []
    for path in sorted(PACKAGE.rglob("*kernels*.py")):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if module not in ELSEWHERE:
            missing += [f"{module}.{name}" for name in kernels_in(path) if f"{module}.{name}" not in known]
    assert not missing, f"give these an entry in tests/kernels/register.py: {missing}"


def test_the_register_names_what_exists():
    root = PACKAGE.parent
    assert all((root / file).is_file() for file in ELSEWHERE.values())
    for name in [kernel.name for kernel in KERNELS] + [*WHOLE, *PARTS]:
        function_of(name)
    own = {name.rsplit(".", 1)[1] for name in {kernel.name for kernel in KERNELS} | WHOLE}
    assert set(PARTS.values()) <= own


def function_of(name):
    module, function = name.rsplit(".", 1)
    return getattr(importlib.import_module(f"pimsim.{module}"), function)


@functools.cache
def compiled(name):
    """A kernel as compiled code; plain loops of a pair are compiled here, their partner taking over for a tuple."""
    found = function_of(name)
    return found if hasattr(found, "py_func") else numba.njit(lambda *given: found(*given))


def interpreted(name):
    found = function_of(name)
    return getattr(found, "py_func", found)


def with_gaps(array):
    """The same numbers, every second one in memory."""
    return np.repeat(array, 2, axis=-1)[..., ::2]


def check(kernel, call, seed, size, extreme, gaps=False, registers=False):
    given = kernel.make(np.random.default_rng(seed), size, extreme)
    expected = kernel.oracle(*copy.deepcopy(given))
    arguments = [with_gaps(a) if gaps and i in kernel.strided else a for i, a in enumerate(given)]
    if registers:
        arguments[0] = (0,) * LANES
    returned = call(*arguments)
    if not kernel.outputs:
        found, wanted = [returned], [expected]
    elif kernel.name.endswith(".close"):
        found, wanted = [returned, arguments[0]], list(expected)
    elif kernel.name.endswith(".pack"):
        lengths, words, order = (arguments[i] for i in kernel.outputs)
        found, wanted = [lengths, words[: len(expected[1])], *order], list(expected)
    else:
        found, wanted = [arguments[i] for i in kernel.outputs], list(expected)
    for one, other in zip(found, wanted, strict=True):
        one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
        largest = float(np.abs(other).max(initial=0.0))
        np.testing.assert_allclose(one.reshape(other.shape), other, rtol=0, atol=kernel.tolerance * largest)


def each(kernels):
    return pytest.mark.parametrize("kernel", kernels, ids=lambda k: k.name.rsplit(".", 1)[1])


@each([kernel for kernel in KERNELS if kernel.interpreted])
@pytest.mark.parametrize("extreme", [False, True], ids=["usual", "extreme"])
def test_plain_python_gives_what_the_oracle_gives(kernel, extreme):
    with np.errstate(over="ignore"):
        for size in SIZES:
            check(kernel, interpreted(kernel.name), 100 + size, size, extreme)


@compiler
@each(KERNELS)
@pytest.mark.parametrize("extreme", [False, True], ids=["usual", "extreme"])
def test_compiled_code_gives_what_the_oracle_gives(kernel, extreme):
    for size in SIZES:
        check(kernel, compiled(kernel.name), 200 + size, size, extreme)
        if kernel.strided:
            check(kernel, compiled(kernel.name), 300 + size, size, extreme, gaps=True)
        if kernel.simd:
            check(kernel, compiled(kernel.name), 400 + size, size, extreme, registers=True)


@compiler
@pytest.mark.parametrize("path", [lookup, blocked], ids=["lookup", "blocked"])
@pytest.mark.parametrize("rows", [1, 3, 17])
@pytest.mark.parametrize("extreme", [False, True], ids=["usual", "extreme"])
def test_whole_products_of_any_size(path, rows, extreme):
    rng, inputs = np.random.default_rng(500 + rows), InputEncoding()
    plan = make_plan(rng, rows, rows, ((0, rows),), inputs)
    for samples in SIZES:
        words = make_words(rng, max(samples, 2), rows, 8)[:samples]
        if extreme:
            words = np.where(words > 100, 255, 0).astype(np.uint8)
        converter = (plan.lo, plan.q, plan.top, plan.weights, plan.unit)
        given = (words[:3], plan.matrix, plan.groups, plan.planes, plan.pedestal, *converter)
        expected = np.array(macro_matmul.code_sums(*given)[0]).reshape(-1, rows)
        for batch in (words, with_gaps(words)):
            found = path.code_sums(plan, path.build(plan), batch)
            assert found.shape == (samples, rows)
            np.testing.assert_allclose(found[:3], expected, rtol=0, atol=1e-9 * np.abs(expected).max(initial=1.0))


@compiler
@pytest.mark.parametrize("rows", [1, 3, 17])
def test_whole_products_with_noise_of_any_size(rows):
    rng = np.random.default_rng(600 + rows)
    plan = make_plan(rng, rows, rows, ((0, rows),), InputEncoding())
    plan = replace(plan, joint=np.full(plan.matrix.shape, 0.01))
    tables, reads = lookup_noise.build(plan), Reads(Stream(seed=rows))
    for samples in SIZES:
        words = make_words(rng, max(samples, 2), rows, 8)[:samples]
        found = lookup_noise.code_sums(plan, tables, words, reads)
        assert found.shape == (samples, rows)
        assert np.array_equal(lookup_noise.code_sums(plan, tables, with_gaps(words), reads), found)
        expected = plain.code_sums(plan, words, reads)
        # One in 10^5 noisy sums lies within float32 rounding of a code edge.
        assert (np.abs(found - expected) > 1e-9 * np.abs(expected).max(initial=1.0)).sum() <= 2
