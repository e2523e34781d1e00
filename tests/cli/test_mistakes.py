"""What a new user gets wrong: one line that says what to do, exit code 1, no traceback."""

import sys

import pytest

from pimsim.cli import main

CHIP = ["--chip", "isaac-ce"]
FIT = ["devices", "fit", "m.csv", "--name", "mine", "--technology", "RRAM", "--source", "k"]
CASES = [
    (["cost", "alexnt", *CHIP], "no network 'alexnt'; did you mean 'alexnet'? There are alexnet"),
    (["cost", "alexnet", "--chip", "isac-ce"], "did you mean 'isaac-ce'?"),
    (["cost", "alexnet", "--chip", "zzz"], "no card 'zzz' in devices/chips. Known: "),
    (["cost", "alexnet", "--chip", "bad.yaml"], "bad.yaml"),
    (["cost", "alexnet", "--chip", "binary.yaml"], "not text in UTF-8"),
    (["cost", "bad.onnx", *CHIP], "bad.onnx is not a valid ONNX file"),
    (["scorecard", "alexnet", *CHIP, "--accelerator", "none"], "a comparison needs a digital side"),
    (["sensitivity", "alexnet", *CHIP, "--accelerator", "none"], "a comparison needs a digital side"),
    (["eyexam", "alexnet", "--accelerator", "roof", "--figure", "a.pdf"], "no bandwidth limit; name another memory"),
    (["map", "alexnet", "--save", "none/m.yaml"], "there is no folder none; make it first"),
    (["map", "--check", "binary.yaml"], "binary.yaml: not UTF-8 text"),
    (["report", "none"], "give the folder of a finished experiment"),
    (["solve", "--rows", "4", "--cols", "4", "--figure", "x.jpg"], "must be one of .pdf, .svg, .png"),
    (["solve", "--array", "none.npy"], "no file none.npy"),
    (["solve", "--array", "bad.npz"], "bad.npz: not a NumPy file of plain numbers"),
    (["solve", "--array", "bad.npy"], "bad.npy: not a NumPy file of plain numbers"),
    (["devices", "show", "bad.yaml"], "bad.yaml"),
    ([*FIT, "--bib", "binary.yaml"], "binary.yaml: not UTF-8 text"),
    ([*FIT, "--bib", "none.bib"], "no file none.bib"),
    (["devices", "show", "zzz"], "no card 'zzz' in devices/cells. Known: "),
    (["run", "bad.yaml"], "bad.yaml"),
    (["run", "adc_bits", "--size", "smoke", "--out", "bad.yaml"], "check the path and its permissions"),
]


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("a: [")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "bad.onnx").write_text("hello")
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04zz")
    (tmp_path / "bad.npy").write_bytes(b"zz")


@pytest.mark.parametrize(("arguments", "says"), CASES, ids=lambda value: " ".join(value) if type(value) is list else "")
def test_one_line(arguments, says, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pimsim", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    text = capsys.readouterr().err
    assert text.startswith("Error: ")
    assert len(text.splitlines()) == 1
    assert says in text


def test_a_negative_seed_is_a_usage_error(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["pimsim", "solve", "--rows", "2", "--cols", "2", "--seed", "-1"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "--seed" in capsys.readouterr().err
