"""PCM of Nandakumar et al. 2019, one device at a time with the math module; inputs are the device's normal numbers."""

import math


def clip(value, low, high):
    return max(low, min(high, value))


def programmed(target_us, xi):
    x = target_us / 25
    sigma = max(0.26348 + 1.9650 * x - 1.1731 * x * x, 0.0)
    return max(0.0, target_us + sigma * xi)


def exponent(target_us, xi):
    x = max(target_us / 25, 1e-7)
    mean = clip(-0.0155 * math.log(x) + 0.0244, 0.049, 0.1)
    spread = clip(-0.0125 * math.log(x) - 0.0059, 0.008, 0.045)
    return abs(mean + spread * xi)


def drifted(g_us, nu, seconds):
    """``seconds`` count from the end of programming, 20 s after the last pulse."""
    return g_us * ((seconds + 20.0) / 20.0) ** -nu


def read(programmed_us, now_us, seconds, xi):
    x = max(programmed_us / 25, 1e-7)
    q = min(0.0088 / x**0.65, 0.2)
    sigma = now_us * q * math.sqrt(math.log((seconds + 20.0 + 250e-9) / (2 * 250e-9)))
    return max(0.0, now_us + sigma * xi)
