"""`--figure` of the cost commands: a file with a figure in it, or one clear line before any work."""

import json

import pytest
from typer.testing import CliRunner

from pimsim.base.errors import InputError
from pimsim.cli.app import app

CHIP = ("--chip", "generic-rram-32nm")
COMMANDS = {
    "cost": ("cost", "alexnet", *CHIP),
    "eyexam": ("eyexam", "alexnet", *CHIP, "--accelerator", "eyeriss", "--layer", "conv3"),
    "scorecard": ("scorecard", "alexnet", *CHIP),
    "sensitivity": ("sensitivity", "alexnet", *CHIP),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_figure_is_written_beside_the_json(command, tmp_path):
    path = tmp_path / "figure.pdf"
    result = CliRunner().invoke(app, [*COMMANDS[command], "--json", "--figure", str(path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert json.loads(result.stdout)
    assert f"Wrote {path}" in result.stderr
    data = path.read_bytes()
    assert data.startswith(b"%PDF")
    assert len(data) > 5000
    assert b"network" in data  # the ids of what was drawn


def test_macros_beside_the_ratios(tmp_path):
    asked = [*COMMANDS["scorecard"], "--macros", str(tmp_path / "macros.png")]
    assert CliRunner().invoke(app, asked, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "macros.png").stat().st_size > 5000


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("figure.jpg", r"figure\.jpg: the ending of a figure must be one of \.pdf, \.svg, \.png"),
        ("none/figure.pdf", "there is no folder .*none; make it first"),
        ("folder.pdf", r"folder\.pdf: cannot be written"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_first(command, path, match, tmp_path):
    (tmp_path / "folder.pdf").mkdir()
    with pytest.raises(InputError, match=match):
        CliRunner().invoke(app, [*COMMANDS[command], "--figure", str(tmp_path / path)], catch_exceptions=False)


def test_eyexam_of_both_machines_and_of_some_layers():
    asked = [*COMMANDS["eyexam"], "--layer", "fc6"]
    rows = json.loads(CliRunner().invoke(app, [*asked, "--json"], catch_exceptions=False).stdout)
    assert [row["side"] for row in rows] == ["generic-rram-32nm"] * 7 + ["eyeriss"] * 7
    text = CliRunner().invoke(app, asked, catch_exceptions=False).stdout
    assert "conv3, fc6 on eyeriss" in text
    assert "conv3, fc6 on generic-rram-32nm" in text


def test_sensitivity_as_a_table():
    text = CliRunner().invoke(app, [*COMMANDS["sensitivity"]], catch_exceptions=False).stdout
    assert "as given" in text
    assert "256 x 256" in text
