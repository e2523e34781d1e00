"""`pimsim merge`: shards of a study from the command line."""

import json

import pytest
from typer.testing import CliRunner

from pimsim.base.errors import InputError
from pimsim.cli import app
from pimsim.studies import Row, Store, StoreError, UnequalRowsError


@pytest.fixture
def shards(tmp_path):
    """Three stores; the second differs in last digits, the third by one image of 250."""
    for k, accuracy in enumerate([0.9, 0.9 * (1 + 1e-14), 0.9 + 1 / 250]):
        folder = tmp_path / str(k)
        with Store(folder / "results.sqlite", {"seed": 0}) as store:
            store.add([Row("p" * 64, 0, {"accuracy": accuracy}), Row("q" * 64, k, {"accuracy": 0.5})])
    return [str(tmp_path / str(k)) for k in range(3)]


def merge(*arguments):
    return CliRunner().invoke(app, ["merge", *arguments])


def test_results_folders_and_files_are_merged_and_differences_told(shards, tmp_path):
    result = merge(shards[0], f"{shards[1]}/results.sqlite", "--json")
    found = json.loads(result.stdout)
    assert found["stores"] == [{"store": f"{shards[1]}/results.sqlite", "new results": 1}]
    assert found["results"] == 3
    assert [(row["point"], row["trial"]) for row in found["differences"]] == [("p" * 12, 0)]
    assert 0 < found["differences"][0]["accuracy"] < 1e-13
    again = merge(shards[0], shards[1])
    assert again.exit_code == 0
    assert "computed more than once with other last digits" in again.stdout


def test_a_new_store_takes_all(shards, tmp_path):
    assert merge(str(tmp_path / "all.sqlite"), *shards[:2]).exit_code == 0
    with Store(tmp_path / "all.sqlite", {"seed": 0}, read_only=True) as store:
        assert len(store) == 3


def test_one_step_is_allowed_if_it_is_named(shards):
    assert isinstance(merge(shards[0], shards[2]).exception, UnequalRowsError)
    assert merge(shards[0], shards[2], "--step", "accuracy=0.004").exit_code == 0


@pytest.mark.parametrize("step", ["accuracy", "accuracy=", "=1", "accuracy=nan", "accuracy=inf", "accuracy=-1", ""])
def test_a_step_is_a_metric_and_a_number(shards, step):
    found = merge(shards[0], shards[1], "--step", step).exception
    assert isinstance(found, InputError)
    assert "--step" in str(found)


def test_no_store(shards, tmp_path):
    found = merge(shards[0], str(tmp_path / "none")).exception
    assert isinstance(found, StoreError)
    assert "none: no such store" in str(found)
