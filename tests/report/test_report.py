import json
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from pimsim.base.errors import MissingError
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


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "figure.png").write_bytes(b"\x89PNG not really")
    (tmp_path / "provenance.json").write_text(json.dumps(STAMP))
    rows = ["series,bits,trial,accuracy", "RRAM,3,0,0.5", "RRAM,3,1,0.6", "RRAM,3,2,0.7", "RRAM,4,0,0.9"]
    (tmp_path / "table.csv").write_text("\n".join(rows))
    return tmp_path


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
    with pytest.raises(MissingError, match=r"table\.csv is not there: give the folder of a finished experiment"):
        write_report(tmp_path)
