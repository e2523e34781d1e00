"""Every example in a docstring and in the README runs and gives what it says."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import pimsim

ROOT = Path(__file__).resolve().parents[1]
# A module that needs an extra which the tests do not install.
NEEDS_EXTRA = {"pimsim.networks.torch"}
MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(pimsim.__path__, "pimsim.")
    if info.name not in NEEDS_EXTRA and not info.name.endswith("__main__") and "_library" not in info.name
)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(name)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, _ = doctest.testmod(module, optionflags=options, verbose=False)
    assert failed == 0, f"{failed} examples of {name} failed; see the captured output"


def test_readme(tmp_path, monkeypatch):
    """The twenty lines of Python, on few images and chips."""
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block.replace("limit=250", "limit=10").replace("trials=5", "trials=2"), "README.md", "exec"), {})
