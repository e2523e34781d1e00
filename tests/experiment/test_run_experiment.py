import csv
import json
import re

import pytest

from pimsim.base.errors import MissingError, SpecError
from pimsim.experiment import list_experiments, load_experiment, run_experiment
from pimsim.studies import OtherStudyError

SPEC = """
name: small
chip: {{log: "{log}"}}
network: net
data: images
images: 10
trials: 3
bench: tests.experiment.fake_bench
sweep:
  macro.adc.bits: {bits}
series:
  - label: short
    overrides: {{macro.rows: 64}}
  - label: long
baselines: [eyeriss]
figure: {{label: ADC resolution (bits)}}
sizes:
  smoke: {{images: 2, trials: 1, sweep: {{macro.adc.bits: [4]}}}}
"""


@pytest.fixture
def spec(tmp_path):
    def write(bits="{first: 3, last: 5}", **replaced):
        text = SPEC.format(log=tmp_path / "log", bits=bits)
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "small.yaml"
        path.write_text(text)
        return path

    return write


def lines(tmp_path):
    return (tmp_path / "log").read_text().splitlines()


def test_everything_is_written(spec, tmp_path):
    outcome = run_experiment(spec(), out=tmp_path / "results")
    names = sorted(file.name for file in (tmp_path / "results" / "small").iterdir())
    assert names == ["figure.pdf", "figure.png", "provenance.json", "results.sqlite", "table.csv"]
    assert outcome.computed == 2 * 3 * 3 + 1
    with (outcome.folder / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["series", "macro.adc.bits", "adc_law", "trial", "accuracy", "energy_j"]
    assert [row["macro.adc.bits"] for row in rows[:4]] == ["3", "3", "3", "4"]
    assert len(rows) == 18
    first = outcome.summary()[0]
    assert first["accuracy_low"] < first["accuracy"] < first["accuracy_high"]
    assert first["trials"] == 3


def test_points_that_differ_after_programming_share_the_chip(spec, tmp_path):
    run_experiment(spec(), out=tmp_path)
    expected = [f"{rows} {trial} [3, 4, 5]" for trial in range(3) for rows in (64, 128)]
    assert lines(tmp_path) == expected


def test_sweep_of_a_programming_field_makes_groups(spec, tmp_path):
    path = spec(**{"macro.adc.bits: {first: 3, last: 5}": "{macro.rows: [32, 64]}", "macro.adc.bits: [4]": ""})
    path.write_text(path.read_text().replace("sweep:\n  {macro", "sweep: {macro"))
    outcome = run_experiment(path, out=tmp_path)
    assert sorted(set(lines(tmp_path))) == sorted(f"{r} {t} [8]" for r in (32, 64) for t in range(3))
    assert {row["macro.rows"] for row in outcome.summary()} == {32, 64}


def test_second_run_computes_nothing(spec, tmp_path):
    first = run_experiment(spec(), out=tmp_path)
    before = {file.name: file.read_bytes() for file in first.folder.iterdir()}
    second = run_experiment(spec(), out=tmp_path)
    assert second.computed == 0
    assert len(lines(tmp_path)) == 6
    assert {file.name: file.read_bytes() for file in second.folder.iterdir()} == before


def test_same_table_for_workers_and_order_of_the_sweep(spec, tmp_path):
    one = run_experiment(spec(), out=tmp_path / "1")
    two = run_experiment(spec(bits="[5, 3, 4]"), out=tmp_path / "2", workers=2)
    assert (one.folder / "table.csv").read_bytes() == (two.folder / "table.csv").read_bytes()


def test_wider_sweep_computes_only_what_is_missing(spec, tmp_path):
    run_experiment(spec(bits="[3, 4]"), out=tmp_path)
    wider = run_experiment(spec(bits="[3, 4, 9]"), out=tmp_path)
    assert wider.computed == 2 * 3
    assert lines(tmp_path)[-1] == "128 2 [9]"


def test_sizes_share_a_folder_without_mixing(spec, tmp_path):
    smoke = run_experiment(spec(), out=tmp_path, size="smoke")
    assert len(smoke.results) == 2
    assert smoke.results.points[0].trials == 1
    full = run_experiment(spec(), out=tmp_path)
    assert full.computed == 19


def test_store_of_another_chip_is_refused(spec, tmp_path):
    run_experiment(spec(), out=tmp_path)
    with pytest.raises(OtherStudyError, match="network is 'net' there and 'other' here"):
        run_experiment(spec(**{"network: net": "network: other"}), out=tmp_path)
    with pytest.raises(OtherStudyError, match="seed is 0 there and 5 here"):
        run_experiment(spec(**{"images: 10": "images: 10\nseed: 5"}), out=tmp_path)


def test_provenance_says_what_made_it(spec, tmp_path):
    outcome = run_experiment(spec(), out=tmp_path)
    stamp = json.loads((outcome.folder / "provenance.json").read_text())
    assert stamp["spec"]["trials"] == 3
    assert re.fullmatch("[0-9a-f]{64}", stamp["contents"]["cells/rram-milo2021"])
    assert any("milo2021" in entry for entry in stamp["citations"])
    assert stamp["chips"]["short"] != stamp["chips"]["long"]
    assert stamp["sources"] == ["a formula of the tests"]
    assert stamp["chips"]["long"].encode() in (outcome.folder / "figure.png").read_bytes()


def test_one_trial_has_no_interval_and_still_a_figure(spec, tmp_path):
    outcome = run_experiment(spec(), out=tmp_path, size="smoke")
    assert (outcome.folder / "figure.pdf").stat().st_size > 1000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("macro.adc.bits: {", "macro.adc.bit: {", r"small: sweep: macro\.adc\.bit = 3: .*no field 'bit'.*'bits'"),
        ("macro.rows: 64", "macro.row: 64", r"small: series 'short': macro\.row = 64: .*'rows'"),
        ("macro.rows: 64", "macro.rows: many", r"series 'short': macro\.rows = 'many'"),
        ("macro.rows: 64", "macro.wires: {r_bitline: 25 mV}", r"series 'short': macro\.wires"),
        ("trials: 3", "trials: 0", r"small\.yaml: trials = 0: .*greater than or equal to 1"),
        ("trials: 3", "trials: true", r"trials = True"),
        ("trials: 3", "trials: 3\nsead: 3", r"small\.yaml: sead = 3: no such field; did you mean 'seed'"),
        ("label: long", "label: short", "two series have the same label"),
        ("{label: ADC", "{x: macro.rows, label: ADC", r"figure\.x = 'macro\.rows' is not swept"),
        ("{first: 3, last: 5}", "{first: 5, last: 3}", "needs first <= last"),
        ("sweep: {macro.adc.bits: [4]}", "sweep: {macro.adc.bit: [4]}", r"not a field of the sweep; did you mean"),
    ],
)
def test_mistakes_are_refused_before_anything_is_computed(spec, tmp_path, old, new, message):
    size = "smoke" if "bit: [4]" in new else "default"
    with pytest.raises(SpecError, match=message):
        run_experiment(spec(**{old: new}), out=tmp_path, size=size)
    assert not (tmp_path / "log").exists()


def test_no_such_experiment_size_or_bench(spec, tmp_path):
    with pytest.raises(MissingError, match="no experiment 'adc_bit'; did you mean 'adc_bits'"):
        run_experiment("adc_bit", out=tmp_path)
    with pytest.raises(MissingError, match="no experiment"):
        run_experiment(tmp_path / "none.yaml", out=tmp_path)
    with pytest.raises(SpecError, match="size = 'smok': must be one of smoke, default, paper; did you mean 'smoke'"):
        run_experiment(spec(), out=tmp_path, size="smok")
    with pytest.raises(SpecError, match="gives no such size; it has smoke"):
        run_experiment(spec(), out=tmp_path, size="paper")
    with pytest.raises(MissingError, match=r"no module 'tests\.experiment\.fake_bank'"):
        run_experiment(spec(fake_bench="fake_bank"), out=tmp_path)


def test_every_shipped_experiment_is_readable():
    assert "adc_bits" in list_experiments()
    for name in list_experiments():
        assert load_experiment(name).name == name
