"""Examples of the help pages: CI runs them from the wheel; here none is forgotten and each one parses."""

import importlib.util
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pimsim.cli import app

SCRIPT = Path(__file__).parents[2] / ".ci" / "help_examples.py"
spec = importlib.util.spec_from_file_location("help_examples", SCRIPT)
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


def page(*path):
    result = CliRunner().invoke(app, [*path, "--help"], terminal_width=100)
    assert result.exit_code == 0, result.output
    return result.output


def leaves(command, context, *path):
    """Every command that does something, by its words."""
    if not hasattr(command, "list_commands"):
        return {path: command}
    found = {}
    for name in command.list_commands(context):
        found |= leaves(command.get_command(context, name), context, *path, name)
    return found


ROOT = typer.main.get_command(app)
LEAVES = leaves(ROOT, typer.Context(ROOT))
EXAMPLES = script.collect(page)


def test_every_example_of_every_command_is_collected():
    """The docstrings of the commands, read without their help pages, have the same lines."""
    written = [line for command in LEAVES.values() for line in script.examples(command.callback.__doc__)]
    assert set(EXAMPLES) == set(written) | set(script.examples(page()))
    assert all(script.examples(command.callback.__doc__) for command in LEAVES.values())


def test_what_is_left_out_has_a_reason_and_is_there():
    assert set(script.LEFT_OUT) <= set(EXAMPLES)
    assert all(script.LEFT_OUT.values())


@pytest.mark.parametrize("line", [line for line in EXAMPLES if line not in script.LEFT_OUT])
def test_an_example_parses_at_its_small_size(line):
    words = shlex.split(script.smaller(line).partition(" > ")[0])[1:]
    path = max((path for path in LEAVES if tuple(words[: len(path)]) == path), key=len)
    context = LEAVES[path].make_context("pimsim", words[len(path) :])
    assert context.command is LEAVES[path]


def test_ci_runs_them_from_the_installed_wheel():
    steps = (SCRIPT.parent / "run").read_text()
    assert '"$clean/venv/bin/python" .ci/help_examples.py' in steps.partition("pip install")[2]


def test_comments_and_redirections_of_an_example():
    text = "Examples:\n  pimsim run a       what it does\n  pimsim cite a > a.bib\n\nOptions:\n  --size"
    assert script.examples(text) == ["pimsim run a", "pimsim cite a > a.bib"]
    assert script.smaller("pimsim run a") == "pimsim run a --size smoke --workers 1"
    assert script.smaller("pimsim cite a > a.bib") == "pimsim cite a > a.bib"
