"""AnalogMatrix: W @ x for real, integer and complex numbers, within the error of quantization."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.macro.vectors import product

RNG = np.random.default_rng(23)
EXACT = ps.ADC(bits=12)  # loses nothing on 64 rows of 2-bit cells
SIGNED, UNSIGNED = ps.InputEncoding(bits=8, signed=True), ps.InputEncoding(bits=8)


def macro(inputs=SIGNED, **fields):
    return ps.Macro(**({"rows": 64, "cols": 64, "adc": EXACT, "inputs": inputs} | fields))


def numbers(kind, *shape):
    real = RNG.normal(size=shape)
    return real + 1j * RNG.normal(size=shape) if kind == "complex" else real


def half_steps(values, levels, axis):
    """Half a step of each row of W, or of each vector: of the larger part of a complex number."""
    parts = [values.real, values.imag] if np.iscomplexobj(values) else [values]
    return np.max([np.abs(part).max(axis=axis, keepdims=True) for part in parts], axis=0) / levels / 2


@pytest.mark.parametrize("inputs", [SIGNED, UNSIGNED, ps.InputEncoding(bits=8, signed=True, signed_as="offset")])
@pytest.mark.parametrize("x_kind", ["real", "complex"])
@pytest.mark.parametrize("w_kind", ["real", "complex"])
def test_products_are_those_of_numpy_within_half_steps_of_quantization(w_kind, x_kind, inputs):
    W, x = numbers(w_kind, 7, 50), numbers(x_kind, 50, 4)
    A = ps.AnalogMatrix(W, macro(inputs))
    dw, dx = half_steps(W, 127, 1), half_steps(x, 127 if inputs.signed else 255, 0)
    # Each part of a complex number may be off by its half step, so a number by sqrt(2) of it.
    dw, dx = dw * (np.sqrt(2) if w_kind == "complex" else 1), dx * (np.sqrt(2) if x_kind == "complex" else 1)
    bound = dw * np.abs(x).sum(axis=0) + np.abs(W).sum(axis=1, keepdims=True) * dx + 50 * dw * dx
    found = A @ x
    assert (np.abs(found - W @ x) <= bound).all()
    assert found.dtype == (W @ x).dtype
    # Vectors are scaled one by one, so each gives what it gives alone.
    assert np.array_equal(A @ x[:, 0], found[:, 0])
    assert np.abs(found - W @ x).max() > 0


@pytest.mark.parametrize("inputs", [SIGNED, UNSIGNED])
def test_integers_that_fit_are_exact(inputs):
    W = RNG.integers(-127, 128, (5, 40))
    top = 127 if inputs.signed else 255
    x = RNG.integers(-top, top + 1, (40, 3))
    A = ps.AnalogMatrix(W, macro(inputs))
    assert np.array_equal(A @ x, W @ x)
    z = x + 1j * x[::-1]
    assert np.array_equal(ps.AnalogMatrix(W + 0j * W, macro(inputs)).shape, W.shape)
    assert np.abs(A @ z - W @ z).max() < 1e-2 * np.abs(W @ z).max()
    # One integer beyond the encoding and its vector is scaled; the others stay exact.
    wide = x.copy()
    wide[0, 0] = 10 * top
    found = A @ wide
    assert np.array_equal(found[:, 1:], (W @ wide)[:, 1:])
    assert not np.array_equal(found[:, 0], (W @ wide)[:, 0])


def test_an_array_multiplies_from_both_sides_as_its_matrix_does():
    W = RNG.integers(-127, 128, (40, 6))
    array = macro(UNSIGNED).program(W, rng=2)
    x, y = RNG.integers(0, 256, (3, 40)), RNG.integers(-255, 256, (6, 3))
    assert np.array_equal(x @ array, x @ W)
    assert np.array_equal(array @ y, W @ y)
    assert np.array_equal(array @ y[:, 0], W @ y[:, 0])
    assert array.transposed is array.transposed
    assert array.at("1 hour").transposed.time == 3600.0


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_numbers_are_quantized_on_both_sides_of_an_array(kind):
    W = RNG.normal(size=(40, 6))
    array = macro(UNSIGNED).program(W)
    x, y = numbers(kind, 3, 40), numbers(kind, 6, 3)
    for found, exact in ((x @ array, x @ W), (array @ y, W @ y)):
        assert found.dtype == exact.dtype
        assert 0 < np.abs(found - exact).max() < 0.02 * np.abs(exact).max()


def test_the_other_side_of_an_array_needs_its_own_calibration():
    array = macro(UNSIGNED, column_gain=True).program(numbers("real", 8, 3))
    with pytest.raises(InputError, match="AnalogMatrix"):
        array @ np.ones(3)


def test_rows_of_different_size_have_scales_of_their_own():
    W = np.array([[1.0, 0.5], [1e-6, -2e-6]])
    found = ps.AnalogMatrix(W, macro()) @ np.array([1.0, 1.0])
    np.testing.assert_allclose(found, W.sum(axis=1), rtol=0.02)


def test_zeros_and_scales_of_vectors():
    A = ps.AnalogMatrix(numbers("real", 3, 8), macro())
    assert np.array_equal(A @ np.zeros(8), np.zeros(3))
    x = numbers("real", 8)
    np.testing.assert_allclose(A @ (1e-9 * x), 1e-9 * (A @ x), rtol=1e-12)


def test_columns_are_reads_of_their_own_numbers():
    A = ps.AnalogMatrix(numbers("complex", 4, 30), macro(device="pcm-nandakumar2019"), rng=3)
    x = numbers("complex", 30, 6)
    whole = A.matmul(x, rng=5, first_sample=10)
    parts = [A.matmul(x[:, i : i + 2], rng=5, first_sample=10 + i) for i in range(0, 6, 2)]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)
    assert not np.array_equal(A.matmul(x, rng=6), A.matmul(x, rng=5))
    same = A.matmul(np.repeat(x[:, :1], 2, axis=1), rng=5)
    assert not np.array_equal(same[:, 0], same[:, 1])


def test_real_and_imaginary_parts_are_other_devices_and_age_together():
    W = RNG.normal(size=(6, 20))
    A = ps.AnalogMatrix(W + 1j * W, macro(device="pcm-nandakumar2019"), rng=1)
    real, imaginary = (array.programmed.cells.g for array in A.arrays)
    assert not np.array_equal(real, imaginary)
    x = RNG.normal(size=20)
    assert np.abs(A.at("1 day") @ x).sum() < np.abs(A @ x).sum()  # drift


def test_converters_are_calibrated_on_given_vectors():
    calibrated = macro(UNSIGNED, adc=ps.ADC(bits=8, range="calibrated"))
    W, x = numbers("complex", 5, 60), numbers("complex", 60, 20)
    A = ps.AnalogMatrix(W, calibrated)
    with pytest.raises(InputError, match="calibrate"):
        A @ x
    y = A.calibrate(x) @ x
    assert np.abs(y - W @ x).max() < 0.1 * np.abs(W @ x).max()


def test_what_is_no_product_is_refused():
    A = ps.AnalogMatrix(numbers("real", 3, 8), macro())
    with pytest.raises(InputError, match=r"expected \(8,\) or \(8, vectors\)"):
        A @ np.ones(3)
    with pytest.raises(InputError, match="not finite"):
        A @ np.full(8, np.nan)
    with pytest.raises(InputError, match="masked"):
        A @ np.ma.masked_equal(np.arange(8), 3)
    with pytest.raises(InputError, match="stand at its right"):
        np.ones((2, 3)) @ A
    with pytest.raises(InputError, match="expected a matrix"):
        ps.AnalogMatrix([1.0, 2.0], macro())
    with pytest.raises(InputError, match="the encoding is unsigned"):
        ps.AnalogMatrix([[-1.0]], macro(weights=ps.WeightEncoding(scheme="unsigned")))


def test_it_shows_a_few_lines():
    A = ps.AnalogMatrix(numbers("complex", 3, 8), macro())
    assert "(3, 8)" in repr(A)
    assert len(repr(A).splitlines()) < 10
    assert A._repr_html_().startswith("<table>")
    assert A.dtype == np.complex128


def test_parts_of_a_vector_are_reads_of_their_own_numbers():
    seen = []

    def matmul(integers, seed, first):
        seen.append(first)
        return np.zeros((len(integers), 2))

    product(matmul, UNSIGNED, numbers("complex", 3, 8), seed=1, first=5)
    assert seen == [5 + part * 2**30 for part in range(4)]  # real +, real -, imaginary +, imaginary -


def test_the_other_side_of_an_array_is_of_its_own_chip():
    def cells(**chip):
        return macro(device="pcm-nandakumar2019").program(W, **chip).transposed.programmed.cells.g

    W = RNG.integers(-127, 128, (8, 5))
    base = cells(rng=2, trial=1, layer=3)
    assert np.array_equal(cells(rng=2, trial=1, layer=3), base)
    for other in ({"rng": 3}, {"trial": 2}, {"layer": 4}):
        assert not np.array_equal(cells(**({"rng": 2, "trial": 1, "layer": 3} | other)), base)
