"""What the files at the top promise is there: names, targets, entry points, one version."""

import importlib
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import pimsim as ps
from pimsim.base import library
from pimsim.base.errors import MissingError

ROOT = Path(__file__).resolve().parents[1]


def resolved(name):
    """What a dotted name leads to."""
    module, _, last = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return getattr(resolved(module), last)


def test_every_name_in_contributing_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    names = set(re.findall(r"`(pimsim(?:\.\w+)+)", text)) - {"pimsim.library", "pimsim.estimators", "pimsim.benches"}
    assert {"pimsim.checks.check_device", "pimsim.experiment.benches.ChipBench"} <= names
    for name in names:
        assert resolved(name) is not None, name
    for group in ("pimsim.library", "pimsim.estimators", "pimsim.benches"):
        assert group in text
        assert any(f'ENTRY_POINTS = "{group}"' in path.read_text() for path in (ROOT / "pimsim").rglob("*.py")), group
    for path in re.findall(r"`((?:tests|docs|devices|benchmarks|pimsim)/[\w/.]*)`", text):
        assert (ROOT / path).exists(), path


def test_the_suites_are_public_under_one_name():
    assert set(ps.checks.__all__) == {"check_device", "check_estimator", "check_solver"}
    assert ps.checks.check_device(ps.load_device("rram-milo2021")) == []


def test_every_target_of_make_has_a_rule():
    text = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert "bench" in phony.split()
    for target in phony.split():
        assert re.search(rf"^{target}:.*\n(\t.+\n)+", text, re.MULTILINE), target
    for script in re.findall(r"benchmarks/\w+\.py", text):
        assert (ROOT / script).is_file(), script


def test_the_version_stands_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    path = ROOT / project["tool"]["hatch"]["version"]["path"]
    assert re.findall(r'^__version__ = "(.*)"$', path.read_text(), re.MULTILINE) == [ps.__version__]
    assert not re.search(r"^version:", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package that brings a device and a chip of its own."""
    (tmp_path / "cells").mkdir()
    (tmp_path / "chips").mkdir()
    card = library.library_path("cells", "ideal").read_text()
    (tmp_path / "cells" / "mine-2026.yaml").write_text(card)
    (tmp_path / "chips" / "mine.yaml").write_text("extends: generic-rram-32nm\nchanges: {macro.device: mine-2026}\n")

    class Point:
        name, value = "mine", "mine:CARDS"

        def load(self):
            return str(tmp_path)

    def entry_points(group):
        return [Point()] if group == library.ENTRY_POINTS else []

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    library._installed.cache_clear()
    yield
    library._installed.cache_clear()


def test_cards_of_an_installed_package_are_found_by_name(installed):
    assert "mine-2026" in ps.list_devices()
    assert "mine" in ps.list_chips()
    assert ps.load_chip("mine").macro.device == "mine-2026"
    assert ps.load_device("mine-2026").g_max == ps.load_device("ideal").g_max
    with pytest.raises(MissingError, match="no card 'mine-2025' in devices/cells; did you mean 'mine-2026'"):
        ps.load_device("mine-2025")
