import contextlib
import hashlib
import json
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from pimsim.base.errors import InputError, MissingError
from pimsim.cli import app
from pimsim.report import write_report

STAMP = {
    "experiment": "small", "spec_id": "3f2a", "pimsim": "0.1.0", "python": "3.11.7", "packages": {"numpy": "2.0"},
    "spec": {"title": "Bits & <pieces>", "network": "net", "images": 5, "data": "set", "trials": 3},
    "chips": {"RRAM": "c41b"}, "contents": {"network": "77aa"}, "constants": {"float_accuracy": 0.92},
    "intervals": "t, 95 %", "citations": ["@article{a,\n}"], "sources": ["Horowitz, ISSCC 2014"],
}  # fmt: skip
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Text and addresses of a page; fails on a tag that is not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.addresses, self.cells = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.open[-1:] == ["td"]:
            self.cells.append(data)


ROWS = ["series,bits,trial,accuracy", "RRAM,3,0,0.5", "RRAM,3,1,0.6", "RRAM,3,2,0.7", "RRAM,4,0,0.9"]


def write(folder, rows=ROWS, **changed):
    """A folder as a run leaves it."""
    files = {"figure.png": b"\x89PNG not really", "table.csv": "\n".join(rows).encode()}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    (folder / "provenance.json").write_text(json.dumps(STAMP | {"files": hashes} | changed))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path)


def test_page_holds_means_with_intervals(folder):
    page = Page(write_report(folder).read_text())
    # t(0.975, 2) = 4.3027, s = 0.1: half width 0.2484
    assert page.cells[:4] == ["RRAM", "3", "3", "0.6 ± 0.2"]
    assert page.cells[4:8] == ["RRAM", "4", "1", "0.9"]


def test_page_needs_nothing_else_and_escapes_names(folder):
    text = write_report(folder).read_text()
    page = Page(text)
    assert [address[:22] for address in page.addresses] == ["data:image/png;base64,"]
    assert "Bits & <pieces>" in page.text
    assert "<pieces>" not in text


def test_page_names_what_made_it(folder):
    text = "".join(Page(write_report(folder).read_text()).text)
    for needed in ("3f2a", "c41b", "77aa", "Horowitz, ISSCC 2014", "@article{a,", "net on 5 images of set", "0.92"):
        assert needed in text


def test_command(folder):
    result = CliRunner().invoke(app, ["report", str(folder)])
    assert result.output == f"Wrote {folder / 'report.html'}.\n"


def test_folder_without_results(tmp_path):
    with pytest.raises(MissingError, match=r"provenance\.json is not there: give the folder of a finished experiment"):
        write_report(tmp_path)


@pytest.mark.parametrize("name", ["table.csv", "figure.png"])
def test_a_mixture_of_two_runs_is_refused(folder, name):
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(InputError, match=f"{name} is not the one that provenance.json was written with: two runs"):
        write_report(folder)
    (folder / name).unlink()
    with pytest.raises(MissingError, match=f"{name} is not there"):
        write_report(folder)
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize(
    "name", ["files", "citations", "constants", "packages", "spec_id", "spec", "chips", "intervals"]
)
@pytest.mark.parametrize("value", [None, 3, [[]], {"a": []}])
def test_a_damaged_provenance_is_one_line(tmp_path, name, value):
    folder = write(tmp_path)
    stamp = json.loads((folder / "provenance.json").read_text())
    (folder / "provenance.json").write_text(json.dumps(stamp | {name: value}))
    with contextlib.suppress(InputError):  # a mapping of other texts is a page of other texts
        write_report(folder)
        assert isinstance(value, dict)
        assert name in ("packages", "chips")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "NaN", "[" * 100_000, '{"a": "\\ud800"}'])
def test_a_provenance_that_is_none_is_one_line(folder, text):
    (folder / "provenance.json").write_text(text)
    with pytest.raises(InputError, match=r"provenance\.json (is damaged|has no experiment)"):
        write_report(folder)


@pytest.mark.parametrize(
    "rows",
    [[""], ["series,bits"], ["series,trial,accuracy", "RRAM,0,many"], ["series,trial,accuracy", "RRAM"],
     ["series,trial,accuracy", "RRAM,0,nan"], ["series,trial,accuracy", "RRAM,0,1,2,3"]],
)  # fmt: skip
def test_a_table_that_is_none_is_one_line(tmp_path, rows):
    with pytest.raises(InputError, match=r"table\.csv is no table of results"):
        write_report(write(tmp_path, rows))


def test_labels_are_read_back_as_they_were(tmp_path):
    page = Page(write_report(write(tmp_path, ["series,bits,trial,accuracy", "'=1+1,3,0,0.5"])).read_text())
    assert page.cells[:2] == ["=1+1", "3"]
