import json

import pytest
from typer.testing import CliRunner

from pimsim.base.errors import MissingError
from pimsim.cli import app

BENCH = ["--bench", "tests.experiment.fake_bench"]
SPEC = """
name: tiny
chip: {}
network: net
data: images
images: 10
trials: 2
sweep: {macro.adc.bits: [3, 4]}
"""


@pytest.fixture
def run(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(SPEC)

    def call(*options):
        return CliRunner().invoke(app, ["run", str(path), "--out", str(tmp_path), "--workers", "1", *BENCH, *options])

    return call


def test_table_bar_and_files(run, tmp_path):
    result = run()
    assert result.exit_code == 0, result.exception
    assert "macro.adc.bits" in result.stdout
    assert "Computed 5 results." in result.stdout
    assert "4/4" in result.stderr
    assert (tmp_path / "tiny" / "figure.pdf").exists()


def test_second_run_says_that_nothing_was_computed(run):
    run()
    assert "Nothing to compute" in run().stdout


def test_json_is_all_that_stdout_holds(run):
    rows = json.loads(run("--json").stdout)
    assert [row["macro.adc.bits"] for row in rows] == [3, 4]
    assert rows[0]["accuracy_low"] < rows[0]["accuracy"] < rows[0]["accuracy_high"]


def test_dask_without_the_extra(run, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    assert isinstance(run("--dask", "tcp://nowhere:1").exception, MissingError)


def test_unknown_size_is_a_usage_error(run):
    result = run("--size", "smal")
    assert result.exit_code == 2
    assert "paper" in result.stderr


def test_cite(run, tmp_path):
    text = CliRunner().invoke(app, ["cite", str(tmp_path / "tiny.yaml"), *BENCH]).output
    assert "@inproceedings{milo2021" in text
    assert "a formula of the tests" in text
