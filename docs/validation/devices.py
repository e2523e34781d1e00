"""V7, V8: statistics of the device cards, closed forms and 200,000 sampled cells."""

import numpy as np

import pimsim as ps
from validation.labels import of_card
from validation.row import Basis, Row, absolute

MICRO = 1e-6
DAY = 86400.0
CELLS = 200_000
# x = G / 25 uS: sigma of programming [uS], mean and std of the drift exponent (Nandakumar et al. 2019).
PCM = {0.1: (0.4482, 0.0601, 0.0229), 0.5: (0.9527, 0.0490, 0.0080), 1.0: (1.0554, 0.0490, 0.0080)}
WAN = {0.1: 1.5562, 0.5: 2.0229, 1.0: 1.1030}
WAN_DAY = {0.5: 3.9090, 1.0: 2.6510}


def v7():
    """Phase-change memory."""
    card, rows = ps.load_device("pcm-nandakumar2019"), []
    programmed = Basis("nandakumar2019", of_card(card, "programming.sigma"))
    drift = Basis("nandakumar2019", of_card(card, "retention.exponent"))
    for x, (sigma, mean, std) in PCM.items():
        g = x * 25 * MICRO
        rows.append(
            absolute(f"sigma at {x} Gmax", sigma, float(card.programming.std(g)) / MICRO, "uS", 5.1e-5, programmed)
        )
        rows.append(
            absolute(f"mean exponent at {x} Gmax", mean, float(card.retention.exponent_mean.at(g)), "", 5.1e-5, drift)
        )
        rows.append(
            absolute(f"std of exponent at {x} Gmax", std, float(card.retention.exponent_std.at(g)), "", 5.1e-5, drift)
        )
        cells = card.program(np.full(CELLS, g), rng=3)
        free = cells.target + card.programming.sigma.at(cells.target) * cells.deviate(0)
        rows.append(_sampled(f"sampled sigma at {x} Gmax", sigma, free / MICRO, "uS", programmed))
    card = ps.load_device("pcm-joshi2020")
    joshi, basis = (
        float(card.programming.std(0.5 * MICRO) / MICRO),
        Basis("joshi2020", of_card(card, "programming.sigma")),
    )
    return [*rows, absolute("Joshi's fit at 0.5 uS", 0.3239, joshi, "uS", 5.1e-5, basis)]


def v8():
    """Resistive memory."""
    card, rows = ps.load_device("rram-wan2022"), []
    programmed, later = (Basis("wan2022", of_card(card, field)) for field in ("programming.sigma", "retention.later.0"))
    for x, sigma in WAN.items():
        g = x * 40 * MICRO
        rows.append(
            absolute(
                f"Wan, sigma after 1 s at {x} Gmax", sigma, card.programming.std(g) / MICRO, "uS", 5.1e-5, programmed
            )
        )
    for x, sigma in WAN_DAY.items():
        cells = card.program(np.full(CELLS, x * 40 * MICRO), rng=12)
        rows.append(_sampled(f"Wan, sampled sigma after a day at {x} Gmax", sigma, cells.at(DAY) / MICRO, "uS", later))
    milo = ps.load_device("rram-milo2021")
    basis = Basis("milo2021", of_card(milo, "programming.sigma"))
    for target, sigma in ((50, 4.326971), (225, 2.733246)):
        ours = milo.programming.std(target * MICRO) / MICRO
        rows.append(absolute(f"Milo, sigma at {target} uS", sigma, float(ours), "uS", 5e-6, basis))
    return rows


def _sampled(name, published, sample, unit, basis):
    """Judged at three standard errors of the standard deviation."""
    kurtosis = np.mean((sample - sample.mean()) ** 4) / sample.var() ** 2
    error = 3 * published * np.sqrt((kurtosis - 1) / (4 * sample.size)) + 5.1e-5
    ours = float(sample.std())
    return Row(
        name,
        published,
        ours,
        unit,
        f"3 standard errors, {error:.2g}",
        basis,
        True,
        abs(ours - published) < error,
    )
