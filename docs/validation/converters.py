"""V4, V5, V6, V9: quantizers, lossless bits, compute SNR, order of mappings."""

import numpy as np

import pimsim as ps
from pimsim.converters import lossless_bits
from pimsim.converters.ranges import best_gaussian_clip, gaussian_sqnr
from pimsim.crossbar.sram import ChargeColumn, best_offset, binomial_sums, compute_snr, full_range_levels
from validation.labels import Tagged
from validation.row import Basis, Row, absolute, ordering

QUANTIZER = Basis("Gaussian integral", (Tagged("definition of a uniform quantizer", "derived", "closed form"),))
COUNT = Basis("count of levels", (Tagged("encoding of weights and inputs", "derived", "definition"),))
COLUMN_SNR = Basis("arXiv:2507.09776", (Tagged("charge redistribution, kT/C noise", "derived", "circuit equations"),))
ORDERS = Basis("Xiao et al. 2022", (Tagged("encoding and converter", "derived", "definition"),))
OPTIMAL = {4: 19.38, 6: 29.83, 8: 40.57}
FOUR_SIGMA = {4: 16.81, 5: 22.82, 6: 28.83, 7: 34.78, 8: 40.55, 10: 49.44}
FULL_RANGE = {3: 0.29, 4: 3.62, 5: 9.41, 6: 15.05, 7: 19.82, 8: 38.46, 9: 30.37}
UNIT_STEP = {6: 38.45, 7: 38.46, 8: 38.46, 9: 38.46}


def v4():
    """SQNR of uniform mid-rise quantizers of a unit Gaussian."""
    rows = [
        absolute(f"optimal clip, {bits} b", value, gaussian_sqnr(bits, best_gaussian_clip(bits)), "dB", 0.02, QUANTIZER)
        for bits, value in OPTIMAL.items()
    ]
    clipped = FOUR_SIGMA.items()
    return rows + [
        absolute(f"4 sigma clip, {b} b", value, gaussian_sqnr(b, 4.0), "dB", 0.02, QUANTIZER) for b, value in clipped
    ]


def v5():
    """Bits that lose nothing: rows x (2^cell - 1) x (2^input - 1)."""
    cases = {"128 rows, 2 b cell, 1 b input": (128 * 3, 9), "1152 x 1 x 1": (1152, 11), "1152 x 127": (1152 * 127, 18)}
    rows = [_exact(name, bits, lossless_bits(largest)) for name, (largest, bits) in cases.items()]
    weights = ps.WeightEncoding(bits=16, cell_bits=2, scheme="offset", flipped=True)
    macro = ps.Macro(rows=128, cols=128, weights=weights, inputs=ps.InputEncoding(bits=16, dac_bits=1))
    return [*rows, _exact("ISAAC's flipped encoding", 8, lossless_bits(macro.largest_sum))]


def _exact(name, published, ours):
    return Row(name, published, ours, "bit", "exact", COUNT, passed=published == ours, absolute=True)


def v6():
    """Compute SNR of the 256-row binary product, exact over all sums."""
    column = ChargeColumn(parasitic=0.0, temperature=None)
    sums, sigma = binomial_sums(256, 0.25), column.noise(256) / column.step(256)
    rows = [
        absolute(
            f"full range, {b} b",
            value,
            float(compute_snr(sums, full_range_levels(256, b), sigma)),
            "dB",
            0.1,
            COLUMN_SNR,
        )
        for b, value in FULL_RANGE.items()
    ]
    steps = UNIT_STEP.items()
    return rows + [
        absolute(f"unit step, {b} b", value, float(best_offset(sums, b, sigma)[1]), "dB", 0.1, COLUMN_SNR)
        for b, value in steps
    ]


def v9():
    """SQNR of a layer of 1152 inputs with an 8-bit converter whose range is the inner 99.98 % of the sums."""
    good, bad = 30.0, 20.0
    small = {scheme: _sqnr(scheme, 144) for scheme in ("differential", "offset")}
    large = {scheme: _sqnr(scheme, 1152) for scheme in ("differential", "offset")}
    inner, outer = _sqnr("differential", 1152, 7), _sqnr("differential", 1152, 7, percentile=1.0)
    note = (
        "SQNR in dB of a ResNet-50-shaped matrix, Student-t weights and rectified Gaussian inputs; the paper gives"
        " ImageNet accuracies."
    )
    cost = f"{inner:.1f} against {outer:.1f} dB"
    return [
        ordering("differential at 144 and 1152 rows", "keeps accuracy", _pair(small, large, "differential"),
                 min(small["differential"], large["differential"]) > good, ORDERS, note),
        ordering("offset at 144 and 1152 rows", "only up to 144", _pair(small, large, "offset"),
                 small["offset"] > good and large["offset"] < bad, ORDERS),
        ordering("inner 99.98 % against all", "costs nothing", cost, inner > outer - 0.5, ORDERS),
    ]  # fmt: skip


def _pair(small, large, scheme):
    return f"{small[scheme]:.1f} and {large[scheme]:.1f} dB"


def _sqnr(scheme, rows, cell_bits=2, percentile=0.9998):
    rng = np.random.default_rng(0)
    weights = np.clip(np.round(rng.standard_t(5, size=(1152, 32)) * 18), -127, 127).astype(int)
    inputs = np.clip(np.round(np.maximum(rng.normal(size=(256, 1152)), 0) * 60), 0, 255).astype(np.uint8)
    subtract = "analog" if scheme == "differential" else "digital"
    encoding = ps.WeightEncoding(bits=8, cell_bits=cell_bits, scheme=scheme, subtract=subtract)
    adc = ps.ADC(bits=8, range="calibrated", percentile=percentile)
    macro = ps.Macro(rows=rows, cols=512, weights=encoding, inputs=ps.InputEncoding(bits=8, dac_bits=1), adc=adc)
    array = macro.program(weights, rng=1).calibrate(inputs[:128])
    exact = inputs[128:].astype(float) @ weights
    error = ((array.matmul(inputs[128:]) - exact) ** 2).mean()
    return float(10 * np.log10((exact**2).mean() / max(error, 1e-30)))
