"""Energy and area of an analog-to-digital converter, by five laws that agree at 8 bits and at no other resolution.

Which one is used decides any figure of energy against ADC bits, so the law's name goes with every number.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from pimsim.base.errors import InputError
from pimsim.base.quantities import Hertz, Joule, Meter, Second, SquareMeter, Volt
from pimsim.components.estimate import Estimate, shipped
from pimsim.components.scaling import area_factor, energy_factor
from pimsim.components.tables import load_table

Resolution = Annotated[int, Field(ge=1, le=24)]
_SURVEY = "adc-survey: closed form of Andrulis et al., arXiv:2404.06553 (fit to Murmann's ADC survey)"
_SABERI = "adc-saberi: ISAAC's SAR ADC (Shafiee et al., ISCA 2016) scaled with bits by Saberi et al., TCAS-I 2011"
_EXPONENTIAL = "adc-exponential: 2 mW at 1.2 GS/s and 8 bits (Shafiee et al., ISCA 2016) times 2^(bits - 8)"
_ENVELOPE = "adc-envelope: 0.2672 pJ + 0.1446 aJ 4^bits, lower envelope of Murmann's ADC survey 1997-2025 (a floor)"
_REKHI = "adc-rekhi: 0.3 pJ up to 10.5 bits, then 10^(0.1 (6.02 bits - 68.25)) pJ, Rekhi et al., DAC 2019"
FITTED_FROM_BITS = 4
# Eight decisions of an asynchronous SAR at 1.2 GS/s, 32 nm (Kull et al., JSSC 48(12), 2013): the converter of ISAAC.
DECISIONS_PER_SECOND = 8 * 1.2e9


def steps(kind: str, bits: int) -> int:
    """Decisions of one conversion, one after the other: 1 for a flash, 2^bits for a ramp, else bits as for a SAR.

    >>> steps("ramp", 8), steps("sar", 8), steps("flash", 8)
    (256, 8, 1)
    """
    return {"flash": 1, "ramp": 2**bits}.get(kind, bits)


def highest_rate(kind: str, bits: int) -> float:
    """Most conversions per second [1/s] of one converter: its decisions at the rate of the fastest published SAR.

    9.6 G decisions per second, whatever the node and the law of the energy (assumed).

    >>> highest_rate("sar", 8)
    1200000000.0
    """
    return DECISIONS_PER_SECOND / steps(kind, bits)


@shipped("adc-survey")
def survey(bits: Resolution, node: Meter, rate: Hertz) -> Estimate:
    """Fit to published converters: energy of a conversion and area.

    .. math:: E = 0.5 \\cdot 10^{(SNDR - FOM)/10} \\; e^{26.05 + 1.880 \\ln node - 2.829 \\ln b - 1.470} \\; [pJ]

    with SNDR = 6.02 b + 1.76 and FOM the smaller of a corner that falls with the rate and a floor by resolution
    (arXiv:2404.06553, MIT-licensed coefficients, within 0.16 % of the authors' package).

    Parameters
    ----------
    bits : int
        Resolution; the law was fitted from 4 bits on, below it the value of 4 bits is kept.
    node : float
        Technology node [m].
    rate : float
        Conversions per second of one converter [1/s].

    Raises
    ------
    InputError
        If the node or the rate is not positive.

    Examples
    --------
    >>> round(survey(bits=8, node=32e-9, rate=1e9).energy_j["convert"] * 1e12, 2)
    1.71
    """
    _positive(node=node, rate=rate)
    fitted = max(bits, FITTED_FROM_BITS)
    log_rate, log_node = math.log(rate), math.log(node * 1e9)
    sndr = 6.02 * fitted + 1.76
    fom = min(213.7806687348118 - 2.8719030399529957 * log_rate, 128.3068287398817 + 3.22051143 * fitted)
    exponent = 26.0496215686518 + 1.8800369206815004 * log_node - 2.8291256050594527 * math.log(fitted)
    picojoule = 0.5 * 10 ** ((sndr - fom) / 10) * math.exp(exponent - 1.4702022133784405)
    area = 1.3461916439910742 + 0.9932794744745022 * log_node + 0.18071538424508238 * log_rate
    square_micron = math.exp(area + 0.29912426192653485 * math.log(picojoule))
    return Estimate(
        energy_j={"convert": picojoule * 1e-12},
        area_m2=square_micron * 1e-12,
        latency_s=1 / rate,
        source=_SURVEY,
        notes=_extrapolation(bits),
    )


@shipped("adc-saberi")
def saberi(bits: Resolution, node: Meter, supply: Volt = 0.9) -> Estimate:
    """ISAAC's 8-bit converter at 32 nm and the table that scales it from 4 to 10 bits; other nodes by Stillmaker.

    Parameters
    ----------
    bits : int
        4 ... 10; below 4 bits the value of 4 bits is kept, above 10 is refused.
    node : float
        Technology node [m].
    supply : float
        Supply voltage at that node [V].

    Raises
    ------
    InputError
        If bits > 10 or the node is outside 7 ... 130 nm.
    """
    table = load_table("adc-saberi2011")
    fitted = max(bits, FITTED_FROM_BITS)
    energy = table.lookup("bits", fitted, "energy") * energy_factor(32e-9, node, 0.9, supply)
    area = table.lookup("bits", fitted, "area") * area_factor(32e-9, node)
    return Estimate({"convert": energy}, area, source=_SABERI, notes=_extrapolation(bits))


@shipped("adc-exponential")
def exponential(bits: Resolution, node: Meter, supply: Volt = 0.9) -> Estimate:
    """Energy and area double with every bit, through ISAAC's 8-bit converter (1.667 pJ, 1200 um^2 at 32 nm).

    Parameters
    ----------
    bits : int
        Resolution.
    node : float
        Technology node [m].
    supply : float
        Supply voltage at that node [V].
    """
    growth = 2.0 ** (bits - 8)
    energy = 2e-3 / 1.2e9 * growth * energy_factor(32e-9, node, 0.9, supply)
    return Estimate({"convert": energy}, 1200e-12 * growth * area_factor(32e-9, node), source=_EXPONENTIAL)


@shipped("adc-envelope")
def envelope(bits: Resolution) -> Estimate:
    """The best converters ever published, at any node: a floor that no product reaches.

    Parameters
    ----------
    bits : int
        Effective resolution.
    """
    energy = 0.2672e-12 + 0.1446e-18 * 4.0**bits
    return Estimate({"convert": energy}, 0.0, source=_ENVELOPE, notes=("adc-envelope gives no area: 0 is counted",))


@shipped("adc-rekhi")
def rekhi(bits: Annotated[float, Field(gt=0, le=24)]) -> Estimate:
    """The law of the ENOB study of Rekhi et al.: flat up to 10.5 bits, thermally limited above (6.02 dB a bit).

    Parameters
    ----------
    bits : float
        Effective number of bits.

    Examples
    --------
    >>> round(rekhi(bits=12).energy_j["convert"] / 8 * 1e15)
    313
    """
    energy = 0.3e-12 if bits <= 10.5 else 10 ** (0.1 * (6.02 * bits - 68.25)) * 1e-12
    return Estimate({"convert": energy}, 0.0, source=_REKHI, notes=("adc-rekhi gives no area: 0 is counted",))


@shipped("adc-charge-decrement")
def charge_decrement(bits: Resolution, step_energy: Joule, step_time: Second, area: SquareMeter = 0.0) -> Estimate:
    """A neuron that takes its charge away in equal steps and counts them, as in NeuRRAM (Wan et al., Nature 2022).

    The number of steps, 3 (bits - 1) and never below 9, is a fit to the published rates at 3 ... 10 bits.

    Parameters
    ----------
    bits : int
        Resolution.
    step_energy, step_time : float
        Of one step [J], [s].
    area : float
        Of one converter [m^2].
    """
    steps = max(9, 3 * (bits - 1))
    source = "adc-charge-decrement: steps of a charge-decrement neuron, fitted to Wan et al., Nature 2022"
    return Estimate({"convert": steps * step_energy}, area, latency_s=steps * step_time, source=source)


def _extrapolation(bits: int) -> tuple[str, ...]:
    if bits >= FITTED_FROM_BITS:
        return ()
    return (
        f"ADC law extrapolated: at {bits} bits the value of {FITTED_FROM_BITS} bits is kept (fitted from there on)",
    )


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0.0:
            raise InputError(f"adc-survey: {name} must be > 0, got {value!r}")
