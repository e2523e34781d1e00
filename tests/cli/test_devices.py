"""`pimsim devices`: tables and JSON of the cards, the suite's verdicts, a fitted card from end to end."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import pimsim as ps
from pimsim.base.errors import InputError, MissingError
from pimsim.cli import app
from tests.close import close


def devices(*arguments, code=0):
    result = CliRunner().invoke(app, ["devices", *arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_list_names_every_card():
    rows = json.loads(devices("list", "--json"))
    assert [row["name"] for row in rows] == ps.list_devices()
    by_name = {row["name"]: row for row in rows}
    assert by_name["pcm-nandakumar2019"]["g_max_s"] == 25e-6
    assert by_name["pcm-nandakumar2019"]["read_noise"] == "vector"
    assert by_name["rram-milo2021"]["iv"] == "cubic"
    assert "pcm-nandakumar2019" in devices("list")


def test_show_gives_every_number_its_source():
    shown = json.loads(devices("show", "rram-wan2022", "--json"))
    values = {row["field"]: row for row in shown["values"]}
    assert values["conductance.max"]["value"] == "4e-05 S"
    assert values["programming.sigma"]["how"] == "digitized"
    assert "16.03" in values["programming.sigma"]["value"]
    assert all(row["source"] or row["where"] for row in shown["values"])
    assert "10.1038/s41586-022-04992-8" in shown["references"]["wan2022"]
    text = devices("show", "rram-wan2022")
    assert "Extended Data Fig. 3" in text
    assert "digitization" in text


def test_show_of_a_missing_card_names_the_nearest():
    result = CliRunner().invoke(app, ["devices", "show", "rram-wan2023"])
    assert isinstance(result.exception, MissingError)
    assert "did you mean 'rram-wan2022'" in str(result.exception)


def test_check_passes_a_good_card_and_fails_a_bad_one(tmp_path):
    assert "passes" in devices("check", "ideal")
    text = (ps.cells.library.library_path("cells", "rram-milo2021")).read_text()
    (tmp_path / "card.yaml").write_text(text.replace("[4.782321, -0.009107], low: 0", "[4.782321, -0.09107]"))
    (tmp_path / "refs.bib").write_text("@misc{milo2021, title={x}}")
    rows = json.loads(devices("check", "--json", str(tmp_path), code=1))
    assert rows[0]["verdict"] == "fails"
    assert "spread of programming is negative" in rows[0]["findings"]


@pytest.mark.parametrize("as_json", [True, False])
def test_fit_writes_a_card_that_loads(tmp_path, as_json):
    rng = np.random.default_rng(1)
    target = np.repeat(np.linspace(2, 20, 7), 60)
    lines = [f"{a:.6g},{a + (0.1 + 0.03 * a) * xi:.6g}" for a, xi in zip(target, rng.standard_normal(target.size))]
    (tmp_path / "readings.csv").write_text("target_uS,g_uS\n" + "\n".join(lines))
    (tmp_path / "lab.bib").write_text("@misc{lab2026,\n title = {Ours}\n}\n")
    arguments = ["fit", str(tmp_path / "readings.csv"), "--name", "mine", "--technology", "RRAM", "--degree", "1"]
    arguments += ["--source", "lab2026", "--bib", str(tmp_path / "lab.bib"), "--out", str(tmp_path)]
    output = devices(*arguments, *(["--json"] if as_json else []))
    if as_json:
        found = json.loads(output)
        assert len(found["spread"]) == 7
        assert found["chi2"] < 4
    card = ps.load_device(tmp_path / "mine")
    assert card.programming.std(10e-6) == close(0.4e-6, rel=0.15)
    assert card.sources == ("lab2026",)


def test_fit_refuses_a_source_that_is_not_in_the_file(tmp_path):
    (tmp_path / "lab.bib").write_text("@misc{other, title={x}}")
    arguments = ["fit", "x.csv", "--name", "m", "--technology", "RRAM", "--source", "lab", "--bib"]
    result = CliRunner().invoke(app, ["devices", *arguments, str(tmp_path / "lab.bib")])
    assert isinstance(result.exception, MissingError)
    assert "no entry 'lab'" in str(result.exception)


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "", ".", "..", "a/b", "a\\b", "x" * 200, "a\x1bb", "-x"])
def test_a_card_stays_in_its_folder(tmp_path, name):
    arguments = ["m.csv", f"--name={name}", "--technology", "RRAM", "--source", "k", "--bib", "b.bib"]
    found = CliRunner().invoke(app, ["devices", "fit", *arguments, "--out", str(tmp_path)])
    assert isinstance(found.exception, InputError)
    assert "--name" in str(found.exception)
    assert not list(tmp_path.iterdir())
