import importlib.util
import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pimsim.cli import app, output
from pimsim.cli.app import COMMANDS

HEAVY = {"numpy", "numba", "pandas", "matplotlib", "onnx", "onnxruntime", "scipy", "rich"}


def environment():
    return dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path), COLUMNS="100")


def pimsim(*arguments, **options):
    command = [sys.executable, "-m", "pimsim.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), **options)


def test_help_is_quick():
    """Processor time, which other work on the machine does not change."""

    def seconds():
        before = os.times()
        assert pimsim("--help").returncode == 0
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(seconds() for _ in range(5)) < 0.5


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_heavy(arguments):
    if arguments[0] in COMMANDS and not importlib.util.find_spec(f"pimsim.cli.{arguments[0]}"):
        pytest.skip("command is not there")
    code = f"""
import sys
from pimsim.cli import main
sys.argv[1:] = {arguments!r}
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted({HEAVY!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert len(arguments) == 1 or "Examples:" in done.stdout or "COMMAND" in done.stdout


def test_help_lists_commands_that_are_there_only():
    text = CliRunner().invoke(app, ["--help"]).output
    listed = [line.split()[0] for line in text.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == [name for name in COMMANDS if importlib.util.find_spec(f"pimsim.cli.{name}")]
    assert {"run", "evaluate", "doctor", "cite"} <= set(listed)


def test_error_is_one_line_and_exit_code_1():
    done = pimsim("run", "adc_bit")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: no experiment 'adc_bit'; did you mean 'adc_bits'?")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_unknown_command_is_a_usage_error():
    done = pimsim("rum")
    assert done.returncode == 2
    assert "No such command" in done.stderr


def test_version():
    assert CliRunner().invoke(app, ["--version"]).output.startswith("pimsim 0.")


def test_doctor():
    result = CliRunner().invoke(app, ["doctor", "--json"])
    found = {row["what"]: row for row in json.loads(result.output)}
    assert found["python"]["found"] == ".".join(map(str, sys.version_info[:3]))
    assert found["numba"]["verdict"] == "ok"
    assert "bits" in found["SIMD"]["found"]
    assert not [row for row in found.values() if row["verdict"] == "missing"]
    assert result.exit_code == 0
    assert "SIMD" in CliRunner().invoke(app, ["doctor"]).output


def test_doctor_fails_when_something_needed_is_missing(monkeypatch):
    monkeypatch.setattr("pimsim.cli.doctor.PACKAGES", ("no-such-package",))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    found = {row["what"]: row["verdict"] for row in json.loads(result.output)}
    assert found["no-such-package"] == "missing"
    assert result.exit_code == 1


def test_json_of_infinite_numbers_is_null(capsys):
    output.show([{"a": float("inf"), "b": [1.5, float("-inf")], "c": "x"}], as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"a": None, "b": [1.5, None], "c": "x"}]


def test_table_keeps_every_column_and_row(capsys):
    output.show([{"name": "a", "value": 1.23456789}, {"name": "b", "extra": True}])
    text = capsys.readouterr().out
    assert "1.235" in text
    assert all(word in text for word in ("name", "value", "extra", "True"))


@pytest.mark.parametrize("width", [160, 80, 60, 40])
def test_no_number_is_broken_on_a_narrow_terminal(capsys, monkeypatch, width):
    from rich.console import Console

    monkeypatch.setattr(output, "console", lambda: Console(width=width, highlight=False))
    row = {"name of the device": "a" * 30} | {f"a long name of column {k}": 1.234e-05 * 10**k for k in range(6)}
    output.show([row], title="what it is, at some length, longer than the table if there is room for no more than that")
    text = capsys.readouterr().out
    assert all(f"{value:.4g}" in text for value in list(row.values())[1:])
    assert ("a long name of column 0  " in text) == (width < 80)
    assert "at some length, longer than the table" in text
