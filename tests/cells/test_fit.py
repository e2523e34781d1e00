"""A card fitted to readings sampled from a known card gives that card back."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, MissingError
from pimsim.cells import check_device
from pimsim.cells.fit import Measurements, fit_device, read_measurements, write_card
from tests.close import close

US = 1e-6
BIB = "@misc{lab2026, title = {Our measurement}}"


@pytest.fixture(scope="module")
def csv_file(tmp_path_factory):
    """8 levels x 500 devices of pcm-nandakumar2019, read without read noise at three times."""
    card = ps.load_device("pcm-nandakumar2019")
    levels = np.linspace(6, 25, 8)
    target = np.repeat(levels, 500)
    cells = card.program(target * US, rng=21)
    path = tmp_path_factory.mktemp("fit") / "readings.csv"
    lines = ["# two header lines are fine", "target_uS,g_uS,time_min,device"]
    for t in (20.0, 2000.0, 200_000.0):
        for device, (a, b) in enumerate(zip(target, cells.at(t - 20.0) / US)):
            lines.append(f"{a!r},{b!r},{t / 60!r},{device}".replace("np.float64(", "").replace(")", ""))
    path.write_text("\n".join(lines))
    return path


def test_a_known_card_is_found_again(csv_file):
    """Fitted spread within 3 standard errors of the truth at every level; chi^2 of the right size."""
    truth = ps.load_device("pcm-nandakumar2019")
    fit = fit_device(read_measurements(csv_file), "mine", "PCM", "lab2026")
    assert fit.card.g_max == close(25 * US)
    assert fit.card.t0 == close(20.0)
    g = fit.spread[:, 0]
    assert (fit.spread[:, 1] == 500).all()
    assert (np.abs(fit.spread[:, 2] - truth.programming.std(g)) < 3.5 * fit.spread[:, 3]).all()
    np.testing.assert_allclose(fit.card.programming.std(g), truth.programming.std(g), rtol=0.06)
    assert fit.chi2 < 3
    assert (np.abs(fit.bias) < 4 * fit.spread[:, 2] / np.sqrt(500)).all()
    std = truth.retention.exponent_std.at(g)
    mean_error = fit.card.retention.exponent_mean.at(g) - truth.retention.exponent_mean.at(g)
    std_error = fit.card.retention.exponent_std.at(g) - std
    assert (np.abs(mean_error) < 3.5 * std / np.sqrt(500)).all()
    assert (np.abs(std_error) < 3.5 * std / np.sqrt(2 * 499)).all()


def test_the_written_card_loads_and_passes_the_public_suite(csv_file, tmp_path):
    fit = fit_device(read_measurements(csv_file), "mine", "PCM", "lab2026")
    path = write_card(fit, tmp_path / "mine", csv_file, BIB)
    card = ps.load_device(path)
    assert card == fit.card
    assert check_device(card) == []
    assert (path.parent / "data" / "measurements.csv").read_bytes() == csv_file.read_bytes()
    with pytest.raises(InputError, match="exists; choose another folder"):
        write_card(fit, tmp_path / "mine", csv_file, BIB)


def test_continuous_targets_are_binned_and_no_time_means_no_retention():
    rng = np.random.default_rng(0)
    target = rng.uniform(1, 20, 5000) * US
    data = Measurements(
        target, target + (0.2 * US + 0.05 * target) * rng.standard_normal(5000), 0 * target, np.arange(5000)
    )
    fit = fit_device(data, "mine", "RRAM", "lab2026", degree=1)
    assert fit.card.retention is None
    np.testing.assert_allclose(fit.card.programming.std(target), 0.2 * US + 0.05 * target, rtol=0.1)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("target_uS,g_mV\n1,2\n", "g_mV"),
        ("target_uS,current_uA\n1,2\n", "is not one of"),
        ("target_uS\n1\n", "no column g_UNIT"),
        ("target_uS,g_uS\n", "no rows"),
        ("target_uS,g_uS\n1,x\n", "not a number"),
        ("target_uS,g_uS\n1,nan\n", "not finite"),
        ("target_uS,g_uS\n1,-2\n", "below the minimum"),
        ("target_uS,g_uS\n1\n", "the row '1' has 1 values, the header 2"),
        ("target_uS,g_uS\n1,2,3\n", "the row '1,2,3' has 3 values"),
        ("target_uS;g_uS\n1;2\n", "separated by ';'"),
        ("target_uS,g_uS,g_nS\n1,2,3\n", "two columns of one kind"),
        ('target_uS,g_uS\n1,"2\n', "not readable as CSV"),
        ("target_uS,g_uS,device\n1,2,1e300\n", "'device' must hold whole numbers"),
        ("target_uS,g_uS,device\n1,2,0.5\n", "'device' must hold whole numbers"),
        ("target_uS,g_uS,device\n1,2,inf\n", "not finite"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, match):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        read_measurements(path)
    with pytest.raises(MissingError, match="no file"):
        read_measurements(tmp_path / "none.csv")


def test_a_file_from_a_spreadsheet_is_read(tmp_path):
    """Its mark in front, its line ends, an empty line at the end."""
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbftarget_uS,g_uS,device\r\n5,5.21,0\r\n5,4.9,1\r\n\r\n")
    data = read_measurements(path)
    np.testing.assert_allclose(data.g, [5.21e-6, 4.9e-6])
    assert data.device.tolist() == [0, 1]
    path.write_bytes("target_uS,g_uS\n5,5 \u00b5S\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"excel\.csv: not UTF-8 text"):
        read_measurements(path)


def test_too_little_data_is_refused():
    def data(levels, n, times=(20.0,)):
        target = np.tile(np.repeat(levels, n), len(times)) * US
        time = np.repeat(times, len(levels) * n)
        device = np.tile(np.arange(len(levels) * n), len(times))
        return Measurements(target, target * (1 + 0.01 * np.sin(np.arange(target.size))), time, device)

    with pytest.raises(InputError, match="at least 3 target levels"):
        fit_device(data([1.0, 2.0], 50), "x", "RRAM", "lab2026")
    with pytest.raises(InputError, match="has 5 devices; at least 10"):
        fit_device(data([1.0, 2.0, 3.0], 5), "x", "RRAM", "lab2026")
    with pytest.raises(InputError, match="later than 0 s"):
        fit_device(data([1.0, 2.0, 3.0], 50, (0.0, 10.0)), "x", "RRAM", "lab2026")
