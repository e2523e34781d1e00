import csv
import hashlib
import html
import importlib
import json
import os
import re
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

import pytest

from pimsim import experiment
from pimsim.base.errors import InputError, MissingError, PimsimError, SpecError
from pimsim.base.files import write_whole
from pimsim.base.text import of_cell
from pimsim.experiment import benches, list_experiments, load_experiment
from pimsim.experiment.benches import find_bench
from pimsim.experiment.plan import make_plan
from pimsim.report import write_report
from pimsim.studies import OtherStudyError

run_module = importlib.import_module("pimsim.experiment.run")

BENCH = "tests.experiment.fake_bench"


def run_experiment(*arguments, **options):
    return experiment.run_experiment(*arguments, **{"bench": BENCH, **options})


SPEC = """
name: small
chip: {{log: "{log}"}}
network: net
data: images
images: 10
trials: 3
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
        run_experiment(spec(), out=tmp_path, bench="tests.experiment.fake_bank")


def test_every_shipped_experiment_is_readable():
    assert "adc_bits" in list_experiments()
    for name in list_experiments():
        assert load_experiment(name).name == name


def test_a_data_file_imports_nothing(spec, tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("evil", "antigravity", "os", "", ".os", "tests.experiment.fake_bench", "x" * 5000):
        path = spec(**{"trials: 3": f"trials: 3\nbench: '{name}'"})
        with pytest.raises(MissingError, match=r"no bench .* is installed.* There are network\. A module of your own"):
            run_experiment(path, out=tmp_path, bench=None)


def test_an_installed_bench_is_found_by_its_name(spec, tmp_path, monkeypatch):
    point = metadata.EntryPoint("fake", BENCH, benches.ENTRY_POINTS)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == benches.ENTRY_POINTS else [])
    path = spec(**{"trials: 3": "trials: 3\nbench: fake"})
    assert run_experiment(path, out=tmp_path, bench=None).computed == 19


@pytest.mark.parametrize(
    ("bench", "message"),
    [
        ("os", "module os is no bench: it has no function load_chip"),
        ("", "'' is no name of a module"),
        (".os", r"'\.os' is no name of a module"),
        ("nowhere.at.all", "no module 'nowhere.at.all' to evaluate chips with"),
    ],
)
def test_a_module_that_is_no_bench(spec, tmp_path, bench, message):
    with pytest.raises(MissingError, match=message):
        find_bench(bench)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{first: 3, last: 5}", "{first: 3, last: 1000000000}", "a range has at most 100,000 values"),
        ("{first: 3, last: 5}", "{first: 3, last: 1.0e300, step: 1.0e-300}", "a range has at most 100,000 values"),
        ("trials: 3", "trials: 100000000", "trials = 100000000: .*less than or equal to 20000000"),
        ("trials: 3", "trials: 10000000", "6 points x 10,000,000 trials are more than 20,000,000 results"),
        (
            "{first: 3, last: 5}",
            "{first: 1, last: 1000}\n  macro.rows: {first: 1, last: 1000}",
            "small: 2,000,000 points are more than 100,000",
        ),
        ("label: long", 'label: "\\ud800"', r"series\.1\.label"),
        ("label: long", 'label: "a\\eb"', "a label is one line of text that can be seen"),
        ("label: long", "label: _long", "does not begin with _"),
    ],
)
def test_what_could_not_be_finished_is_refused_before_it_begins(spec, tmp_path, old, new, message):
    with pytest.raises(PimsimError, match=message):
        run_experiment(spec(**{old: new}), out=tmp_path)
    assert not (tmp_path / "log").exists()


def test_labels_are_text_in_table_figure_and_page(spec, tmp_path):
    odd = ["$\\foo$", "a $ b", "RRAM [ours]", "[/ours]", "=1+1", "<b>&", "Ω µ ±", "{x}", "%d \\n"]
    series = "".join(f"\n  - label: '{label}'" for label in odd)
    path = spec(**{"\n  - label: long": series, "label: ADC resolution (bits)": "label: '$\\bar$ [x]'"})
    folder = run_experiment(path, out=tmp_path).folder
    with (folder / "table.csv").open() as file:
        found = {of_cell(row["series"]) for row in csv.DictReader(file)}
    assert found == {"short", *odd}
    page = write_report(folder).read_text()
    assert all(html.escape(label) in page for label in odd)


def test_a_run_that_ends_between_its_files_is_told_by_the_report(spec, tmp_path, monkeypatch):
    folder = run_experiment(spec(), out=tmp_path, size="smoke").folder
    write_report(folder)

    def full(path, data):
        if path.suffix == ".pdf":
            raise OSError(28, "No space left on device")
        write_whole(path, data)

    monkeypatch.setattr(run_module, "write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        run_experiment(spec(), out=tmp_path)
    with pytest.raises(InputError, match=r"table\.csv is not the one that provenance\.json was written with"):
        write_report(folder)
    monkeypatch.undo()
    assert run_experiment(spec(), out=tmp_path).computed == 0
    write_report(folder)


def test_nothing_is_left_of_a_file_that_could_not_be_finished(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    write_whole(path, b"old")

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_bytes() == b"old"


def test_drafts_of_killed_processes_are_removed(tmp_path):
    old, new = tmp_path / ".table.csv.1.part", tmp_path / ".table.csv.2.part"
    for draft in (old, new):
        draft.write_text("x")
    os.utime(old, (0, 0))
    write_whole(tmp_path / "table.csv", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, "table.csv"]


def test_a_file_that_is_right_already_is_not_touched(tmp_path):
    path = tmp_path / "table.csv"
    write_whole(path, b"same")
    before = path.stat()
    write_whole(path, b"same")
    assert path.stat().st_ino == before.st_ino


def test_provenance_has_the_hash_of_every_file(spec, tmp_path):
    folder = run_experiment(spec(), out=tmp_path).folder
    stamp = json.loads((folder / "provenance.json").read_text())
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in stamp["files"]}
    assert set(hashes) == {"table.csv", "figure.pdf", "figure.png"}
    assert stamp["files"] == hashes


def test_paths_start_from_the_file_and_decide_no_id(spec, tmp_path, monkeypatch):
    """The same experiment in two folders, from a third: the same ids, and workers get absolute paths."""
    plans = []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "net.onnx").write_text("")
        text = spec(**{"network: net": "network: ./net.onnx"}).read_text().replace(str(tmp_path / "log"), "")
        (folder / "small.yaml").write_text(text)
        monkeypatch.chdir(tmp_path)
        plans.append(make_plan(load_experiment(f"{name}/small.yaml"), folder, BENCH))
    here, there = plans
    assert [point.id for point in here.points] == [point.id for point in there.points]
    assert here.points[0].given["context"]["network"] == str(tmp_path / "here" / "net.onnx")
    assert there.constants.given["context"]["network"] == str(tmp_path / "there" / "net.onnx")


def test_an_empty_name_of_a_bench_is_a_name(spec, tmp_path):
    with pytest.raises(MissingError, match="'' is no name of a module"):
        run_experiment(spec(), out=tmp_path, bench="")


@pytest.fixture
def locked(spec, tmp_path):
    """A finished experiment in a folder that this process cannot write, also if it is root's."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    shutil.copy(spec().parent / "small.yaml", place)
    run_experiment(place / "small.yaml", out=place)
    (place / "small").chmod(0o555)
    root = os.getuid() == 0
    if root:
        os.seteuid(65534)
    yield place
    if root:
        os.seteuid(0)
    (place / "small").chmod(0o755)
    shutil.rmtree(place)


def test_a_finished_experiment_in_a_folder_that_cannot_be_written(locked):
    assert run_experiment(locked / "small.yaml", out=locked).computed == 0
