"""Validation row V9: how SQNR falls with rows for two mappings (Xiao et al. 2022, doi 10.1109/MCAS.2022.3214409).

The published figures are ImageNet accuracies; here it is the SQNR of one layer of ResNet-50's shape (1152 rows) with
Laplacian weights and half-sparse rectified Gaussian inputs, 8-bit weights, inputs and ADC, ideal cells. The three
orderings are asserted, not the accuracies. A layer above about 25 dB leaves ImageNet accuracy alone.
"""

import numpy as np
import pytest

import pimsim as ps

RNG = np.random.default_rng(0)
W = RNG.laplace(size=(1152, 24))


def inputs(count):
    values = np.abs(RNG.normal(size=(count, 1152))) * (RNG.random((count, 1152)) < 0.5) * 64
    return np.clip(values, 0, 255).astype(np.uint8)


X, X_CAL = inputs(96), inputs(48)


def sqnr(rows, cell_bits, scheme, subtract, percentile=0.9998):
    macro = ps.Macro(
        rows=rows,
        cols=512,
        weights=ps.WeightEncoding(scheme=scheme, subtract=subtract, cell_bits=cell_bits),
        adc=ps.ADC(bits=8, range="calibrated", percentile=percentile),
    )
    array = macro.program(W).calibrate(X_CAL)
    exact = X @ (array.weights * array.scale)
    error = np.square(array.matmul(X) - exact).mean()
    return 10 * np.log10(exact.var() / max(error, 1e-30))


@pytest.mark.parametrize("cell_bits", [2, 8])
def test_differential_with_analog_subtraction_keeps_its_sqnr_to_1152_rows(cell_bits):
    assert sqnr(1152, cell_bits, "differential", "analog") > 30


@pytest.mark.parametrize("cell_bits", [2, 8])
def test_offset_loses_it(cell_bits):
    assert sqnr(1152, cell_bits, "offset", "digital") < 20


def test_offset_keeps_it_at_144_rows_and_2_bits_a_cell_but_not_at_more_bits():
    assert sqnr(144, 2, "offset", "digital") > 30
    assert sqnr(144, 4, "offset", "digital") < 25


@pytest.mark.parametrize("cell_bits", [4, 8])
def test_the_inner_percentile_costs_nothing(cell_bits):
    inner, whole = (sqnr(1152, cell_bits, "differential", "analog", p) for p in (0.9998, 1.0))
    assert inner > whole - 0.5
